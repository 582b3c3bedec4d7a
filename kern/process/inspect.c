/* Looking at processes: the kernel monitor's commands ps, mem, map and walk, and what programs may
   ask about others by SYS_procinfo and SYS_meminfo.

   The commands walk page tables by hand, and not by get_pte(), because that one is an exercise, and
   a table that is wrong is what one wants to look at. mm/print_pgdir.c prints whole ones.

   What is done while an mm's mutex is held is limited to a table: an address space may have
   millions of pages, and its other threads wait for the mutex meanwhile. */
#include <debug/monitor.h>
#include <debug/printk.h>
#include <debug/diagnosis.h>
#include <error.h>
#include <mm/kmalloc.h>
#include <mm/pagetable.h>
#include <mm/swap.h>
#include <mm/rmap.h>
#include <process/inspect.h>
#include <process/proc.h>
#include <string.h>

static const char *const state_names[] = { "being made", "sleeping", "runnable", "ended" };

/* For panics: what runs on a hart. Before the first process there is none. */
static void describe(const struct cpu *cpu)
{
    const struct proc_struct *proc = (const struct proc_struct *)cpu->task;

    if (proc == NULL)
        cprintf("no process yet");
    else
        cprintf("%s (pid %d)", proc->name, proc->pid);
}

/* For rmap_enrol_all(): *place is the pid looked at last. With proc_lock held an mm that a process
   has does not go; and one whose lock is held does not either (family_unlink()). */
static struct mm_struct *next_mm(int *place)
{
    struct mm_struct *found = NULL;

    while (found == NULL && (*place = find_next_pid(*place + 1)) != 0) {
        spin_lock(&proc_lock);
        struct proc_struct *proc = find_proc(*place);
        struct mm_struct *mm = proc != NULL ? proc->mm : NULL;
        /* To wait for it is not possible with a spinlock held; one that is busy comes next time. */
        if (mm != NULL && !atomic_load(&mm->enrolled) && mutex_trylock(&mm->lock))
            found = mm;
        spin_unlock(&proc_lock);
    }
    return found;
}

void inspect_init(void)
{
    panic_set_describe(describe);
    rmap_next_mm = next_mm;
}

/* A line of ps. */
static void print_process(struct proc_struct *proc, __not_used void *arg)
{
    const struct task *task = &proc->task;

    cprintf("  %5d %6d  %-10s %-16s %s\n", proc->pid, proc->parent->pid,
            task->on_cpu ? "running" : state_names[task->state], proc->name,
            task->state == PROC_SLEEPING ? task->wait_what : "");
}

/* ps: all processes, the youngest first. */
static void command_ps(__not_used struct monitor_state *state, __not_used int argc,
                       __not_used char **argv)
{
    cprintf("    pid parent  state      name             waits for\n");
    for_each_proc(print_process, NULL);
}
MONITOR_COMMAND("ps", "", "list the processes", command_ps);

/* Count the pages that the table of the last level for la maps; a page is shared if it has more
   than one reference, so one that two entries of the same process map is, too. Between two tables a
   page may go out: so those that are out are counted here, and each page is counted once, in memory
   or out. The faults, which the mm counts, are taken over with each table. Returns the address that
   comes next. */
static uintptr_t count_table(struct mm_struct *mm, uintptr_t la, void *arg)
{
    struct procinfo *info = arg;
    const pte_t *table = mm->as.pgdir;
    int level = PT_LEVELS - 1;

    memcpy(info->faults, mm->faults, sizeof(info->faults));
    for (; level > 0 && (table[pt_index(la, level)] & PTE_V); level--)
        table = kva(pte_paddr(table[pt_index(la, level)]));
    for (int i = 0; level == 0 && i < PT_ENTRIES; i++)
        if (table[i] & PTE_V)
            info->pages++, info->shared_pages += page_ref(pte2page(table[i])) > 1;
        else if (mm->paged_out > 0 && pte_is_swapped(table[i]))
            info->paged_out++;
    return ROUNDDOWN(la, pt_span(level ?: 1)) + pt_span(level ?: 1);
}

