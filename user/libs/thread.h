/* Threads: processes that share their creator's memory. Each has a pid, its exit code is what its
   function returns, and only its creator can join it. */
#pragma once

#include <defs.h>

/* Start a thread with a new stack of THREAD_STACK bytes; returns its pid, or -E_. */
#define THREAD_STACK    (256 * 1024UL)
int thread_create(int (*fn)(void *), void *arg);

/* Wait until a thread has ended, store its exit code where code is not NULL, free its stack. */
int thread_join(int tid, int *code);

/* The system call below them: a new process that calls fn(arg), and then exit with what that
   returns, on the stack that ends at `stack`, or at the same address as the caller's where that is
   0. Returns its pid, or -E_. */
int __clone(uint32_t clone_flags, uintptr_t stack, int (*fn)(void *), void *arg);
