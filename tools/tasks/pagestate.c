/* pagestate: the tests of task 5.T, one for each word that may follow the name.

   Which pages are used is drawn by chance, and the chance comes from the key of this boot, so that
   no answer can be prepared. At the checkpoint "told" the grader itself compares what the program
   was told with the page table. Programs are not told what the kernel knows of their memory by any
   other call: so the call that is tested is the only thing between both. */
#include <error.h>
#include <report.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define PAGES           300
#define GUARD           0xa5

/* The grader looks for these by their names. */
uintptr_t area;
volatile uint64_t pages = PAGES;
uint8_t told[PGSIZE] __attribute__((aligned(PGSIZE)));

static bool used[PAGES];
static uint64_t chance;

static uint32_t draw(uint32_t below)
{
    chance = chance * 6364136223846793005UL + 1442695040888963407UL;
    return (chance >> 33) % below;
}

static volatile uint8_t *page(int i)
{
    return (volatile uint8_t *)area + (size_t)i * PGSIZE;
}

/* Memory of which nothing was used yet. */
static uintptr_t new_area(size_t count, uint32_t flags)
{
    uintptr_t addr = 0;

    assert(mmap(&addr, count * PGSIZE, flags) == 0);
    return addr;
}

/* How many of the first pages of the area are told to be in another state than they are. */
static int wrong_states(uint8_t state_of_used)
{
    int wrong = 0;

    for (int i = 0; i < PAGES; i++)
        wrong += told[i] != (used[i] ? state_of_used : 0);
    return wrong;
}

static void use_some(void)
{
    for (int i = 0; i < PAGES; i++)
        if (draw(3) == 0) {
            *page(i) = i;
            used[i] = true;
        }
}

static void test_told(void)
{
    struct meminfo before, after;

    check_eq("of pages that nobody has used", pagestate(area, pages, told), 0);
    check_eq("none is in memory", wrong_states(0), 0);
    use_some();
    memset(told, GUARD, sizeof(told));
    check_eq("of pages of which some are used", pagestate(area, pages, told), 0);
    check_eq("these are in memory, and can be written to", wrong_states(PAGE_IN | PAGE_WRITE), 0);
    check_eq("nothing is stored behind the last", told[PAGES], GUARD);
    checkpoint("told");

    uint8_t *far = (uint8_t *)new_area(2, MMAP_WRITE) + PGSIZE - 3;
    check_eq("the answer goes to memory that nobody has used", pagestate(area, 7, far), 0);
    check_eq("and arrives", memcmp(far, told, 7), 0);

    uintptr_t wide = new_area(4 * PAGESTATE_MAX, MMAP_WRITE);
    assert(meminfo(&before) == 0);
    for (int i = 0; i < 4; i++)
        assert(pagestate(wide + (uintptr_t)i * PAGESTATE_MAX * PGSIZE, PAGESTATE_MAX, told) == 0);
    assert(meminfo(&after) == 0);
    check_eq("to ask takes no memory", after.free_pages, before.free_pages);

    area = new_area(1, 0);
    check_eq("a page that can only be read is empty", *page(0), 0);
    check_eq("of it", pagestate(area, 1, told), 0);
    check_eq("it is in memory, and cannot be written to", told[0], PAGE_IN);
    check_eq("of the program's text", pagestate(ROUNDDOWN((uintptr_t)test_told, PGSIZE), 1, told),
             0);
    check_eq("the same is told", told[0], PAGE_IN);
}

/* In the child: the pages are those of the parent, and one is its own when it has written to it. */
static void ask_in_child(uintptr_t one)
{
    if (pagestate(area, pages, told) != 0 || wrong_states(PAGE_IN | PAGE_COW) != 0)
        exit(1);
    *page(one) = 1;
    if (pagestate(area, pages, told) != 0 || told[one] != (PAGE_IN | PAGE_WRITE))
        exit(2);
}

static void test_fork(void)
{
    int pid, one = 0;

    use_some();
    while (!used[one])
        one++;
    check_eq("a child is told that it shares, and that it does not once it has written",
             child_code(ask_in_child, one), 0);
    pid = fork();
    assert(pid >= 0);
    if (pid == 0) {
        sleep(20);
        exit(0);
    }
    check_eq("with a child that sleeps, of the parent's pages", pagestate(area, pages, told), 0);
    check_eq("those in memory are shared copy-on-write", wrong_states(PAGE_IN | PAGE_COW), 0);
    checkpoint("told");
    *page(one) = 2;
    check_eq("of one that was written to since", pagestate((uintptr_t)page(one), 1, told), 0);
    check_eq("it is the parent's own", told[0], PAGE_IN | PAGE_WRITE);
    assert(waitpid(pid, NULL) == 0);
}

/* (a bad range, a bad pointer): each must be refused, and the program must go on. */
static void test_bad(void)
{
    uintptr_t end = 0x0000004000000000UL;
    uint8_t *last = (uint8_t *)new_area(1, MMAP_WRITE) + PGSIZE - 1;

    check_eq("an address inside of a page", pagestate(area + 8, 1, told), -E_INVAL);
    check_eq("no page", pagestate(area, 0, told), -E_INVAL);
    check_eq("too many", pagestate(area, PAGESTATE_MAX + 1, told), -E_INVAL);
    check_eq("very many, if 32 bits of them are 1", pagestate(area, (1UL << 32) + 1, told),
             -E_INVAL);
    check_eq("most of all", pagestate(area, -1UL, told), -E_INVAL);
    check_eq("page 0", pagestate(0, 1, told), -E_FAULT);
    check_eq("the kernel's", pagestate(KERNEL_TEXT, 1, told), -E_FAULT);
    check_eq("the last of all addresses", pagestate(-PGSIZE, 1, told), -E_FAULT);
    check_eq("beyond the last address", pagestate(-PGSIZE, 2, told), -E_FAULT);
    check_eq("the last page of the program's half", pagestate(end - PGSIZE, 1, told), 0);
    check_eq("and one page more", pagestate(end - PGSIZE, 2, told), -E_FAULT);

    check_eq("an answer to nowhere", pagestate(area, 1, NULL), -E_FAULT);
    check_eq("into the kernel", pagestate(area, 1, (uint8_t *)KERNEL_TEXT), -E_FAULT);
    check_eq("into the program's text", pagestate(area, 1, (uint8_t *)test_bad), -E_FAULT);
    assert(munmap((uintptr_t)last + 1 - PGSIZE, PGSIZE) == 0);
    check_eq("to where no memory is", pagestate(area, 1, last), -E_FAULT);
    last = (uint8_t *)new_area(2, MMAP_WRITE) + PGSIZE - 1;
    assert(munmap((uintptr_t)last + 1, PGSIZE) == 0);
    check_eq("to memory that ends before it", pagestate(area, 2, last), -E_FAULT);
    check_eq("that ends with it", pagestate(area, 1, last), 0);
}

int main(int argc, char **argv)
{
    assert(argc == 2);
    for (int i = 0; i < 8; i++)
        chance = chance << 8 | report_key[i];
    area = new_area(PAGES, MMAP_WRITE);
    if (strcmp(argv[1], "told") == 0)
        test_told();
    else if (strcmp(argv[1], "fork") == 0)
        test_fork();
    else
        test_bad();
    return check_done();
}
