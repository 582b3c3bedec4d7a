/* Calls to the firmware, which runs in machine mode below the kernel (OpenSBI). The kernel asks it
   for what supervisor mode cannot do by itself: set the timer, interrupt another hart, have it
   flush its TLB, start it, and switch the machine off (RISC-V SBI specification 1.0.0, chapters 5
   to 10).

   A mask has a bit for each hart, by the machine's own numbers (see cpu_hart_mask()), and may name
   only harts that have been started: newer firmware refuses the whole call otherwise. All may be
   called with interrupts on or off; none sleeps. The error of a call that cannot fail on a machine
   that boots is not looked at. */
#pragma once

#include <riscv/memlayout.h>

#define SBI_LEGACY_PUTCHAR  0x01
#define SBI_SRST            0x53525354

#ifndef __ASSEMBLER__
/* Print a character on the firmware's console: before the console driver is there. */
void sbi_putchar(int c);
/* Interrupt this hart when rdtime() reaches `deadline`. A timer interrupt that is pending is
   cleared, unless the deadline has passed already. */
void sbi_set_timer(uint64_t deadline);
/* Raise a software interrupt on these harts. Does not wait until they take it. */
void sbi_send_ipi(uint64_t hart_mask);
/* Make these harts do sfence.vma for the addresses [start, start + size), and wait until all have
   done it. They do it in the firmware, so also while the kernel has interrupts off there. */
void sbi_remote_sfence(uint64_t hart_mask, uintptr_t start, size_t size);
/* The same with fence.i. */
void sbi_remote_fence_i(uint64_t hart_mask);
/* Start a stopped hart: it begins at the physical address `entry`, in supervisor mode without
   paging, with a0 = its number and a1 = arg. Returns 0 or a negative error of SBI, not E_. */
int sbi_hart_start(uint64_t hartid, paddr_t entry, uint64_t arg);
/* Switch the machine off; `failure` is told as the reason. Returns only if the firmware cannot. */
void sbi_shutdown(bool failure);
#endif /* !__ASSEMBLER__ */
