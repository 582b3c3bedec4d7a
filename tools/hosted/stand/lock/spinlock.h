/* Stands for kern/lock/spinlock.h on the host. With one thread no lock is ever waited for; but the
   rules are looked at as in the kernel: a lock is taken in the order of the ranks, once, and given
   back by who has it. A breach is a panic, which ends the run as a found fault. */
#pragma once

#include <debug/panic.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>

#define HELD_CHAOS      1U
#define HELD_RANKS      0xffff0000U

enum lock_rank {
    RANK_WAIT = 1 << 17, RANK_INODES = 1 << 21, RANK_JOURNAL = 1 << 22, RANK_CACHE = 1 << 23,
    RANK_BLOCK = 1 << 24, RANK_TIMER = 1 << 25, RANK_SLAB = 1 << 27, RANK_SWAP = 1 << 28,
    RANK_PMM = 1 << 29, RANK_RUNQUEUE = 1 << 30,
};

struct spinlock {
    struct cpu *holder;
    uint32_t rank;
    const char *name;
};

#define SPINLOCK_INIT(lock_name, lock_rank) { .rank = (lock_rank), .name = (lock_name) }

/* See the kernel's own, all of these. */
static inline void rare_call(void (*rare)(const void *), const void *argument)
{
    rare(argument);
}

static inline bool holds_no_lock(void)
{
    return this_cpu->locks_held == 0;
}

static inline bool spin_held(const struct spinlock *lock)
{
    return lock->holder == this_cpu;
}

static inline void spin_lock(struct spinlock *lock)
{
    if (this_cpu->locks_held >= lock->rank || lock->holder != NULL)
        panic("spinlock \"%s\" is taken against the order of the ranks", lock->name);
    this_cpu->locks_held |= lock->rank;
    lock->holder = this_cpu;
}

static inline void spin_unlock(struct spinlock *lock)
{
    if (!spin_held(lock))
        panic("spinlock \"%s\" is given back and was not held", lock->name);
    lock->holder = NULL;
    this_cpu->locks_held &= ~lock->rank;
}
