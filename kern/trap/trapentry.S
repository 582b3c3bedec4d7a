/* Where every trap enters the kernel (stvec): S mode, interrupts off, nothing saved. A struct
   trapframe is made on the stack and handed to C. */
#include <riscv/cpu.h>
#include <riscv/csr.h>
#include <riscv/memlayout.h>
#include <riscv/trapframe.h>

#define RECORD_SIZE     16      /* return address and frame pointer, for backtraces */

# Save all registers but sp and tp: sp is in a scratch word, a user's tp in sscratch.
.macro save_registers
    .irp n, 1,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, TF_REG(\n)(sp)
    .endr
.endm

# Save the trap's CSRs; leaves sepc in t1.
.macro save_csrs
    csrr t0, sstatus
    csrr t1, sepc
    csrr t2, stval
    csrr t3, scause
    sd t0, TF_STATUS(sp)
    sd t1, TF_EPC(sp)
    sd t2, TF_TVAL(sp)
    sd t3, TF_CAUSE(sp)
.endm

# Complete a frame of a trap in the kernel, and call a C function with it. Above the frame
# goes a record as functions make it, so that a backtrace goes on to what was interrupted.
.macro call_kernel_handler function
    save_registers
    ld t0, CPU_SCRATCH+8(tp)
    sd t0, TF_SP(sp)
    save_csrs
    sd s0, TF_SIZE(sp)
    sd t1, TF_SIZE+8(sp)
    addi s0, sp, TF_SIZE + RECORD_SIZE
    li t0, SSTATUS_SUM          # no longer inside a user copy
    csrc sstatus, t0
    mv a0, sp
    call \function
.endm

.text
.balign 4                       # stvec's low bits are its mode
.globl trap_entry
.type trap_entry, @function
trap_entry:
    csrrw tp, sscratch, tp      # sscratch is 0 exactly while the hart is in the kernel
    bnez tp, from_user

    # From the kernel. 1. Get tp back, and room for the frame on this stack.
    csrr tp, sscratch
    csrw sscratch, zero
    sd t0, CPU_SCRATCH(tp)
    sd sp, CPU_SCRATCH+8(tp)
    addi sp, sp, -(TF_SIZE + RECORD_SIZE)

    # 2. Is that still the stack, or the guard below? Saving there would trap for ever.
    srli t0, sp, KSTACK_SHIFT
    andi t0, t0, 1
    beqz t0, stack_overflow
    ld t0, CPU_SCRATCH(tp)
    call_kernel_handler trap_kernel

    # 3. Back to what was interrupted.
    mv a0, sp
    j trap_return

# The frame goes to the hart's emergency stack; it is only read by the panic.
stack_overflow:
    ld t0, CPU_SCRATCH(tp)
    ld sp, CPU_EMERGENCY_SP(tp)
    addi sp, sp, -(TF_SIZE + RECORD_SIZE)
    call_kernel_handler trap_stack_overflow

# From user mode: tp is this hart's struct cpu, sscratch the user's tp.
from_user:
    # 1. The frame's place is the top of the process's kernel stack.
    sd sp, CPU_SCRATCH(tp)
    ld sp, CPU_USER_TF(tp)
    save_registers
    ld t0, CPU_SCRATCH(tp)
    csrrw t1, sscratch, zero
    sd t0, TF_SP(sp)
    sd t1, TF_TP(sp)
    csrr t3, scause
    li t4, CAUSE_USER_ECALL
    bne t3, t4, user_trap

    # 2. A system call: no more than needed, because there are so many. ecall has 4 bytes.
    csrr t0, sstatus
    csrr t1, sepc
    addi t1, t1, 4
    sd t0, TF_STATUS(sp)
    sd t1, TF_EPC(sp)
    sd t3, TF_CAUSE(sp)
    mv a0, sp
    jal syscall_from_user
    beqz a0, 1f                 # it was exec: all registers are the new program's
    j trap_return_syscall
1:  mv a0, sp
    j trap_return

    # 3. Any other trap.
user_trap:
    save_csrs
    mv a0, sp
    call trap_user
    mv a0, sp
    j trap_return
