/* Pages: what is written to a free one, freed twice, or lost.

   In a checked build each freed page is filled with junk, also without the boot argument `poison`,
   and keeps the number of the call stack that freed it; at its next allocation each word must still
   be junk. struct Page has a history for that (debug/check.h). As the page's other fields it is its
   owner's while it has one; else it belongs to the allocator, which has just taken the page out or
   puts it in. */
#include <check/memory.h>
#include <debug/check.h>
#include <mm/pmm.h>

#define JUNK_WORD       0xa5a5a5a5a5a5a5a5
#define TOLD            8               /* leaks that are printed */

uint32_t check_period = 1;

/* Is there a bit in eight words that is not as in the word of junk? */
static inline bool differ_8(const uint64_t *word)
{
    return ((word[0] ^ JUNK_WORD) | (word[1] ^ JUNK_WORD) | (word[2] ^ JUNK_WORD)
            | (word[3] ^ JUNK_WORD) | (word[4] ^ JUNK_WORD) | (word[5] ^ JUNK_WORD)
            | (word[6] ^ JUNK_WORD) | (word[7] ^ JUNK_WORD)) != 0;
}

/* How far it is from the page's beginning to the first byte that is no junk; PGSIZE if all are.
   Eight words at a time, because it is done for each page that is handed out. */
static size_t first_change(const struct Page *page)
{
    const uint64_t *word = page2kva(page);
    size_t i = 0;

    while (i < PGSIZE / 8 && !differ_8(word + i))
        i += 8;
    for (i *= 8; i < PGSIZE && ((const uint8_t *)word)[i] == (uint8_t)JUNK_WORD; i++)
        ;
    return i;
}

/* Print who had the page, and who freed it. */
static void tell_page(const struct Page *page)
{
    if (page->history.allocated_by != 0)
        stack_print("it was allocated by", OWNER_STACK(page->history.allocated_by));
    if (page->history.freed_by != 0)
        stack_print("it was freed by", page->history.freed_by);
}

void check_page_freed(struct Page *page)
{
    if (unlikely(!(page->flags & PG_ALLOCATED)))
        check_tell(page2kva(page));
    if (page->history.slab != NULL)
        check_slab_freed(page->history.slab, page2kva(page));
    page->history.freed_by = stack_here();
    page->history.slab = NULL;
}

/* Is each byte of a page that was freed still as it was filled then? */
static void check_junk(const struct Page *page)
{
    size_t change = page->history.freed_by != 0 ? first_change(page) : PGSIZE;

    if (unlikely(change < PGSIZE)) {
        cprintf("\npage %#lx:\n", page2pa(page));
        tell_page(page);
        panic("use after free: page %#lx was written at offset %lu, where now is %#x, after it was "
              "freed; the last lines above tell by whom", page2pa(page), change,
              ((const uint8_t *)page2kva(page))[change]);
    }
}

void check_page_allocated(struct Page *page)
{
    check_junk(page);
    page->history.freed_by = 0;
    page->history.allocated_by = owner_here();
}

/* Nobody else allocates or frees when all programs have ended, so no page changes its owner
   meanwhile. */
void check_all_pages(void)
{
    for (const struct Page *page = pages; page < pages + npage; page++)
        if (!(page->flags & PG_ALLOCATED))
            check_junk(page);
}

bool check_tell_page(const struct Page *page)
{
    cprintf("it is in page %#lx, which is %s\n", page2pa(page),
            page->flags & PG_ALLOCATED ? "in use" : page->history.freed_by != 0 ? "free"
            : "no free memory");
    tell_page(page);
    return page->flags & PG_ALLOCATED;
}

/* Kernel stacks and tables that are kept are not lost, but nobody here can tell; so what is printed
   is where to look first. */
static uint32_t tell_lost_pages(uint32_t period)
{
    uint32_t n = 0;

    for (struct Page *page = pages; page < pages + npage; page++) {
        if (!(page->flags & PG_ALLOCATED) || !owned_since(page->history.allocated_by, period))
            continue;
        if (n++ < TOLD) {
            cprintf("page %#lx, references %u:\n", page2pa(page), page_ref(page));
            stack_print("it was allocated by", OWNER_STACK(page->history.allocated_by));
        }
    }
    return n;
}

uint32_t check_period_begins(void)
{
    return ++check_period;
}

void check_leaks(uint32_t period)
{
    uint32_t objects = check_lost_objects(period, TOLD), n = tell_lost_pages(period);

    cprintf("checked: %u objects and %u pages may be lost, see above\n", objects, n);
}
