/* Words that several harts use without a common lock, as Eraser finds them (Savage et al., 1997).

   For each word that was touched lately there is an entry: which hart began, whether another one
   came, whether it was written to since, and which locks all of them held since. A lock is one of
   some bits, by its address; so two locks may look like one, and a race be overlooked here.

   A word that one hart alone uses is no race, nor is one that is only read, nor one that a lock
   guards each time. An entry whose word was watched in vain is forgotten, because memory gets
   another use: it must be touched by two harts again before it is watched again.

   The table is no list of all words: a word whose place is needed by another one is forgotten.
   Entries are read and written as a whole, without a lock; one that is lost costs a guess only. */
#include <debug/check.h>
#ifdef CHECK_RACE
#include <check/locks.h>
#include <check/shared.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>

#define WORDS       (1U << 15)      /* a power of 2 */

/* An entry. All locks before a second hart comes: none of them matters. */
#define OWNER       7UL             /* this hart began */
#define SHARED      8UL             /* another one came */
#define WRITTEN     16UL            /* and one wrote since */
#define LOCKS       (0x7ffffffUL << LOCK_SHIFT)
#define LOCK_SHIFT  5
#define TAG_SHIFT   32              /* the address, but for what the place in the table tells */

static uint64_t words[WORDS];       /* atomic */

static uint64_t *entry_of(uintptr_t address)
{
    return &words[address / 8 % WORDS];
}

bool word_is_shared(uintptr_t address, bool writes)
{
    uint64_t *entry = entry_of(address), was = atomic_load(entry), now = was;
    uint64_t tag = address / 8 / WORDS << TAG_SHIFT;
    uint32_t me = this_cpu->id;

    if (was >> TAG_SHIFT != tag >> TAG_SHIFT)
        now = tag | LOCKS | me;
    else if (was & SHARED || (was & OWNER) != me)
        now = (was & ~LOCKS) | (was & LOCKS & (locks_held() << LOCK_SHIFT)) | SHARED
              | (writes ? WRITTEN : 0);
    if (now != was)
        atomic_store(entry, now);
    return (now & (WRITTEN | SHARED)) == (WRITTEN | SHARED) && (now & LOCKS) == 0;
}

void forget_word(uintptr_t address)
{
    atomic_store(entry_of(address), 0);
}

_Static_assert(MAX_HARTS <= OWNER + 1, "OWNER");
#endif
