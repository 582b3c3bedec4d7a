/* The system calls: see libs/unistd.h for their numbers and arguments. */
#pragma once

#include <riscv/trapframe.h>

/* Do the system call that a frame asks for: number in a0, arguments in a1 to a5, result to a0.
   Interrupts are on; may sleep, and does not return for exit. */
void syscall(struct trapframe *tf);

/* The same for a trap from user mode, with all that comes before and after it; interrupts are off
   at both ends. 0 where it was exec: the frame may be a new program's then. */
uint64_t syscall_from_user(struct trapframe *tf);
