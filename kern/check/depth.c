/* How deep kernel stacks get, and what a run has measured.

   A stack is filled with junk before it is used. When it is not used any more, the lowest word that
   is no junk tells how far it reached: less than a word below it may have been used and not
   written. A stack of which less than SPARE is left would have run into its guard, had an interrupt
   come at the deepest place: that is a panic, though all has gone well this time.

   Of the deepest stack so far its lowest words are kept. They are what the innermost functions have
   left there, with pairs of a frame pointer and a return address among them. From these
   tools/grader/measured.py tells who needs so much. */
#include <check/locks.h>
#include <check/stacks.h>
#include <debug/check.h>
#include <debug/panic.h>
#include <riscv/atomic.h>
#include <riscv/memlayout.h>
#include <string.h>

#define JUNK            0xa5
#define SPARE           512

#define KEPT            (KSTACKSIZE / 8) /* words: the stack may be used to its end */

bool check_wants_report;                /* set once, at boot */
static uint32_t deepest;                /* atomic: bytes */
static struct {
    uintptr_t at;                       /* where the first of the words was */
    uint64_t words[KEPT];
} lowest;

void check_stack_made(uintptr_t kstack)
{
    memset((void *)kstack, JUNK, KSTACKSIZE);
}

void check_stack_freed(uintptr_t kstack)
{
    const uint64_t *word = (const uint64_t *)kstack, *end = word + KSTACKSIZE / 8;
    uint64_t junk = JUNK * 0x0101010101010101UL;

    while (word < end && *word == junk)
        word++;
    uint32_t depth = (end - word) * 8, before = atomic_load(&deepest);

    while (depth > before && !atomic_cas(&deepest, before, depth))
        before = atomic_load(&deepest);
    if (depth > before) {
        lowest.at = (uintptr_t)word;
        memcpy(lowest.words, word, depth < sizeof(lowest.words) ? depth : sizeof(lowest.words));
    }
    if (unlikely(depth > KSTACKSIZE - SPARE))
        panic("a kernel stack was used to %u of its %u bytes; %u must be left for an interrupt",
              depth, KSTACKSIZE, SPARE);
}

void check_report(void)
{
    if (!check_wants_report)
        return;
    cprintf("checked: kernel stacks are used to %u of %u bytes at most; %u different call stacks\n",
            atomic_load(&deepest), KSTACKSIZE, stack_count());
    check_report_locks();
}
