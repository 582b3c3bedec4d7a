/*
 * The way out of the kernel, by a trap frame. It stands below the trap layer
 * because new processes and exec leave by it too.
 */
#include <riscv/csr.h>
#include <riscv/trapframe.h>

.text

# noreturn void trap_return(struct trapframe *tf), in S mode with interrupts off.
# The frame may lie on the current stack; nothing below it is needed any more.
.globl trap_return
.type trap_return, @function
trap_return:
    mv sp, a0
    ld t0, TF_STATUS(sp)
    ld t1, TF_EPC(sp)
    csrw sstatus, t0
    csrw sepc, t1
    andi t0, t0, SSTATUS_SPP
    bnez t0, 1f

    # To user mode: sscratch takes the cpu pointer, tp becomes the user's.
    csrw sscratch, tp
    ld tp, TF_TP(sp)

    # gp is the user's in both cases. Back in the kernel, tp stays as it is: a
    # task that slept in its trap may have come to another hart.
1:
    .irp n, 1,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, TF_REG(\n)(sp)
    .endr
    ld sp, TF_SP(sp)
    sret
