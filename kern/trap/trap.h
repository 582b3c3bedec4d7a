/* Traps: what the entry code calls, and turning them on. */
#pragma once

#include <riscv/trapframe.h>

/* Have this hart's traps come to trap_entry. */
void trap_init_hart(void);

/* Called by the entry code with interrupts off: for a trap from user mode, except system calls;
   one from the kernel; and one from the kernel with no stack left. */
void trap_user(struct trapframe *tf);
void trap_kernel(struct trapframe *tf);
__never_returns void trap_stack_overflow(struct trapframe *tf);

/* The name of an exception, by its number in scause. */
const char *cause_name(uint64_t cause);
/* What kind of access (VM_) a page fault was; 0: no page fault. */
uint32_t fault_access(uint64_t cause);
/* Why an exception ends the program; NULL: it may go on. `error` is 0 where a fault is repaired. */
const char *user_exception(struct trapframe *tf, int error);
/* End the current program: say what it did wrong, and where. */
__never_returns void kill_current(const struct trapframe *tf, const char *why);
