/* Memory that becomes short: see pressure.h.

   A page of a process is in memory, or it is out: its entry names a slot of the swap area then, and
   the kernel counts it. A page of a file is in memory, or it has no entry at all. So of a process
   that has written to a known number of its own pages, all that it has beside those is of files,
   but for its stack and the like, which are few. */
#include <pressure.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

long file_pages(long made)
{
    struct procinfo info;

    assert(procinfo(getpid(), &info) == 0);
    return (long)(info.pages + info.paged_out) - made;
}

uint64_t *new_memory(size_t pages)
{
    uintptr_t addr = 0;

    assert(mmap(&addr, pages * PGSIZE, MMAP_WRITE) == 0);
    return (uint64_t *)addr;
}

void use_memory(uint64_t *memory, uint64_t value)
{
    for (size_t i = 0; i < OTHER_PAGES; i++)
        memory[i * PGSIZE / 8] = value + i;
    for (size_t i = 0; i < OTHER_PAGES; i++)
        if (memory[i * PGSIZE / 8] != value + i)
            panic("page %lu of memory has changed", i);
}
