/* Exercise 5.4: copy-on-write in the kernel's own hands. What copy_range() shares, what a fork
   makes read-only, what a write fault copies and what it takes over.

   Four parts: sharing between two address spaces; three generations that write to one page, one
   after the other; a fault when there is no memory; and a hart that has old translations. A wrong
   kernel lets one process see what another wrote, copies a page that nobody else has, loses or
   keeps a page, or lets a program write to its text.

   Runs at boot. Faults are made by calling do_pgfault(), as the trap would; only the last part runs
   on the address space itself. With the boot argument nocow only the first part is possible.

   Alone: make grade TEST=copy-on-write. The programs cow, cowkernel and cowrace try the same from
   outside. */
#include <error.h>
#include <mm/usercopy.h>
#include <mm/vmm.h>
#include <report.h>
#include <riscv/csr.h>
#include <string.h>
#include <test/space.h>

/* The two pages of data lie on both sides of a table's end, so sharing has to go over it. */
#define DATA        (TABLE_END - PGSIZE)        /* two pages of data, */
#define TEXT        (TABLE_END + PGSIZE)        /* one of text */
#define END         (TABLE_END + 3 * PGSIZE)
#define MARKED      (URO | PTE_COW)

/* copy_range() alone, with share = true. The parent's entries are compared as well as the child's:
   both must lose W, or the parent goes on writing to what the child reads. The references are what
   later tells a write fault whether it is the last owner.

   Before and after, for a page that may be written:

       parent's entry: page, R W       parent's entry: page, R, marked
                                       child's entry:  page, R, marked
       references of the page: 1       references of the page: 2 */
static void test_share(void)
{
    struct addrspace parent, child;
    size_t before = nr_free_pages();

    space_create(&parent);
    space_create(&child);
    struct Page *data = space_put(&parent, DATA, 1, URW);
    struct Page *text = space_put(&parent, TEXT, 2, URX);
    *get_pte(parent.pgdir, TEXT + PGSIZE, false) = URW;         /* not valid, whatever else it is */
    struct Page *outside = space_put(&parent, END, 3, URW);
    check_eq("copy_range() succeeds", copy_range(&child, &parent, DATA, END, true), 0);
    /* Sharing means one page with two entries. */
    check("a page that is shared is the same page", space_page(&child, DATA) == data
          && space_page(&child, TEXT) == text);
    check_eq("the parent's entry of a writable page loses W and is marked",
             space_rights(&parent, DATA), MARKED);
    /* The mark says that the owner may write after a copy; without it the write would kill the
       program. */
    check_eq("the child's entry of it has no W and is marked", space_rights(&child, DATA), MARKED);
    /* If it had one, a write to the text would be allowed by the next fault. */
    check_eq("a page that nobody may write gets no mark in the parent",
             space_rights(&parent, TEXT), URX);
    check_eq("nor in the child", space_rights(&child, TEXT), URX);
    /* Hardware that does not set A and D by itself faults if they are missing (Svade; see
       riscv/sv39.h), and no handler sets them here. QEMU's default CPU would not show it. */
    check("what is shared has A in both entries, or some machines fault for ever",
          space_touched(&parent, DATA) && space_touched(&child, DATA)
          && space_touched(&parent, TEXT) && space_touched(&child, TEXT));
    check_eq("a shared page has one reference for each entry", page_ref(data), 2);
    check_eq("a shared read-only page, too", page_ref(text), 2);
    /* One hole has no entry, the other one has a word without V: both are nothing. */
    check_eq("if the parent's entry is not valid the child gets none",
             space_entry(&child, TABLE_END) | space_entry(&child, TEXT + PGSIZE), 0);
    check("a page outside of the range is not shared", space_page(&child, END) == NULL
          && page_ref(outside) == 1 && space_rights(&parent, END) == URW);
    /* A kernel that copies pages here instead of sharing them needs more. */
    check_eq("sharing needs memory for the four tables, and for nothing else",
             space_copy_needs(&parent, DATA, END, true), 4);
    space_destroy(&parent);
    /* The end of one sharer takes its reference, and leaves the page to the other. */
    check_eq("the page is the child's alone when the parent is gone", page_ref(data), 1);
    space_destroy(&child);
    check_eq("all pages come back when both spaces are gone", nr_free_pages(), before);
}

