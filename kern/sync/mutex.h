/* Mutexes: locks whose holder may sleep. They are not for interrupt handlers. A mutex that nobody
   else wants costs two atomic operations; nobody waits for ever for one, see mutex.c.

   Rules, which are checked always, so that a breach panics at once, also if it would have gone well
   this time; the message names both mutexes:
   - A mutex has a rank. A task takes mutexes in ascending order of rank only, so no two tasks can
     wait for each other. Two of one rank are taken by mutex_lock_two() only, in its order.
   - A mutex is not taken with a spinlock held: it may sleep.
   - A mutex is given back by the task that took it, and before that task ends, or returns to user
     mode (looked at when it gives way there).
   - While a task holds one it does not begin a sleep that a kill may end (WT_INTERRUPTED): such a
     sleep waits for what may never come, and all who want the mutex would wait with it.

   What a task holds is a list from the last one taken to the first, task->mutexes; it changes only
   by the task itself. Memory is ordered as by spinlocks: see there. */
#pragma once

#include <sched/sched.h>

/* From the mutex that is taken first to the one that is taken last. */
enum mutex_rank {
    MUTEX_TEST_OUTER = 1,           /* of the self tests: outside of all others */
    MUTEX_FILE,                     /* the position of an open file */
    MUTEX_WRITEBACK,                /* writing back what programs have changed in mapped files */
    MUTEX_MM,                       /* the areas and the page tables of an address space */
    MUTEX_AREAS,                    /* which mms, or areas, may map a page: see mm/rmap.h */
    MUTEX_SYNC_DETECT,              /* the record of a detector of deadlocks */
    MUTEX_TRANSACTION,              /* no mutex, but a place: see mutex_hold_add() */
    MUTEX_TREE,                     /* the names of a file system; a transaction begins before */
    MUTEX_INODE,                    /* the content of a file or directory */
    MUTEX_MAP,                      /* the map of free blocks */
    MUTEX_RECLAIM,                  /* who gives memory back: he waits for no other one */
    MUTEX_TEST_INNER,               /* of the self tests: inside of all others */
};

/* A mutex. While nobody holds or wants it, state is 0, or MUTEX_ASK. */
struct mutex {
    struct mutex_hold hold;         /* its name and rank; set once. The link is the holder's */
    uint32_t state;                 /* atomic: MUTEX_ */
    struct spinlock lock;           /* guards the queue; WANTED and PROMISED change with it only */
    list_entry_t waiters;           /* in order of arrival */
};

#define MUTEX_HELD      1U
#define MUTEX_WANTED    2U          /* there are waiters: unlocking wakes the first */
#define MUTEX_PROMISED  4U          /* the first of them has waited long: it alone may take it */
#define MUTEX_ASK       8U          /* set once, while chaos is on: the short ways are closed */

/* Make a mutex that nobody holds. The name is for panics and other messages ("waits for NAME"). The
   level is its place among those of its rank if two of them are ever held together: a parent has a
   lower one than its children; 0 if there is no such order. */
void mutex_init(struct mutex *mutex, const char *name, enum mutex_rank rank, uint32_t level);

/* The rare parts of the functions below: sleep until the mutex is free, and take it; wake one; give
   back one that is not the last one taken; panic for a breach of the rules. */
void mutex_wait(struct mutex *mutex);
void mutex_wake(struct mutex *mutex);
void mutex_hold_remove(struct mutex_hold *hold);
__never_returns void mutex_lock_panic(const struct mutex_hold *hold);

/* Does the current task hold the mutex? Functions that expect one assert it by this. */
static inline bool mutex_held(const struct mutex *mutex)
{
    const struct mutex_hold *hold = this_cpu->task->mutexes;

    while (hold != NULL && hold != &mutex->hold)
        hold = hold->below;
    return hold != NULL;
}

/* Does the current task hold a mutex of this rank? Functions that take such a one themselves, or
   that may wait for another task that does, assert that it does not. */
static inline bool mutex_holds_rank(enum mutex_rank rank)
{
    const struct mutex_hold *hold = this_cpu->task->mutexes;

    while (hold != NULL && hold->rank > rank)
        hold = hold->below;
    return hold != NULL && hold->rank == rank;
}

/* May the current task fault on a page of its program, which takes the lock of its mm? It holds
   nothing that ranks there or behind. Who copies from or to a program asserts it. */
static inline bool mutex_allows_fault(void)
{
    const struct mutex_hold *last = this_cpu->task->mutexes;

    return last == NULL || last->rank < MUTEX_MM;
}

/* What a task holds need not be a mutex: a transaction (fs/journal.h), which many tasks are in, has
   a place in the order too, and all rules above hold for it. Panic if the task may not take the
   mutex, or begin the transaction, of this name and rank now. */
static inline void mutex_check_order(const struct mutex_hold *hold)
{
    const struct mutex_hold *last = this_cpu->task->mutexes;

    if (unlikely((last != NULL && last->rank >= hold->rank) || !holds_no_lock()))
        mutex_lock_panic(hold);
}

/* The current task has it from now on, and *hold stays until it has not. The order was checked. */
static inline void mutex_hold_add(struct mutex_hold *hold)
{
    struct task *task = this_cpu->task;

    hold->below = task->mutexes;
    task->mutexes = hold;
    IF_CHECK(check_mutex_taken(hold));
}

/* The opposite; panics if the task does not have it. */
static inline void mutex_hold_drop(struct mutex_hold *hold)
{
    struct task *task = this_cpu->task;

    IF_CHECK(check_mutex_released(hold));
    if (likely(task->mutexes == hold))
        task->mutexes = hold->below;
    else
        mutex_hold_remove(hold);
}

/* What mutex_lock() and mutex_lock_two() share. The order was checked: by these two only. */
static inline void mutex_take(struct mutex *mutex)
{
    /* pairs with mutex_unlock() */
    if (unlikely(!atomic_cas(&mutex->state, 0, MUTEX_HELD)))
        mutex_wait(mutex);
    mutex_hold_add(&mutex->hold);
}

/* Take the mutex; sleeps until it is free, and being killed does not end that. No spinlock may be
   held, and no mutex of the same or of a higher rank; else it panics. */
static inline void mutex_lock(struct mutex *mutex)
{
    mutex_check_order(&mutex->hold);
    mutex_take(mutex);
}

/* Take the mutex if that is possible at once: true, and it is the task's. False if somebody has it,
   this task included, or if it is promised to another one. Never sleeps, so no task waits for this
   one's other mutexes meanwhile, and the order of ranks does not matter; while the task has it, it
   takes no mutex in another way. Spinlocks may be held. */
static inline bool mutex_trylock(struct mutex *mutex)
{
    uint32_t state = atomic_load(&mutex->state);

    /* pairs with mutex_unlock() */
    if ((state & (MUTEX_HELD | MUTEX_PROMISED)) || !atomic_cas(&mutex->state, state,
                                                               state | MUTEX_HELD))
        return false;
    mutex_hold_add(&mutex->hold);
    return true;
}

/* Take two mutexes of one rank: first that of the lower level, so a parent before its child; of one
   level first that of the lower address. As mutex_lock() else. Each is given back alone. */
void mutex_lock_two(struct mutex *one, struct mutex *other);

/* Give the mutex back. The current task must hold it; else it panics. In any order. */
static inline void mutex_unlock(struct mutex *mutex)
{
    mutex_hold_drop(&mutex->hold);
    /* pairs with mutex_take(), and mutex_wait() in mutex.c */
    if (unlikely(atomic_and(&mutex->state, ~MUTEX_HELD) != MUTEX_HELD))
        mutex_wake(mutex);
}
