/* Exercise 3.2: page_insert() and page_remove(). Each reference and page is counted, and no hart
   may go on with a translation that is not valid any more.

   "mapping" counts; "mapping-memory" has no pages for tables; "mapping-tlb" and "mapping-harts" try
   whether a change of an entry reaches the hart, and other harts. For that they write to the page
   just before the mapping changes, so that the hart has the translation in its TLB; what is written
   afterwards must not go to the old page. QEMU keeps stale translations as a real hart does.

   A wrong kernel frees a page that is in use, never frees one, or lets a program write to a page
   that is somebody else's by now.

   Alone: make grade TEST=mapping, TEST=mapping-memory, TEST=mapping-tlb or TEST=mapping-harts. */
#include <driver/irq.h>
#include <error.h>
#include <report.h>
#include <riscv/csr.h>
#include <riscv/cpu.h>
#include <riscv/sbi.h>
#include <test/space.h>

/* Neither the first nor the last entry of its tables, so that its neighbours are in the same
   table. */
#define LA          0x12345000UL                /* somewhere in a table */
#define OTHER_LA    (LA + 5 * PGSIZE)
#define KRW         (PTE_R | PTE_W)             /* of the kernel, so that loads and stores do */

/* A page goes to an empty place, to the same place again with other rights, and to a second place.
   The middle case has a trap of its own: the page's only reference is the one that is replaced. */
static void check_insert(struct addrspace *as, struct Page *page)
{
    size_t before = nr_free_pages();

    check_eq("page_insert succeeds", page_insert(as, page, LA, URW), 0);
    /* The first page at an empty place: a table of level 1 and one of level 0. */
    check_eq("two tables are made for it, no more", before - nr_free_pages(), 2);
    /* The number of references is the number of entries that have the page: when it is 0, the page
       is free. */
    check_eq("the mapping is a reference", page_ref(page), 1);
    /* A and D from the start, because some hardware faults if they are missing: see
       riscv/sv39.h. */
    check_eq("the entry has the page, the rights, V, A, and D where it may be written",
             space_entry(as, LA), pte_make(page2pa(page), URW | PTE_V | PTE_A | PTE_D));
    check_eq("the neighbours' entries are as they were",
             space_entry(as, LA - PGSIZE) | space_entry(as, LA + PGSIZE), 0);
    /* The same page at the same place: its reference is given up and taken at once. In the wrong
       order the page is free for a moment, and the allocator has it. */
    check_eq("the same page is inserted again, read-only",
             page_insert(as, page, LA, PTE_R | PTE_U), 0);
    check_eq("a page that is inserted twice at one place has one reference", page_ref(page), 1);
    check("a page that is inserted again is not freed on the way", page->flags & PG_ALLOCATED);
    check_eq("the entry has the new rights", space_entry(as, LA) & (PTE_USER | PTE_V),
             PTE_R | PTE_U | PTE_V);
    check_eq("what is in a page that is inserted again is untouched",
             *(uint8_t *)page2kva(page), 1);
    /* A page may be in several places, and in several processes. */
    check_eq("a second place for the page", page_insert(as, page, OTHER_LA, URW), 0);
    check_eq("a second mapping is a second reference", page_ref(page), 2);
}

/* `page` is at LA and OTHER_LA. Another page takes one of its places, then it loses the other one,
   and is freed; a page that somebody else holds is not. */
