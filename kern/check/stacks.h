/* Call stacks that are kept: who allocated, who freed, who took a lock.

   Most of them are there many times, so each different one is kept once, and is known by a small
   number, its place in a table: so a page or an object needs a word only to remember its owner.

   A number stays what it is until the machine is switched off.

   All may be called from anywhere, take no lock, and do not sleep. */
#pragma once

#include <defs.h>

/* Numbers are below this. 0 stands for no call stack. */
#define STACKS          (1U << 13)

/* The number of the call stack that leads here, without the caller of this function itself. */
uint32_t stack_here(void);
/* How many different ones there are. */
uint32_t stack_count(void);
/* Print it, a line for each function, the innermost first; `what` is printed before. */
void stack_print(const char *what, uint32_t stack);
