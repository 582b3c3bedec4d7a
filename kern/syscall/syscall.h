/* The system calls: see libs/unistd.h for their numbers and arguments. */
#pragma once

#include <riscv/trapframe.h>

/*
 * Do the system call that a frame asks for: number in a0, arguments in a1 to a5,
 * result to a0. Interrupts are on; may sleep, and does not return for exit.
 */
void syscall(struct trapframe *tf);
