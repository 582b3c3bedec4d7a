/* faultcount: what the kernel tells of a process's pages and faults.

   Each part makes a known number of faults of one kind, and looks before and after at what
   SYS_procinfo says; nothing is printed in between, which would make faults too. With `swap` there
   must be a swap area, and less memory than SWAP_PAGES. */
#include <error.h>
#include <file.h>
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define PAGES       24
#define SWAP_PAGES  1536

/* Of the program's file: all but the two ends is read by nothing else. */
static const char constants[(PAGES + 2) * PGSIZE] = { 1 };

static struct procinfo before, after;
static char *memory;

/* Asked twice: the first time may make a fault itself, where the answer is stored. */
static void look(struct procinfo *info)
{
    assert(procinfo(getpid(), info) == 0 && procinfo(getpid(), info) == 0);
}

static void begin(void)
{
    look(&after);
    look(&before);
}

static void end(void)
{
    look(&after);
}

/* The faults since begin(), of one kind; those of all others must be 0. */
static long faults(int kind)
{
    for (int i = 0; i < FAULT_KINDS; i++)
        if (i != kind && after.faults[i] != before.faults[i])
            panic("%lu faults of kind %d where kind %d was tried",
                  after.faults[i] - before.faults[i], i, kind);
    return after.faults[kind] - before.faults[kind];
}

static char *map(size_t pages)
{
    uintptr_t addr = 0;

    assert(mmap(&addr, pages * PGSIZE, MMAP_WRITE) == 0);
    return (char *)addr;
}

static void touch(char *at, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        at[i * PGSIZE] = i;
}

/* In a child: it has none of its parent's faults, and copies what it writes to. */
static void copy(uintptr_t unused)
{
    (void)unused;
    begin();
    touch(memory, PAGES / 2);
    end();
    check_eq("a child's faults for a copy", faults(FAULT_COPY), PAGES / 2);
    check_eq("pages that it shared, and does no more", before.shared_pages - after.shared_pages,
             PAGES / 2);
    check_eq("it has not its parent's faults", after.faults[FAULT_ZERO] < PAGES, true);
}

static void in_memory(void)
{
    int sum = 0;

    memory = map(PAGES);
    begin();
    touch(memory, PAGES);
    end();
    check_eq("faults for zeros", faults(FAULT_ZERO), PAGES);
    check_eq("pages more", after.pages - before.pages, PAGES);
    begin();
    for (int i = 1; i <= PAGES; i++)
        sum += ((const volatile char *)constants)[i * PGSIZE];
    end();
    check_eq("faults for pages of the program's file", faults(FAULT_FILE), PAGES);
    check_eq("which are shared", after.shared_pages - before.shared_pages, PAGES);
    check_eq("and zeros", sum, 0);
    check_eq("a child's end", child_code(copy, 0), 0);
}

static void swapped(void)
{
    struct meminfo last;

    memory = map(SWAP_PAGES);
    look(&before);
    touch(memory, SWAP_PAGES);
    touch(memory, SWAP_PAGES);
    look(&after);
    assert(meminfo(&last) == 0);
    check_eq("pages are out", after.paged_out > 0 && after.pages < SWAP_PAGES, true);
    check_eq("faults for pages that were out", after.faults[FAULT_SWAP] > SWAP_PAGES / 2, true);
    check_eq("are those that the swap area counts", after.faults[FAULT_SWAP],
             last.swap_read + last.swap_found);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "swap") == 0)
        swapped();
    else
        in_memory();
    return check_done();
}
