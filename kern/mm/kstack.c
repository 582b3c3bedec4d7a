/* Kernel stacks and their guards. The range from KSTACK_BASE to KSTACK_END is cut into slots:

       slot n                      slot n + 1
       +---------+----------------+---------+----------------+
       |  guard  |  stack         |  guard  |  stack         |
       +---------+----------------+---------+----------------+
                 ^ what kstack_alloc() returns; the stack grows down towards it

   Mapping or unmapping a stack changes the kernel's map, of which each hart may have translations:
   tlb_flush_kernel() interrupts them all (sfence.vma works on one hart only, Privileged spec
   20211203, 4.2.1). To make that rare, stacks are mapped in batches with one flush, and free ones
   stay mapped in a cache. A new mapping is flushed too: a hart may have read the entry while it was
   invalid, ahead of need, and would fault in the kernel, and nobody repairs that.
   kstack_lock guards all that is static here. */
#include <lock/spinlock.h>
#include <mm/kstack.h>
#include <mm/pagetable.h>
#include <mm/reclaim.h>
#include <mm/shrink.h>

#define CACHE_LIMIT     32              /* free stacks that stay mapped */
#define CACHE_BATCH     8               /* stacks that are mapped or unmapped with one flush */
#define RECLAIM_TRIES   64              /* it may be addresses that are used up, and not memory */
#define SLOT_COUNT      ((KSTACK_END - KSTACK_BASE) / KSTACK_SLOT)

static struct spinlock kstack_lock = SPINLOCK_INIT("kernel stacks", RANK_KSTACK);

/* Guarded by kstack_lock. A slot that has no memory is either above `next_slot`, never used, or in
   the list of returned ones, which is kept in the unused slots' own page table entries: invalid
   ones, whose other bits are the software's. */
static uintptr_t mapped[CACHE_LIMIT];   /* free stacks with memory */
static uint32_t mapped_count;
static uint64_t next_slot;
static uint64_t returned_slot = SLOT_COUNT;     /* head of the list; SLOT_COUNT ends it */

/* The lowest address of a slot's stack. */
static uintptr_t slot_stack(uint64_t slot)
{
    return KSTACK_BASE + slot * KSTACK_SLOT + (KSTACK_SLOT - KSTACKSIZE);
}

/* The entry of a page of a stack, counted from its low end. NULL if there is no table for it and no
   memory to make one; once a stack was there, its table stays. */
static pte_t *stack_pte(uintptr_t kstack, int page)
{
    return kernel_pte(kstack + page * PGSIZE, 0);
}

/* Put a slot that has no memory into the list. Its first entry keeps the next one: bit 0, which is
   PTE_V, stays 0, and all other bits of an invalid entry are the software's (4.3.1). */
static void return_slot(uintptr_t kstack)
{
    set_pte(stack_pte(kstack, 0), returned_slot << 1);
    returned_slot = (kstack - KSTACK_BASE) / KSTACK_SLOT;
}

/* A slot without memory, whose page table exists; 0 if there is none. */
static uintptr_t take_slot(void)
{
    uint64_t slot = returned_slot;

    if (slot == SLOT_COUNT) {
        if (next_slot == SLOT_COUNT || stack_pte(slot_stack(next_slot), 0) == NULL)
            return 0;
        return slot_stack(next_slot++);
    }
    returned_slot = *stack_pte(slot_stack(slot), 0) >> 1;
    return slot_stack(slot);
}

/* Give a stack its pages; all of them, or none and false. The caller flushes. */
static bool map_stack(uintptr_t kstack)
{
    struct Page *page[KSTACKPAGE];

    /* All pages first: only then can nothing fail any more, and no entry has to be taken back. */
    for (int i = 0; i < KSTACKPAGE; i++) {
        page[i] = alloc_page();
        if (page[i] == NULL) {
            while (i-- > 0)
                free_page(page[i]);
            return false;
        }
    }
    for (int i = 0; i < KSTACKPAGE; i++) {
        page[i]->ref = 1;
        set_pte(stack_pte(kstack, i), pte_make(page2pa(page[i]), pte_leaf_flags(PTE_R | PTE_W)));
    }
    return true;
}

/* Fill the cache by a batch, or as far as memory goes, and make it known to all harts. */
static void map_stacks(void)
{
    /* A batch that ends early, because memory or the range is used up, is flushed all the same. */
    while (mapped_count < CACHE_BATCH) {
        uintptr_t kstack = take_slot();

        if (kstack == 0)
            break;
        if (!map_stack(kstack)) {
            return_slot(kstack);
            break;
        }
        mapped[mapped_count++] = kstack;
    }
    if (mapped_count > 0)
        tlb_flush_kernel(KSTACK_BASE, next_slot * KSTACK_SLOT);
}

/* Take the memory away from all but the first `keep` free stacks. The pages are freed only after
   the flush: until then another hart could still reach them by an old translation. Returns how many
   pages that were. */
static size_t unmap_stacks(uint32_t keep)
{
    struct Page *page[CACHE_LIMIT * KSTACKPAGE];
    size_t n = 0, count;

    while (mapped_count > keep) {
        uintptr_t kstack = mapped[--mapped_count];

        for (int i = 0; i < KSTACKPAGE; i++) {
            pte_t *pte = stack_pte(kstack, i);

            page[n++] = pa2page(pte_paddr(*pte));
            set_pte(pte, 0);
        }
        return_slot(kstack);
    }
    if (n > 0)
        tlb_flush_kernel(KSTACK_BASE, next_slot * KSTACK_SLOT);
    for (count = n; n > 0; n--)
        page_ref_dec(page[n - 1]);
    return count;
}

/* If there is no memory the caches of others may have some; they are asked without the lock, which
   would be above theirs. */
uintptr_t kstack_alloc(void)
{
    uintptr_t kstack = 0;
    int tries = 0;

    do {
        spin_lock(&kstack_lock);
        if (mapped_count == 0)
            map_stacks();
        if (mapped_count > 0)
            kstack = mapped[--mapped_count];
        spin_unlock(&kstack_lock);
    } while (unlikely(kstack == 0)
             && (shrink_when_short() || (tries++ < RECLAIM_TRIES && reclaim_when_short())));
    IF_CHECK(if (kstack != 0) check_stack_made(kstack));
    return kstack;
}

/* The stack goes into the cache, mapped as it is. A full cache gives a batch back first. */
void kstack_free(uintptr_t kstack)
{
    IF_CHECK(check_stack_freed(kstack));
    spin_lock(&kstack_lock);
    if (mapped_count == CACHE_LIMIT)
        unmap_stacks(CACHE_LIMIT - CACHE_BATCH);
    mapped[mapped_count++] = kstack;
    spin_unlock(&kstack_lock);
}

/* The shrinker: no free stack stays mapped. */
static size_t kstack_shrink(void)
{
    spin_lock(&kstack_lock);
    size_t n = unmap_stacks(0);
    spin_unlock(&kstack_lock);
    return n;
}

SHRINKER(kstack_shrink);

/* One table of level 0 maps pt_span(1) bytes of the range; there are tables as far as slots were
   used. */
size_t kstack_table_pages(void)
{
    return (atomic_load(&next_slot) * KSTACK_SLOT + pt_span(1) - 1) / pt_span(1);
}
