/* Exercise 9.1: the entry of a page that is out, and the fault that brings it in.

   swap-entry has the format. swap-in looks at what a fault leaves: content, rights, counts, the
   slot; swap-in-cache at a slot of which the page is in memory, or which others name too, or read
   at the same time; swap-in-errors at a disk that fails, and at memory that is short. A wrong
   kernel shows a program old bytes, or lets it write to what others have, loses a slot, or keeps
   one.

   Pages are put out by hand (test/paging.h), and nothing is paged out here. Needed of the labs
   before are the page tables, areas and faults of lab 3. Alone: make grade TEST="swap-*" */
#include <error.h>
#include <mm/shrink.h>
#include <debug/printk.h>
#include <report.h>
#include <string.h>
#include <riscv/csr.h>
#include <test/paging.h>

#define LARGE_SLOT  0x89abcdefU
#define ROUNDS      10                  /* of test_fetch() */
#define LEAST_CALL  50                  /* instructions of the firmware: a call saves registers */

/* The numbers are written out: see paging.c. */
static void test_entry(void)
{
    check_eq("the entry of slot 1 is 0x100", swap_pte(1), 0x100);
    /* A disk may have 16 TiB: the slot does not fit into an int. */
    check_eq("the slot begins at bit 8, and all of its 32 bits are in the entry",
             swap_pte(LARGE_SLOT), 0x89abcdef00);
    check_eq("pte_slot() is the opposite", pte_slot(0x100), 1);
    check_eq("of all 32 bits", pte_slot(0x89abcdef00), LARGE_SLOT);
    check("an entry that names a slot is one of a page that is out",
          pte_is_swapped(0x100) && pte_is_swapped(0x89abcdef00));
    check("one that is 0 is empty", !pte_is_swapped(0));
    check("a valid entry maps a page, whatever its other bits are",
          !pte_is_swapped(pte_make(0x80200000, PTE_V | URW)) && !pte_is_swapped(PTE_V));
}

/* What a fault changes, if the page is only read:

     before   entry: slot           slot: names 1 (the entry)   page: none
     after    entry: page, no W     slot: names 1 (the cache)   page: refs 2 (entry and cache)

   and if it is written to, and nobody else names the slot:

     after    entry: page, W        slot: free                  page: refs 1

   The slot is kept as long as the page is the same: it need not be written when it goes again. */

/* All that the two functions below compare. */
static void check_in(struct mm_struct *mm, uintptr_t la, uint8_t byte, pte_t rights)
{
    struct Page *page = space_page(&mm->as, la);

    if (!check("the entry maps a page", page != NULL))
        return;
    check_eq("the page has what was in the slot, in its first byte", space_byte(&mm->as, la), byte);
    check_eq("and in its last", ((uint8_t *)page2kva(page))[PGSIZE - 1], byte);
    check_eq("the rights are those of the area, without W if the slot keeps a copy",
             space_rights(&mm->as, la), rights);
    /* Else a machine that does not set them by itself faults once more, and a policy takes the
       page for one that is not used. */
    check("the entry has A, and D if it allows to write", space_touched(&mm->as, la));
    check("the policy knows the page", (page->flags & PG_ANON) && (page->flags & PG_SWAPPABLE)
          && page_la(page) == la && page_family(page) == mm->family);
}

/* A fault on each kind of page. Only for reading at first: the page stays a copy of its slot. */
static void test_read(void)
{
    struct mm_struct *mm = paged_mm();
    uint32_t slot = put_out(mm, DATA, 0x11);

    put_out(mm, CONSTANTS, 0x22);
    put_out(mm, TEXT, 0x33);
    /* The address of a fault is anywhere in its page. */
    check_eq("a read of a page that is out succeeds", mm_fault_locked(mm, DATA + 99, VM_READ), 0);
    check_in(mm, DATA, 0x11, URO | PTE_COW);
    check_eq("the page has a reference of the entry, and one of the cache",
             page_ref(space_page(&mm->as, DATA)), 2);
    check_eq("the page is the cache of its slot", page_slot(space_page(&mm->as, DATA)), slot);
    check_eq("the entry does not name the slot any more: the cache is left",
             swap_slot_names(slot), 1);
    check("the page need not be written again", swap_slot_is_written(slot));
    check("the page is not locked any more", !(space_page(&mm->as, DATA)->flags & PG_LOCKED));
    check_eq("two pages are out", mm->paged_out, 2);
    check_eq("a page of constants comes in", mm_fault_locked(mm, CONSTANTS, VM_READ), 0);
    check_in(mm, CONSTANTS, 0x22, URO);
    check_eq("a page of text comes in", mm_fault_locked(mm, TEXT, VM_EXEC), 0);
    check_in(mm, TEXT, 0x33, URX);
    check_eq("no page is out", mm->paged_out, 0);
    check_eq("each was read once", test_swap.reads, 3);
    mm_put(mm);
}

