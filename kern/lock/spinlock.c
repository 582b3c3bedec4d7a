/* The rare parts of spinlocks. */
#include <lock/spinlock.h>

void spin_rank_panic(const struct spinlock *lock)
{
    if (spin_held(lock))
        panic("hart %lu takes the lock \"%s\" that it holds already",
              this_cpu->hartid, lock->name);
    panic("hart %lu takes the lock \"%s\" of rank %#x while it holds one of a higher rank "
          "(held: %#x); see enum lock_rank for the order",
          this_cpu->hartid, lock->name, lock->rank, this_cpu->held_ranks);
}

void spin_holder_panic(const struct spinlock *lock)
{
    panic("hart %lu releases the lock \"%s\" that it does not hold", this_cpu->hartid, lock->name);
}

void spin_wait(struct spinlock *lock)
{
    do {
        while (atomic_load(&lock->locked)) {
            if (panicked())
                panic_stop();
            cpu_relax();
        }
    } while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE) != 0);
}
