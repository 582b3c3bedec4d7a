/* Spinlocks: one hart holds the lock, others that want it try again until it is free. Who has tried
   for long is promised the lock, and from then on each other hart gets it once before him, at most:
   so a wait has a bound, and a lock that nobody waits for pays nothing for that. While a hart holds
   one its interrupts are off, so that a handler on the same hart may take the lock too, and
   never finds it held by what it interrupted. A task that holds one must not sleep and must not
   return to user mode; it should hold it for a short time.

   Every lock has a rank, and a hart takes locks in ascending order of rank only. So no two harts
   can wait for each other. Two locks of one rank are never held together. A breach of these rules
   panics at once, also if it would have gone well this time.

   Order of memory: what a hart did while it held the lock is seen by the next hart that takes it,
   by a release and an acquire (Unprivileged spec 20191213, 14.1, rules 4 to 6). Devices are not
   ordered so. */
#pragma once

#include <debug/panic.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>

/* What a hart holds is one word, this_cpu->locks_held, which changes by the hart itself with
   interrupts off. So that one comparison finds a breach of the order, the ranks are its highest
   bits:

     HELD_CHAOS      ask the hook of irq_set_hook() where interrupts come on again
     HELD_WAS_ON     interrupts were on before the first lock or irq_push(). It is the place that
                     sstatus.SIE has, so that the bit is copied and not tested
     HELD_PUSH       irq_push() calls that are open, counted in the bits up to the ranks
     enum lock_rank  one bit for each rank of which a lock is held

   A hart that holds nothing has 0 there, or HELD_CHAOS. */
#define HELD_CHAOS      1U
#define HELD_WAS_ON     ((uint32_t)SSTATUS_SIE)
#define HELD_PUSH       4U
#define HELD_RANKS      0xffff0000U

/* One bit each, from the lock that is taken first to the one that is taken last. */
enum lock_rank {
    RANK_PROC = 1 << 16,        /* process tree, pids, groups */
    RANK_WAIT = 1 << 17,        /* mutexes and other wait queues without a lock of their own */
    RANK_DONATE = 1 << 18,      /* who gives whom his priority */
    RANK_CONSOLE = 1 << 19,     /* console input */
    RANK_FILES = 1 << 20,       /* a table of descriptors */
    RANK_INODES = 1 << 21,      /* which inodes are in memory */
    RANK_JOURNAL = 1 << 22,     /* who is in a transaction */
    RANK_CACHE = 1 << 23,       /* which blocks of the disk are in memory */
    RANK_BLOCK = 1 << 24,       /* requests of a disk */
    RANK_TIMER = 1 << 25,       /* pending timers */
    RANK_KSTACK = 1 << 26,      /* free kernel stacks */
    RANK_SLAB = 1 << 27,        /* a kmem_cache */
    RANK_SWAP = 1 << 28,        /* pages of programs that may go to disk, and its slots */
    RANK_PMM = 1 << 29,         /* free pages */
    RANK_RUNQUEUE = 1 << 30,    /* a hart's run queue and the states of its tasks */
};

/* A lock. Its state is one word, so that it is taken by one step, and given back by one:

     0                     free: whoever comes first gets it
     a struct cpu          that hart holds it; the address has zeros where the bits are
     a struct cpu | bits   the same, and it is promised to the harts of these bits (this_cpu->bit)
     bits                  who held it is just giving it to one of them; nobody else gets it */
struct spinlock {
    uintptr_t state;            /* atomic */
    uint32_t rank;              /* enum lock_rank; set once */
    const char *name;           /* for panics; set once */
};

#define SPIN_PROMISES   ((uintptr_t)(1 << MAX_HARTS) - 1)
_Static_assert(sizeof(struct cpu) % (SPIN_PROMISES + 1) == 0, "bits of an address that are zeros");

/* The value of a free lock, for a definition. */
#define SPINLOCK_INIT(lock_name, lock_rank) { .rank = (lock_rank), .name = (lock_name) }

/* For the boot argument chaos= alone, which makes the kernel give way at places where it never does
   else: call `hook` on each hart, wherever it gives back the last of what it holds and interrupts
   come on by that. They are still off in the hook, so that what it locks does not lead there again,
   and the hart holds nothing. It is the end of any spin_unlock() or irq_pop() of a task; never of
   an interrupt handler, nor where interrupts were off before. At boot, once, while this is the only
   hart and holds nothing. */
void irq_set_hook(void (*hook)(void));
/* The rare part of held_set(): interrupts come on, and the hook is asked. The argument is not
   used. */
void irq_enable_with_hook(const void *);

/* An output of what may give way: this_cpu is that of another hart then. clang reads the register
   anew after each asm that may write to memory, and would take an output for one to be restored. */
#ifdef __clang__
#define TP_CHANGES
#else
#define TP_CHANGES  , "+r" (this_cpu)
#endif

