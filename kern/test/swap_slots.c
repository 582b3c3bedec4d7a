/* Paging, beside what is an exercise: slots and their cache, families, enrolment, what fork and
   unmapping do with pages that are out, the A and D bits, FIFO, the swap area on a disk.

   A mistake here gives one program the page of another, or loses slots until none is left. So all
   counts are looked at after each step: names of a slot, references of a page, pages that are out,
   slots in use.

   At boot, while nothing else runs, and on address spaces that no hart is on. Alone:
   make grade GRADE=--all TEST="swap-slots swap-passes swap-family swap-fifo swap-disk" */
#include <error.h>
#include <fs/swapfs.h>
#include <mm/shrink.h>
#include <report.h>
#include <string.h>
#include <test/disk_record.h>
#include <test/paging.h>

#define CHUNK       512                         /* slots of which the table has one page */

/* The table of slots in these tests. Slot 0 does not exist, for an entry that names it would be an
   empty one; the second chunk is where a wrong division shows:

     chunk 0: [ -, 1, 2, ... 511 ]   chunk 1: [ 512 ... 1023 ]   chunk 2: [ 1024 ... ]

   Numbers such as 700 and 3 are in different chunks: so "the lowest first" is asked for across a
   border. Slot 9 is the bad one. */

/* All slots, over the end of chunks: none comes twice, then there is none; what is given back comes
   again. */
static void test_numbers(void)
{
    static bool seen[TEST_SLOTS + 1];
    size_t twice = 0, wrong = 0;
    uint32_t slot;

    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < TEST_SLOTS; i++) {
        slot = swap_slot_alloc();
        if (slot < 1 || slot > TEST_SLOTS)
            wrong++;
        else
            twice += seen[slot], seen[slot] = true;
    }
    check_eq("each number is from 1 to that of the last slot (how many are not)", wrong, 0);
    check_eq("no slot is handed out twice", twice, 0);
    check_eq("all are in use", swap_stats().used, TEST_SLOTS);
    check_eq("there is no other", swap_slot_alloc(), 0);
    /* Two names, as after a fork of a program whose page is out: the first one that goes must
       not free the slot, because the other one's page is still in it. */
    swap_slot_get(700);
    swap_slot_put(700);
    check_eq("a slot that had two names has one", swap_slot_names(700), 1);
    check_eq("and is not free", swap_slot_alloc(), 0);
    swap_slot_put(700);
    swap_slot_put(3);
    check_eq("of two that are free the lower one comes first", swap_slot_alloc(), 3);
    check_eq("then the other one", swap_slot_alloc(), 700);
    /* A block that the disk has refused once would refuse the next page too. */
    swap_slot_set_bad(9);
    swap_slot_put(9);
    check_eq("one that the disk cannot keep does not come again", swap_slot_alloc(), 0);
    check_eq("and is not in use either", swap_stats().used, TEST_SLOTS - 1);
    /* Chunks 1 and 2 are empty then. Chunk 0 stays: it has slots in use. */
    size_t before = nr_free_pages();
    for (slot = CHUNK; slot <= TEST_SLOTS; slot++)
        swap_slot_put(slot);
    shrink_memory();
    check_eq("parts of the table without a slot in use are given back", nr_free_pages() - before,
             2);
    for (slot = 1; slot < CHUNK; slot++)
        if (slot != 9)
            swap_slot_put(slot);
    check_eq("no slot is in use", swap_stats().used, 0);
    shrink_memory();
    for (slot = 0; slot < 9; slot++)
        twice += swap_slot_alloc() == 9;
    check_eq("the bad one is known for ever", twice, 0);
    for (slot = 1; slot <= 10; slot++)
        if (slot != 9)
            swap_slot_put(slot);
}

/* An enrolled page that is mapped in mm. */
static struct Page *enrolled(struct mm_struct *mm, uintptr_t la, uint8_t byte)
{
    struct Page *page = space_put(&mm->as, la, byte, URW);

    page_enrol(page, mm->family, la);
    return page;
}

