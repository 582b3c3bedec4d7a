/* Where harts enter the kernel from the firmware, in S mode (SBI spec 1.0, chapter 9). There are
   two ways in: _start, for the hart that the firmware boots, and secondary_start, for those that
   start_hart() in smp.c asks for. A block below says what the registers hold when they come and
   when they leave.

   The code is linked at high addresses, in the linear map, but runs at low ones until paging is on.
   The compiler's and assembler's addresses are relative to pc (la, call): so they come out as
   physical ones at first, and as high ones afterwards. No address is kept across that change.

   No lock is needed: the boot hart is alone here, and the others are started one at a time. */

# At both entries:
#
#   a0          the hart's number
#   a1          _start: physical address of the device tree; secondary_start: nothing of use
#   satp        0: no paging, addresses are physical
#   sstatus.SIE 0: interrupts are off, and sie is 0
#   stvec       _start, as OpenSBI leaves it: a fault would start the kernel again
#   others      anything; sp is a stack of the firmware, which S mode may not touch
#
# A hart leaves by a call of kern_init() or secondary_init(), neither of which returns, with
#
#   a0, a1      as they came
#   satp        _start: boot_pgdir; secondary_start: the kernel's own table
#   sp          the end of a stack on which nothing is yet
#   tp          the hart's struct cpu, a high address, as is sp
#   s0          0: the call stack ends here (kern/debug/backtrace.c)
#   stvec       of no use any more; trap_init_hart() sets it, before anything else
#
# gp is not set: the kernel is linked without relaxation to it, and never uses it.

#include <riscv/cpu.h>
#include <riscv/memlayout.h>
#include <riscv/sbi.h>
#include <riscv/sv39.h>
#include <riscv/tlb.h>

# Turn paging on with the root table whose satp value is in t0, and go on at the high address of
# label 9. What the instruction after `csrw satp` finds:
#
#   pc                   low, and not mapped by the table: fetching it is a page fault
#   scause, sepc, stval  of no value: nobody looks at this fault
#   stvec                label 9 at its high address, which is mapped: so the hart goes on there
#   a0, a1, t0           as before
#
# The first sfence.vma has the writes to the table seen before the table is used, the second one
# drops translations that were made before (Privileged spec 20211203, 4.2.1); the write to satp
# orders nothing by itself (4.1.11). A hart without Sv39 ignores that write as a whole (4.1.11), and
# runs on at the low address: so satp is read back. Clobbers t1, t2 and stvec.
.macro enable_paging
    la t1, 9f
    li t2, KERNEL_OFFSET
    add t1, t1, t2
    csrw stvec, t1
    # no pair: both of these are for walks of this hart
    sfence.vma
    csrw satp, t0
    csrr t1, satp               # still here, at the low address
    bne t1, t0, no_paging
.balign 4
9:
    sfence.vma                  # no pair: see above
.endm

.section .text.entry, "ax"

# The boot hart. a1 = physical address of the device tree. This is the kernel's first byte: where
# the firmware jumps to. From here to the call: a0 and a1 are not touched, t0 to t2 are free, there
# is no stack, and a fault would begin again at _start without a word.
.globl _start
_start:
    # 0. Is it the boot hart? OpenSBI before 1.3 makes a hart's start known before it has
    # stored where to: a hart that comes too early is sent here. It goes the right way now.
    # The first hart to swap a 1 into the word finds 0 there: that is the boot hart.
    la t0, boot_hart_came
    li t1, 1
    # no pair: one word, of which only the winner matters
    amoswap.w.aqrl t1, t1, (t0)
    bnez t1, secondary_start

    # 1. Clear bss, 32 bytes a turn: kernel.ld aligns its ends. No data of C is used before.
    la t0, kernel_bss_start
    la t1, kernel_bss_end
1:  sd zero, 0(t0)
    sd zero, 8(t0)
    sd zero, 16(t0)
    sd zero, 24(t0)
    addi t0, t0, 32
    bltu t0, t1, 1b

    # 2. Paging on. t0 = the table's page number, and the mode above it.
    la t0, boot_pgdir
    srli t0, t0, PGSHIFT
    li t1, SATP_SV39
    or t0, t0, t1
    enable_paging

    # 3. A stack and a struct cpu, the first one, and on to C; a0 and a1 are its arguments.
    la tp, cpus
    la sp, boot_stack_top
    li s0, 0
    call kern_init

# Another hart: the one whose struct cpu is in starting_cpu, because a1 has not arrived if it came
# in by _start. Harts come one at a time. Paging uses the kernel's own table from the start:
# kernel_as is read at its low address, its satp value is good anywhere.
#
#   starting_cpu                 set by start_hart(), with a barrier before the call of the firmware
#   its CPU_USER_TF              where the trap frame of the hart's idle process is: at the top of
#                                that one's kernel stack, below which the hart begins
.globl secondary_start
.balign 4
secondary_start:
    ld t0, kernel_as + AS_SATP
    enable_paging
    ld tp, starting_cpu
    ld sp, CPU_USER_TF(tp)      # the stack of its idle process
    li s0, 0
    call secondary_init

# A hart without Sv39 keeps satp as it is. Nothing of the kernel can run there but these lines: they
# say so by the firmware's legacy call, character by character, and have it switch the machine off.
no_paging:
    la s0, no_paging_text
1:  lbu a0, (s0)
    beqz a0, 2f
    li a7, SBI_LEGACY_PUTCHAR
    ecall
    addi s0, s0, 1
    j 1b
2:  li a7, SBI_SRST             # function 0: reset; a0 = 0: shutdown, a1 = 1: a system failure
    li a6, 0
    li a0, 0
    li a1, 1
    ecall
3:  wfi                         # a firmware that cannot
    j 3b
no_paging_text:
    .asciz "rvlab cannot run on this machine: its harts have no paging (Sv39)\n"

# Its trap entry expects kernel stacks to lie over an 8 KiB guard: see KSTACK_SHIFT.
.section .bss.boot_stack, "aw", @nobits
.balign KSTACK_SLOT
    .space KSTACK_SLOT
boot_stack_top:

# Has a hart come to _start? Not in bss, which the boot hart clears.
.section .data.boot_hart_came, "aw"
.balign 4
boot_hart_came:
    .word 0

# Until kernel_map_init(), all of physical memory and the devices are mapped by large pages
# with all rights, at the addresses that they keep: entry 256 + i maps the i-th GiB.
.section .data.boot_pgdir, "aw"
.balign PGSIZE
boot_pgdir:
    .fill 256, 8, 0
    .set i, 0
    .rept PHYS_MAX >> 30
    .dword (i << 28) | PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D
    .set i, i + 1
    .endr
    .fill 256 - (PHYS_MAX >> 30), 8, 0
