/* Printing the page table of a process: for the system call SYS_pgdir, and for the command `map` of
   the kernel monitor. A line is a run of neighbouring pages with the same rights; above it stand
   the tables on the way to it, each with the number of its entry in the table above:

       root table at 0x87e34000
         |-- [0] table at 0x87e37000, from 0000000000
         |   |-- [4] table at 0x87e38000, from 0000800000
             |-- 0000800000-0000802000      2 pages r-x

   Only the user half is shown: the kernel's is the same in each root. The walk is by hand, and not
   by get_pte(), because that one is an exercise, and a table that is wrong is what one wants to
   look at. Nothing is allocated, so it also works when memory has run out. */
#include <debug/printk.h>
#include <mm/pagetable.h>
#include <mm/vmm.h>

/* A run of neighbouring pages with the same rights. */
struct run {
    uintptr_t start, end;
    pte_t flags;
};

/* A line, unless the run is empty, as it is before the first page. */
static void print_run(const struct run *run)
{
    if (run->start == run->end)
        return;
    cprintf("      |-- %010lx-%010lx %6lu pages %c%c%c%s\n", run->start, run->end,
            (run->end - run->start) / PGSIZE, run->flags & PTE_R ? 'r' : '-',
            run->flags & PTE_W ? 'w' : '-', run->flags & PTE_X ? 'x' : '-',
            run->flags & PTE_COW ? " copy-on-write" : "");
}

/* Print what a table of the last level maps; its first entry is for the address `base`. A page that
   begins at the end of the run, with the same rights, makes it longer; any other one begins the
   next run. */
static void print_last_level(const pte_t *table, uintptr_t base)
{
    const pte_t shown = PTE_USER | PTE_COW;
    struct run run = { 0, 0, 0 };

    for (int i = 0; i < PT_ENTRIES; i++) {
        uintptr_t la = base + i * PGSIZE;

        if (!(table[i] & PTE_V))
            continue;
        if (run.end == la && run.flags == (table[i] & shown)) {
            run.end += PGSIZE;
            continue;
        }
        print_run(&run);
        run = (struct run){ la, la + PGSIZE, table[i] & shown };
    }
    print_run(&run);
}

/* Print the table of the last level that maps la, and before the first of a table above it that one
   too. Addresses of tables are physical, as they stand in satp and in entries. Returns the address
   that comes next. */
static uintptr_t print_table(struct mm_struct *mm, uintptr_t la, __not_used void *arg)
{
    const pte_t *pgdir = mm->as.pgdir;
    unsigned int i = pt_index(la, 2), j = pt_index(la, 1);

    if (la == 0)
        cprintf("root table at %#lx\n", paddr(pgdir));
    if (!(pgdir[i] & PTE_V))
        return ROUNDDOWN(la, pt_span(2)) + pt_span(2);
    const pte_t *middle = kva(pte_paddr(pgdir[i]));
    if (j == 0)
        cprintf("  |-- [%u] table at %#lx, from %010lx\n", i, paddr(middle), la);
    if (middle[j] & PTE_V) {
        cprintf("  |   |-- [%u] table at %#lx, from %010lx\n", j, pte_paddr(middle[j]), la);
        print_last_level(kva(pte_paddr(middle[j])), la);
    }
    return la + pt_span(1);
}

void print_tables(struct mm_struct *mm)
{
    for (uintptr_t la = 0; la < USERTOP;)
        la = print_table(mm, la, NULL);
}

/* Between two calls the mutex is free, and tables may come and go. So each look begins at the root
   again, and none uses a table that was freed. */
void mm_look_through(struct mm_struct *mm,
                     uintptr_t (*look)(struct mm_struct *mm, uintptr_t la, void *arg), void *arg)
{
    for (uintptr_t la = 0; la < USERTOP && !atomic_load(&this_cpu->task->killed);) {
        mutex_lock(&mm->lock);
        la = look(mm, la, arg);
        mutex_unlock(&mm->lock);
        sched_give_way();
    }
}

void print_pgdir(struct mm_struct *mm)
{
    mm_look_through(mm, print_table, NULL);
}
