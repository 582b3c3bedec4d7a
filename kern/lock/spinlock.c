/* The rare parts of spinlocks: waiting, and the panics for a breach of the rules in spinlock.h.
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

void spin_holder_panic(const void *which)
{
    const struct spinlock *lock = which;

    panic("hart %lu releases the lock \"%s\" that it does not hold", this_cpu->hartid, lock->name);
}

/* The inner loop only loads, so that waiting harts share the word in their caches; the swap,
   which takes the word away from the others, comes when the lock looks free. A panic may have
   stopped the hart that holds it, so the loop asks. */
void spin_wait(const void *which)
{
    struct spinlock *lock = (struct spinlock *)which;

    IF_CHECK(uint64_t since = rdtime());
    do {
        while (atomic_load(&lock->holder) != NULL) {
            if (panicked())
                panic_stop();
            cpu_relax();
        }
    } while (!atomic_cas(&lock->holder, NULL, this_cpu));    /* pairs with spin_unlock_to() */
    IF_CHECK(check_waited(lock->name, since));
}
