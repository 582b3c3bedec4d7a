/* The context switch, and a call on another stack. C code calls both like any function, in S mode.

   A task stops inside of switch_to() and goes on there: the registers that the calling convention
   lets a function destroy are of no value then, so only ra, sp and s0 to s11 are saved. What a user
   program has in its registers is in its trap frame, on the task's kernel stack.

   Both are called with interrupts off. Neither touches memory beside the two contexts, so it does
   not matter which page table is in use, as long as the kernel's half is in it. */
#include <riscv/not_written.h>

.text

# void switch_to(struct context *from, struct context *to)
#
# At switch_to, on entry:
#   a0         where the context of the task that stops is saved (struct context)
#   a1         the context of the task that goes on, saved by an earlier switch_to, or made by hand
#              for a task that never ran
#   ra, sp, s0 to s11   the old task's: all that a call must leave as it is
#   tp         the hart's struct cpu: it belongs to the hart, and stays
#   gp         not used by the kernel
#   the others of no value: the compiler has saved what it still needs (the calling convention)
# Interrupts are off, and the lock of the hart's run queue is held.
#
# At its ret: the same, but of the new task. ra leads back into the C function that once called
# switch_to for that task, or to forkret() if the task is new. satp, sstatus and this_cpu->task are
# not changed here: proc_run() has done that.
.globl switch_to
.type switch_to, @function
switch_to:
    /* EXERCISE 4.3 begin: switch_to */
    sd ra,   0*8(a0)
    sd sp,   1*8(a0)
    .set i, 2
    .irp reg, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
    sd \reg, i*8(a0)
    .set i, i+1
    .endr

    ld ra,   0*8(a1)
    ld sp,   1*8(a1)
    .set i, 2
    .irp reg, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
    ld \reg, i*8(a1)
    .set i, i+1
    .endr
    ret
    /* EXERCISE 4.3 end */

# void call_on_stack(uintptr_t stack_top, void (*fn)(void))
#
# On entry, from kern_init() at the end of the boot hart's first part:
#   a0          the address behind the new stack, a multiple of 16
#   a1          fn
#   sp          the boot stack, of which nothing is needed any more
# At fn's first instruction: sp = stack_top, s0 = 0, ra = 0, tp as before; interrupts stay off. fn
# does not return: there is no address to return to, and a backtrace that finds 0 ends there.
.globl call_on_stack
.type call_on_stack, @function
call_on_stack:
    mv sp, a0
    li s0, 0                    # a backtrace ends here
    li ra, 0
    jr a1