/* Pages become the cache of slots, all three that there are, and leave it in each way. */
static void test_cache(void)
{
    struct mm_struct *mm = paged_mm();
    struct Page *page[4];

    for (int i = 0; i < 4; i++)
        page[i] = enrolled(mm, DATA + i * PGSIZE, i);
    for (int i = 0; i < 3; i++) {
        check("an unlocked page is locked", page_trylock(page[i]));
        check("and not twice", !page_trylock(page[i]));
        check("it gets a slot", swap_cache_add(page[i]));
        check_eq("and a reference for it", page_ref(page[i]), 2);
        /* Somebody reads it in or writes it out: what a program wrote now would be on the disk by
           half. */
        check("it cannot be written to while it is locked", !swap_cache_own(page[i]));
    }
    check_eq("a page that is read back is written first", swap_write(page_slot(page[1]), page[1]),
             0);
    check("the disk has what it had", test_slot(page_slot(page[1]))[7] == 1);
    page_lock(page[3]);
    check("there is no fourth slot: all pages are locked", !swap_cache_add(page[3]));
    page_unlock(page[1]);
    /* All slots are taken, but page 1 is in memory: its slot is only a copy. */
    check("a page that is not locked gives its slot to who needs one", swap_cache_add(page[3]));
    check("and has none", page_slot(page[1]) == 0 && page_ref(page[1]) == 1);
    swap_cache_leave(page[3]);
    check("a page leaves the cache", page_slot(page[3]) == 0 && page_ref(page[3]) == 1);
    page_unlock(page[3]);
    page_unlock(page[0]);
    page_unlock(page[2]);
    swap_slot_get(page_slot(page[2]));
    check("a page whose slot an entry names is not written to", !swap_cache_own(page[2]));
    swap_slot_put(page_slot(page[2]));
    page_ref_inc(page[2]);
    check("nor is one that is mapped twice", !swap_cache_own(page[2]));
    page_ref_dec(page[2]);
    check("then it is", swap_cache_own(page[2]) && page_slot(page[2]) == 0);
    mm_put(mm);
    check_eq("a page that only the cache has, and that nobody can want, is kept",
             swap_stats().cached, 1);
    shrink_memory();
    check_eq("until memory is short", swap_stats().cached, 0);
}

/* Many slots first, then few. With a bad one in the table the first area is not ended by
   test_swap_end(). */
static void test_slots(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("fifo", TEST_SLOTS);
    test_numbers();
    swap_off();
    swap_choose(swap_default_manager());
    free_pages(kva2page(test_swap.memory), TEST_SLOTS);
    test_swap_begin("fifo", 3);
    test_cache();
    test_swap_end();
    inventory_same(&before, "slots");
}

/* A fork copies entries, and not what is in the slots:

     parent: la -> slot 1 (names 1)    ==>    parent: la --+
                                                           +--> slot 1 (names 2)
                                              child:  la --+

   So a fork reads nothing from the disk, and each of the two brings in the page when it needs it.
   The number of pages that are out is counted in each mm: at its end that many names go. */

/* A fork of a space of which three pages are out, on both sides of a table's end, one of which is
   the only one that needs that table. */
static void test_fork(void)
{
    struct mm_struct *mm = paged_mm(), *child = mm_create();
    uint32_t slot = put_out(mm, DATA, 1);

    put_out(mm, DATA + PGSIZE, 2);
    put_out(mm, TABLE_END, 3);
    space_put(&mm->as, DATA + 2 * PGSIZE, 4, URW);
    check_eq("a space with pages that are out is copied", mm_dup(child, mm), 0);
    check_eq("the child has the same entry", space_entry(&child->as, DATA),
             (pte_t)slot << 8);
    check_eq("also where no page is in memory", space_entry(&child->as, TABLE_END),
             space_entry(&mm->as, TABLE_END));
    check_eq("both name the slot", swap_slot_names(slot), 2);
    check_eq("three pages of the child are out", child->paged_out, 3);
    check_eq("the parent's page in memory is the child's too",
             space_byte(&child->as, DATA + 2 * PGSIZE), 4);
    check_eq("the child's page comes in", mm_fault_locked(child, DATA, VM_READ), 0);
    check_eq("with the content", space_byte(&child->as, DATA), 1);
    check_eq("the parent's is out still", mm->paged_out, 3);
    check_eq("a part of the child is unmapped", mm_unmap(child, DATA + PGSIZE, PGSIZE), 0);
    check_eq("then one of its pages is out", child->paged_out, 1);
    uint32_t used = swap_stats().used;
    mm_put(mm);
    check_eq("the end of one frees the slots that only it named", swap_stats().used, used - 1);
    mm_put(child);
}

