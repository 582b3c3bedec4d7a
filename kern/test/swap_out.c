/* Exercise 9.3: a page goes out, whoever shares it.

   swap-out brings out a page of one address space, and looks at the entry, the counts, the slot,
   and what is on the "disk"; swap-out-flush at the TLB of a hart; swap-out-shared a page that
   several share, of which some cannot be reached; swap-out-errors one that the disk refuses, or
   that no slot is free for. What comes in again afterwards is by swap-in, exercise 9.1, in
   swap-out-again alone. page-cost tells `make bench` what a page costs that goes out to a RAM disk
   and comes in again.

   No hart runs on these spaces, if nothing else is said. Alone: make grade TEST="swap-out*" */
#include <debug/printk.h>
#include <driver/ramdisk.h>
#include <error.h>
#include <fs/swapfs.h>
#include <init/init.h>
#include <mm/swap_out.h>
#include <report.h>
#include <riscv/csr.h>
#include <riscv/tlb.h>
#include <string.h>
#include <test/paging.h>
#include <test/testlib.h>

#define ROUNDS      64                  /* of page-cost */

/* What the tests look at, before and after. The counts tell where a mistake is: a reference too
   many is memory that never comes back, a name too few is a page that somebody else gets.

     before:   entry --> page (refs 1)          slot: free
     after:    entry --> slot (names 1)         page: free

   Bytes are different in each test (0x11, 0x22, ...): so what is left of an earlier one in a slot
   is not taken for the right content. */

/* A page of this space, full of a byte, at la. */
static struct Page *fill_page(struct mm_struct *mm, uintptr_t la, uint8_t byte)
{
    struct Page *page;

    assert_eq(mm_fault_locked(mm, la, VM_WRITE), 0);
    page = space_page(&mm->as, la);
    memset(page2kva(page), byte, PGSIZE);
    return page;
}

/* `to` shares what `from` has at la, copy-on-write, as after a fork. */
static void share(struct mm_struct *to, struct mm_struct *from, uintptr_t la)
{
    assert_eq(copy_range(&to->as, &from->as, la, la + PGSIZE, true), 0);
}

/* Bring out a page of an enrolled space, with the reference that it takes. */
static enum page_out bring_out(struct Page *page)
{
    page_ref_inc(page);
    enum page_out result = page_out(page);
    page_ref_dec(page);
    return result;
}

/* An mm that is enrolled; the mutex is held because the function wants it. */
static void enrol(struct mm_struct *mm)
{
    mutex_lock(&mm->lock);
    assert(mm_enrol_all(mm));
    mutex_unlock(&mm->lock);
}

/* Is all of the slot this byte? */
static bool slot_is(uint32_t slot, uint8_t byte)
{
    const uint8_t *bytes = test_slot(slot);
    size_t i = 0;

    while (i < PGSIZE && bytes[i] == byte)
        i++;
    return i == PGSIZE;
}

/* The entry at la names this slot; 0 if it is valid or empty. */
static uint32_t slot_at(struct mm_struct *mm, uintptr_t la)
{
    pte_t pte = space_entry(&mm->as, la);

    return pte & PTE_V ? 0 : pte >> 8;
}

/* Two pages of one, each to a slot of its own; the other one stays as it is meanwhile. */
static void test_one(void)
{
    struct mm_struct *mm = paged_mm();
    struct Page *page = fill_page(mm, DATA, 0x11), *other = fill_page(mm, DATA + PGSIZE, 0x22);

    enrol(mm);
    check_eq("a page goes out", bring_out(page), PAGE_OUT);
    uint32_t slot = slot_at(mm, DATA);
    check("its entry names a slot, and is not valid", slot != 0);
    check_eq("one page is out", mm->paged_out, 1);
    check_eq("it was written once", test_swap.writes, 1);
    check("the slot has its content, all of it", slot != 0 && slot_is(slot, 0x11));
    check_eq("the slot has one name, the entry's", slot ? swap_slot_names(slot) : 0, 1);
    check("the other page is there", space_page(&mm->as, DATA + PGSIZE) == other
          && page_ref(other) == 1);
    size_t free = nr_free_pages();
    check_eq("the other page goes to a slot of its own", bring_out(other), PAGE_OUT);
    check_eq("its memory is free", nr_free_pages(), free + 1);
    check("and the first one's content is as it was", slot_at(mm, DATA + PGSIZE) != slot
          && slot != 0 && slot_is(slot, 0x11));
    mm_put(mm);
}

