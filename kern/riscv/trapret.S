/* The way out of the kernel, by a trap frame. It is below the trap layer, because new processes and
   exec leave by it too, and they come from layers below.

   Two entries, trap_return and trap_return_short; a block at each says which registers hold what.
   Both end by sret, which goes to sepc, in the mode that sstatus.SPP says, with interrupts as SPIE
   says (Privileged spec 20211203, 3.3.2 and 4.1.1). Interrupts must be off from the first write to
   sepc on: a trap in between would overwrite it. */
#include <riscv/csr.h>
#include <riscv/trapframe.h>

#define CALLER_SAVED    1,3,5,6,7,10,11,12,13,14,15,16,17,28,29,30,31
#define CALLEE_SAVED    8,9,18,19,20,21,22,23,24,25,26,27

# Load registers from the frame at sp. sp itself comes last, by hand: it is what the others are
# found by. x0 is always 0, and tp (x4) is the hart's or the program's: each place below knows.
.macro load_registers numbers:vararg
    .irp n, \numbers
    ld x\n, TF_REG(\n)(sp)
    .endr
.endm

# Load sepc and sstatus from the frame at sp; leaves the latter in t0, and clobbers t1. SIE in the
# frame is 0, because a trap has saved it and comes with SIE cleared (4.1.1): so interrupts stay off
# until sret. All other fields become what the task has: SPP and SPIE, which sret looks at, and FS,
# the state of its floating-point registers.
.macro load_csrs
    ld t0, TF_STATUS(sp)
    ld t1, TF_EPC(sp)
    csrw sstatus, t0
    csrw sepc, t1
.endm

.text

# noreturn void trap_return(struct trapframe *tf)
#
# On entry, from trapentry.S, forkret() or exec, in S mode with interrupts off:
#   a0         the frame; it may be on the current stack, and nothing below it is needed any more
#   tp         this hart's struct cpu
#   sscratch   0
#   sepc, sstatus   of no value: a task that slept in its trap finds those of another one there
#   the others of no value: all of them are loaded
#
# At its sret to kernel code: all registers are those of the frame, but tp, which stays; sscratch is
# 0. At its sret to a program: all are those of the frame; sscratch is this hart's struct cpu.
.globl trap_return
.type trap_return, @function
trap_return:
    mv sp, a0
#ifdef CHECK
    call check_trap_ends
#endif
    load_csrs
    load_registers CALLEE_SAVED
    andi t0, t0, SSTATUS_SPP
    beqz t0, to_user

    # Back to kernel code. sscratch stays 0. tp stays as it is and is not loaded: a task that
    # slept in its trap may be on another hart now, and the frame has the old one's.
    load_registers CALLER_SAVED
    ld sp, TF_SP(sp)
    sret

# The short way back to a program that goes on as it was.
#
# On entry, by a jump from trapentry.S only, in S mode with interrupts off:
#   sp         the frame, which is that of a trap from user mode
#   s0 to s11  the program's already: C code leaves them as they were
#   tp         this hart's struct cpu
#   sscratch   0
.globl trap_return_short
.type trap_return_short, @function
trap_return_short:
#ifdef CHECK
    mv a0, sp
    call check_trap_ends
#endif
    load_csrs

# Here sp is the frame, sepc, sstatus and s0 to s11 are loaded, tp is the struct cpu. As the next
# trap entry expects it, sscratch gets the pointer and tp becomes the program's. From then on
# nothing may fault: trap entry would take it for one from user mode. Nothing does: the frame is in
# the kernel's half of the address space, which is mapped in every table.
to_user:
    csrw sscratch, tp
    ld tp, TF_TP(sp)
    load_registers CALLER_SAVED
    ld sp, TF_SP(sp)
    sret
