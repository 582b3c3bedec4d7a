/* Threads: processes that share their creator's memory.

   Each has a pid and a stack of its own, and its exit code is what its function returns. Only its
   creator can join it. A thread that calls exit() ends itself alone; when the main thread returns
   from main(), the others go on. They share memory as lock.h says: what several change needs a
   lock. They share descriptors and the current directory too: what one opens, all have. */
#pragma once

#include <defs.h>

/* Bytes of a thread's stack. They are made when they are used: a thread that needs little costs
   little. */
#define THREAD_STACK    (256 * 1024UL)
/* Start a thread that calls fn(arg), on a new stack of THREAD_STACK bytes. Returns its pid, or
   -E_NO_MEM or another negative error. */
int thread_create(int (*fn)(void *), void *arg);

/* Wait until a thread has ended, store its exit code unless code is NULL, and free its stack. 0, or
   -E_BAD_PROC if the caller has no such thread. */
int thread_join(int tid, int *code);

/* The system call below them: a new process that calls fn(arg), and then exit with what that
   returns. Its stack ends at the address `stack`; if that is 0 it begins where the caller's is now,
   which is good only without CLONE_VM. Returns its pid, or a negative error. */
int __clone(uint32_t clone_flags, uintptr_t stack, int (*fn)(void *), void *arg);
