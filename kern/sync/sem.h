/* Semaphores: a number of units, which tasks take (down) and give (up). Who finds none waits until
   he is given one.

   A unit that is given up while somebody waits belongs to the first who waits; value counts only
   the units that nobody waits for. So tasks are served in the order in which they came, nobody
   starves, and a unit that was given is not lost when its taker is killed at the same time: he has
   it, and is told so.

   A semaphore is used by tasks, with no spinlock held that ranks above RANK_WAIT, or as high; up()
   may also be called from an interrupt. */
#pragma once

#include <sync/wait.h>

typedef struct semaphore {
    struct spinlock lock;           /* guards what follows */
    int value;                      /* units that nobody waits for */
    bool closed;                    /* nobody waits, and nobody may */
    struct wait_queue wait_queue;
    const char *name;               /* what is waited for, in words; set once */
} semaphore_t;

/* Make a semaphore of so many units. The name is for panics and reports, and lasts as long. */
void sem_init_named(semaphore_t *sem, int value, const char *name);
static inline void sem_init(semaphore_t *sem, int value)
{
    sem_init_named(sem, value, "a semaphore");
}

/* Give a unit. */
void up(semaphore_t *sem);
/* Take a unit; wait while there is none, no longer than until rdtime() is `deadline` (TIMER_NEVER:
   for ever). 0; -E_KILLED or -E_TIMEOUT, and then nothing was taken; -E_INVAL if it is closed. */
int down_timeout(semaphore_t *sem, uint64_t deadline);
/* Those who wait, and all who come later, get -E_INVAL. */
void sem_close(semaphore_t *sem);
