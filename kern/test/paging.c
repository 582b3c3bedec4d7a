/* A swap area in memory, and pages that are out: see paging.h.

   Entries are written with the numbers of the format and not by swap_pte(): what the tests compare
   with must not come from the function that they test. For the same reason the content of a slot is
   written to the area's memory, not by swap_write(). The slot is marked by nobody as written: only
   what has read or written it knows that the page and the slot are the same. */
#include <error.h>
#include <mm/shrink.h>
#include <process/proc.h>
#include <report.h>
#include <riscv/csr.h>
#include <string.h>
#include <test/paging.h>

struct test_swap test_swap;
static uint32_t area_pages;

/* The area is memory, so a test can look at it without asking the kernel:

     slot     1          2          3
     memory   |PGSIZE    |PGSIZE    |PGSIZE    |       test_slot(n) is where slot n begins

   Each transfer is counted. A read too many is a page that was in memory already, a write too many
   is one whose slot had the same bytes. */

/* Of both directions: wait if the test wants that, and count. Does this transfer fail? */
static int transfer(size_t *count)
{
    if (test_swap.before != NULL)
        test_swap.before();
    ++*count;
    return test_swap.reads + test_swap.writes == test_swap.fail_at ? -E_IO : 0;
}

static int test_read(__not_used struct swap_area *area, uint32_t slot, struct Page *page)
{
    int result = transfer(&test_swap.reads);

    if (result == 0)
        memcpy(page2kva(page), test_slot(slot), PGSIZE);
    return result;
}

static int test_write(__not_used struct swap_area *area, uint32_t slot, struct Page *page)
{
    int result = transfer(&test_swap.writes);

    if (result == 0)
        memcpy(test_slot(slot), page2kva(page), PGSIZE);
    return result;
}

uint8_t *test_slot(uint32_t slot)
{
    assert(slot >= 1 && slot <= test_swap.area.slots);
    return test_swap.memory + (size_t)(slot - 1) * PGSIZE;
}

static const struct swap_manager *policy_of(const char *name)
{
    for (const struct swap_manager *m = swap_managers_start; m < swap_managers_end; m++)
        if (strcmp(m->name, name) == 0)
            return m;
    panic("there is no policy called \"%s\"", name);
}

void test_swap_begin(const char *policy, uint32_t slots)
{
    struct Page *memory = alloc_pages(slots);

    assert(memory != NULL);
    area_pages = slots;
    test_swap = (struct test_swap){
        .area = { .slots = slots, .read = test_read, .write = test_write },
        .memory = page2kva(memory),
    };
    swap_choose(policy_of(policy));
    assert_eq(swap_on(&test_swap.area), 0);
}

/* A page that is only kept, because its slot has the same content, has that slot: it goes first.
   If a slot is lost, what would find it lost is left undone. */
void test_swap_end(void)
{
    while (shrink_memory() > 0)
        ;
    if (!check_eq("no slot is in use when all that named it has gone", swap_stats().used, 0))
        return;
    swap_off();
    swap_choose(swap_default_manager());
    free_pages(kva2page(test_swap.memory), area_pages);
}

/* The same in each space, as a fork would make it: so one page may be at one address of several. */
static void add_areas(struct mm_struct *mm)
{
    assert_eq(mm_map(mm, DATA, PAGES * PGSIZE, VM_READ | VM_WRITE), 0);
    assert_eq(mm_map(mm, CONSTANTS, PGSIZE, VM_READ), 0);
    assert_eq(mm_map(mm, TEXT, PGSIZE, VM_READ | VM_EXEC), 0);
}

struct mm_struct *paged_mm(void)
{
    struct mm_struct *mm = mm_create();

    assert(mm != NULL);
    assert_eq(family_begin(mm), 0);
    add_areas(mm);
    return mm;
}

struct mm_struct *paged_relative(struct mm_struct *mm)
{
    struct mm_struct *relative = mm_create();

    assert(relative != NULL);
    /* As a child's; but no page is shared yet, so a test chooses which. */
    family_join(relative, mm);
    add_areas(relative);
    return relative;
}

/* The entry names the slot: bit 0 is 0, and the number begins at bit 8. */
static void set_out(struct mm_struct *mm, uintptr_t la, uint32_t slot)
{
    pte_t *pte = get_pte(mm->as.pgdir, la, true);

    assert(pte != NULL && *pte == 0);
    *pte = (pte_t)slot << 8;
    mm->paged_out++;
    mm->extras |= MM_PAGING;
}

uint32_t put_out(struct mm_struct *mm, uintptr_t la, uint8_t byte)
{
    uint32_t slot = swap_slot_alloc();

    assert(slot != 0);
    memset(test_slot(slot), byte, PGSIZE);
    set_out(mm, la, slot);
    return slot;
}

void put_out_too(struct mm_struct *to, struct mm_struct *mm, uintptr_t la)
{
    uint32_t slot = space_entry(&mm->as, la) >> 8;

    /* Without it the first of the two that comes in would free the slot of the other one. */
    swap_slot_get(slot);
    set_out(to, la, slot);
}

void page_lock(struct Page *page)
{
    while (!page_trylock(page))
        schedule();
}

int test_victim(void)
{
    struct Page *page = swap_manager()->swap_out_victim();

    if (page == NULL)
        return -1;
    int number = (page_la(page) - DATA) / PGSIZE;
    page_ref_dec(page);
    return number;
}

uint64_t test_search_in_vain(void)
{
    uint64_t start = csr_read(instret);
    int victim = test_victim();
    uint64_t end = csr_read(instret);

    assert_eq(victim, -1);
    return end - start;
}

void test_come_and_go(struct mm_struct *mm, int n)
{
    while (n-- > 0) {
        space_put(&mm->as, DATA, 0, URW);
        page_enrol(space_page(&mm->as, DATA), mm->family, DATA);
        page_remove(&mm->as, DATA);
    }
}

void test_enter(struct mm_struct *mm)
{
    current->mm = mm;
    addrspace_switch(&kernel_as, &mm->as);
    csr_set(sstatus, SSTATUS_SUM);
}

void test_leave(struct mm_struct *mm)
{
    csr_clear(sstatus, SSTATUS_SUM);
    addrspace_switch(&mm->as, &kernel_as);
    current->mm = NULL;
}
