/* Semaphores, mutexes and condition variables, for the threads of a program and for processes that
   descend from one another.

   An object is known by its id, a number from 1. Threads have the same objects. fork gives the
   child the objects that there are, under the same ids: one that is made afterwards is known only
   to its maker, and to whom that one forks later. A new program (exec) begins without any. An
   object lives until all who know it have ended, or until sem_free.

   All functions return 0 or an id, or a negative error; for an id that names no such object of the
   caller it is -E_INVAL, and for memory or ids that are short -E_NO_MEM. Who has waited longest is
   served first. A kill ends a wait: then the process ends, and never comes back from the call. What
   that means for others is told below. */
#pragma once

#include <defs.h>
#include <syscall.h>

/* Semaphores: a number of units, never below 0. They have no holder: whoever likes may post, and
   when a process ends, the units that it took and did not post are not given back. */

/* The id of one, as ucore's programs call it. */
typedef int sem_t;

/* Make one with so many units, 0 to INT_MAX; else -E_INVAL. Returns its id. */
int sem_init(int value);
/* Give a unit: to the one who has waited longest, or if nobody waits it is kept. -E_INVAL if there
   are INT_MAX already. */
static inline int sem_post(int id)
{
    return syscall1(SYS_sem_post, id);
}
/* Take a unit; wait while there is none. -E_INVAL too if it is freed meanwhile. A process that is
   killed while it waits takes none. */
static inline int sem_wait(int id)
{
    return syscall2(SYS_sem_wait, id, 0);
}
/* The same, but no longer than so many milliseconds, and up to a tick of 10 ms more: then
   -E_TIMEOUT, and nothing was taken. 0 is for ever. */
int sem_wait_timeout(int id, unsigned int milliseconds);
/* End it for all who know it: who waits wakes up with -E_INVAL, as does whoever comes later. Its id
   may be given to another object then. */
int sem_free(int id);
/* Store how many units there are, just now; 0 while somebody waits. */
int sem_get_value(int id, int *value);

/* Mutexes: one process or thread at a time has it. It is handed over: who unlocks gives it to the
   one who has waited longest. To lock one that is free, and to unlock one that nobody waits for, is
   no system call: it changes a word that all have in common who know the mutex. It lies in memory
   of the program, and who writes there by mistake, or unmaps it, breaks his own mutexes; the kernel
   believes it for nothing else. Who has a mutex runs with the priority of those who wait for it, if
   that is higher than his own (challenge 7.C). */

/* Make one that is free. Returns its id. */
int mutex_create(void);
/* Take it; wait while another one has it. 0: the caller has it. -E_KILLED: the caller has it too,
   but the one who had it before has ended, or become another program, without unlocking it: what
   the mutex guards may be half done. It is told once. Who locks a mutex that he has waits for
   himself, until he is killed. */
static inline int mutex_lock(int id);
/* Give it back; -E_INVAL if the caller does not have it. fork does not copy it: the child has no
   mutex of its parent's. */
static inline int mutex_unlock(int id);

/* Condition variables, as Mesa had them: a signal tells one who waits that it may be worth to look
   again, and no more. So one waits in a loop, with the mutex locked:

       while (!condition)
           condvar_wait(c, m);

   A wait may also end without a signal: when another one who waits was killed. A signal when nobody
   waits is forgotten. */

/* Make one. Returns its id. */
int condvar_create(void);
/* Unlock the mutex, wait for a signal, and lock the mutex again; no signal that comes when the
   mutex is free is missed. -E_INVAL if the caller does not have the mutex; then it did not wait.
   -E_KILLED as for mutex_lock(), and the caller has the mutex. Whoever is killed while he waits
   keeps nobody from the mutex, and a signal for him goes to another one. */
int condvar_wait(int id, int mutex);
/* The same, but it waits for a signal no longer than so many milliseconds, and up to a tick of
   10 ms more: then -E_TIMEOUT, and the caller has the mutex. 0 is for ever. */
int condvar_wait_timeout(int id, int mutex, unsigned int milliseconds);
/* Wake the one who has waited longest, or all. The caller need not have the mutex. */
int condvar_signal(int id);
int condvar_broadcast(int id);