/* The hart has the page in its TLB. QEMU flushes by itself when SUM changes, so that is set all the
   time. Nobody repairs a fault of this task, which has no mm. */
static void test_flush(void)
{
    struct inventory before = inventory_take();
    volatile uint64_t *data = (volatile uint64_t *)DATA;
    uint64_t value;

    test_swap_begin("fifo", 8);
    struct mm_struct *mm = paged_mm();
    struct Page *page = fill_page(mm, DATA, 0x12);

    enrol(mm);
    addrspace_switch(&kernel_as, &mm->as);
    csr_set(sstatus, SSTATUS_SUM);
    *data = 1;
    enum page_out result = bring_out(page);
    bool reads = can_read(DATA, &value);
    csr_clear(sstatus, SSTATUS_SUM);
    addrspace_switch(&mm->as, &kernel_as);
    check_eq("a page that a hart has just written to goes out", result, PAGE_OUT);
    check("the hart cannot reach it any more: what the TLB had was flushed", !reads);
    mm_put(mm);
    test_swap_end();
    inventory_same(&before, "a page that a hart had");
}

/* A page that has gone and come, and was only read, need not be written again. What was written to
   in between must be. */
static void test_again(void)
{
    struct mm_struct *mm = paged_mm();
    uint32_t slot;

    struct Page *page = fill_page(mm, DATA, 0x33);
    enrol(mm);
    check_eq("a page goes out", bring_out(page), PAGE_OUT);
    slot = slot_at(mm, DATA);
    check_eq("it comes in by a read", mm_fault_locked(mm, DATA, VM_READ), 0);
    page = space_page(&mm->as, DATA);
    mutex_lock(&mm->lock);
    check_eq("it stays while somebody has the lock of its space", bring_out(page), PAGE_BUSY);
    mutex_unlock(&mm->lock);
    check_eq("and keeps the slot that has its content", page_slot(page), slot);
    check_eq("it goes again", bring_out(page), PAGE_OUT);
    check("to the slot that has its content", slot_at(mm, DATA) == slot);
    check_eq("without a write", test_swap.writes, 1);
    check_eq("which is counted", swap_stats().dropped, 1);
    check_eq("it comes in by a write", mm_fault_locked(mm, DATA, VM_WRITE), 0);
    memset(page2kva(space_page(&mm->as, DATA)), 0x44, PGSIZE);
    check_eq("and goes again", bring_out(space_page(&mm->as, DATA)), PAGE_OUT);
    check_eq("and was written", test_swap.writes, 2);
    check_eq("so it is not counted", swap_stats().dropped, 1);
    check("with what it had at last", slot_at(mm, DATA) && slot_is(slot_at(mm, DATA), 0x44));
    mm_put(mm);
}

static void test_out(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("fifo", 8);
    test_one();
    test_swap_end();
    inventory_same(&before, "pages that went out");
}

static void test_out_again(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("fifo", 8);
    test_again();
    test_swap_end();
    inventory_same(&before, "pages that went, came, and went");
}

/* After a fork several entries lead to one page, at the same address of each space:

     a: la --+                         a: la --+
     b: la --+--> page (refs 3)  ==>   b: la --+--> slot (names 3)
     c: la --+                         c: la --+

   As long as one of the entries is left the page is not free, and nothing was gained. So a test
   counts both: who is left on the left side, and who has come to the right one. */

/* Three share the page. All entries name the slot afterwards, and one write is enough. */
static void test_three(void)
{
    struct mm_struct *a = paged_mm(), *b = paged_relative(a), *c = paged_relative(a);
    struct Page *page = fill_page(a, DATA, 0x55);

    share(b, a, DATA);
    share(c, a, DATA);
    enrol(a);
    enrol(b);
    enrol(c);
    check_eq("a page that three share goes out", bring_out(page), PAGE_OUT);
    uint32_t slot = slot_at(a, DATA);
    check("all three entries name one slot", slot != 0 && slot_at(b, DATA) == slot
          && slot_at(c, DATA) == slot);
    check_eq("the slot has three names", slot ? swap_slot_names(slot) : 0, 3);
    check("each of the three has a page out", a->paged_out == 1 && b->paged_out == 1
          && c->paged_out == 1);
    check_eq("it was written once", test_swap.writes, 1);
    mm_put(c);
    mm_put(b);
    mm_put(a);
}

