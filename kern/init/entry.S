/* Where harts enter the kernel from the firmware: S mode, no paging, interrupts off, a0 = hart
   number. The code is linked high but runs low at first; only pc-relative addresses are right then,
   and they are physical. */
#include <riscv/cpu.h>
#include <riscv/memlayout.h>
#include <riscv/sbi.h>
#include <riscv/sv39.h>
#include <riscv/tlb.h>

# Turn paging on with the root table whose satp value is in t0, and go on at the
# high address of the next instruction. That is not mapped at the low address, so
# fetching it faults, and stvec leads on. Clobbers t1 and t2.
.macro enable_paging
    la t1, 9f
    li t2, KERNEL_OFFSET
    add t1, t1, t2
    csrw stvec, t1
    sfence.vma
    csrw satp, t0
    csrr t1, satp               # still here, at the low address
    bne t1, t0, no_paging
.balign 4
9:
    sfence.vma
.endm

.section .text.entry, "ax"

# The boot hart. a1 = physical address of the device tree. This is the kernel's
# first byte: where the firmware jumps to.
.globl _start
_start:
    # 0. Is it the boot hart? OpenSBI before 1.3 makes a hart's start known before it has
    # stored where to: a hart that comes too early is sent here. It goes the right way now.
    la t0, boot_hart_came
    li t1, 1
    amoswap.w.aqrl t1, t1, (t0)
    bnez t1, secondary_start

    # 1. Clear bss.
    la t0, kernel_bss_start
    la t1, kernel_bss_end
1:  sd zero, 0(t0)
    sd zero, 8(t0)
    sd zero, 16(t0)
    sd zero, 24(t0)
    addi t0, t0, 32
    bltu t0, t1, 1b

    # 2. Paging on.
    la t0, boot_pgdir
    srli t0, t0, PGSHIFT
    li t1, SATP_SV39
    or t0, t0, t1
    enable_paging

    # 3. A stack and a struct cpu, and on to C.
    la tp, cpus
    la sp, boot_stack_top
    li s0, 0
    call kern_init

# Another hart: the one whose struct cpu is in starting_cpu. Paging uses the kernel's own
# table from the start.
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
