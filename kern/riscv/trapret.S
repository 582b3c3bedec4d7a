/* The way out of the kernel, by a trap frame. It stands below the trap layer because new processes
   and exec leave by it too. */
#include <riscv/csr.h>
#include <riscv/trapframe.h>

#define CALLER_SAVED    1,3,5,6,7,10,11,12,13,14,15,16,17,28,29,30,31
#define CALLEE_SAVED    8,9,18,19,20,21,22,23,24,25,26,27

# Load registers from the frame at sp.
.macro load_registers numbers:vararg
    .irp n, \numbers
    ld x\n, TF_REG(\n)(sp)
    .endr
.endm

# sepc and sstatus from the frame at sp; leaves the latter in t0.
.macro load_csrs
    ld t0, TF_STATUS(sp)
    ld t1, TF_EPC(sp)
    csrw sstatus, t0
    csrw sepc, t1
.endm

.text

# noreturn void trap_return(struct trapframe *tf), in S mode with interrupts off.
# The frame may lie on the current stack; nothing below it is needed any more.
.globl trap_return
.type trap_return, @function
trap_return:
    mv sp, a0
    load_csrs
    load_registers CALLEE_SAVED
    andi t0, t0, SSTATUS_SPP
    beqz t0, to_user

    # Back in the kernel tp stays as it is: a task that slept in its trap may have
    # come to another hart.
    load_registers CALLER_SAVED
    ld sp, TF_SP(sp)
    sret

# The same for a system call that leaves the program as it is: sp is the frame,
# and the C code has preserved the callee-saved registers.
.globl trap_return_syscall
.type trap_return_syscall, @function
trap_return_syscall:
    load_csrs

    # sscratch takes the cpu pointer, tp becomes the user's.
to_user:
    csrw sscratch, tp
    ld tp, TF_TP(sp)
    load_registers CALLER_SAVED
    ld sp, TF_SP(sp)
    sret
