/* Exercise 3.4: page faults. Which accesses do_pgfault() makes possible, with which rights, and
   what it takes for that.

   "fault-rights" makes each kind of access to each kind of area, and around areas; "fault-zero"
   looks at the new page; "fault-stack" lets a stack grow to its limit; "fault-memory" has no pages
   to give. A wrong kernel lets a program do what its area forbids, refuses what it allows, shows it
   what was in a page before, or loses pages.

   All run at boot. Where the test says "the hart", it runs on the address space and accesses it as
   the kernel does for a program, by copy_to_user() and copy_from_user(); else do_pgfault() is
   called as the trap would call it.

   Alone: make grade TEST=fault-rights, TEST=fault-zero, TEST=fault-stack or TEST=fault-memory. */
#include <error.h>
#include <mm/pagetable.h>
#include <mm/vmm.h>
#include <process/proc.h>
#include <report.h>
#include <test/space.h>

#define A       0x12345000UL                    /* where an area begins */
#define RW      (VM_READ | VM_WRITE)

/* Its lock is not taken: nobody else knows this mm. */
static struct mm_struct *mm_begin(void)
{
    struct mm_struct *mm = mm_create();

    assert(mm != NULL);
    return mm;
}

/* n pages from start on; none of them is there before it is touched. */
static void add_area(struct mm_struct *mm, uintptr_t start, size_t n, uint32_t vm_flags)
{
    assert_eq(mm_map(mm, start, n * PGSIZE, vm_flags), 0);
}

/* A and D are left out, because they are asked for by space_touched(). */
static pte_t rights_at(struct mm_struct *mm, uintptr_t la)
{
    return space_entry(&mm->as, la) & (PTE_USER | PTE_V);
}

/* A refused access; it must leave no entry and take no memory. So the answer alone is not enough: a
   kernel that maps a page and then says no has given it away. */
static bool refused(struct mm_struct *mm, uintptr_t addr, uint32_t access)
{
    size_t before = nr_free_pages();
    pte_t old = space_entry(&mm->as, addr);

    /* The answer, the pages, and the entry. */
    return do_pgfault(mm, addr, access) == -E_FAULT && nr_free_pages() == before
        && space_entry(&mm->as, addr) == old;
}

/* Two accesses: the second finds the page, as one of another thread would, and changes nothing.
   Both must succeed. *same becomes false if the entry is another one afterwards. */
static bool allowed_twice(struct mm_struct *mm, uintptr_t addr, uint32_t access, bool *same)
{
    int first = do_pgfault(mm, addr, access);
    pte_t pte = space_entry(&mm->as, addr);
    /* On a page that is there by now. */
    int second = do_pgfault(mm, addr, access);

    /* Once false it stays false. */
    *same = *same && space_entry(&mm->as, addr) == pte;
    return first == 0 && second == 0;
}

/* A kind of area, and what is to be said of it. */
struct kind {
    uint32_t vm_flags;
    pte_t rights;                       /* in the entries of its pages, beside U and V */
    const char *allowed, *entries, *refused;
};

/* W without R is reserved in an entry (Privileged spec 20211203, 4.3.1), so an area to write only
   can be read as well. */
static const struct kind kinds[] = {
    { VM_READ, PTE_R, "an area to read can be read",
      "entries of an area to read have R and U",
      "an area to read cannot be written or executed" },
    { RW, PTE_R | PTE_W, "an area to read and write can be read and written",
      "entries of an area to read and write have R, W and U",
      "an area to read and write cannot be executed" },
    { VM_READ | VM_EXEC, PTE_R | PTE_X, "an area for code can be read and executed",
      "entries of an area for code have R, X and U",
      "an area for code cannot be written" },
    { VM_EXEC, PTE_X, "an area to execute only can be executed",
      "entries of an area to execute only have X and U",
      "an area to execute only cannot be read or written" },
    { VM_WRITE, PTE_R | PTE_W, "an area to write only can be written",
      "entries of an area to write only have R, W and U: W without R is reserved",
      "an area to write only cannot be executed" },
    { 0, 0, "an area without rights can be made",
      "no entry is made in an area without rights",
      "an area without rights cannot be read, written or executed" },
};

/* Each access to an area of this kind, to a page of its own: refused ones to one that is not there,
   and to one that is. The second case is what a program meets that reads its text and then writes
   to it: that a page is there must not be taken for the right to do anything with it. */
