/* swapstat: shows the swap area, and what has been paged since it is there.

   A slot in use has the content of a page that is out, or one that a page in memory has too: that
   one need not be written to go out again. */
#include <stdio.h>
#include <ulib.h>

static void line(const char *what, uint64_t pages)
{
    cprintf("  %-52s %10lu\n", what, pages);
}

int main(void)
{
    struct meminfo mem;
    int error = meminfo(&mem);

    if (error != 0 || mem.swap_slots == 0) {
        cprintf("swapstat: %s\n", error != 0 ? "no memory" : "there is no swap area");
        return 1;
    }
    cprintf("slots, a page each\n");
    line("all", mem.swap_slots);
    line("in use", mem.swap_used);
    line("of these, of pages that are in memory too", mem.swap_cached);
    cprintf("pages\n");
    line("written to the disk", mem.swap_written);
    line("that went without a write", mem.swap_dropped);
    line("read from the disk by a fault", mem.swap_read);
    line("found in memory by a fault", mem.swap_found);
    return 0;
}
