/* The call stack, and the names of kernel addresses. Panics, the kernel monitor and messages about
   programs use them; the list of what sleeps in a deadlock does too.

   A line of a backtrace is a return address and the function that it is in, the innermost first.
   The names come from the table of the linked kernel, so they need no file and no memory.

   All may be called from anywhere: they take no lock but that of printing, and do not sleep. */
#pragma once

#include <defs.h>

/* Room for a name as symbol_format() writes it; a longer one is cut. */
#define SYMBOL_LENGTH   64

/* From the lowest byte of a stack to the address behind its last. */
struct stack_bounds {
    uintptr_t low, high;
};
/* The stack that holds the pair of words below fp. If fp is in none, bounds that it is out of. */
struct stack_bounds stack_of(uintptr_t fp);

/* Print the chain of callers, a line each, beginning with the caller of the function whose frame
   pointer (s0) is given. Safe on any value: it never leaves the stack that fp points into. Prints
   nothing if fp points into no stack. */
void backtrace(uintptr_t fp);
/* The same for a trap in the kernel, beginning with the instruction that trapped. The frame's s0
   and ra may be damaged too: what they say is believed only if it can be true. */
struct trapframe;
/* From the handler of a trap, or from a panic about one. */
void backtrace_trap(const struct trapframe *tf);

/* Write "function+offset" for a kernel address to buf, or the address itself if it has no name. At
   most size bytes are written, with the closing zero. */
void symbol_format(char *buf, size_t size, uintptr_t addr);
