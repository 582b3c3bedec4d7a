/* System calls of the objects by which programs synchronise: those in syssync.c, for the table in
   syscall.c. What they do is told in user/libs/sync.h.

   As all functions of that table they get the caller's argument registers, are called with
   interrupts on and no lock held, and may sleep. They return 0 or a positive result, or an error:
   -E_INVAL for an id that names no such object of the caller. An id is a register of 64 bits, and
   any number. */
#pragma once

#include <defs.h>

/* Semaphores. (value): the id of a new one, or -E_NO_MEM. */
long sys_sem_init(uint64_t arg[]);
/* (id) */
long sys_sem_post(uint64_t arg[]);
/* (id, milliseconds, or 0 for ever) */
long sys_sem_wait(uint64_t arg[]);
/* (id) */
long sys_sem_free(uint64_t arg[]);
/* (id, int *value) */
long sys_sem_get_value(uint64_t arg[]);

/* Mutexes. (uintptr_t *words or NULL): the id of a new one, or -E_NO_MEM; where the words are that
   lock and unlock change is stored too. */
long sys_mutex_create(uint64_t arg[]);
/* (id) */
long sys_mutex_lock(uint64_t arg[]);
/* (id) */
long sys_mutex_unlock(uint64_t arg[]);

/* Condition variables. (): the id of a new one, or -E_NO_MEM. */
long sys_condvar_create(uint64_t arg[]);
/* (id, the mutex's id, milliseconds, or 0 for ever) */
long sys_condvar_wait(uint64_t arg[]);
/* (id) */
long sys_condvar_signal(uint64_t arg[]);
/* (id) */
long sys_condvar_broadcast(uint64_t arg[]);

/* Detection of deadlocks. (1 or 0): begin or end it for the caller. */
long sys_enable_deadlock_detect(uint64_t arg[]);
