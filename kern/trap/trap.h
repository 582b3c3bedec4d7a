/* Traps: what the entry code calls, and turning them on. */
#ifndef KERN_TRAP_TRAP_H
#define KERN_TRAP_TRAP_H

#include <riscv/trapframe.h>

/* Have this hart's traps come to trap_entry. */
void trap_init_hart(void);

/* A trap from user mode; from the kernel; from the kernel with its stack used up. Interrupts are off. */
void trap_user(struct trapframe *tf);
void trap_kernel(struct trapframe *tf);
noreturn void trap_stack_overflow(struct trapframe *tf);

#endif /* KERN_TRAP_TRAP_H */