/* Call `rare` with the argument, as an instruction that destroys nothing but t0 to t3: so that the
   function into which this is inlined need not save registers for it. Only for what is called
   almost never: the call itself costs 40 instructions. See rare_call.S. */
static inline void rare_call(void (*rare)(const void *), const void *argument)
{
    register const void *t2 asm("t2") = argument;
    register void (*t3)(const void *) asm("t3") = rare;

    asm volatile ("call t0, rare_call_save"
                  : "+r" (t2), "+r" (t3) TP_CHANGES : : "t0", "t1", "memory");
}

/* Does this hart hold no spinlock, and is no irq_push() open? Who may sleep asserts it by this. */
static inline bool holds_no_lock(void)
{
    return this_cpu->locks_held <= HELD_CHAOS;
}

/* Something was given back: this is left. If it was the last one, interrupts become what they were
   before the first. What is asked first is the case that comes most often. */
static inline void held_set(uint32_t left)
{
    if (likely(left == HELD_WAS_ON)) {
        this_cpu->locks_held = 0;
        irq_enable();
    } else if (unlikely(left == (HELD_WAS_ON | HELD_CHAOS))) {
        rare_call(irq_enable_with_hook, NULL);
    } else {
        this_cpu->locks_held = left;
    }
}

/* Turn interrupts of this hart off until the matching irq_pop(). Calls nest: the first push notes
   whether they were on, and the last pop puts that back. A task between them stays on this hart.
   From anywhere. */
static inline void irq_push(void)
{
    uint32_t was_on = irq_save();       /* 0 if this call is within another one */

    IF_CHECK(if (was_on) check_irq_off());
    this_cpu->locks_held = (this_cpu->locks_held | was_on) + HELD_PUSH;
}

/* Undo one irq_push(). May turn interrupts on, and then a pending one comes at once. */
static inline void irq_pop(void)
{
    held_set(this_cpu->locks_held - HELD_PUSH);
}

/* Does this hart hold the lock? Functions that expect a lock assert it by this. If another hart
   holds it, or none does, the answer is no, whatever changes meanwhile. */
static inline bool spin_held(const struct spinlock *lock)
{
    return (atomic_load(&lock->state) & ~SPIN_PROMISES) == (uintptr_t)this_cpu;
}

/* How often a hart that waits looks at the lock before it is promised to it: not static only
   because a self test makes it less. */
extern uint32_t spin_looks;

/* The rare parts of the two functions below: the panic for a breach of the rules, waiting, and
   giving back what is promised, or what this hart does not hold. */
void spin_rank_panic(const void *lock);
void spin_wait(const void *lock);
void spin_hand_over(const void *lock);

/* Take the lock; spins while another hart holds it. From anywhere, also from an interrupt, if this
   hart holds no lock of the same or of a higher rank; else it panics. Interrupts are off from here
   on. The test works because ranks are the highest bits of `held`: it is as large as the highest
   rank held, at least, and below the next one. The rank is noted before the hart has the lock: it
   can do nothing in between but wait. A lock that is promised is not free. */
static inline void spin_lock(struct spinlock *lock)
{
    uint32_t was_on = irq_save(), held = this_cpu->locks_held, rank = lock->rank;

    if (unlikely(held >= rank))         /* the same bit, or one above it */
        rare_call(spin_rank_panic, lock);
    this_cpu->locks_held = held | was_on | rank;
    /* pairs with spin_unlock_to() */
    if (unlikely(!atomic_cas(&lock->state, 0, this_cpu)))
        rare_call(spin_wait, lock);
    IF_CHECK(check_spin_taken(lock, was_on));
}

/* The second part of spin_unlock(); else only for the switch of tasks, which knows what the hart
   holds afterwards: `left`, as it is in this_cpu->locks_held. The amoxor takes this hart out of the
   state and leaves the promises, and tells what was there: if that was anything else than this
   hart, the rare part sees to it. Its rl makes it a release (Unprivileged spec, 8.4). */
static inline void spin_unlock_to(struct spinlock *lock, uint32_t left)
{
    struct cpu *state;

    IF_CHECK(check_spin_released(lock));
    /* pairs with spin_lock(); look() and spin_wait() in spinlock.c */
    asm volatile ("amoxor.d.rl %0, %2, %1"
                  : "=r" (state), "+A" (lock->state) : "r" (this_cpu) : "memory");
    if (unlikely(state != this_cpu))
        rare_call(spin_hand_over, lock);
    held_set(left);
}

/* Give the lock back. This hart must hold it; else it panics. Locks may be given back in any
   order; with the last of them interrupts become what they were before the first. The rank is read
   before, because the next who has the lock may free the memory that it is in. */
static inline void spin_unlock(struct spinlock *lock)
{
    spin_unlock_to(lock, this_cpu->locks_held ^ lock->rank);
}
