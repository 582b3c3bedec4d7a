/* Exercise 4.1: new processes as proc_create() and alloc_proc() make them.

   "alloc-proc" looks at each field of a new struct, in memory that held something else before: a
   field that is forgotten then has 0xa5 in it, and not a zero by chance. "alloc-proc-memory" makes
   a process with no free page, with one, with two: a failed try must give back all that it took.

   A wrong kernel shows wrong values in some fields, each named by its check; or it loses a page or
   an object when memory runs out half-way. Both run at boot, on the boot hart, before any process.

   Alone: make grade TEST=alloc-proc, or TEST=alloc-proc-memory. */
#include <mm/kmalloc.h>
#include <mm/kstack.h>
#include <mm/shrink.h>
#include <process/proc.h>
#include <report.h>
#include <string.h>
#include <test/testlib.h>

/* The old bytes are no valid pointer and no small number, so nothing takes them for a value. */
#define PROCESSES   12          /* more than fit into one page */
#define OLD_BYTE    0xa5
#define OLD_WORD    0xa5a5a5a5a5a5a5a5UL
#define MAX_PAGES   8           /* more than a process and its stack take */

/* Is all of this memory 0? */
static bool zero(const void *memory, size_t n)
{
    const uint8_t *bytes = memory;

    /* From the end, so that n is 0 if no other byte was found. */
    while (n > 0 && bytes[n - 1] == 0)
        n--;
    return n == 0;
}

/* A process that cannot be made ends the test: there is plenty of memory here. */
static struct proc_struct *make(void)
{
    struct proc_struct *proc = proc_create();

    assert(proc != NULL);
    return proc;
}

/* Have objects in the cache that are full of old bytes, so that nothing is right by chance. The
   processes are made, overwritten, and freed; only what free_proc() itself needs is kept. The next
   ones get the same memory. */
static void leave_old_bytes(void)
{
    struct proc_struct *procs[PROCESSES];

    for (int i = 0; i < PROCESSES; i++)
        procs[i] = make();
    for (int i = 0; i < PROCESSES; i++) {
        /* The stack has to be given back, so its address must not be lost. */
        uintptr_t kstack = procs[i]->task.kstack;

        memset(procs[i], OLD_BYTE, sizeof(*procs[i]));
        procs[i]->task.kstack = kstack;
        procs[i]->mm = NULL;
        procs[i]->donation = NULL;
        procs[i]->files = NULL;
        free_proc(procs[i]);
    }
}

/* The fields of struct task: what the scheduler, the switch and the address space need. Each check
   says the value; why it is that one stands where the field is declared. */
static void check_scheduling(const struct task *task)
{
    check_eq("task.state is PROC_UNINIT: it cannot run yet", task->state, PROC_UNINIT);
    check("task.as is the kernel's address space", task->as == &kernel_as);
    /* A backtrace of a process that never ran reads its s0, for example. */
    check("task.context is all 0", zero(&task->context, sizeof(task->context)));
    check("task.fpu is all 0: nobody's floating-point numbers are left in it",
          zero(&task->fpu, sizeof(task->fpu)));
    check("task.rq is NULL: it belongs to no hart yet", task->rq == NULL);
    /* An entry that points to itself can be taken out of "its list" without harm. */
    check("task.run_link is an empty list", list_empty(&task->run_link)
          && task->run_link.prev == &task->run_link);
    check_eq("task.time_slice is 0", task->time_slice, 0);
    check_eq("task.lab6_priority is 1", task->lab6_priority, 1);
    check_eq("task.lab6_stride is 0", task->lab6_stride, 0);
    check("task.lab6_run_pool has no neighbours",
          zero(&task->lab6_run_pool, sizeof(task->lab6_run_pool)));
    check("task.level and task.epoch are 0", task->level == 0 && task->epoch == 0);
    check_eq("task.wait_state is 0: it does not wait", task->wait_state, 0);
    check("task.wait_what is an empty text, not NULL",
          task->wait_what != NULL && (uintptr_t)task->wait_what != OLD_WORD
          && task->wait_what[0] == '\0');
    check_eq("task.runs is 0", task->runs, 0);
    /* As bytes, because a bool with another value than 0 and 1 may be taken for either. */
    check_eq("task.need_resched is false", *(const uint8_t *)&task->need_resched, 0);
    check_eq("task.killed is false", *(const uint8_t *)&task->killed, 0);
    check_eq("task.on_cpu is false", *(const uint8_t *)&task->on_cpu, 0);
}

