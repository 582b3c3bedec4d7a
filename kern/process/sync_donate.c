/* Donation of priorities. A process of priority 1 has a mutex, one of priority 100 waits for it,
   and one of priority 50 computes: then the first hardly runs, and the one of 100 waits for the one
   of 50. This is priority inversion, and so the holder runs with the 100 as long as the other one
   waits. It may wait itself, for a mutex of a third one: so the 100 goes on, along the chain.

   The holder is found once, by the word, when somebody begins to wait; from then on the record says
   who it is: the word is the program's, who may write there what it likes. The chain is followed in
   the record too, under one spinlock for all: so no two objects are locked, and no pid is looked
   up. It takes a step for each process of the chain, at most, and ends where nothing changes.

   A process gives to the mutex that it waits for, and a mutex to its holder:

       anna (100) --waits for--> mutex 2 --held by--> bert (1) --waits for--> mutex 1 --> carl (1)

   What a process has of others is kept apart from its own: see sched_donate(). */
#include <mm/kmalloc.h>
#include <process/sync.h>

/* Guards all struct donation. It is taken with the lock of an object held. */
static struct spinlock donate_lock = SPINLOCK_INIT("donated priorities", RANK_DONATE);

/* EXERCISE 7.C begin extra: helpers */
static struct donation *giver_at(skew_heap_entry_t *entry)
{
    return to_struct(entry, struct donation, link);
}

/* The order of a heap: the highest priority comes first. */
static int by_priority(void *a, void *b)
{
    return (int)giver_at(b)->priority - (int)giver_at(a)->priority;
}

/* What this one has to give: the highest that it is given, and a process's own. A process runs with
   that from now on. */
static uint32_t strength(const struct donation *donation)
{
    uint32_t given = donation->givers != NULL ? giver_at(donation->givers)->priority : 0;

    return donation->task != NULL ? sched_donate(donation->task, given) : given;
}

/* What this one is given has changed. What it gives may have, and so on along the chain. In a heap
   an entry may not change: it is taken out and put in again. A circle ends the walk too, because
   nobody's priority changes twice: it rises to the highest of the circle, or stays. */
static void update(struct donation *donation)
{
    for (; donation != NULL; donation = donation->to) {
        struct donation *to = donation->to;
        uint32_t priority = strength(donation);

        if (to == NULL || priority == donation->priority)
            return;
        to->givers = skew_heap_remove(to->givers, &donation->link, by_priority);
        donation->priority = priority;
        to->givers = skew_heap_insert(to->givers, &donation->link, by_priority);
    }
}

static void give(struct donation *donation, struct donation *to)
{
    donation->priority = strength(donation);
    donation->to = to;
    to->givers = skew_heap_insert(to->givers, &donation->link, by_priority);
    update(to);
}

static void stop_giving(struct donation *donation)
{
    struct donation *to = donation->to;

    if (to == NULL)
        return;
    to->givers = skew_heap_remove(to->givers, &donation->link, by_priority);
    donation->to = NULL;
    update(to);
}

/* EXERCISE 7.C end */

/* `proc` begins to wait for the mutex, which `holder` has. They may be the same one. */
static void donate(struct donation *proc, struct donation *mutex, struct donation *holder)
{
    /* EXERCISE 7.C begin: donate */
    if (mutex->to != holder) {
        stop_giving(mutex);
        give(mutex, holder);
    }
    give(proc, mutex);
    /* EXERCISE 7.C end */
}

/* `proc` does not wait for the mutex any more, if it did. If it has been given the mutex the record
   says so already. A mutex for which nobody waits may be freed at any time: it is on nobody's
   record. */
static void take_back(struct donation *proc, struct donation *mutex)
{
    /* EXERCISE 7.C begin: take_back */
    stop_giving(proc);
    if (mutex->givers == NULL)
        stop_giving(mutex);
    /* EXERCISE 7.C end */
}

/* The mutex goes over from its holder to `next`, who waits no more; others may wait still. */
static void pass(struct donation *mutex, struct donation *next)
{
    /* EXERCISE 7.C begin: pass */
    stop_giving(mutex);
    stop_giving(next);
    give(mutex, next);
    /* EXERCISE 7.C end */
}

/* The process ends. Whatever it is on record as having, nobody gives it anything for that any
   more. */
static void leave(struct donation *proc)
{
    /* EXERCISE 7.C begin: leave */
    while (proc->givers != NULL)
        stop_giving(giver_at(proc->givers));
    /* EXERCISE 7.C end */
}

/* The process that has the mutex, by its word. A word may be rubbish: a process that does not have
   this mutex among its own objects is none of the caller's business. proc_lock is held, so that the
   process and its memory stay. */
static struct proc_struct *holder_of(const struct sync_object *mutex)
{
    struct proc_struct *holder = find_proc(atomic_load(mutex->word) & SYNC_PID);

    if (holder == NULL || holder->mm == current->mm)
        return holder;
    if (holder->mm == NULL)
        return NULL;
    return sync_at(sync_table_of(holder->mm), mutex->id, SYNC_MUTEX) == mutex ? holder : NULL;
}

/* Make a record; NULL if there is no memory. donate_lock is held. */
static struct donation *record_create(struct task *task)
{
    struct donation *record = kmalloc(sizeof(*record));

    if (record != NULL)
        *record = (struct donation){ .task = task };
    return record;
}

/* The record of a process, which is made if there is none. If it is not known who the process is,
   or there is no memory, it is that of `nobody`, to whom any number of mutexes may give. The
   same. */
static struct donation *record_of(struct proc_struct *proc)
{
    static struct donation nobody;

    if (proc != NULL && proc->donation == NULL)
        proc->donation = record_create(&proc->task);
    return proc != NULL && proc->donation != NULL ? proc->donation : &nobody;
}

bool sync_donate_begin(struct sync_object *mutex)
{
    if (!is_written("7.C"))
        return false;
    spin_unlock(&mutex->lock);
    spin_lock(&proc_lock);
    spin_lock(&mutex->lock);
    spin_lock(&donate_lock);
    struct donation *self = record_of(current);
    if (mutex->donation == NULL && self->task != NULL)
        mutex->donation = record_create(NULL);
    bool begins = mutex->donation != NULL && self->task != NULL;
    if (begins) {
        mutex->donation->waits++;
        donate(self, mutex->donation, record_of(holder_of(mutex)));
    }
    spin_unlock(&donate_lock);
    spin_unlock(&proc_lock);
    return begins;
}

void sync_donate_end(struct sync_object *mutex)
{
    spin_lock(&donate_lock);
    take_back(current->donation, mutex->donation);
    if (--mutex->donation->waits == 0) {
        kfree(mutex->donation);
        mutex->donation = NULL;
    }
    spin_unlock(&donate_lock);
}

void sync_donate_pass(struct sync_object *mutex, struct proc_struct *next)
{
    if (mutex->donation == NULL)
        return;
    spin_lock(&donate_lock);
    pass(mutex->donation, record_of(next));
    spin_unlock(&donate_lock);
}

void sync_donate_leave(struct proc_struct *proc)
{
    spin_lock(&donate_lock);
    leave(proc->donation);
    spin_unlock(&donate_lock);
    if (proc != current) {
        kfree(proc->donation);
        proc->donation = NULL;
    }
}
