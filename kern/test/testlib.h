/* What the self tests of kern/test share: random numbers, counting, taking all memory, threads.

   A self test is one boot of the machine, with selftest=NAME. Where in the boot it runs, its
   SELFTEST_AT() says: on the boot hart's idle process while there is nothing else, as initproc, or
   as a child of initproc (kern/init/init.h). A test reports each property by check() and check_eq()
   of libs/report.h, and goes on after one that failed. It panics, by assert(), if going on makes no
   sense: because what it stands on is broken, or because a test of no exercise needs no more.

   All that a test takes it gives back: the kernel counts afterwards, and calls what is missing a
   leak. How to run one test: make grade TEST=name; to stop at its first mistake in gdb: make debug
   TEST=name. */
#pragma once

/* How to read a test that has failed, for example

       [check] fork 0 7 FAILED: the child is in its parent's group, at kern/test/fork.c:LINE

   The number behind the 0 counts the checks of this run; the place is the line of the check, above
   which a comment says why it is there. Later checks may fail for the same reason: begin with the
   first. A test without a line [done] has panicked or did not come to its end. */

#include <debug/panic.h>
#include <debug/printk.h>
#include <init/init.h>
#include <mm/pmm.h>

/* Random numbers, the same in each run, so that what fails once fails again. *state is the seed,
   not 0, and becomes the next number. In any context. */
uint64_t test_random(uint64_t *state);

/* The page allocator of this name; panics if it was left out of the kernel. */
const struct pmm_manager *test_manager(const char *name);

/* What is in use must be the same after a step of a test as it was before: see inventory_take() in
   init/init.h, by which the kernel's own check at the end of a run counts too. While a test counts,
   nothing else may run that takes or gives back memory.

   Count again, and panic if something is missing or too much; `what` tells after which step. The
   panic's line has how much; the lines before it list the objects that are in use. Takes the
   allocators' locks; does not sleep. */
void inventory_same(const struct inventory *before, const char *what);
/* The same, but give processes that have just ended the time to be reaped. Sleeps. */
void inventory_settle(const struct inventory *before, const char *what);

/* All free pages, taken by a test so that the kernel has none: how a function behaves without
   memory is tried so. `count` must be 0 before the first use. For one hart: others would take what
   is given. */
struct hoard {
    list_entry_t pages;                 /* linked by page_link */
    size_t count;
};

/* May be called again, for what has become free in the meantime. */
void hoard_take(struct hoard *hoard);               /* everything there is, or is again */
/* Exactly n pages are free after it, if none was free before. n is at most hoard->count. */
void hoard_give(struct hoard *hoard, size_t n);     /* give some back */
void hoard_end(struct hoard *hoard);                /* give all back */

/* Make a kernel thread that calls fn(arg); there must be memory for it. Returns its pid; its exit
   code is what fn returns. The caller must wait for it by wait_child(), or it is an orphan at the
   end. */
int test_thread(int (*fn)(void *), void *arg);
/* Make n threads fn(0) to fn(n - 1), at most 64, and wait for all; each must return 0, or this
   panics. */
void test_threads(int n, int (*fn)(void *));

/* For a kernel thread: become the program `arg`, without arguments. Returns the error if that
   cannot be, and else not at all. Its form is that of a thread's function, so a thread may begin
   with it. */
int test_exec(void *arg);
/* The same with arguments: `argv` points to an array of strings and a NULL, of which the first is
   the program. */
int test_exec_words(void *argv);

/* Does an address lie in the guard below a kernel stack? Nothing is mapped there
   (riscv/memlayout.h). */
bool kstack_is_guard(uintptr_t addr);