/* The same of the first table from la on that an area is in: most of an address space is empty. */
static uintptr_t count_area(struct mm_struct *mm, uintptr_t la, void *info)
{
    const struct vma_struct *vma = find_vma_above(mm, la);
    uintptr_t start = vma != NULL ? vma->vm_start : USERTOP - PGSIZE;

    return count_table(mm, start > la ? start : la, info);
}

/* A line of mem. */
static void print_memory(struct proc_struct *proc, __not_used void *arg)
{
    struct procinfo info = { 0 };

    if (proc->mm == NULL)
        return;
    for (uintptr_t la = 0; la < USERTOP;)
        la = count_table(proc->mm, la, &info);
    cprintf("  %5d %-16s %6lu %6lu %6lu %12lu %6lu %6lu %6lu\n", proc->pid, proc->name, info.pages,
            info.shared_pages, info.paged_out, info.faults[FAULT_ZERO], info.faults[FAULT_COPY],
            info.faults[FAULT_SWAP], info.faults[FAULT_FILE]);
}

/* mem: the pages of each process. Threads have the same ones, and each tells them. */
static void command_mem(__not_used struct monitor_state *state, __not_used int argc,
                        __not_used char **argv)
{
    cprintf("    pid name              pages shared    out faults: zero   copy   swap   file\n");
    for_each_proc(print_memory, NULL);
}
MONITOR_COMMAND("mem", "", "the pages of the processes, and their faults", command_mem);

/* For a look through all processes, which find_proc() would make easier: but it needs the lock, and
   in a panic that may never come free. */
struct search {
    int pid;
    struct proc_struct *found;          /* or NULL */
};

/* One step of it. */
static void match(struct proc_struct *proc, void *arg)
{
    struct search *search = arg;

    if (proc->pid == search->pid)
        search->found = proc;
}

/* The user process that a command is about: its first argument, or what runs here. */
static struct proc_struct *chosen_process(int argc, char **argv)
{
    struct search search = { .pid = current->pid };

    if (argc > 1 && !string_to_int(argv[1], &search.pid)) {
        cprintf("%s is not a pid; ps lists the processes\n", argv[1]);
        return NULL;
    }
    for_each_proc(match, &search);
    if (search.found != NULL && search.found->mm != NULL)
        return search.found;
    cprintf("%d is not the pid of a process with memory; ps lists the processes\n", search.pid);
    return NULL;
}

/* map [PID]: the areas say what may be there, the page table what is. */
static void command_map(__not_used struct monitor_state *state, int argc, char **argv)
{
    struct proc_struct *proc = chosen_process(argc, argv);

    if (proc == NULL)
        return;
    /* Without the lock: the machine stands still while the monitor asks, and who has the lock may
       be what one wants to look at. */
    list_for_each(pos, &proc->mm->mmap_list) {
        const struct vma_struct *vma = le2vma(pos);
        cprintf("  %010lx-%010lx %6lu pages %c%c%c%s\n", vma->vm_start, vma->vm_end,
                (vma->vm_end - vma->vm_start) / PGSIZE, vma->vm_flags & VM_READ ? 'r' : '-',
                vma->vm_flags & VM_WRITE ? 'w' : '-', vma->vm_flags & VM_EXEC ? 'x' : '-',
                vma->vm_flags & VM_STACK ? " stack" : "");
    }
    print_tables(proc->mm);
}
MONITOR_COMMAND("map", "[PID]", "the areas and the page table of a process", command_map);

/* walk PID ADDRESS: how the hardware finds the page of an address, a line for each entry that it
   reads, from the root on (Privileged spec 20211203, 4.3.2 and 4.4). It ends at a leaf or at an
   entry that is not valid. */