/* The page of a slot is in memory for another one who never comes. */
static void test_garbage(void)
{
    struct mm_struct *mm = paged_mm(), *other = paged_relative(mm);

    put_out(mm, DATA, 5);
    put_out_too(other, mm, DATA);
    check_eq("a page comes in", mm_fault_locked(mm, DATA, VM_READ), 0);
    mm_put(mm);
    check_eq("who had it goes: it stays for the other one", swap_stats().cached, 1);
    mm_put(other);
    check("it goes with the last who could want it, at once",
          swap_stats().cached == 0 && swap_stats().used == 0);
}

/* Memory runs out at each step of a fork: nothing is lost. */
static void test_fork_memory(void)
{
    struct mm_struct *mm = paged_mm();
    struct hoard hoard = { .count = 0 };
    int result = -E_NO_MEM;
    size_t k = 0, lost = 0;

    put_out(mm, DATA, 1);
    put_out(mm, TABLE_END, 2);
    for (; result != 0 && k < 30; k++) {
        hoard_take(&hoard);
        hoard_give(&hoard, k);
        struct mm_struct *child = mm_create();
        result = child == NULL ? -E_NO_MEM : mm_dup(child, mm);
        if (child != NULL)
            mm_put(child);
        shrink_memory();
        lost += nr_free_pages() != k || swap_slot_names(space_entry(&mm->as, DATA) >> 8) != 1
            || swap_slot_names(space_entry(&mm->as, TABLE_END) >> 8) != 1;
    }
    hoard_end(&hoard);
    check("a fork succeeds when there is enough memory", result == 0 && k > 4);
    check_eq("a fork that fails loses no page and no name of a slot", lost, 0);
    mm_put(mm);
}

static void test_passes(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("fifo", 8);
    test_garbage();
    test_fork();
    test_fork_memory();
    test_swap_end();
    inventory_same(&before, "forks of what is out");
}

/* 1 for an entry that is right; 100 for one that has another page, so that it cannot be missed. */
static void count_entry(__not_used struct mm_struct *mm, uintptr_t la, pte_t *pte,
                        struct Page *page, void *arg)
{
    int *count = arg;

    *count += page_la(page) == la && pte2page(*pte) == page ? 1 : 100;
}

/* How many entries are found; -1 if some could not be looked at. Who asks has a reference. */
static int entries_of(struct Page *page)
{
    int count = 0;

    page_ref_inc(page);
    bool all = page_for_each_entry(page, count_entry, &count);
    page_ref_dec(page);
    return all ? count : -1;
}

/* Three of a family, one of which is not enrolled at first, and one that has another page there. */
static void test_family(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("fifo", 8);
    struct mm_struct *mm = paged_mm(), *other = paged_relative(mm), *third = paged_relative(mm);
    struct Page *page = space_put(&mm->as, DATA, 1, URW);
    check_eq("a page is shared", page_insert(&other->as, page, DATA, URO), 0);
    space_put(&third->as, DATA, 2, URW);
    check("no page is known yet", page->flags == PG_ALLOCATED);
    check("an mm is enrolled", mm_enrol_all(mm));
    check("once", !mm_enrol_all(mm));
    check("its page is known", (page->flags & PG_SWAPPABLE) && page_la(page) == DATA);
    check_eq("in an mm that is not enrolled no entry is found", entries_of(page), 1);
    check("all are enrolled", mm_enrol_all(other) && mm_enrol_all(third));
    check_eq("all entries of the page are found, and no other", entries_of(page), 2);
    mutex_lock(&other->lock);
    check_eq("if somebody is at work on one of them, that is told", entries_of(page), -1);
    mutex_unlock(&other->lock);
    check_eq("a fault in an enrolled mm makes a page", mm_fault_locked(mm, TABLE_END, VM_WRITE), 0);
    check("which is known at once", space_page(&mm->as, TABLE_END)->flags & PG_SWAPPABLE);
    /* The A and D bits, on a machine that leaves them to the kernel. */
    pte_t *pte = get_pte(mm->as.pgdir, TABLE_END, false);
    pte_and(pte, ~(pte_t)(PTE_A | PTE_D));
    check("a read that faults because A is clear sets it",
          mm_fault_locked(mm, TABLE_END, VM_READ) == 0 && (*pte & (PTE_A | PTE_D)) == PTE_A);
    check("a write sets D", mm_fault_locked(mm, TABLE_END, VM_WRITE) == 0 && (*pte & PTE_D));
    page_ref_inc(page);
    mm_put(mm);
    check_eq("an mm that has gone is not found", entries_of(page), 1);
    mm_put(other);
    mm_put(third);
    check_eq("a page outlives its family", entries_of(page), 0);
    page_ref_dec(page);
    test_swap_end();
    inventory_same(&before, "a family");
}