/* An address space with two pages of data and one of text, full of 1, 2 and 3. It has areas as well
   as entries: do_pgfault() asks these for the rights. */
static struct mm_struct *family_head(void)
{
    struct mm_struct *mm = mm_create();

    assert(mm != NULL);
    assert_eq(mm_map(mm, DATA, 2 * PGSIZE, VM_READ | VM_WRITE), 0);
    assert_eq(mm_map(mm, TEXT, PGSIZE, VM_READ | VM_EXEC), 0);
    space_put(&mm->as, DATA, 1, URW);
    space_put(&mm->as, TABLE_END, 2, URW);
    space_put(&mm->as, TEXT, 3, URX);
    return mm;
}

/* The part of do_fork() that is about memory, without a process. */
static struct mm_struct *fork_mm(struct mm_struct *parent)
{
    struct mm_struct *child = mm_create();

    assert(child != NULL);
    check_eq("a fork of the address space succeeds", mm_dup(child, parent), 0);
    return child;
}

/* What a write of a program does: a fault, then the store. The fault is at byte 8 of the page, the
   store at byte 0: the address of a fault is anywhere in its page, not at the beginning. */
static void write_byte(struct mm_struct *mm, uintptr_t la, uint8_t byte)
{
    if (check_eq("a write to a marked page is allowed", do_pgfault(mm, la + 8, VM_WRITE), 0))
        *(uint8_t *)page2kva(space_page(&mm->as, la)) = byte;
}

/* Three generations share a page. Each writes to it; the last to do so has it to itself:

       references  3     child writes: gets a copy, 2 are left
                   2     parent writes: gets a copy, 1 is left
                   1     grandchild writes: nobody else has the page, so it keeps it

   Behind each step the test looks at all three, because a mistake may show with one that did
   nothing. */
static void test_faults(void)
{
    struct mm_struct *parent = family_head();
    struct mm_struct *child = fork_mm(parent), *grandchild = fork_mm(child);
    struct Page *page = space_page(&parent->as, DATA);

    /* The entry that is copied now has no W any more: it must be shared by its mark. */
    check_eq("a page that is marked is shared again by a second fork", page_ref(page), 3);
    check_eq("the grandchild's entry is marked as well", space_rights(&grandchild->as, DATA),
             MARKED);
    size_t before = nr_free_pages();

    write_byte(child, DATA, 7);
    struct Page *copy = space_page(&child->as, DATA);
    check("who writes to a shared page gets a page of its own", copy != page);
    /* One page is copied, and no table is made: they are all there. */
    check_eq("a write fault takes one page", before - nr_free_pages(), 1);
    check_eq("its own page is writable, without the mark", space_rights(&child->as, DATA), URW);
    check("its own page's entry has A and D, or some machines fault for ever",
          space_touched(&child->as, DATA));
    check_eq("its own page has one reference", page_ref(copy), 1);
    /* All but the byte that was written. */
    check("the copy has the contents of the page",
          memcmp((char *)page2kva(copy) + 1, (char *)page2kva(page) + 1, PGSIZE - 1) == 0);
    /* The child's entry leads to its own page now. */
    check_eq("the shared page has one reference less", page_ref(page), 2);
    check("the others still share the page", space_page(&parent->as, DATA) == page
          && space_page(&grandchild->as, DATA) == page);
    check_eq("the parent's page keeps its contents", space_byte(&parent->as, DATA), 1);

    write_byte(parent, DATA, 8);
    check_eq("with one entry left the page has one reference", page_ref(page), 1);
    before = nr_free_pages();
    write_byte(grandchild, DATA, 9);
    /* A copy would be right too, but for nothing: most pages of a child that calls exec end
       here. */
    check("the last who has the page keeps it: nothing is copied",
          space_page(&grandchild->as, DATA) == page && nr_free_pages() == before);
    check_eq("the last who has the page may write to it, and the mark is gone",
             space_rights(&grandchild->as, DATA), URW);
    check("with W the last one gets D as well", space_touched(&grandchild->as, DATA));
    check("each has what it wrote itself", space_byte(&parent->as, DATA) == 8
          && space_byte(&child->as, DATA) == 7 && space_byte(&grandchild->as, DATA) == 9);

    /* The text is shared without a mark: that nobody may write to it must not have been
       forgotten. */
    check_eq("a write to the text is refused", do_pgfault(child, TEXT, VM_WRITE), -E_FAULT);
    check_eq("the entry of the text stays as it was", space_rights(&child->as, TEXT), URX);
    check_eq("all three share the text", page_ref(space_page(&child->as, TEXT)), 3);
    mm_put(child);
    mm_put(grandchild);
    mm_put(parent);
}