static void check_remove(struct addrspace *as, struct Page *page)
{
    /* Another content, so that the two can be told apart. */
    struct Page *other = filled_page(2);
    size_t before = nr_free_pages();

    /* The old page must lose the reference that the entry was. */
    check_eq("another page takes its place", page_insert(as, other, LA, URW), 0);
    check_eq("the entry has the other page", pte_paddr(space_entry(as, LA)), page2pa(other));
    check_eq("the page that was there loses that reference", page_ref(page), 1);
    /* One of its two mappings has gone. */
    check_eq("a page that is mapped elsewhere is not freed", nr_free_pages() - before, 0);
    /* Now its last mapping goes, so it must be free. */
    page_remove(as, OTHER_LA);
    check_eq("page_remove makes the whole entry 0", space_entry(as, OTHER_LA), 0);
    check_eq("a page is freed with its last mapping", nr_free_pages() - before, 1);
    check("the page that is freed is the right one",
          !(page->flags & PG_ALLOCATED) && (other->flags & PG_ALLOCATED));
    /* Nothing is there any more: neither an entry here nor a table there. Both must do nothing. */
    page_remove(as, OTHER_LA);
    page_remove(as, TABLE_END);
    check_eq("if nothing is mapped, page_remove does nothing", nr_free_pages() - before, 1);
    check("page_remove makes no tables", get_pte(as->pgdir, TABLE_END, false) == NULL);
    check_eq("the page at another place keeps its reference", page_ref(other), 1);
    /* As the kernel does while it uses a page of a process itself. */
    page_ref_inc(other);
    page_remove(as, LA);
    check_eq("a page that somebody else uses loses one reference", page_ref(other), 1);
    check_eq("a page that somebody else uses is not freed", nr_free_pages() - before, 1);
    page_ref_dec(other);
}

/* Such a page is mapped, though its entry has no R. A kernel that takes R for the sign of a valid
   entry forgets it here. */
static void check_execute_only(struct addrspace *as)
{
    struct Page *page = space_put(as, LA, 1, PTE_X | PTE_U), *other = filled_page(2);

    page_ref_inc(page);
    check_eq("another page takes the place of one that can only be executed",
             page_insert(as, other, LA, PTE_X | PTE_U), 0);
    check_eq("the page that could only be executed loses that reference", page_ref(page), 1);
    page_ref_dec(page);
    page_remove(as, LA);
    check_eq("page_remove takes away a page that can only be executed", space_entry(as, LA), 0);
}

/* The number of free pages at the end says whether the references were right. */
static void test_mapping(void)
{
    struct addrspace as;
    size_t before = nr_free_pages();

    space_create(&as);
    struct Page *page = filled_page(1);
    check_insert(&as, page);
    check_remove(&as, page);
    check_execute_only(&as);
    space_destroy(&as);
    check_eq("all pages come back", before - nr_free_pages(), 0);
}

/* If a check about references fails: write down who has the page before and after the call, and
   count. */
SELFTEST_AT(STAGE_BOOT, "mapping", test_mapping);

/* Two tables are needed for the first page at LA. With fewer pages the call must fail, and the page
   must not have kept the reference of a mapping that is not there. */
static void test_mapping_memory(void)
{
    struct addrspace as;
    struct hoard hoard = { .count = 0 };
    size_t before = nr_free_pages();

    space_create(&as);
    struct Page *page = filled_page(1);
    hoard_take(&hoard);
    for (size_t k = 0; k < 2; k++) {
        hoard_take(&hoard);
        hoard_give(&hoard, k);
        check_eq("no memory for the tables: -E_NO_MEM", page_insert(&as, page, LA, URW), -E_NO_MEM);
        check_eq("the page has no reference then", page_ref(page), 0);
        space_empty(&as);
    }
    /* One table was made with the page that is left from the last turn; this is the second. */
    hoard_give(&hoard, 1);
    check_eq("memory for two tables is enough", page_insert(&as, page, LA, URW), 0);
    /* No page is free now, and none is needed. */
    check_eq("if the tables are there, none is needed", page_insert(&as, page, OTHER_LA, URW), 0);
    check_eq("the page has two references", page_ref(page), 2);
    space_empty(&as);
    hoard_end(&hoard);
    space_destroy(&as);
    check_eq("all pages come back", before - nr_free_pages(), 0);
}

/* If it fails and "mapping" passes: in which order are the reference taken and the entry made? */
SELFTEST_AT(STAGE_BOOT, "mapping-memory", test_mapping_memory);

