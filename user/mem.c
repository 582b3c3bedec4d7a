/* Who has the memory: pages that are free, pages of each process, and the rest, which is the
   kernel's. A page that several processes share is counted with each of them, and named as
   shared. */
#include <stdio.h>
#include <ulib.h>

#define PAGES_PER_MIB   256

static void line(const char *what, uint64_t pages)
{
    cprintf("  %-24s %8lu pages %5lu.%02lu MiB\n", what, pages, pages / PAGES_PER_MIB,
            pages % PAGES_PER_MIB * 100 / PAGES_PER_MIB);
}

int main(void)
{
    struct meminfo mem;
    struct procinfo info;
    uint64_t own = 0;
    int error = meminfo(&mem);

    if (error != 0) {
        cprintf("mem: %e\n", error);
        return 1;
    }
    line("all that can be had", mem.total_pages);
    line("free", mem.free_pages);
    line("used", mem.total_pages - mem.free_pages);
    cprintf("of which\n");
    for (int pid = 1; procinfo(pid, &info) == 0; pid = info.pid + 1) {
        if (info.pages == 0)
            continue;
        own += info.pages - info.shared_pages;
        cprintf("  %-16s pid %-4d %7lu pages, %lu of them shared with others\n", info.name,
                info.pid, info.pages, info.shared_pages);
    }
    cprintf("  the rest, %lu pages, is shared pages, page tables, kernel stacks and %lu objects\n",
            mem.total_pages - mem.free_pages - own, mem.kernel_objects);
    return 0;
}