/* Somebody has the lock of one of them: it keeps its entry, and the page must stay. Nothing is
   lost, and the next try ends it. */
static void test_busy(void)
{
    struct mm_struct *a = paged_mm(), *b = paged_relative(a);
    struct Page *page = fill_page(a, DATA, 0x66);

    share(b, a, DATA);
    enrol(a);
    enrol(b);
    mutex_lock(&b->lock);
    /* The test has b's lock, as a fault of b's would have on another hart. To wait for it is no way
       out: the fault may be the one that waits for memory. */
    check_eq("a page that cannot be taken from all does not go", bring_out(page), PAGE_BUSY);
    check("the one who is busy keeps it", space_page(&b->as, DATA) == page);
    check_eq("it was not written: it may be taken over by him and change", test_swap.writes, 0);
    check("its content is as it was", space_byte(&b->as, DATA) == 0x66);
    check("it is not locked any more", !(page->flags & PG_LOCKED));
    uint32_t slot = page_slot(page);
    check("the one who was reached finds it by its slot", slot != 0 && slot_at(a, DATA) == slot);
    check_eq("references: the entry and the cache", page_ref(page), 2);
    mutex_unlock(&b->lock);
    /* What was done for `a` is not done again: the slot has one name for each entry, no more. */
    check_eq("the next try brings it out", bring_out(page), PAGE_OUT);
    check("to the same slot", slot != 0 && slot_at(a, DATA) == slot && slot_at(b, DATA) == slot
          && slot_is(slot, 0x66));
    mm_put(b);
    mm_put(a);
}

/* Nobody could be reached: it must not stay in the cache, because its only entry allows to write.
   */
static void test_none(void)
{
    struct mm_struct *a = paged_mm();
    struct Page *page = fill_page(a, DATA, 0x77);

    enrol(a);
    mutex_lock(&a->lock);
    check_eq("a page whose only owner is busy does not go", bring_out(page), PAGE_BUSY);
    check_eq("it is in no slot's cache", page_slot(page), 0);
    check_eq("it has the one reference that it had", page_ref(page), 1);
    check_eq("no slot is in use", swap_stats().used, 0);
    check_eq("its entry allows to write as before", space_rights(&a->as, DATA), URW);
    mutex_unlock(&a->lock);
    mm_put(a);
}

/* A child that nobody can find yet has the page too: the one before the fork is not enough. */
static void test_unknown(void)
{
    struct mm_struct *a = paged_mm(), *b = paged_relative(a);
    struct Page *page = fill_page(a, DATA, 0x88);

    share(b, a, DATA);
    enrol(a);
    /* The list of the family has `a` alone; the references of the page tell that there is one more.
       Who does not count them frees a page that b still reads. */
    check_eq("a page that also one has who is not known does not go", bring_out(page), PAGE_BUSY);
    check("he keeps it", space_page(&b->as, DATA) == page && space_byte(&b->as, DATA) == 0x88);
    mm_put(a);
    check_eq("when the other one has gone he may write", mm_fault_locked(b, DATA, VM_WRITE), 0);
    check("to what he had", space_byte(&b->as, DATA) == 0x88);
    mm_put(b);
}

/* All who had a page that is half-way end meanwhile: nothing is left, and nothing is written. */
static void test_garbage(void)
{
    struct mm_struct *a = paged_mm(), *b = paged_relative(a);
    struct Page *page = fill_page(a, DATA, 0x99);

    share(b, a, DATA);
    enrol(a);
    enrol(b);
    page_ref_inc(page);
    mutex_lock(&b->lock);
    check_eq("a page stays half-way", page_out(page), PAGE_BUSY);
    mutex_unlock(&b->lock);
    mm_put(b);
    mm_put(a);
    /* Only the cache has it, and the caller. To write it would be work for nothing, and would wear
       out a disk of flash. */
    check_eq("a page that nobody has any more goes", page_out(page), PAGE_OUT);
    check_eq("without a write", test_swap.writes, 0);
    page_ref_dec(page);
}

