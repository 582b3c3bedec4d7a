/* Semaphores: a number of units that tasks take (down) and give (up); who finds none waits.

   A unit that is given while somebody waits is handed over: it belongs to the first who waits, from
   that moment on, also before he runs. So `value` counts only the units that nobody waits for, all
   who wait are served in order of arrival, and a kill or the end of the time loses no unit.

   They sleep: not with a spinlock held, and down() not in an interrupt; up() may be called from
   anywhere. A semaphore may be taken by one task and given by another one: a mutex (mutex.h) has a
   holder and checks more. */
#pragma once

#include <sync/wait.h>

typedef struct semaphore {
    struct spinlock lock;           /* guards the next three */
    int value;                      /* units that nobody has, and nobody waits for; -1 if closed */
    bool closed;
    struct wait_queue wait_queue;   /* of those who wait for a unit; empty if value is above 0 */
    const char *name;               /* for reports: what is waited for; set once */
} semaphore_t;

/* A semaphore with so many units, at least 0. sem_init_named() gives it a name for reports, which
   must last as long as it is used. */
void sem_init(semaphore_t *sem, int value);
void sem_init_named(semaphore_t *sem, int value, const char *name);

/* What all ways to wait for a unit are made of. 0 with a unit; else -E_INVAL if it is closed, or
   what else has ended the wait: wait_state and deadline are as for wait_for_grant(). It is a long
   so that a system call can end by it. */
long sem_down(semaphore_t *sem, uint32_t wait_state, uint64_t deadline);
/* Take a unit, and wait for one if there is none. A kill does not end that; sem_close() does, of
   which this does not tell. */
static inline void down(semaphore_t *sem)
{
    sem_down(sem, WT_KSEM, TIMER_NEVER);
}
/* Take a unit if there is one; false if not, or if it is closed. Does not sleep. */
bool try_down(semaphore_t *sem);
/* As down(), but a kill ends the wait. 0 with a unit; -E_KILLED, or -E_INVAL if it is closed,
   without one. No mutex may be held. */
static inline int down_interruptible(semaphore_t *sem)
{
    return sem_down(sem, WT_KSEM | WT_INTERRUPTED, TIMER_NEVER);
}
/* The same, until rdtime() is at the deadline (TIMER_NEVER: no limit): then it is -E_TIMEOUT. */
static inline int down_timeout(semaphore_t *sem, uint64_t deadline)
{
    return sem_down(sem, WT_KSEM | WT_INTERRUPTED, deadline);
}

/* down_interruptible() in two steps, for who has to let go of something in between: join the queue,
   where a unit may be given to the caller from now on; then wait for it, with the same result. The
   semaphore has no units, and is not closed. *self stays until the second has returned. */
void sem_join(semaphore_t *sem, struct waiter *self);
int sem_wait_joined(semaphore_t *sem, struct waiter *self);

/* Give a unit: to the first who waits, or for later. 0; or -E_INVAL, and nothing changes, if it is
   closed or has INT_MAX units. From anywhere, with no lock of the same or a higher rank held. */
long up(semaphore_t *sem);
/* Give a unit only if somebody waits for one: true then. If nobody does nothing changes, and no
   unit is left behind. As up(). */
bool up_waiter(semaphore_t *sem);

/* End it: all who wait get -E_INVAL now, and all who come later at once. Its memory may be freed
   when nobody can come any more. As up(). */
void sem_close(semaphore_t *sem);
