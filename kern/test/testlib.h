/* What the self tests share. A self test runs in a kernel thread on the whole system, panics where
   something is wrong, and gives back all that it takes: the kernel counts afterwards. */
#pragma once

#include <debug/panic.h>
#include <debug/printk.h>
#include <init/init.h>
#include <mm/pmm.h>

/* Random numbers, the same in each run; *state is the seed, not 0. */
uint64_t test_random(uint64_t *state);

/* What must be the same after a step of a test as it was before. */
struct stock {
    size_t pages, objects;
    uint32_t processes;
};

/* Empty the kernel's caches, and count. */
struct stock stock_take(void);
/* Panic where something is missing; `what` tells after which step. */
void stock_check(const struct stock *before, const char *what);
/* The same, but give processes that have just ended the time to be reaped. */
void stock_settle(const struct stock *before, const char *what);

/* All free pages, taken by a test so that the kernel has none. For one hart. */
struct hoard {
    list_entry_t pages;                 /* linked by page_link */
    size_t count;
};

void hoard_take(struct hoard *hoard);               /* everything there is, or is again */
void hoard_give(struct hoard *hoard, size_t n);     /* give some back */
void hoard_end(struct hoard *hoard);                /* give all back */

/* Make a kernel thread; there must be memory for it. Its pid. */
int test_thread(int (*fn)(void *), void *arg);
/* Make n threads fn(0) to fn(n - 1), wait for all; each must return 0. */
void test_threads(int n, int (*fn)(void *));

/* For a kernel thread: become the program `arg`, without arguments; or one with arguments, which
   `argv` points to, and then NULL. They return the error where that cannot be. */
int test_exec(void *arg);
int test_exec_words(void *argv);

/* Does an address lie in the guard below a kernel stack? */
bool kstack_is_guard(uintptr_t addr);