/* A write by the only one who has the page: the copy in the slot is of no use any more. */
static void test_write(void)
{
    struct mm_struct *mm = paged_mm();

    put_out(mm, DATA, 0x44);
    put_out(mm, TABLE_END, 0x55);
    uint32_t used = swap_stats().used;
    /* Without what a fault repairs afterwards: the right must be there at once. */
    check_eq("a write to a page that is out succeeds",
             swap_in(mm, DATA, get_pte(mm->as.pgdir, DATA, false), URW, VM_WRITE), 0);
    check_in(mm, DATA, 0x44, URW);
    check_eq("a page that is written to is the entry's alone",
             page_ref(space_page(&mm->as, DATA)), 1);
    check_eq("and its slot is free", swap_stats().used, used - 1);
    /* Read first, written later: no page is needed for that, and no second read. */
    check_eq("another page is read first", mm_fault_locked(mm, TABLE_END, VM_READ), 0);
    struct Page *page = space_page(&mm->as, TABLE_END);
    size_t before = nr_free_pages();
    check_eq("then written to", mm_fault_locked(mm, TABLE_END, VM_WRITE), 0);
    check("it is the same page", page == space_page(&mm->as, TABLE_END));
    check_in(mm, TABLE_END, 0x55, URW);
    check_eq("no page was copied for it", before, nr_free_pages());
    check_eq("and its slot is free too", swap_stats().used, used - 2);
    mm_put(mm);
}

/* What pages of text take to come in, in instructions, while these harts are in the space. */
static uint64_t text_comes_in(uint32_t harts)
{
    uint64_t cost = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct mm_struct *mm = paged_mm();

        put_out(mm, TEXT, 0x33);
        mm->as.harts = harts;
        uint64_t start = csr_read(instret);
        int result = swap_in(mm, TEXT, get_pte(mm->as.pgdir, TEXT, false), URX, VM_EXEC);
        cost += csr_read(instret) - start;
        mm->as.harts = 0;
        assert_eq(result, 0);
        mm_put(mm);
    }
    return cost;
}

/* A hart that runs threads of the program may have fetched from this memory what was there before,
   and must be told: a call of the firmware. QEMU's harts see stores at once, so the only thing that
   shows the call is what it costs. The bit is one of no hart, so the call reaches none. */
static void test_fetch(void)
{
    uint64_t alone = text_comes_in(0), others = text_comes_in(1U << 31);

    cprintf("bench: %-14s %9ld instructions\n", "fetch-call", (long)(others - alone) / ROUNDS);
    check("if a page of text comes in, harts that are in the space have to fetch anew",
          others >= alone + ROUNDS * LEAST_CALL);
}

static void test_in(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("fifo", 8 + 2 * ROUNDS);
    test_read();
    test_write();
    test_fetch();
    test_swap_end();
    inventory_same(&before, "pages that came in");
}

/* Why the second one must find the page of the first. If each read the slot into a page of its own,
   both would be right until one of them writes to it, and goes: then the slot has its bytes, and
   the other one, who named the same slot, reads what he has never written. */

/* Two of a family name one slot, and come one after the other; then one writes. swap_in() is called
   alone, because the copy for the one who writes is exercise 5.4. */