/* Volatile, so that each access is one of the hart. */
static volatile uint64_t *word(uintptr_t la)
{
    return (volatile uint64_t *)la;
}

/* Through the linear map: what is really in the page, whatever the mapping under test says. */
static uint64_t first_word(struct Page *page)
{
    return *(volatile uint64_t *)page2kva(page);
}

/* Map a page that the test keeps a reference to, and write to it through the mapping. SUM is set
   long before can_read() needs it: QEMU forgets its translations when that bit changes. The page
   stays the test's when its mapping goes, so that its content can be looked at afterwards. */
static struct Page *map_and_write(uintptr_t la, uint64_t value)
{
    struct Page *page = filled_page(0);

    /* The test's own reference. */
    page->ref = 1;
    assert_eq(page_insert(&kernel_as, page, la, KRW), 0);
    csr_set(sstatus, SSTATUS_SUM);
    *word(la) = value;
    return page;
}

/* Through user copies, so that the fault is an answer: true would mean that the old translation was
   used. */
static void check_removed(uintptr_t la)
{
    struct Page *page = map_and_write(la, 1);
    uint64_t value = 0;

    /* The entry is gone; the hart may still have it in its TLB, unless that is flushed here. */
    page_remove(&kernel_as, la);
    check("a page that was just written cannot be read once it is unmapped", !can_read(la, &value));
    page_ref_dec(page);
}

/* The same with a store; the page itself tells whether it arrived. */
static void check_removed_write(uintptr_t la)
{
    struct Page *page = map_and_write(la, 1);

    page_remove(&kernel_as, la);
    check("a page that was just written cannot be written once it is unmapped", !can_write(la, 2));
    check_eq("an unmapped page keeps what is in it", first_word(page), 1);
    page_ref_dec(page);
}

/* The entry is made again by hand, for another page: no flush is due for that. A hart that has kept
   the old translation writes to the old page, which is somebody else's by then in a running
   kernel. */
static void check_removed_remade(uintptr_t la)
{
    /* Both pages have a reference of the test's, so neither is freed. */
    struct Page *old = map_and_write(la, 1), *new = filled_page(0);

    new->ref = 1;
    page_remove(&kernel_as, la);
    /* By hand and not by page_insert(), which may flush: only what page_remove() did counts. */
    *get_pte(kernel_as.pgdir, la, false) = pte_make(page2pa(new), pte_leaf_flags(KRW));
    *word(la) = 2;
    check_eq("a page that is mapped there later gets what is written there", first_word(new), 2);
    check_eq("the page that was there before does not", first_word(old), 1);
    page_remove(&kernel_as, la);
    page_ref_dec(old);
}

/* The store after the change must go to the new page. */
static void check_replaced(uintptr_t la)
{
    struct Page *old = map_and_write(la, 1), *new = filled_page(0);

    /* In one step from one page to another: the old translation must go with it. */
    assert_eq(page_insert(&kernel_as, new, la, KRW), 0);
    *word(la) = 2;
    check_eq("when a page takes another's place, writes go to it", first_word(new), 2);
    check_eq("the page that was replaced keeps what was in it", first_word(old), 1);
    page_remove(&kernel_as, la);
    page_ref_dec(old);
}

/* Only the rights change. A hart with the old translation would still let the store through. */
static void check_read_only(uintptr_t la)
{
    struct Page *page = map_and_write(la, 1);

    assert_eq(page_insert(&kernel_as, page, la, PTE_R), 0);
    check("a page that is inserted again read-only cannot be written", !can_write(la, 2));
    check_eq("a page that is read-only now keeps what was in it", first_word(page), 1);
    page_remove(&kernel_as, la);
    page_ref_dec(page);
}

