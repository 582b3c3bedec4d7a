/* What several of the test programs need: to do something in a child and look at how it ends,
   bodies for that, and questions about the machine.

   All of it may be called from the main thread of a test, and most of it forks: so a test that
   counts processes must know. A function here panics if it cannot do its work, so that a test which
   has called it need not ask. */
#pragma once

#include <defs.h>

/* The size of a page; the kernel has the same word for it. */
#define PGSIZE          4096

/* An address of the kernel's: its text is linked there. */
#define KERNEL_TEXT     0xFFFFFFC080200000UL

/* Run body(arg) in a child, wait for it, and return its exit code: 0 if body returned. */
int child_code(void (*body)(uintptr_t), uintptr_t arg);

/* Run body(arg) in a child; panic, saying what was tried, unless the kernel kills the child for
   it. */
void expect_killed(const char *what, void (*body)(uintptr_t), uintptr_t arg);

/* Run body with the arguments 0 to count - 1 (64 at most), all at once: as threads of this program,
   or as processes with memory of their own. Wait for them all, and panic unless each returns 0. */
void run_together(int count, bool threads, int (*body)(void *));
/* Run body(NULL) on this stack, by its upper end, in a process that shares with this one what the
   flags say (CLONE_), and wait for it; panic unless it returns 0. */
void run_clone(uint32_t flags, char *stack_end, int (*body)(void *));
/* How many units a semaphore has, just now. It must be one. */
int sem_units(int id);
/* Wait until a process or thread of this pid waits for what the kernel calls by that name, as
   "semaphore 1"; panic if there is no such process. */
void wait_until_asleep(int pid, const char *what);

/* Bodies for child_code() and expect_killed(). This one reads a byte. */
void read_from(uintptr_t addr);
/* Write a byte. */
void write_to(uintptr_t addr);
/* Call what is at the address. */
void jump_to(uintptr_t addr);

/* Does the machine have floating-point registers of 64 bits? */
bool have_fpu(void);

/* Argument number `index` of the program, which must be a number above 0; `otherwise` if the
   program has not so many arguments. If it is no such number the program ends, with a message. */
int number_argument(int argc, char **argv, int index, int otherwise);

/* Does a fork take less memory than its parent has, sharing pages and copying few? Must be called
   while there is no other process that takes or gives back memory. */
bool fork_shares_pages(void);

/* Yield this often, to let others run. */
void yield_often(int times);
