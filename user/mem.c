/* mem: shows which process has which memory.

   It lists the pages that are free, the pages of each process, and the rest, which is the kernel's.
   A page that several processes share is counted with each of them, and named as shared. Threads
   have one memory, which is told and counted once. Below each are the faults that got it its pages,
   by kind, since the fork or exec that the memory is from. */
#include <stdio.h>
#include <stdlib.h>
#include <ulib.h>

#define PAGES_PER_MIB   256

/* The numbers of the memories that were told already. There may be few or thousands of them. */
static struct {
    uint64_t *numbers;
    size_t count, room;
} told;

static void line(const char *what, uint64_t pages)
{
    cprintf("  %-24s %8lu pages %5lu.%02lu MiB\n", what, pages, pages / PAGES_PER_MIB,
            pages % PAGES_PER_MIB * 100 / PAGES_PER_MIB);
}

/* Was this memory told before? From now on it was. */
static bool was_told(uint64_t number)
{
    for (size_t i = 0; i < told.count; i++)
        if (told.numbers[i] == number)
            return true;
    if (told.count == told.room) {
        told.room = 2 * told.room + 64;
        told.numbers = realloc(told.numbers, told.room * sizeof(*told.numbers));
        if (told.numbers == NULL)
            panic("no memory for %lu numbers", told.room);
    }
    told.numbers[told.count++] = number;
    return false;
}

static void tell_faults(const uint64_t faults[])
{
    cprintf("faults: %lu for zeros, %lu for a copy, %lu from swap, %lu from a file\n",
            faults[FAULT_ZERO], faults[FAULT_COPY], faults[FAULT_SWAP], faults[FAULT_FILE]);
}

/* Print the lines of a process, add its faults to those of all, and return the number of pages that
   it has alone. */
static uint64_t tell_process(const struct procinfo *info, uint64_t faults[])
{
    if (was_told(info->memory)) {
        cprintf("  %-16s pid %-4d   a thread: its memory was counted above\n", info->name,
                info->pid);
        return 0;
    }
    cprintf("  %-16s pid %-4d %7lu pages, %lu of them shared with others", info->name, info->pid,
            info->pages, info->shared_pages);
    cprintf(info->paged_out > 0 ? "; %lu are out of memory\n" : "\n", info->paged_out);
    cprintf("  %29s", "");
    tell_faults(info->faults);
    for (int i = 0; i < FAULT_KINDS; i++)
        faults[i] += info->faults[i];
    return info->pages - info->shared_pages;
}

int main(void)
{
    struct meminfo mem;
    struct procinfo info;
    uint64_t own = 0, used, faults[FAULT_KINDS] = { 0 };
    int error = meminfo(&mem);

    if (error != 0) {
        cprintf("mem: %e\n", error);
        return 1;
    }
    used = mem.total_pages - mem.free_pages;
    line("all that can be had", mem.total_pages);
    line("free", mem.free_pages);
    line("used", used);
    if (mem.swap_slots > 0)
        line("on the disk alone", mem.swap_used - mem.swap_cached);
    cprintf("of which\n");
    for (int pid = 1; procinfo(pid, &info) == 0; pid = info.pid + 1)
        if (info.pages > 0)
            own += tell_process(&info, faults);
    if (own > used)
        cprintf("  meanwhile programs took more than was used when this began\n");
    else
        cprintf("  the rest, %lu pages, is shared pages, page tables, kernel stacks and "
                "%lu objects\n", used - own, mem.kernel_objects);
    cprintf("of all of them, ");
    tell_faults(faults);
    return 0;
}