/* Detection of deadlocks. A process that asks for it does not begin to wait for a mutex or a
   semaphore that, by all that is known, cannot come: the call that would do that returns
   -E_DEADLOCK at once, and it has taken nothing. So do its children, and threads, that are made
   afterwards. In exchange each call of these objects is a system call. condvar_wait() may return it
   too, when it would lock the mutex again; then the caller does not have the mutex.

   For mutexes that is a circle: somebody has this mutex, and waits for another one, whose holder
   waits ..., for one that the caller has. Who locks a mutex that he has waits for himself.

   Semaphores have no holders, so the kernel goes by what it has seen:
   - The units of a semaphore belong to those who took them. They give them back by sem_post, at
     their end at the latest, unless they die before.
   - But a semaphore that began with 0, or that anybody has posted without having a unit of it,
     counts events: whoever can go on may post it. Who posts such a one tells others to go on; so
     the semaphores of which he has units then count events too, because others may post them.
   - A process goes on, up to its end, and then gives back all mutexes and units, unless it waits
     for a mutex or a semaphore. A wait with a limit of time ends by itself. Whoever waits for a
     condition, a child, a key or the clock counts as one who goes on.
   If in this model there is an order in which processes come to their ends, the caller among them,
   the call waits; if there is none, it is -E_DEADLOCK.

   Only calls are judged, when they are made. Whoever waits already is not told if another one ends,
   or is killed, who could have posted what he waits for, or had units of it: he waits on, until
   somebody posts, or frees the semaphore, or he is killed. (With mutexes that does not happen: the
   next one gets the mutex, and is told.) If then all processes of the machine sleep, and not for
   the clock or a key, the kernel says "deadlock", and what each of them waits for and where; under
   the shell a ctrl-C ends the job, else the machine stops. As long as any process runs, or sleeps
   for a time, nothing is said. Whoever must be sure waits with a limit of time. */

/* Begin (1) or end (0) it. 0; -E_INVAL if others share the caller's memory or its objects, or if it
   has a mutex; -E_NO_MEM. A new program begins without it. */
int enable_deadlock_detect(int on);

/* The rest is how mutex_lock() and mutex_unlock() do without the kernel: see sync.c. Where the
   words of mutexes are, and how many pages of them. */
extern uintptr_t sync_words;
/* The kernel does it. */
int mutex_lock_slowly(int id);
int mutex_unlock_slowly(int id);

/* Is the word of a mutex there? Then *word is its address. There are 256 pages at most, so the
   page's address and their number are told apart by one bit-wise and. */
static inline bool sync_has_word(int id, uintptr_t *word)
{
    uintptr_t words = __atomic_load_n(&sync_words, __ATOMIC_RELAXED), pages = words & 511;

    *word = words - pages + 4 * (uintptr_t)(unsigned int)id;
    return (unsigned int)id / 1024 < pages;
}
/* The address, or 0: for programs that look at the word themselves. */
static inline uintptr_t sync_word_of(int id)
{
    uintptr_t word;

    return sync_has_word(id, &word) ? word : 0;
}

/* From 0 to the pid, in one step. As an acquire: nothing that the caller does next is done
   before. */
static inline int mutex_lock(int id)
{
    uintptr_t word;

    if (unlikely(!sync_has_word(id, &word)))
        goto slow;
    asm goto ("1: lr.w.aq t0, (%0); bnez t0, %l[slow]; sc.w t0, tp, (%0); bnez t0, 1b"
              : : "r" (word) : "t0", "memory" : slow);
    return 0;
slow:
    return mutex_lock_slowly(id);
}

/* From the pid to 0. As a release: all that the caller has done is seen by the next one. */
static inline int mutex_unlock(int id)
{
    uintptr_t word;

    if (unlikely(!sync_has_word(id, &word)))
        goto slow;
    asm goto ("1: lr.w t0, (%0); bne t0, tp, %l[slow]; sc.w.rl t0, zero, (%0); bnez t0, 1b"
              : : "r" (word) : "t0", "memory" : slow);
    return 0;
slow:
    return mutex_unlock_slowly(id);
}
