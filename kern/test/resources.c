/* What belongs to a process comes and goes with it: a process that ends gives back all but its
   kernel stack before its parent looks, and a child that never ran gives back what was copied.

   The regions of exercises 4.1, 4.2 and 5.5 are whole functions. tools/test/test_resources.py runs
   this test with texts of earlier handouts in them, so that what is added to init_resources(),
   copy_resources() and drop_resources() works with those too. For one hart.

   Alone: make grade GRADE=--all TEST=resources. */
#include <error.h>
#include <process/proc.h>
#include <report.h>
#include <riscv/csr.h>
#include <sched/timer.h>
#include <test/testlib.h>
#include <unistd.h>

#define BASE    0x10000000UL

static struct user_program program;
static bool may_end;

/* The process with this pid. It stays as long as its parent, this thread, does not wait for it. */
static struct proc_struct *process_of(int pid)
{
    spin_lock(&proc_lock);
    struct proc_struct *proc = find_proc(pid);
    spin_unlock(&proc_lock);
    return proc;
}

/* An address space in which one page is really there, so that its loss would be counted. */
static struct mm_struct *memory_of_a_page(void)
{
    struct mm_struct *mm = mm_create();

    assert(mm != NULL && mm_map(mm, BASE, PGSIZE, VM_READ | VM_WRITE) == 0);
    assert_eq(mm_write(mm, BASE, &program, 1), 0);
    return mm;
}

/* Have of everything something; then end. The parent looks in between, and afterwards. */
static int have_and_end(__not_used void *arg)
{
    struct mm_struct *mm = memory_of_a_page();

    /* From here on it is no thread of the kernel: it may have memory. */
    proc_become_user();
    proc_set_mm(mm);
    sched_set_addrspace(&mm->as);
    current->program = &program;
    current->task.tf->status |= SSTATUS_FS_DIRTY;
    while (!atomic_load(&may_end))
        schedule();
    return 5;
}

/* A zombie is left, whose struct the parent may still read. What it had must be gone by then: a
   parent may wait late, or never. */
static void test_end(void)
{
    int code, pid = test_thread(have_and_end, NULL);
    struct proc_struct *child = process_of(pid);

    /* Until it has everything. */
    while (child->mm == NULL)
        schedule();
    /* So it is known that the next looks are at something that was there. */
    check("while it runs, a process has a program", child->program == &program);
    atomic_store(&may_end, true);
    while (atomic_load(&child->task.state) != PROC_ZOMBIE)
        schedule();
    /* By exit itself, on the way to the zombie. */
    check("a process that has ended has no memory", child->mm == NULL);
    check("a process that has ended has no program", child->program == NULL);
    /* The frame says dirty until somebody clears it; a switch away would store the registers for
       nobody. */
    check_eq("nobody will save the floating-point registers of a process that has ended",
             child->task.tf->status & SSTATUS_FS, 0);
    /* It runs on the stack until the very last switch, so it cannot free that itself. */
    check("a process that has ended keeps its stack, until its parent waits",
          child->task.kstack != 0);
    /* Now the stack goes, and the struct. */
    assert_eq(wait_child(pid, &code), pid);
    assert_eq(code, 5);
}

/* The caller becomes a process with memory for the time of a fork that fails at its very end: once
   with a copy of the memory, once with the memory shared. */
static int fork_in_vain(__not_used void *arg)
{
    struct trapframe tf = { .status = SSTATUS_SPIE };
    struct mm_struct *mm = memory_of_a_page();
    /* With the memory of the parent already made: only the child's is counted. */
    struct inventory before = inventory_take();
    int result[2];

    /* As a program would be, for the fork to copy. */
    current->mm = mm;
    current->task.killed = true;
    result[0] = do_fork(0, 0, &tf);
    result[1] = do_fork(CLONE_VM, 0, &tf);
    current->task.killed = false;
    current->mm = NULL;
    check("a process that is to end makes no child", result[0] == -E_KILLED
          && result[1] == -E_KILLED);
    /* With CLONE_VM it would have been the second user. */
    check_eq("a child that was not made uses no memory of its parent", mm->mm_count, 1);
    struct inventory now = inventory_take();
    check("a child that was not made leaves nothing behind", now.pages == before.pages
          && now.objects == before.objects && now.processes == before.processes);
    /* The last user of this memory is the test. */
    mm_put(mm);
    return 0;
}

/* A kernel thread may have memory, as the threads of some self tests have. It stays a kernel
   thread: its exec takes the kernel's own pointers, and returns to it if it fails. */
static int exec_with_memory(__not_used void *arg)
{
    struct mm_struct *mm = memory_of_a_page();

    proc_set_mm(mm);
    sched_set_addrspace(&mm->as);
    check_eq("an exec that fails returns to the kernel thread, which has memory",
             test_exec("nowhere"), -E_NOENT);
    check("and it still is a kernel thread, with that memory", (current->flags & PF_KERNEL)
          && current->mm == mm);
    return test_exec("true");
}

/* The count is compared at the end: all of it must have come back. */
static void test_resources(void)
{
    struct inventory before = inventory_take();

    test_end();
    test_threads(1, fork_in_vain);
    test_threads(1, exec_with_memory);
    inventory_same(&before, "the test of resources");
}

/* If a check fails after a change of struct proc_struct: is what was added made, copied and given
   back in the three functions, and nowhere else? */
SELFTEST("resources", test_resources);
