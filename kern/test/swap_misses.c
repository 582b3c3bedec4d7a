/* How many accesses does the policy of paging miss, which swap= has chosen? A trace of accesses to
   pages is played to it, with few frames. The trace is what the RAM disk holds: it is no file
   system then. tools/grader/trace.py makes it, knows what is the best that can be done, and
   tools/misses.py draws the table.

   A page that is chosen is just taken away, and a page that is missed is a new one: what would be
   in it is of no matter here, so neither slots nor a disk are needed, and nothing of exercises 9.1
   and 9.3. The A bit, which the hardware sets at an access, is set by hand. */
#include <machine/machine.h>
#include <mm/pagetable.h>
#include <mm/rmap.h>
#include <report.h>
#include <test/testlib.h>

#define TRACE_MAGIC 0x43415254
#define BASE        0x400000UL          /* the address of page 0 */
#define MAX_PAGES   256                 /* a page number is a byte */

/* What the first block of the disk is; the page numbers are in the next ones. */
struct trace {
    uint32_t magic, frames, length, most;
};

/* The trace; NULL if the RAM disk is none. */
static const struct trace *find_trace(void)
{
    const struct trace *trace = kva(machine.initrd.start);
    size_t size = machine.initrd.end - machine.initrd.start;

    if (size < PGSIZE || trace->magic != TRACE_MAGIC || trace->frames == 0
        || trace->length > size - PGSIZE)
        return NULL;
    return trace;
}

/* A trace of seven accesses, with three frames, played to FIFO; m is a miss:

     access       1  2  3  1  4  1  2
                  m  m  m     m  m  m           6 misses
     frames       1  1  1  1  2  3  4           the oldest is above, and goes first
                     2  2  2  3  4  1
                        3  3  4  1  2

   A policy that knows what was used would keep 1 when 4 comes. The first misses nobody can do
   without: as many as there are different pages. */

/* The page that the policy chooses goes. Nothing runs on the address space, so its reference and
   the one that came with the choice are all that there are. False if it chooses none. */
static bool take_away(struct mm_struct *mm)
{
    struct Page *page = swap_manager()->swap_out_victim();

    if (page == NULL)
        return false;
    set_pte(get_pte(mm->as.pgdir, page_la(page), false), 0);
    page_ref_dec(page);
    page_ref_dec(page);
    return true;
}

/* A page that is missed comes: it is new, and known to the policy from now on. */
static void bring(struct mm_struct *mm, uintptr_t la, pte_t *pte)
{
    struct Page *page = alloc_page();

    assert(page != NULL);
    page->ref = 1;
    set_pte(pte, pte_make(page2pa(page), pte_leaf_flags(PTE_U | PTE_R | PTE_W)));
    page_enrol(page, mm->family, la);
}

/* Play the trace in this empty address space: how many accesses have missed; -1 if the policy
   chooses no page though there are some. */
static long play(struct mm_struct *mm, const struct trace *trace)
{
    const uint8_t *number = (const uint8_t *)trace + PGSIZE;
    uint32_t frames = trace->frames;
    long misses = 0;

    for (uint32_t i = 0; i < trace->length; i++) {
        uintptr_t la = BASE + number[i] * PGSIZE;
        pte_t *pte = get_pte(mm->as.pgdir, la, true);

        assert(pte != NULL);
        if (!(*pte & PTE_V)) {
            misses++;
            /* As long as a frame is free nothing has to go. */
            if (frames > 0)
                frames--;
            else if (!take_away(mm))
                return -1;
            bring(mm, la, pte);
        }
        /* Hit or miss: the hardware sets it at both. */
        pte_or(pte, PTE_A);
    }
    return misses;
}

/* A trace may have a limit, by which the policy is judged; tools/misses.py plays traces without
   one, and only wants to know the number. */
static void test_misses(void)
{
    const struct trace *trace = find_trace();
    struct mm_struct *mm = mm_create();

    if (trace == NULL)
        panic("the RAM disk is no trace: see tools/misses.py");
    assert(mm != NULL && mm_map(mm, BASE, MAX_PAGES * PGSIZE, VM_READ | VM_WRITE) == 0);
    assert(family_begin(mm) == 0 && mm_enrol_all(mm));
    long misses = play(mm, trace);
    check("the policy chooses a page whenever one has to go", misses >= 0);
    cprintf("%s: %ld of %u accesses miss, with %u frames\n", swap_manager()->name, misses,
            trace->length, trace->frames);
    if (trace->most != 0 && !check("it does not miss more often than the trace allows",
                                   misses >= 0 && misses <= trace->most))
        cprintf("    at most %u were to be missed\n", trace->most);
    mm_put(mm);
}

SELFTEST_AT(STAGE_BOOT, "swap-misses", test_misses);
