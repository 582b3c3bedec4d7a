/* Traps: what the entry code calls, and turning them on. */
#pragma once

#include <riscv/trapframe.h>

/* Have this hart's traps come to trap_entry. */
void trap_init_hart(void);

/* Called by the entry code with interrupts off: for a trap from user mode, except system calls;
   one from the kernel; and one from the kernel with no stack left. */
void trap_user(struct trapframe *tf);
void trap_kernel(struct trapframe *tf);
__noreturn void trap_stack_overflow(struct trapframe *tf);

/* The name of an exception, by its number in scause. */
const char *cause_name(uint64_t cause);
/* Say what the current program did wrong, and where. */
void report_killed(const struct trapframe *tf, const char *why);