/* A page that is passed over, or chosen, goes to the end. */
static void test_fifo(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("fifo", 8);
    check_eq("without pages there is no victim", test_victim(), -1);
    struct mm_struct *mm = paged_mm();
    for (int i = 0; i < 4; i++)
        enrolled(mm, DATA + i * PGSIZE, i);
    /* test_victim() gives the page back at once, and FIFO puts it at the end of its queue:

         0 1 2 3   -> 0    1 2 3 0
         1 goes            2 3 0        2 is locked: passed over, and goes to the end */
    check_eq("the page that came first goes first", test_victim(), 0);
    page_remove(&mm->as, DATA + PGSIZE);
    struct Page *reused = filled_page(0);       /* it was freed last */
    reused->ref = 1;
    page_lock(space_page(&mm->as, DATA + 2 * PGSIZE));
    check_eq("what has gone, or is locked, does not", test_victim(), 3);
    page_unlock(space_page(&mm->as, DATA + 2 * PGSIZE));
    page_ref_dec(reused);
    enrolled(mm, DATA + PGSIZE, 5);
    check_eq("one that could not go has its turn again, in the order", test_victim(), 0);
    mm_put(mm);
    check_eq("all have gone", test_victim(), -1);
    test_swap_end();
    inventory_same(&before, "FIFO");
}

/* Slot n is block first + n - 1, and nothing outside of the range is touched. */
static void test_disk(void)
{
    struct inventory before = inventory_take();
    struct test_disk disk;
    size_t touched = 0;

    test_disk_create(&disk, 12);
    swap_choose(swap_default_manager());
    /* 12 blocks, so from block 5 on there are 7. The sum in the second check is small again if it
       is made with 32 bits: a kernel that adds so writes over the file system. */
    check_eq("a range behind the disk's end is refused", swapfs_on(&disk.device, 5, 8), -E_INVAL);
    check_eq("and one that wraps around", swapfs_on(&disk.device, 5, 0xffffffff), -E_INVAL);
    check_eq("and none", swapfs_on(&disk.device, 5, 0), -E_INVAL);
    check_eq("the last seven blocks are an area", swapfs_on(&disk.device, 5, 7), 0);
    struct mm_struct *mm = paged_mm();
    for (int i = 0; i < 7; i++) {
        struct Page *page = enrolled(mm, DATA + i * PGSIZE, 16 + i);

        page_lock(page);
        check("a page has a slot, and is written",
              swap_cache_add(page) && swap_write(page_slot(page), page) == 0
              && swap_slot_is_written(page_slot(page)));
        /* Else a read that does nothing would be right too. */
        memset(page2kva(page), 0, PGSIZE);
        check("it is read again", swap_read(page_slot(page), page) == 0
              && space_byte(&mm->as, DATA + i * PGSIZE) == 16 + i);
        page_unlock(page);
    }
    for (uint32_t block = 0; block < 12; block++)
        /* An area that begins one block too early destroys the end of a file system. */
        touched += *(uint8_t *)test_disk_block(&disk, block) != 0;
    check("the blocks of the range are written, and no other",
          touched == 7 && *(uint8_t *)test_disk_block(&disk, 4) == 0);
    mm_put(mm);
    swap_off();
    test_disk_destroy(&disk);
    inventory_same(&before, "a swap area on a disk");
}

SELFTEST_AT(STAGE_BOOT, "swap-slots", test_slots);
SELFTEST_AT(STAGE_BOOT, "swap-passes", test_passes);
SELFTEST_AT(STAGE_BOOT, "swap-family", test_family);
SELFTEST_AT(STAGE_BOOT, "swap-fifo", test_fifo);
SELFTEST_AT(STAGE_BOOT, "swap-disk", test_disk);