/* Each part at a page of its own, so that one cannot flush for the next by chance. */
static void test_mapping_tlb(void)
{
    size_t before = nr_free_pages();

    check_removed(LA);
    check_removed_write(LA + PGSIZE);
    check_removed_remade(LA + 2 * PGSIZE);
    check_replaced(LA + 3 * PGSIZE);
    check_read_only(LA + 4 * PGSIZE);
    csr_clear(sstatus, SSTATUS_SUM);
    space_empty(&kernel_as);
    check_eq("all pages come back", before - nr_free_pages(), 0);
}

/* If a check fails though the entry is right: print/x *get_pte(kernel_as.pgdir, la, false) in gdb
   shows the new entry, and the hart still uses the old one. riscv/tlb.h tells why, and what there
   is for it. */
SELFTEST_AT(STAGE_BOOT, "mapping-tlb", test_mapping_tlb);

/* What another hart, which is idle, is asked to do, in an interrupt; atomic: not 0 until it did. */
static uint32_t asked;
static uint64_t to_write;

/* In place of the handler of software interrupts, on every hart: only hart 1 writes, when asked. It
   has to stop for a panic, as the handler that it replaces does. */
static void write_as_asked(__not_used void *arg)
{
    csr_clear(sip, SIE_SOFT);
    if (panicked())
        panic_stop();
    /* The other harts get the interrupt too, if somebody else sends one. */
    if (this_cpu->id != 1 || !atomic_load(&asked))
        return;
    *word(LA) = to_write;
    atomic_store(&asked, 0);
}

/* Returns when the other hart has written. */
static void write_on_hart_1(uint64_t value)
{
    to_write = value;
    atomic_store(&asked, 1);
    sbi_send_ipi(cpu_hart_mask(1U << 1));
    while (atomic_load(&asked))
        cpu_relax();
}

/* The same as above with a second hart, which runs on the kernel's address space and is idle. The
   entry is remade by hand after page_remove(), so that a flush at insertion cannot hide one that is
   missing at removal.

   In time from top to bottom:

       this hart                            hart 1
       maps the old page at LA
                                            writes 1: its TLB has LA -> old now
       maps the new page at LA
                                            writes 2: to the new page, or else
                                            its TLB still has LA -> old */
static void test_mapping_harts(void)
{
    size_t before = nr_free_pages();
    struct Page *old = filled_page(0), *new = filled_page(0), *last = filled_page(0);

    old->ref = new->ref = last->ref = 1;
    irq_register(IRQ_S_SOFT, write_as_asked, NULL);
    assert_eq(page_insert(&kernel_as, old, LA, KRW), 0);
    /* Now hart 1 has the translation. */
    write_on_hart_1(1);
    check_eq("another hart writes to the page", first_word(old), 1);
    assert_eq(page_insert(&kernel_as, new, LA, KRW), 0);
    /* Hart 1 cannot know of the change by itself: sfence.vma works on one hart only, so the kernel
       must have the others do it (Privileged spec 20211203, 4.2.1). */
    write_on_hart_1(2);
    check_eq("when a page takes another's place, other harts write to it", first_word(new), 2);
    check_eq("the page that was replaced keeps what was in it", first_word(old), 1);
    page_remove(&kernel_as, LA);
    *get_pte(kernel_as.pgdir, LA, false) = pte_make(page2pa(last), pte_leaf_flags(KRW));
    write_on_hart_1(3);
    check_eq("after page_remove, other harts have forgotten the page", first_word(new), 2);
    check_eq("other harts find the page that is mapped there later", first_word(last), 3);
    page_ref_inc(last);
    page_remove(&kernel_as, LA);
    /* The kernel goes on after this test, at least to its end. */
    irq_init();                         /* the handler that was there */
    space_empty(&kernel_as);
    page_ref_dec(old);
    page_ref_dec(new);
    page_ref_dec(last);
    check_eq("all pages come back", before - nr_free_pages(), 0);
}

/* If "mapping-tlb" passes and this one fails, only one hart was told of the change. */
SELFTEST_AT(STAGE_BOOT, "mapping-harts", test_mapping_harts);
