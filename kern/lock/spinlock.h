/* Spinlocks. Holding one keeps interrupts of this hart off, so that a handler may take it too; who
   holds one must not sleep.

   Every lock has a rank, and a hart takes locks only in ascending order of rank: so no two harts
   can wait for each other. A breach panics at once, also where it would have gone well this
   time. */
#pragma once

#include <debug/panic.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>

/* One bit each, from the one taken first to the one taken last. */
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

struct spinlock {
    uint32_t locked;            /* atomic */
    uint32_t rank;              /* enum lock_rank */
    struct cpu *holder;         /* guarded by the lock */
    const char *name;
};

#define SPINLOCK_INIT(lock_name, lock_rank) { .rank = (lock_rank), .name = (lock_name) }

/* Turn interrupts off until the matching irq_pop(); calls nest. */
static inline void irq_push(void)
{
    bool was_on = irq_disable();

    if (this_cpu->irq_depth++ == 0)
        this_cpu->irq_was_on = was_on;
}

static inline void irq_pop(void)
{
    if (--this_cpu->irq_depth == 0 && this_cpu->irq_was_on)
        irq_enable();
}

/* Does this hart hold the lock? */
static inline bool spin_held(const struct spinlock *lock)
{
    return atomic_load(&lock->locked) && lock->holder == this_cpu;
}

/* The rare parts of the two functions below: reports of a breach of the rules; waiting. */
__never_returns void spin_rank_panic(const struct spinlock *lock);
__never_returns void spin_holder_panic(const struct spinlock *lock);
void spin_wait(struct spinlock *lock);

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

static inline void spin_unlock(struct spinlock *lock)
{
    if (unlikely(lock->holder != this_cpu))
        spin_holder_panic(lock);
    lock->holder = NULL;
    this_cpu->held_ranks ^= lock->rank;
    atomic_store_release(&lock->locked, 0);
    irq_pop();
}
