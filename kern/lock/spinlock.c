/* The rare parts of spinlocks: waiting and promises, and the panics for a breach of the rules in
   spinlock.h.
   They are here and not in the header, so that the common path, which is inlined, stays a few
   instructions.

   All are called by spin_lock() and spin_unlock() only, with interrupts off. A panic names the
   lock, the hart and the ranks held; ranks are the bits of enum lock_rank, and its list says which
   is which. */
#include <lock/spinlock.h>

static void (*enable_hook)(void);       /* set once, at boot; NULL without chaos */

/* The other harts are not up yet, so nothing changes their words meanwhile. */
void irq_set_hook(void (*hook)(void))
{
    assert(holds_no_lock());
    enable_hook = hook;
    for (int i = 0; i < MAX_HARTS; i++)
        cpus[i].locks_held = HELD_CHAOS;
}

/* If the hook gives way, this is another hart afterwards: interrupts come on there. */
void irq_enable_with_hook(__not_used const void *nothing)
{
    this_cpu->locks_held = HELD_CHAOS;
    enable_hook();
    irq_enable();
}

void spin_rank_panic(const void *which)
{
    const struct spinlock *lock = which;

    if (spin_held(lock))
        panic("hart %lu takes the lock \"%s\" that it holds already",
              this_cpu->hartid, lock->name);
    IF_CHECK(check_tell_locks());
    panic("hart %lu takes the lock \"%s\" of rank %#x while it holds one of a higher rank "
          "(held: %#x); see enum lock_rank for the order",
          this_cpu->hartid, lock->name, lock->rank, this_cpu->locks_held & HELD_RANKS);
}

/* How often a hart looks whether a lock is free before it asks for the promise: for about a tenth
   of a second. That is far more than holds take, and that is on purpose. Where the host has fewer
   processors than there are harts, a promise to one that does not run just then makes all others
   wait until it does, for milliseconds; if these were quick to ask for promises too, the lock would
   always be given to harts that do not run. */
uint32_t spin_looks = 20000000;

/* One look: has this hart got the lock? It was given it, or the lock is free and nobody is faster.
   Loads share the word with other harts' caches; only what changes it takes it away from them. */
static bool look(struct spinlock *lock)
{
    /* pairs with spin_hand_over() */
    uintptr_t state = atomic_load_acquire(&lock->state);

    if ((state & ~SPIN_PROMISES) == (uintptr_t)this_cpu)
        return true;
    /* pairs with spin_unlock_to() */
    return state == 0 && atomic_cas(&lock->state, 0, this_cpu);
}

/* A panic may have stopped the hart that holds the lock, so the loop asks.

   With its bit in the state this hart is promised the lock, and who has it will find the bit. If
   the state was 0 just before, nobody has it, and nobody else can take it any more. */
void spin_wait(const void *which)
{
    struct spinlock *lock = (struct spinlock *)which;

    IF_CHECK(uint64_t since = rdtime());
    for (uint64_t looks = 1; !look(lock); looks++) {    /* of 64 bits: it is equal only once */
        if (panicked())
            panic_stop();
        cpu_relax();
        /* pairs with spin_unlock_to() */
        if (looks == spin_looks && atomic_xor(&lock->state, this_cpu->bit) == 0)
            atomic_xor(&lock->state, (uintptr_t)this_cpu | this_cpu->bit);
    }
    IF_CHECK(check_waited(lock->name, since));
}

/* This hart is out of the state, and something is left there. If only promises are left, the lock
   is given to the next of these harts, round the circle from this one: so a hart has come closer to
   its turn with each that is served before it. Nobody else changes who holds the lock meanwhile.

   Anything else is a hart, or two in one: somebody has released what was not his, and has put
   himself into the state by the xor. */
void spin_hand_over(const void *which)
{
    struct spinlock *lock = (struct spinlock *)which;
    uintptr_t promised = atomic_load(&lock->state);
    uint32_t next = (this_cpu->id + 1) % MAX_HARTS;

    if (promised > SPIN_PROMISES)
        panic("hart %lu releases the lock \"%s\" that it does not hold",
              this_cpu->hartid, lock->name);
    while (!(promised >> next & 1))
        next = (next + 1) % MAX_HARTS;
    /* pairs with look() */
    atomic_xor(&lock->state, (uintptr_t)&cpus[next] | 1U << next);
}