/* The fields of struct proc_struct: names, family, memory. A list and a wait queue are right if
   they point to themselves: an empty list that is all zeros would fault at its first use. */
static void check_family(const struct proc_struct *proc)
{
    /* 0 is the idle process of the boot hart. */
    check_eq("pid is -1: it has none yet", proc->pid, -1);
    check("program is NULL", proc->program == NULL);
    check("name is empty, all of its bytes", zero(proc->name, sizeof(proc->name)));
    check("mm is NULL", proc->mm == NULL);
    check_eq("flags is 0", proc->flags, 0);
    check_eq("exit_code is 0", proc->exit_code, 0);
    check_eq("group is 0", proc->group, 0);
    check("parent, cptr, yptr and optr are NULL", proc->parent == NULL && proc->cptr == NULL
          && proc->yptr == NULL && proc->optr == NULL);
    check("zombies is an empty list", proc->zombies.next == &proc->zombies
          && proc->zombies.prev == &proc->zombies);
    /* Whoever ends changes what its parent looks at under proc_lock, so that lock must guard the
       queue. */
    check("child_exit is a wait queue whose lock is proc_lock",
          proc->child_exit.lock == &proc_lock);
    check("nobody waits in child_exit",
          proc->child_exit.waiters.next == &proc->child_exit.waiters);
}

/* The first process is looked at field by field; of the second one only that it is another. It must
   not be in any list of the kernel yet: that is do_fork()'s work. */
static void test_fields(void)
{
    leave_old_bytes();
    struct proc_struct *proc = make();
    struct proc_struct *other = make();

    check_scheduling(&proc->task);
    check_family(proc);
    check("each call gives another proc_struct", proc != other);
    /* What is written to one must not appear in the other. */
    proc->pid = 1;
    set_proc_name(proc, "first");
    /* The second one was made before the first was changed. */
    check("two new processes share nothing", other->pid == -1 && other->name[0] == '\0');
    check("a new process is known to nobody", process_count() == 0);
    free_proc(proc);
    free_proc(other);
}

/* If a check fails: the value that was found tells much. 0xa5 in all bytes is a field that nobody
   has set; anything else is one that was set to something else. */
SELFTEST_AT(STAGE_BOOT, "alloc-proc", test_fields);

/* With no free page, with one, with two, and so on until there is enough. Before each try the
   caches are emptied and all pages taken, so that exactly n are free. `lost` adds up what was not
   there any more at the beginning of the next try: a try that failed has kept it. At the end both
   numbers must be as at the beginning.

   The pages that one try can take: those of the struct's slab, of the stack, and of its page
   tables. */
static void test_no_memory(void)
{
    struct inventory before = inventory_take();
    struct hoard hoard = { .count = 0 };
    struct proc_struct *proc = NULL;
    size_t n = 0, all, lost = 0;

    hoard_take(&hoard);
    all = hoard.count + kstack_table_pages();
    /* The very first page is missing. */
    check("without memory there is no process, and no panic", proc_create() == NULL);
    for (; n < MAX_PAGES && proc == NULL; n++) {
        /* A stack that is kept would be found by the next try, which then takes fewer pages. */
        shrink_memory();
        hoard_take(&hoard);
        /* All that is free is in the hoard now; what is missing the last try has kept. */
        lost += all - hoard.count - kstack_table_pages();
        /* Exactly n pages, if there are so many. */
        hoard_give(&hoard, n <= hoard.count ? n : hoard.count);
        proc = proc_create();
    }
    check_eq("each try without enough memory gives back all that it took (pages)", lost, 0);
    check("with a few pages there is a process", proc != NULL);
    check("a process made with little memory is as good as any", proc != NULL && proc->pid == -1
          && proc->task.state == PROC_UNINIT && proc->task.as == &kernel_as);
    if (proc != NULL)
        free_proc(proc);
    hoard_end(&hoard);
    /* Everything has been given back by now. */
    struct inventory now = inventory_take();
    check_eq("as many pages are free as before", now.pages, before.pages);
    check_eq("as many kernel objects exist as before", now.objects, before.objects);
}

/* If pages are lost: what was allocated before the step that failed must be given back there. In
   gdb n is the number of pages with which it went wrong. */
SELFTEST_AT(STAGE_BOOT, "alloc-proc-memory", test_no_memory);
