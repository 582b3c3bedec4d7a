/* Where every trap enters the kernel: an exception, a system call or an interrupt, from a user
   program or from the kernel itself. The hardware jumps to trap_entry, because stvec has its
   address.

   A struct trapframe is made on a kernel stack and handed to C: to trap_user, trap_kernel,
   syscall_from_user or, if the stack is used up, trap_stack_overflow. The way back is trap_return
   in riscv/trapret.S. Interrupts are off all the time here; C turns them on where it may.

   The scratch words and the other CPU_ offsets are of struct cpu (riscv/cpu.h). No register may
   be changed before it is saved: that is why the steps come in this order.
   Sections in brackets are of the Privileged spec 20211203. */
#include <riscv/cpu.h>
#include <riscv/csr.h>
#include <riscv/memlayout.h>
#include <riscv/trapframe.h>

# Where a frame lies, with addresses growing upwards:
#
#   from user mode                            from the kernel
#
#   +----------------+ end of the stack       |  what was in use    |
#   |   trapframe    |                        +---------------------+ sp when it trapped
#   +----------------+ CPU_USER_TF, then sp   | record, 16 bytes    |
#   |  C functions   |                        +---------------------+
#   |  of this trap  |                        |   trapframe         |
#                                             +---------------------+ sp from now on
#                                             |  C functions        |
#
# The first place is always the same, so the frame of a program is found without a search. The
# second one is where the stack happens to be; traps in the kernel may nest.
#define RECORD_SIZE     16      /* return address and frame pointer, for backtraces */

# Save all registers to the frame at sp but two that are elsewhere by now: sp, which is in a
# scratch word, and tp, for a trap from user mode in sscratch.
.macro save_registers
    .irp n, 1,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, TF_REG(\n)(sp)
    .endr
.endm

# Save the CSRs that tell about the trap to the frame at sp: the next trap overwrites them.
# Leaves sepc in t1; clobbers t0, t2 and t3.
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

# Complete the frame of a trap in the kernel, and call a C function with it.
# Before: sp is the frame, with RECORD_SIZE bytes free above it; tp is the struct cpu; the old sp is
# in its second scratch word; all other registers are still those of what was interrupted.
# Above the frame goes a record as every C function makes one (see debug/backtrace.c), with sepc as
# the return address. So a backtrace goes on to what was interrupted.
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
    # The hardware jumps here (4.1.2), in S mode with interrupts off. What it has done (3.1.6.1,
    # 4.1.1, 4.1.7 to 4.1.9):
    #   sepc       the instruction that trapped; for an interrupt, the one that was not done yet
    #   scause     why; its top bit is 1 for an interrupt
    #   stval      for a page fault the address; for an illegal instruction its bits, or 0
    #   sstatus    SPP: the mode before; SPIE: whether interrupts were on; SIE = 0
    # What the registers hold:
    #   from user mode   all registers are the program's; sscratch is this hart's struct cpu
    #   from the kernel  all registers are those of what was interrupted, so tp is the struct cpu
    #                    and sp a kernel stack, unless it has overflowed; sscratch is 0
    # The mode could be read from sstatus.SPP, but there is no register to read it into. The swap
    # needs none, and tells by tp which of the two it was.
    csrrw tp, sscratch, tp      # sscratch is 0 exactly while the hart is in the kernel
    bnez tp, from_user

    # From the kernel: tp is 0, and sscratch the struct cpu.
    # 1. Get tp back, put t0 and sp aside, and make room for the frame on this stack.
    csrr tp, sscratch
    csrw sscratch, zero
    sd t0, CPU_SCRATCH(tp)
    sd sp, CPU_SCRATCH+8(tp)
    addi sp, sp, -(TF_SIZE + RECORD_SIZE)

    # 2. Is sp still in the stack? Below it is a guard of the same size, and by their places one
    # bit of the address is 1 in each stack and 0 in each guard. A store to the guard would trap,
    # and that trap would store to the guard again, for ever.
    srli t0, sp, KSTACK_SHIFT
    andi t0, t0, 1
    beqz t0, stack_overflow
    # The frame fits. t0 is given back, so that all registers but sp are those of what was
    # interrupted, as the macro expects it.
    ld t0, CPU_SCRATCH(tp)
    call_kernel_handler trap_kernel

    # 3. The C function has returned: back to what was interrupted. sp is the frame again.
    mv a0, sp
    j trap_return

# No room on the stack. tp is the struct cpu; t0 and sp are in its scratch words, and all else is
# still in the registers. The frame goes to the hart's emergency stack; trap_stack_overflow reads it
# and panics, so nothing comes back.
stack_overflow:
    ld t0, CPU_SCRATCH(tp)
    ld sp, CPU_EMERGENCY_SP(tp)
    addi sp, sp, -(TF_SIZE + RECORD_SIZE)
    call_kernel_handler trap_stack_overflow

# From user mode: tp is this hart's struct cpu, sscratch the program's tp, and all other registers
# are the program's. sstatus, sepc, stval and scause are as the hardware left them.
from_user:
    # 1. The frame is at the top of the process's kernel stack, which is empty: a process that
    # is in user mode has left the kernel. sscratch becomes 0: from here on this is the kernel.
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

    # 2. A system call: no more than needed, because there are so many. The program goes on
    # behind its ecall, which always has 4 bytes. stval is not needed, so it is not saved.
    csrr t0, sstatus
    csrr t1, sepc
    addi t1, t1, 4
    sd t0, TF_STATUS(sp)
    sd t1, TF_EPC(sp)
    sd t3, TF_CAUSE(sp)
    mv a0, sp
    jal syscall_from_user
    j trap_return_short         # s0 to s11 are the program's again

    # 3. Any other trap: sp is the frame, and has all registers; t3 is scause. When trap_user
    # returns, the program goes on.
user_trap:
    save_csrs
    mv a0, sp
    jal trap_user
    j trap_return_short         # s0 to s11 are the program's again