static void test_shared(void)
{
    struct mm_struct *mm = paged_mm(), *other = paged_relative(mm);
    uint32_t slot = put_out(mm, DATA, 0x66);
    pte_t *entry;

    put_out_too(other, mm, DATA);
    check_eq("the first one faults", mm_fault_locked(mm, DATA, VM_READ), 0);
    check_in(mm, DATA, 0x66, URO | PTE_COW);
    check_eq("the slot has the other's entry for a name, and its page", swap_slot_names(slot), 2);
    entry = get_pte(other->as.pgdir, DATA, false);
    check_eq("the other one faults, to write", swap_in(other, DATA, entry, URW, VM_WRITE), 0);
    check("it has the same page: nothing was read twice",
          space_page(&mm->as, DATA) == space_page(&other->as, DATA) && test_swap.reads == 1);
    check_eq("it must not write to the page of both: it has no W, but the mark of copy-on-write",
             space_rights(&other->as, DATA), URO | PTE_COW);
    check("the entry has A: it is about to be used", space_touched(&other->as, DATA));
    check_eq("the page has three references, of two entries and the cache",
             page_ref(space_page(&mm->as, DATA)), 3);
    check_eq("no entry names the slot", swap_slot_names(slot), 1);
    check_eq("neither has a page out", mm->paged_out + other->paged_out, 0);
    mm_put(other);
    mm_put(mm);
}

/* The other one still has the page out: who writes must not get the page that the other will find
   in the cache. */
static void test_named(void)
{
    struct mm_struct *mm = paged_mm(), *other = paged_relative(mm);
    uint32_t slot = put_out(mm, DATA, 0x77);
    pte_t *entry = get_pte(mm->as.pgdir, DATA, false);

    put_out_too(other, mm, DATA);
    check_eq("a write to a page that another one has out too",
             swap_in(mm, DATA, entry, URW, VM_WRITE), 0);
    check_eq("it has no W yet, but the mark of copy-on-write",
             space_rights(&mm->as, DATA), URO | PTE_COW);
    check_eq("the other's entry is what it was", space_entry(&other->as, DATA),
             (pte_t)slot << 8);
    check_eq("the page waits for the other one in the cache",
             page_slot(space_page(&mm->as, DATA)), slot);
    /* The first one goes. What is left is the slot, with the name of the other. */
    mm_put(mm);
    check_eq("when the first one has gone, the other one finds the page",
             mm_fault_locked(other, DATA, VM_WRITE), 0);
    check_in(other, DATA, 0x77, URW);
    mm_put(other);
}

/* Another one of the family who is faster. Who finds nothing in the cache allocates a page; that
   may take long, and meanwhile a relative has the slot in. Memory is short here, so the allocation
   asks the shrinkers, and this is one of them, for the length of the test. */
static struct faster {
    struct mm_struct *mm;               /* the relative; NULL: nobody is faster */
    struct hoard *hoard;                /* has a page for each of the two */
    int result;                         /* of the relative's fault */
} faster;

static size_t be_faster(void)
{
    struct mm_struct *mm = faster.mm;

    if (mm == NULL)
        return 0;
    faster.mm = NULL;
    hoard_give(faster.hoard, 2);
    faster.result = swap_in(mm, DATA, get_pte(mm->as.pgdir, DATA, false), URW, VM_READ);
    return 2;
}

SHRINKER(be_faster);

/* The slow one has a page that it cannot use: that goes back, and the cache is asked again. */
static void test_slower(void)
{
    struct mm_struct *mm = paged_mm(), *other = paged_relative(mm);
    struct hoard hoard = { .count = 0 };
    size_t reads = test_swap.reads;

    put_out(mm, DATA, 0xcc);
    put_out_too(other, mm, DATA);
    hoard_take(&hoard);
    faster = (struct faster){ .mm = other, .hoard = &hoard, .result = -E_INVAL };
    check_eq("while one allocates a page another one reads the slot: the first one succeeds too",
             mm_fault_locked(mm, DATA, VM_READ), 0);
    check("the other one was asked when memory was short", faster.mm == NULL);
    check_eq("and has succeeded", faster.result, 0);
    faster.mm = NULL;
    check_eq("the slot was read once", test_swap.reads - reads, 1);
    check("both have the same page", space_page(&mm->as, DATA) == space_page(&other->as, DATA));
    check_eq("the page that was allocated too late is free again", nr_free_pages(), 1);
    hoard_end(&hoard);
    check_in(mm, DATA, 0xcc, URO | PTE_COW);
    mm_put(other);
    mm_put(mm);
}

