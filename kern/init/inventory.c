/* Counting what is in use, to see at the end whether all of it came back: the leak check. Three
   numbers are kept: pages, the objects of kmalloc, and processes. What parts of the kernel keep for
   later use would look like a leak, so kernel stacks and empty slabs are given back before
   counting, and the pages in the tables of the kernel stacks' addresses, which stay for ever, count
   as free.

   It is right only while nothing else runs that takes or gives back: before the first program, and
   after the last process has ended. Programs that are still there at the end are such a leak. */
#include <debug/printk.h>
#include <init/init.h>
#include <mm/kmalloc.h>
#include <mm/kstack.h>
#include <mm/pmm.h>
#include <mm/shrink.h>
#include <process/proc.h>

/* Trimming comes first: it changes the numbers. The three are read one after the other without a
   lock, which is right while nothing else runs, as said above. */
struct inventory inventory_take(void)
{
    while (shrink_memory() > 0)
        ;
    return (struct inventory){
        .pages = nr_free_pages() + kstack_table_pages(), .objects = kmalloc_objects(),
        .processes = process_count(),
        IF_CHECK(.period = check_period_begins(),)
    };
}

/* pmm_check() walks the allocator's lists: a block that is on no list, or on two, is found there
   even if the sum is right. kmalloc_print() lists the kinds of objects in use, which tells what
   was lost. */
bool inventory_check(const struct inventory *before)
{
    struct inventory now = inventory_take();

    pmm_check();
    IF_CHECK(check_all_objects());
    IF_CHECK(check_all_pages());
    IF_CHECK(check_report());
    IF_CHECK(if (!check_races()) return false);
    if (now.pages == before->pages && now.objects == before->objects
        && now.processes == before->processes) {
        cprintf("leak check: ok\n");
        return true;
    }
    cprintf("leak check: %ld pages, %d processes, %ld objects lost; objects in use are\n",
            (long)(before->pages - now.pages), (int)(now.processes - before->processes),
            (long)(now.objects - before->objects));
    kmalloc_print();
    IF_CHECK(check_leaks(before->period));
    return false;
}
