/* Calls to the firmware in M mode (RISC-V SBI specification 1.0). They return 0 or a negative SBI
   error. Masks have a bit for each hart, by the machine's numbers, and may name only harts that
   have been started. */
#pragma once

#include <riscv/memlayout.h>

#define SBI_LEGACY_PUTCHAR  0x01
#define SBI_SRST            0x53525354

#ifndef __ASSEMBLER__
/* Print a character: for the time before the console driver, and for panics. */
void sbi_putchar(int c);
/* Interrupt this hart when rdtime reaches `deadline`; clears a pending one. */
void sbi_set_timer(uint64_t deadline);
/* Raise a software interrupt on these harts. */
void sbi_send_ipi(uint64_t hart_mask);
/* Make these harts do sfence.vma on [start, start + size), and wait for it. */
void sbi_remote_sfence(uint64_t hart_mask, uintptr_t start, size_t size);
/* Start a stopped hart at a physical address, with a0 = its number and a1 = arg. */
int sbi_hart_start(uint64_t hartid, paddr_t entry, uint64_t arg);

/* Switch the machine off. Code 0 is success; others become the exit status of
   QEMU where power_set_test_device() has named the device that can do that:
   firmware reports every shutdown as a success. */
__never_returns void power_off(uint8_t code);
void power_set_test_device(volatile uint32_t *reg);
#endif /* !__ASSEMBLER__ */
