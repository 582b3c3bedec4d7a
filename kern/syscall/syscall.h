/* System calls: what the trap layer calls for them. libs/unistd.h has their numbers, and what they
   do; the table in syscall.c leads from the number to a function.

   The number comes in a0, the arguments in a1 to a5, and the result goes to a0: 64 bits, negative
   for an error of error.h. No other register of the caller changes, unless the call is exec and
   succeeds: then the frame is the new program's. A system call may sleep, and exit never returns.
   It is the current process that calls, in its own frame, and no lock is held. */
#pragma once

#include <riscv/trapframe.h>

/* Do the system call that a frame asks for. Interrupts are on. */
void syscall(struct trapframe *tf);

/* The same for an ecall from user mode, with all that comes before and after it: interrupts are off
   at both ends, and the process gives way or ends here if it has to. It returns if only a0 has
   changed, so that the trap entry can take the short way back; after exec it leaves by itself. */
void syscall_from_user(struct trapframe *tf);

/* The same for the ebreak of a kernel thread; interrupts are on. True: the thread is a user process
   now, by exec, and must leave by current->task.tf. False: it goes on, with the result in a0. */
bool syscall_from_kernel(struct trapframe *tf);