/* Pages of one slot have nothing to do with those of another. */
static void test_many(void)
{
    struct mm_struct *mm = paged_mm();
    size_t wrong = 0;

    for (int i = 0; i < PAGES; i++)
        put_out(mm, DATA + i * PGSIZE, i + 1);
    /* The other way round than they went, so a count in place of a number is found. */
    for (int i = PAGES - 1; i >= 0; i--)
        wrong += mm_fault_locked(mm, DATA + i * PGSIZE, VM_READ) != 0
            || space_byte(&mm->as, DATA + i * PGSIZE) != i + 1;
    check_eq("each page comes from its own slot (pages that are wrong)", wrong, 0);
    mm_put(mm);
}

static void test_cache(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("fifo", 16);
    test_shared();
    test_named();
    test_slower();
    test_many();
    test_swap_end();
    inventory_same(&before, "slots that two have named");
}

/* The disk fails once. Nothing has changed then, so the next fault succeeds. */
static void test_disk_error(void)
{
    struct mm_struct *mm = paged_mm();
    uint32_t slot = put_out(mm, DATA, 0x88);
    pte_t before = space_entry(&mm->as, DATA);
    size_t free = nr_free_pages();

    test_swap.fail_at = test_swap.reads + 1;
    check_eq("if the slot cannot be read the fault says -E_IO",
             mm_fault_locked(mm, DATA, VM_READ), -E_IO);
    /* The program is ended by that, or it asks again. An entry that was cleared would be a page of
       zeros the next time: nobody would ever know that bytes were lost. */
    check_eq("the entry is what it was", space_entry(&mm->as, DATA), before);
    check_eq("the page is still out", mm->paged_out, 1);
    check_eq("the slot has its one name, and no page", swap_slot_names(slot), 1);
    check_eq("the page that was to be filled is free again", nr_free_pages(), free);
    check_eq("the next try succeeds", mm_fault_locked(mm, DATA, VM_READ), 0);
    check_in(mm, DATA, 0x88, URO | PTE_COW);
    mm_put(mm);
}

/* No page is left, then one. */
static void test_no_memory(void)
{
    struct mm_struct *mm = paged_mm();
    uint32_t slot = put_out(mm, DATA, 0x99);
    pte_t before = space_entry(&mm->as, DATA);
    struct hoard hoard = { .count = 0 };
    size_t reads = test_swap.reads;

    hoard_take(&hoard);
    check_eq("without memory the fault says -E_NO_MEM", mm_fault_locked(mm, DATA, VM_READ),
             -E_NO_MEM);
    check("nothing has changed", space_entry(&mm->as, DATA) == before && mm->paged_out == 1
          && swap_slot_names(slot) == 1 && test_swap.reads == reads);
    hoard_give(&hoard, 1);
    check_eq("one page is enough", mm_fault_locked(mm, DATA, VM_READ), 0);
    hoard_end(&hoard);
    check_in(mm, DATA, 0x99, URO | PTE_COW);
    mm_put(mm);
}

/* What the area does not allow is refused, as for each page; the page stays where it is. */
static void test_rights(void)
{
    struct mm_struct *mm = paged_mm();

    put_out(mm, CONSTANTS, 0xaa);
    put_out(mm, DATA, 0xbb);
    check_eq("a write to a page of constants that is out is the program's mistake",
             mm_fault_locked(mm, CONSTANTS, VM_WRITE), -E_FAULT);
    check_eq("and so is running data", mm_fault_locked(mm, DATA, VM_EXEC), -E_FAULT);
    check("neither page was read", test_swap.reads == 0 && mm->paged_out == 2);
    mm_put(mm);
}

static void test_errors(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("fifo", 8);
    test_rights();
    test_disk_error();
    test_no_memory();
    test_swap_end();
    inventory_same(&before, "faults that failed");
}

SELFTEST_AT(STAGE_BOOT, "swap-entry", test_entry);
SELFTEST_AT(STAGE_BOOT, "swap-in", test_in);
SELFTEST_AT(STAGE_BOOT, "swap-in-cache", test_cache);
SELFTEST_AT(STAGE_BOOT, "swap-in-errors", test_errors);
