/* What several of the test programs need. */
#pragma once

#include <defs.h>

#define PGSIZE          4096

/* An address of the kernel's: its text is linked there. */
#define KERNEL_TEXT     0xFFFFFFC080200000UL

/* Run body(arg) in a child and return the child's exit code: 0 where body returns. */
int child_code(void (*body)(uintptr_t), uintptr_t arg);

/* Run body(arg) in a child; panic, saying what was tried, unless the kernel kills it. */
void expect_killed(const char *what, void (*body)(uintptr_t), uintptr_t arg);

/* Bodies for them: one access to an address, or a jump to it. */
void read_from(uintptr_t addr);
void write_to(uintptr_t addr);
void jump_to(uintptr_t addr);

/* Does the machine have floating-point registers? */
bool have_fpu(void);

/* The number, above 0, that is one of the program's arguments, or `otherwise` where it has not so
   many. Ends the program, with a message, where it is no such number. */
int number_argument(int argc, char **argv, int index, int otherwise);

/* Does a fork take less memory than its parent has, sharing pages and copying few? Must be called
   while there is no other process that takes or gives back memory. */
bool fork_shares_pages(void);

/* Yield some times, to let others run. */
void yield_often(int times);
