/* The table of shrinkers: see shrink.h. There is no lock here: the table never changes, and each
   shrinker takes the lock of its own cache. The order of the table is the linker's, and of no
   matter: what one gives back does not fill another one's cache but that of pages, and pages there
   are free. Nothing is remembered between two calls: if memory stays short, each allocation that
   fails asks all caches again, which is soon done while they are empty. */
#include <lock/spinlock.h>
#include <mm/shrink.h>

typedef size_t (*shrinker_t)(void);

extern const shrinker_t shrinkers_start[], shrinkers_end[];

/* With a spinlock held a shrinker could take a lock out of order: that is found at once, and not
   only when its cache has something. */
size_t shrink_memory(void)
{
    size_t n = 0;

    assert(holds_no_lock());
    for (const shrinker_t *shrinker = shrinkers_start; shrinker < shrinkers_end; shrinker++)
        n += (*shrinker)();
    return n;
}

bool shrink_when_short(void)
{
    return holds_no_lock() && shrink_memory() > 0;
}
