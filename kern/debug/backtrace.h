/* The call stack, and the names of kernel addresses. */
#pragma once

#include <defs.h>

#define SYMBOL_LENGTH   64

/* Print the chain of callers, a line each, beginning with the function whose frame pointer (s0) is
   given. Safe on any value: it never leaves the stack. */
void backtrace(uintptr_t fp);
/* The same from a trap in the kernel on, beginning with the instruction that trapped. */
struct trapframe;
void backtrace_trap(const struct trapframe *tf);

/* Write "function+offset" for a kernel address, or the address where it has no name. */
void symbol_format(char *buf, size_t size, uintptr_t addr);
