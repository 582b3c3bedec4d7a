/* The rare parts of mutexes: waiting, waking, and the panics for a breach of the rules in mutex.h.

   A task that unlocks a mutex wakes the first that waits, but does not keep the mutex for it: any
   task that runs may take it meanwhile. Else each hand-over would cost a switch, and all would move
   at the pace of the slowest (a convoy). So that no task waits for ever, one that has waited for a
   tick is promised the mutex: then no other takes it. One hand-over in a tick slows nobody down,
   and the longest wait is a tick and a turn of each task that came before.

   The queue is guarded by the mutex's own spinlock. state is changed with atomic operations that
   are full barriers, also without it; so a task that sets WANTED and then finds HELD set is seen by
   the one that clears HELD (see mutex_wait). */
#include <sched/timer.h>
#include <sync/mutex.h>

/* On the stack of the task that waits. */
struct mutex_waiter {
    struct task *task;
    list_entry_t link;
    uint64_t limit;         /* from then on it is the next one */
    struct wait_target target;
};

void mutex_init(struct mutex *mutex, const char *name, enum mutex_rank rank, uint32_t level)
{
    mutex->hold = (struct mutex_hold){ .name = name, .rank = rank, .level = level };
    mutex->state = this_cpu->locks_held & HELD_CHAOS ? MUTEX_ASK : 0;
    mutex->lock = (struct spinlock)SPINLOCK_INIT(name, RANK_WAIT);
    list_init(&mutex->waiters);
}

/* The order of two of one rank is that of their levels, and of one level that of their addresses;
   all who take two come this way, so no two tasks can wait for each other here. */
void mutex_lock_two(struct mutex *one, struct mutex *other)
{
    struct mutex *first = one, *second = other;

    assert(one->hold.rank == other->hold.rank && one != other);
    if (other->hold.level < one->hold.level
        || (other->hold.level == one->hold.level && other < one)) {
        first = other;
        second = one;
    }
    mutex_lock(first);
    mutex_take(second);
}

/* Take it out of what the task holds, where it lies below others. The task below which it is not
   found does not hold it. */
void mutex_hold_remove(struct mutex_hold *hold)
{
    struct mutex_hold *last = this_cpu->task->mutexes, *above = last;

    while (above != NULL && above->below != hold)
        above = above->below;
    if (above == NULL)
        panic("a task releases the mutex \"%s\" that it does not hold; it holds %s%s%s",
              hold->name, last ? "\"" : "none", last ? last->name : "", last ? "\"" : "");
    above->below = hold->below;
}

void mutex_lock_panic(const struct mutex_hold *hold)
{
    const struct mutex_hold *last = this_cpu->task->mutexes, *held = last;

    IF_CHECK(check_tell_locks());
    if (!holds_no_lock())
        panic("a task takes the mutex \"%s\" while it holds a spinlock, or interrupts are off",
              hold->name);
    while (held != NULL && held != hold)
        held = held->below;
    if (held != NULL)
        panic("a task takes the mutex \"%s\" that it holds already", hold->name);
    panic("a task takes the mutex \"%s\" of rank %u, level %u while it holds \"%s\" of rank %u, "
          "level %u; see enum mutex_rank and mutex_lock_two() for the order",
          hold->name, hold->rank, hold->level, last->name, last->rank, last->level);
}

/* The task that has waited longest. With the queue's lock held, and there is one. */
static struct mutex_waiter *first_waiter(struct mutex *mutex)
{
    return to_struct(list_next(&mutex->waiters), struct mutex_waiter, link);
}

/* Take the mutex if it is free, and not promised to another one. With the queue's lock held. HELD
   is set by one atomic operation that also tells whether it was set: a task that does not wait may
   take the mutex at the same time, without the lock. */
static bool try_take(struct mutex *mutex, const struct mutex_waiter *self)
{
    if ((atomic_load(&mutex->state) & MUTEX_PROMISED) && self != first_waiter(mutex))
        return false;
    /* pairs with mutex_unlock() in mutex.h */
    return !(atomic_or(&mutex->state, MUTEX_HELD) & MUTEX_HELD);
}

/* WANTED is set before the first try. WANTED and HELD are in one word, all changes of a word have
   one order that all harts agree on, and between the load and the store of an atomic operation is
   no other one (Unprivileged spec 20191213, 14.1, global memory order and atomicity axiom). So
   either the holder clears HELD after WANTED was set, sees that, and comes to wake; or before, and
   then the try finds the mutex free. A task that is woken and finds it taken again keeps its place
   in the queue.

   What the last holder wrote is seen by the next one: it clears HELD by an AMO with aq and rl, and
   the next one sets it by such a one, or by a pair of lr and sc (14.1, rules 5 and 6). */
void mutex_wait(struct mutex *mutex)
{
    struct mutex_waiter self = {
        .task = this_cpu->task,
        .limit = rdtime() + timer_tick_length(),
        .target = { .name = mutex->hold.name, .hold = &mutex->hold },
    };

    IF_CHECK(uint64_t since = rdtime());
    spin_lock(&mutex->lock);
    self.task->wait_target = &self.target;
    list_add_before(&mutex->waiters, &self.link);
    atomic_or(&mutex->state, MUTEX_WANTED); /* pairs with mutex_unlock() in mutex.h */
    while (!try_take(mutex, &self))
        sched_sleep(&mutex->lock, WT_MUTEX, mutex->hold.name);
    if (&self == first_waiter(mutex))
        /* no pair: with the lock held; see mutex_wake() */
        atomic_and(&mutex->state, ~MUTEX_PROMISED);
    list_del(&self.link);
    self.task->wait_target = NULL;
    if (list_empty(&mutex->waiters))
        /* no pair: with the lock held; a wake-up too many does no harm */
        atomic_and(&mutex->state, ~MUTEX_WANTED);
    spin_unlock(&mutex->lock);
    IF_CHECK(check_waited(mutex->hold.name, since));
}

/* The first waiter is woken, and not taken out of the queue: it does that itself when it has the
   mutex. If it has waited for a tick, the mutex is promised to it from now on. */
void mutex_wake(struct mutex *mutex)
{
    spin_lock(&mutex->lock);
    if (!list_empty(&mutex->waiters)) {
        struct mutex_waiter *first = first_waiter(mutex);

        if (rdtime() >= first->limit)
            /* pairs with mutex_trylock() in mutex.h: one word */
            atomic_or(&mutex->state, MUTEX_PROMISED);
        wakeup_proc(first->task);
    }
    spin_unlock(&mutex->lock);
}