static void command_walk(__not_used struct monitor_state *state, int argc, char **argv)
{
    struct proc_struct *proc = argc > 2 ? chosen_process(argc, argv) : NULL;
    uintptr_t va;

    if (argc <= 2)
        cprintf("say which address of which process: walk PID ADDRESS\n");
    if (proc == NULL)
        return;
    if (!string_to_uint64(argv[2], 16, &va)) {
        cprintf("%s is not an address in hexadecimal\n", argv[2]);
        return;
    }
    const pte_t *table = proc->mm->as.pgdir;
    for (int level = PT_LEVELS - 1; level >= 0; level--) {
        pte_t pte = table[pt_index(va, level)];
        cprintf("  level %d, entry %3u of the table at %#lx: %016lx ", level,
                pt_index(va, level), paddr(table), pte);
        if (!(pte & PTE_V)) {
            cprintf("not valid\n");
            return;
        }
        cprintf("%s at %#lx %c%c%c%c%c%c%s\n", pte_is_leaf(pte) ? "page" : "table", pte_paddr(pte),
                pte & PTE_D ? 'd' : '-', pte & PTE_A ? 'a' : '-', pte & PTE_U ? 'u' : '-',
                pte & PTE_X ? 'x' : '-', pte & PTE_W ? 'w' : '-', pte & PTE_R ? 'r' : '-',
                pte & PTE_COW ? " copy-on-write" : "");
        if (pte_is_leaf(pte))
            return;
        table = kva(pte_paddr(pte));
    }
}
MONITOR_COMMAND("walk", "PID ADDRESS", "the page table entries for an address", command_walk);

/* Describe a process as far as that is quick, with proc_lock held, so that it cannot go away. Its
   pages are counted later, without the lock, because that may sleep and takes long. Therefore a use
   of its memory is taken and returned: so the memory outlives the process if need be. NULL if it
   has none. */
static struct mm_struct *describe_locked(const struct proc_struct *proc, struct procinfo *info)
{
    info->pid = proc->pid;
    info->parent = proc->parent->pid;
    info->runs = atomic_load(&proc->task.runs);
    memcpy(info->name, proc->name, sizeof(info->name));
    strncpy(info->state, atomic_load(&proc->task.on_cpu) ? "running" :
            state_names[atomic_load(&proc->task.state)], sizeof(info->state) - 1);
    /* pairs with leave_with_state() in sched.c */
    if (atomic_load_acquire(&proc->task.state) == PROC_SLEEPING)
        strncpy(info->waits_for, atomic_load(&proc->task.wait_what), sizeof(info->waits_for) - 1);
    if (proc->mm != NULL) {
        /* With proc_lock held the process has it still; from here on so does the caller. */
        mm_get(proc->mm);
        info->memory = paddr(proc->mm->as.pgdir) >> PGSHIFT;    /* no other mm has that page */
    }
    return proc->mm;
}

/* Finding and describing are two looks under the lock. A process that has ended in between is
   passed over, and the next one is told. */
int inspect_process(int pid, struct procinfo *info)
{
    struct proc_struct *proc;
    struct mm_struct *mm = NULL;

    memset(info, 0, sizeof(*info));
    do {
        if ((pid = find_next_pid(pid)) == 0)
            return -E_NOENT;
        spin_lock(&proc_lock);
        proc = find_proc(pid);
        if (proc != NULL)
            mm = describe_locked(proc, info);
        spin_unlock(&proc_lock);
    } while (proc == NULL);
    if (mm != NULL) {
        mm_look_through(mm, count_area, info);
        mm_put(mm);
    }
    return 0;
}

/* The figures are of slightly different moments; nothing here takes a lock for all of them. */
void inspect_memory(struct meminfo *info)
{
    const struct swap_stats swap = swap_stats();

    *info = (struct meminfo){
        .total_pages = nr_total_pages(), .free_pages = nr_free_pages(),
        .kernel_objects = kmalloc_objects(), .processes = process_count(),
        .swap_slots = swap.slots, .swap_used = swap.used, .swap_cached = swap.cached,
        .swap_read = swap.read, .swap_written = swap.written,
        .swap_found = swap.found, .swap_dropped = swap.dropped,
    };
}