/* A copy needs a page. Without one the fault must fail and change nothing, so that it can be tried
   again later; the last owner needs none. The same for a fork, which fails for want of tables: two
   pages are enough to make the mm, and not enough for what goes into it. */
static void test_no_memory(void)
{
    struct mm_struct *parent = family_head(), *child = fork_mm(parent);
    struct Page *page = space_page(&parent->as, DATA);
    struct hoard hoard = { .count = 0 };

    hoard_take(&hoard);
    /* The program is told that memory is short; it has done nothing wrong. */
    check_eq("without memory a write fault returns -E_NO_MEM", do_pgfault(child, DATA, VM_WRITE),
             -E_NO_MEM);
    check("then the page is shared as before", space_page(&child->as, DATA) == page
          && page_ref(page) == 2 && space_rights(&child->as, DATA) == MARKED);
    struct mm_struct *other = mm_create();

    check("then an address space cannot be made, either", other == NULL);
    hoard_give(&hoard, 2);
    other = mm_create();
    assert(other != NULL);
    hoard_take(&hoard);
    check_eq("without memory for tables a fork returns -E_NO_MEM", mm_dup(other, parent),
             -E_NO_MEM);
    /* What the failed fork has copied is in `other`, and goes with it. */
    mm_put(other);
    hoard_end(&hoard);
    mm_put(parent);
    hoard_take(&hoard);
    /* The parent is gone, and so the page is the child's. */
    check_eq("the last who has the page needs no memory", do_pgfault(child, DATA, VM_WRITE), 0);
    hoard_end(&hoard);
    mm_put(child);
}

/* On the address space itself, as its process would be. The page is written or read just before its
   entry changes: then the TLB has the old one, and keeps it until it is flushed. QEMU flushes by
   itself when SUM changes, so that is set all the time. Without a flush the parent writes on into
   the page that its child has, or reads what was in the page before. */
static void test_tlb(void)
{
    struct mm_struct *parent = family_head();
    volatile uint8_t *data = (volatile uint8_t *)DATA;

    /* From here on the hart translates by the parent's table. */
    sched_set_addrspace(&parent->as);
    csr_set(sstatus, SSTATUS_SUM);
    *data = 5;
    struct mm_struct *child = fork_mm(parent);
    check_eq("after a fork the parent's next write faults: the TLB has been flushed",
             copy_to_user(DATA, "X", 1), -E_FAULT);
    /* And nothing that came later. */
    check_eq("the child keeps what the parent wrote before", space_byte(&child->as, DATA), 5);
    csr_set(sstatus, SSTATUS_SUM);
    /* Now the TLB has the shared page, for reading. */
    (void)*data;
    write_byte(parent, DATA, 6);
    uint8_t byte = *data;
    csr_clear(sstatus, SSTATUS_SUM);
    check_eq("after the copy the parent reads its own page: the TLB has been flushed", byte, 6);
    sched_set_addrspace(&kernel_as);
    mm_put(child);
    mm_put(parent);
}

/* The count is taken before the first family, so families that lose a page are found. */
static void test_cow(void)
{
    test_share();
    if (!check("fork shares pages if the boot arguments do not say nocow", fork_shares))
        return;
    struct inventory before = inventory_take();

    test_faults();
    test_no_memory();
    test_tlb();
    inventory_same(&before, "three families that shared pages");
}

/* If a check fails: which generation is it about, and which rights does its entry have? In gdb:
   print/x space_entry(&child->as, DATA), and page_ref(page). If only the last part fails, entries
   are right and the TLB is not flushed. */
SELFTEST_AT(STAGE_BOOT, "copy-on-write", test_cow);