/* Each with a swap area of its own, and what it takes comes back. */
static void test_shared(void)
{
    static void (*const tests[])(void) = {
        test_three, test_busy, test_none, test_unknown, test_garbage,
    };

    for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
        struct inventory before = inventory_take();

        test_swap_begin("fifo", 8);
        tests[i]();
        test_swap_end();
        inventory_same(&before, "pages that are shared");
    }
}

/* The disk refuses: the page is the only copy, and stays; the slot is not tried again. */
static void test_disk_error(void)
{
    struct mm_struct *mm = paged_mm();
    struct Page *page = fill_page(mm, DATA, 0xaa);

    enrol(mm);
    test_swap.fail_at = 1;
    check_eq("a page that cannot be written stays", bring_out(page), PAGE_KEPT);
    check("in memory, where its entry finds it", slot_at(mm, DATA) != 0
          && page_slot(page) == slot_at(mm, DATA));
    /* The slot has junk, so the page is the only copy. And to try the same block for ever would be
       no progress. */
    check_eq("a second try", bring_out(page), PAGE_KEPT);
    check_eq("does not write to that slot again", test_swap.writes, 1);
    check_eq("the program has it back", mm_fault_locked(mm, DATA, VM_WRITE), 0);
    check_eq("with its content", space_byte(&mm->as, DATA), 0xaa);
    check_eq("nothing was read", test_swap.reads, 0);
    mm_put(mm);
}

/* As many slots as pages but one. */
static void test_full(void)
{
    struct mm_struct *mm = paged_mm();
    struct Page *page[3];

    for (int i = 0; i < 3; i++)
        page[i] = fill_page(mm, DATA + i * PGSIZE, 0xb0 + i);
    enrol(mm);
    check_eq("with two slots a page goes", bring_out(page[0]), PAGE_OUT);
    check_eq("and another one", bring_out(page[1]), PAGE_OUT);
    /* That is no panic, and no busy page: reclaim takes another one, or has nothing. */
    check_eq("the third one stays", bring_out(page[2]), PAGE_KEPT);
    check_eq("as it was", space_rights(&mm->as, DATA + 2 * PGSIZE), URW);
    check_eq("with one reference", page_ref(page[2]), 1);
    mm_put(mm);
}

/* The area goes also if one of its slots is bad. */
static void test_errors(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("fifo", 2);
    test_full();
    test_swap_end();
    inventory_same(&before, "pages without a slot");
    before = inventory_take();
    test_swap_begin("fifo", 8);
    test_disk_error();
    test_swap_end();
    inventory_same(&before, "a slot that cannot be written");
}

/* Instructions of one page out and in, on a RAM disk, by the way that a fault takes. */
static void test_cost(void)
{
    struct Page *memory = alloc_pages(8);
    struct ramdisk disk;
    struct mm_struct *mm;
    uint64_t begin = 0;

    assert(memory != NULL);
    ramdisk_create(&disk, "ram1", page2kva(memory), 8);
    assert_eq(swapfs_on(&disk.device, 0, 8), 0);
    mm = paged_mm();
    fill_page(mm, DATA, 1);
    enrol(mm);
    irq_push();
    for (int i = 0; i <= ROUNDS; i++) {
        if (i == 1)
            begin = csr_read(instret);      /* the first one makes what is needed only once */
        struct Page *page = space_page(&mm->as, DATA);
        irq_pop();
        bring_out(page);
        assert_eq(mm_fault(mm, DATA, VM_WRITE), 0);
        irq_push();
    }
    uint64_t cost = (csr_read(instret) - begin) / ROUNDS;
    irq_pop();
    cprintf("bench: %-14s %9lu instructions\n", "page-out-in", cost);
    check_eq("each went to the disk, and came back", swap_stats().read, ROUNDS + 1);
    mm_put(mm);
    swap_off();
    free_pages(memory, 8);
}

SELFTEST("swap-out", test_out);
SELFTEST("swap-out-flush", test_flush);
SELFTEST("swap-out-again", test_out_again);
SELFTEST("swap-out-shared", test_shared);
SELFTEST("swap-out-errors", test_errors);
SELFTEST("page-cost", test_cost);
