/* How long each spinlock may be held, and interrupts may be off: in instructions of a checked
   kernel, on one hart.

   A wait for a spinlock is as long as those hold it who come before: each other hart once, and
   before that those who come within a tenth of a second (lock/spinlock.c). A mutex is not here: its
   holder may sleep.

   A bound is what its longest operation needs by the batches of the code, where there are such, or
   twice what was measured, rounded up; `why` names the operation. That of the timers is for each
   task that wakes, because a timer_expire() that wakes all is right too. Junk in a freed page is
   1,600 instructions, a look at a new one 5,300.

   The boot argument bounds=N says that an instruction takes 2^N ns (QEMU's -icount shift=N): then
   who holds a spinlock for longer than its bound is a panic where he gives it back, with his call
   stack, and the place where he took it. make grade CHECK=1 gives it to all tests with one hart.
   Without -icount a time has in it what the host did, and says nothing. */
#include <check/bounds.h>
#include <debug/backtrace.h>
#include <debug/check.h>
#include <debug/panic.h>
#include <machine/machine.h>
#include <string.h>

#define PAGE_FREED      2000            /* with its junk */
#define BLOCK_FREED     10000           /* a page of the cache, its entry, and part of a slab */
#define TASK_WOKEN      2000            /* its timer leaves the heap; a lock of a run queue */
#define SLAB_MADE       14000           /* a page that is looked at, its pieces filled with junk */

static const struct bound {
    const char *name;                   /* "": interrupts off. NULL: all that have no row */
    uint64_t most;
    uint64_t each;                      /* so much more for each spinlock taken meanwhile */
    const char *why;
} bounds[] = {
    { "", 32 * BLOCK_FREED + 16000, 0,
      "interrupts are off while a spinlock is held, and little longer; see \"block cache\"" },
    { "block cache", 32 * BLOCK_FREED, 0, "free_clean() gives back up to 32 pages at once" },
    { "kernel stacks", 32 * 2 * PAGE_FREED, 0,
      "kstack_shrink() unmaps up to 32 stacks of 2 pages" },
    { "free pages", 170000, 0,
      "cache_relieve() gives 16 pages back; first fit, best fit and an own allocator look at their "
      "free blocks one by one for each" },
    { "a disk", 170000, 0, "the disk of a self test keeps a copy of each block of a transaction" },
    /* for each byte 5 instructions of GCC's, 7 of clang's */
    { "a pipe", 8 * 16384, 0, "pipe_read() moves what is there, 16 KiB, byte by byte if it must" },
    { "pages of programs", 72000, 0, "swap_cache_add() makes the names of a chunk of slots" },
    { "console input", 60000, 0, "64 characters are taken, and one may lose a line of thousands" },
    { "processes", 150000, 0, "for_each_proc() prints a line for each process of a deadlock" },
    { "timers", 10000, TASK_WOKEN,
      "timer_expire() wakes TIMERS_AT_ONCE; one that wakes all that are due holds it for longer" },
    { "kmalloc", 3 * SLAB_MADE, 0, "a slab of several pages is made or given back" },
    { "vma_struct", 2 * SLAB_MADE, 0, "a slab is made or given back" },
    { "mm_struct", 2 * SLAB_MADE, 0, "a slab is made or given back" },
    { "proc_struct", 2 * SLAB_MADE, 0, "a slab is made or given back" },
    { "family", 2 * SLAB_MADE, 0, "a slab is made or given back" },
    { "an object of programs", 2 * SLAB_MADE, 0, "who waits gives his priority to who holds it" },
    { "donated priorities", 2 * SLAB_MADE, 0, "a chain of tasks that wait for each other" },
    { "journal", 2 * SLAB_MADE, 0, "journal_close() frees what it has for a transaction" },
    { NULL, 2 * SLAB_MADE, 0, "with some of them held an object is made, and a slab for it" },
};

const char *check_bounds;               /* the value of bounds=; set once, at boot */

/* The row of this name. */
static const struct bound *bound_of(const char *name)
{
    const struct bound *bound = bounds;

    while (bound->name != NULL && strcmp(bound->name, name) != 0)
        bound++;
    return bound;
}

bool check_bound(const char *name, uint64_t time, uint32_t inner, uintptr_t since)
{
    const struct bound *bound;
    char place[SYMBOL_LENGTH];
    uint64_t shift;

    if (check_bounds == NULL || !string_to_uint64(check_bounds, 10, &shift) || shift > 10)
        return false;
    uint64_t instructions = time * (1000000000 / machine.timebase_hz) >> shift;

    bound = bound_of(name);
    uint64_t most = bound->most + inner * bound->each;
    if (instructions <= most)
        return bound->each != 0;
    check_bounds = NULL;                /* the panic itself takes locks, and for long */
    symbol_format(place, sizeof(place), since - 1);
    panic("%s%s%s for %lu instructions, since %s, and its bound is %lu: %s",
          name[0] ? "the spinlock \"" : "interrupts of this hart were off", name,
          name[0] ? "\" was held" : "", instructions, place, most, bound->why);
}
