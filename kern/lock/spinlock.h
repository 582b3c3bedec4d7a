/* Spinlocks: one hart holds the lock, others that want it try again until it is free. While a hart
   holds one its interrupts are off, so that a handler on the same hart may take the lock too, and
   never finds it held by what it interrupted. A task that holds one must not sleep and must not
   return to user mode; it should hold it for a short time.

   Every lock has a rank, and a hart takes locks in ascending order of rank only. So no two harts
   can wait for each other. Two locks of one rank are never held together. A breach of these rules
   panics at once, also if it would have gone well this time.

   Order of memory: what a hart did while it held the lock is seen by the next hart that takes it,
   by a release and an acquire (Unprivileged spec 20191213, 14.1, rules 4 and 5). Devices are not
   ordered so. */
#pragma once

#include <debug/panic.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>

/* One bit each, from the lock that is taken first to the one that is taken last. */
enum lock_rank {
    RANK_PROC = 1 << 0,         /* process tree, pids, groups */
    RANK_WAIT = 1 << 1,         /* mutexes and other wait queues without a lock of their own */
    RANK_CONSOLE = 1 << 2,      /* console input */
    RANK_TIMER = 1 << 3,        /* pending timers */
    RANK_KSTACK = 1 << 4,       /* free kernel stacks */
    RANK_SLAB = 1 << 5,         /* a kmem_cache */
    RANK_PMM = 1 << 6,          /* free pages */
    RANK_RUNQUEUE = 1 << 7,     /* a hart's run queue and the states of its tasks */
};

/* A lock. It has no list of waiters: which of the harts that wait gets it next is chance. */
struct spinlock {
    uint32_t locked;            /* atomic: 1 while a hart holds it */
    uint32_t rank;              /* enum lock_rank; set once */
    struct cpu *holder;         /* NULL while nobody holds it; guarded by the lock */
    const char *name;           /* for panics; set once */
};

/* The value of a free lock, for a definition. */
#define SPINLOCK_INIT(lock_name, lock_rank) { .rank = (lock_rank), .name = (lock_name) }

/* Turn interrupts of this hart off until the matching irq_pop(). Calls nest: the first push notes
   whether they were on, and the last pop puts that back. A task between them stays on this hart.
   From anywhere. */
static inline void irq_push(void)
{
    bool was_on = irq_disable();

    if (this_cpu->irq_depth++ == 0)
        this_cpu->irq_was_on = was_on;
}

/* Undo one irq_push(). May turn interrupts on, and then a pending one comes at once. */
static inline void irq_pop(void)
{
    if (--this_cpu->irq_depth == 0 && this_cpu->irq_was_on)
        irq_enable();
}

/* Does this hart hold the lock? Functions that expect a lock assert it by this. If another hart
   holds it, or none does, the answer is no, whatever changes meanwhile. */
static inline bool spin_held(const struct spinlock *lock)
{
    return atomic_load(&lock->locked) && lock->holder == this_cpu;
}

/* The rare parts of the two functions below: panics for a breach of the rules, and waiting. */
__never_returns void spin_rank_panic(const struct spinlock *lock);
__never_returns void spin_holder_panic(const struct spinlock *lock);
void spin_wait(struct spinlock *lock);

/* Take the lock; spins while another hart holds it. From anywhere, also from an interrupt, if this
   hart holds no lock of the same or of a higher rank; else it panics. Interrupts are off from here
   on. The test works because ranks are bits: a set of ranks is as large as its highest one, at
   least. */
static inline void spin_lock(struct spinlock *lock)
{
    irq_push();
    if (unlikely(this_cpu->held_ranks >= lock->rank))   /* the same bit, or one above it */
        spin_rank_panic(lock);
    if (unlikely(__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE) != 0))
        spin_wait(lock);
    this_cpu->held_ranks |= lock->rank;
    lock->holder = this_cpu;
}

/* Give the lock back. This hart must hold it; else it panics. Locks may be given back in any
   order; with the last of them interrupts become what they were before the first. */
static inline void spin_unlock(struct spinlock *lock)
{
    if (unlikely(lock->holder != this_cpu))
        spin_holder_panic(lock);
    lock->holder = NULL;
    this_cpu->held_ranks ^= lock->rank;
    atomic_store_release(&lock->locked, 0);
    irq_pop();
}