static void check_kind(const struct kind *kind)
{
    static const uint32_t accesses[] = { VM_READ, VM_WRITE, VM_EXEC };
    struct mm_struct *mm = mm_begin();
    /* One for each sentence that is reported at the end, for all three accesses together. */
    bool allowed = true, entries = true, strict = true, same = true, touched = true;

    add_area(mm, A, 8, kind->vm_flags);
    for (int i = 0; i < 3; i++) {
        uintptr_t la = A + (2 * i + 1) * PGSIZE;

        if (kind->vm_flags & accesses[i]) {
            allowed = allowed && allowed_twice(mm, la + 0x123, accesses[i], &same);
            entries = entries && rights_at(mm, la) == (kind->rights | PTE_U | PTE_V);
            touched = touched && space_touched(&mm->as, la);
        /* An area to write only may be read, too, because its entries have R: that is not tried as
           refused. */
        } else if (accesses[i] != VM_READ || !(kind->vm_flags & VM_WRITE)) {
            strict = strict && refused(mm, la + 0x123, accesses[i]);
            if (kind->vm_flags & VM_READ)
                strict = strict && do_pgfault(mm, la, VM_READ) == 0
                    && refused(mm, la + 0x123, accesses[i]);
        }
        entries = entries && (kind->vm_flags != 0 || space_entry(&mm->as, la) == 0);
    }
    check(kind->allowed, allowed);
    check(kind->entries, entries);
    check(kind->refused, strict);
    check("entries have A, and D if they allow writing", touched);
    check("a second fault on a page leaves its entry as it is", same);
    mm_put(mm);
}

/* The borders of two areas with a gap between them: the byte before, the first, the last, the one
   behind. A null pointer is only another address without an area. */
static void check_outside(void)
{
    struct mm_struct *mm = mm_begin();

    /* With no area at all there is no list to look through. */
    check("without areas every access is refused", refused(mm, A, VM_READ));
    add_area(mm, A, 2, RW);
    add_area(mm, A + 4 * PGSIZE, 1, RW);
    /* The last byte before an area, and a page before it: a comparison that is off by one allows
       it. */
    check("an access below an area is refused",
          refused(mm, A - 1, VM_READ) && refused(mm, A - PGSIZE, VM_WRITE));
    check("an access at the end of an area is refused", refused(mm, A + 2 * PGSIZE, VM_READ));
    check("an access in a gap between two is refused", refused(mm, A + 3 * PGSIZE + 5, VM_WRITE));
    check("an access behind the last area is refused", refused(mm, A + 5 * PGSIZE, VM_READ));
    /* A program with a null pointer must be killed, not given a page at 0. */
    check("an access through a null pointer is refused",
          refused(mm, 0, VM_WRITE) && refused(mm, 8, VM_READ));
    check("an access high above all areas is refused", refused(mm, USERTOP - 1, VM_READ));
    /* And the other way: what belongs to the area must not be refused. */
    check_eq("the last byte of an area is in it", do_pgfault(mm, A + 2 * PGSIZE - 1, VM_WRITE), 0);
    check_eq("the first byte of an area is in it", do_pgfault(mm, A, VM_READ), 0);
    mm_put(mm);
}

/* The first failed check names the kind of area by its sentence. */
static void test_fault_rights(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        check_kind(&kinds[i]);
    check_outside();
}

/* If a check fails: kinds[] above has the sentence, the area's flags and the rights that its
   entries should have; in gdb, print/x space_entry(&mm->as, la). */
SELFTEST_AT(STAGE_BOOT, "fault-rights", test_fault_rights);

/* Is there a page, and has it nothing but zeros? The pages were dirty before. */
static bool all_zero(struct mm_struct *mm, uintptr_t la)
{
    pte_t pte = space_entry(&mm->as, la);
    const uint64_t *words = kva(pte_paddr(pte));
    uint64_t found = 0;

    if (!(pte & PTE_V))
        return false;
    /* All words of the page, joined by "or". */
    for (size_t i = 0; i < PGSIZE / sizeof(*words); i++)
        found |= words[i];
    return found == 0;
}

/* The fault is at the last word of the page, so an address that is not rounded down maps the wrong
   page or none. Three pages: the page itself and two tables on the way to it. False if there is
   nothing to go on with. */
static bool check_new_page(struct mm_struct *mm)
{
    size_t before = nr_free_pages();

    /* The page itself is found by the address without its last 12 bits. */
    check_eq("a read deep in a page is made possible", do_pgfault(mm, A + 0xff8, VM_READ), 0);
    if (!check("the entry of that page is valid", rights_at(mm, A) & PTE_V))
        return false;
    check_eq("a page and two tables are taken", before - nr_free_pages(), 3);
    /* What another process left in the page, a password for example, must not be read. */
    check("a new page is full of zeros", all_zero(mm, A));
    /* With another count it would never be freed, or too early. */
    check_eq("the new page has one reference", page_ref(pte2page(space_entry(&mm->as, A))), 1);
    /* One fault makes one page: what was not touched costs nothing. */
    check_eq("the neighbours' entries are still 0",
             space_entry(&mm->as, A - PGSIZE) | space_entry(&mm->as, A + PGSIZE), 0);
    before = nr_free_pages();
    check_eq("a write to the next page is made possible",
             do_pgfault(mm, A + PGSIZE + 1, VM_WRITE), 0);
    check_eq("the next page takes one page", before - nr_free_pages(), 1);
    check("the next page is another one, and zero as well", all_zero(mm, A + PGSIZE)
          && pte_paddr(space_entry(&mm->as, A)) != pte_paddr(space_entry(&mm->as, A + PGSIZE)));
    return rights_at(mm, A + PGSIZE) & PTE_V;
}

/* Another thread was first, or a translation was stale: the page is there and allows the access.
   Such a fault is normal on several harts; a kernel that maps a fresh page again loses what was
   written. */
static void check_second_fault(struct mm_struct *mm)
{
    size_t before = nr_free_pages();
    pte_t pte = space_entry(&mm->as, A);
    uint64_t *words = kva(pte_paddr(pte));

    /* Something that a second page, or a second clearing, would lose. */
    words[3] = 77;
    check_eq("a fault on a page that is there is no error", do_pgfault(mm, A + 24, VM_WRITE), 0);
    check_eq("a second fault leaves the entry as it is", space_entry(&mm->as, A), pte);
    check_eq("a second fault takes no page", before - nr_free_pages(), 0);
    check_eq("a second fault changes nothing in the page", words[3], 77);
}

/* The hart runs on the address space, and the test accesses it as the kernel does. Here the
   hardware decides whether the entry is right, and faults really come. */
static void check_access(struct mm_struct *mm)
{
    uint64_t value = 1;

    current->mm = mm;
    addrspace_switch(&kernel_as, &mm->as);
    check("the hart reads a page that nobody touched before",
          can_read(A + 4 * PGSIZE, &value) && value == 0);
    /* From here on the entries are judged by the hardware. */
    check("the hart writes to a page that nobody touched before", can_write(A + 5 * PGSIZE, 5));
    check("the hart reads what it wrote", can_read(A + 5 * PGSIZE, &value) && value == 5);
    /* An area that may be written gets W with the first read already, or the hart faults once
       more. */
    check("the hart writes to a page that it has read", can_write(A + 4 * PGSIZE, 6));
    check("the hart reads a page of a read-only area",
          can_read(A + 16 * PGSIZE, &value) && value == 0);
    check("the hart cannot write to a read-only area, whether the page was read or not",
          !can_write(A + 16 * PGSIZE, 7) && !can_write(A + 17 * PGSIZE, 7));
    /* Behind an area and before it: the fault must end, with an error, and not come again and
       again. */
    check("the hart cannot access what is in no area", !can_read(A + 8 * PGSIZE, &value)
          && !can_write(A - PGSIZE, 7));
    addrspace_switch(&mm->as, &kernel_as);
    current->mm = NULL;
}

/* The second address space is there to see that nothing is mapped into the wrong one; the kernel's
   own must stay empty too. */
static void test_fault_zero(void)
{
    struct mm_struct *mm = mm_begin(), *other = mm_begin();
    int used = 0;

    add_area(mm, A, 8, RW);
    add_area(mm, A + 16 * PGSIZE, 2, VM_READ);
    add_area(other, A, 8, RW);
    dirty_free_pages();
    if (check_new_page(mm)) {
        check_second_fault(mm);
        check_access(mm);
    }
    /* Its area is at the same addresses, so a page that went to the wrong space would be seen
       here. */
    check_eq("another address space has no page there", space_entry(&other->as, A), 0);
    for (int i = 0; i < PT_ENTRIES / 2; i++)
        used += kernel_as.pgdir[i] != 0;
    check_eq("nothing is mapped in the kernel's own address space", used, 0);
    mm_put(mm);
    mm_put(other);
}

/* If a check that begins with "the hart" fails and those before pass, the entry looks right but the
   hardware thinks otherwise: compare it with the drawing in riscv/sv39.h. */
SELFTEST_AT(STAGE_BOOT, "fault-zero", test_fault_zero);

/* The area of the stack is one page, at the top; the rest comes when it is touched. The area below
   it is two pages below its lowest place, so that growing too far would run into it.

       top         +--------------------+
                   | the stack's area   |  one page, at first
                   +--------------------+
                   | it may grow here   |  down to 256 pages in all
       A           +--------------------+
                   | one page free      |
                   +--------------------+  A - PGSIZE
                   | another area       |  does not grow, and is not run over
                   +--------------------+  A - 2 * PGSIZE */
static void test_fault_stack(void)
{
    struct mm_struct *mm = mm_begin();
    /* The lowest place that the stack may reach is A. */
    uintptr_t top = A + USTACKSIZE;

    add_area(mm, top - PGSIZE, 1, RW | VM_STACK);
    add_area(mm, A - 2 * PGSIZE, 1, RW);
    check_eq("a page that the stack has already can be written",
             do_pgfault(mm, top - 8, VM_WRITE), 0);
    /* As a function with large locals does. */
    check_eq("a write just below the stack makes it grow",
             do_pgfault(mm, top - PGSIZE - 8, VM_WRITE), 0);
    /* The area itself has grown, not only a page been mapped: munmap and fork go by the areas. */
    check("the stack's area reaches down to the page that was written",
          find_vma(mm, top - 2 * PGSIZE) != NULL
          && find_vma(mm, top - 2 * PGSIZE)->vm_start == top - 2 * PGSIZE);
    /* A program need not touch its stack page by page. */
    check_eq("a read far below the stack makes it grow too",
             do_pgfault(mm, top - 100 * PGSIZE + 4, VM_READ), 0);
    check_eq("stack pages between come when they are touched",
             space_entry(&mm->as, top - 50 * PGSIZE), 0);
    check_eq("a page that the stack grew by has its rights", rights_at(mm, top - 100 * PGSIZE),
             PTE_R | PTE_W | PTE_U | PTE_V);
    /* The limit, from both sides. A recursion without end must end the program, not take all
       memory. */
    check_eq("the stack may have 256 pages", do_pgfault(mm, A, VM_WRITE), 0);
    check("a stack of 257 pages is refused", refused(mm, A - 8, VM_WRITE));
    /* Only stacks grow, not every area that lies above the address. */
    check("the area below it does not grow", refused(mm, A - 2 * PGSIZE - 8, VM_WRITE));
    check_eq("the area below the stack is still there",
             do_pgfault(mm, A - 2 * PGSIZE, VM_WRITE), 0);
    /* Growing must not give more rights than the area has. */
    check("nobody may execute the stack", refused(mm, top - 8, VM_EXEC));
    mm_put(mm);
}

/* If a check fails: is it about the area, which must reach down to the page, or about the page
   itself? Both are needed. */
SELFTEST_AT(STAGE_BOOT, "fault-stack", test_fault_stack);

/* With k pages left: the page and its two tables need three. With fewer the fault must fail, leave
   no entry, and be possible later. The program is told that memory is short, not that its address
   is bad. */
static void test_fault_memory(void)
{
    struct mm_struct *mm = mm_begin();
    struct hoard hoard = { .count = 0 };
    uint64_t value = 1;

    add_area(mm, A, 8, RW);
    for (size_t k = 0; k < 3; k++) {
        hoard_take(&hoard);
        hoard_give(&hoard, k);
        /* The trap layer tells the two errors apart: for this one the program is killed with
           another message. */
        check_eq("not enough memory for the page and its tables: -E_NO_MEM",
                 do_pgfault(mm, A, VM_WRITE), -E_NO_MEM);
        check_eq("no entry is made", space_entry(&mm->as, A), 0);
        space_empty(&mm->as);
    }
    /* Whether an access is allowed does not depend on memory. */
    check_eq("a wrong access is still -E_FAULT", do_pgfault(mm, A - PGSIZE, VM_READ), -E_FAULT);
    current->mm = mm;
    addrspace_switch(&kernel_as, &mm->as);
    check("the kernel's access fails without memory, and the kernel goes on",
          !can_read(A + PGSIZE, &value));
    hoard_end(&hoard);
    /* The failed fault has left nothing behind that would be in the way. */
    check("with memory again, it is made", can_read(A + PGSIZE, &value) && value == 0);
    addrspace_switch(&mm->as, &kernel_as);
    current->mm = NULL;
    mm_put(mm);
}

/* If it panics: something went on with a NULL pointer after the memory had run out. k is the number
   of pages that were free. */
SELFTEST_AT(STAGE_BOOT, "fault-memory", test_fault_memory);
