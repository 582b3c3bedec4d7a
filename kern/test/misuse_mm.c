/* Address spaces without their lock. Each test must end in a panic that says so; if it goes on, it
   panics with "not caught" instead.

   The rule: as soon as an mm is published, because a process has it, all that looks at its areas or
   changes them needs its lock. Without it two threads of a process that call mmap() at once would
   damage the tree of areas, perhaps once in a million times. And the other way round: a user copy
   may fault, and a fault takes that lock, so a copy with the lock held would wait for itself; but
   only on the day on which the page is not there. So both are looked at always, and tried here.

   Most tests publish an mm that no process has; the last one looks at that of a program, which exec
   has published. That fork does it too is in fork.c. The tests belong to no exercise.

   Alone: make grade GRADE=--all TEST=mm-unlocked-find, and so on. */
#include <mm/shrink.h>
#include <mm/usercopy.h>
#include <process/proc.h>
#include <sched/timer.h>
#include <test/testlib.h>

#define BASE    0x10000000UL
#define RW      (VM_READ | VM_WRITE)

#define NOT_CAUGHT(what)    panic("not caught: %s", what)

/* An mm with one area, that others may know. */
static struct mm_struct *published_mm(void)
{
    struct mm_struct *mm = mm_create();

    assert(mm != NULL);
    assert_eq(mm_map(mm, BASE, PGSIZE, RW), 0);         /* not published: no lock is needed */
    mm_publish(mm);
    mutex_lock(&mm->lock);
    assert_eq(mm_map(mm, BASE + 2 * PGSIZE, PGSIZE, RW), 0);        /* with the lock it is right */
    mutex_unlock(&mm->lock);
    return mm;
}

/* Each function that needs the lock is a test of its own, because a panic is the end. What it
   returns does not matter. */
#define UNLOCKED(test_name, function, call) \
    static void unlocked_##function(void) \
    { \
        struct mm_struct *mm = published_mm(); \
        \
        if ((call) || mm != NULL) \
            NOT_CAUGHT(#function); \
    } \
    SELFTEST(test_name, unlocked_##function)

static struct vma_struct spare = { .vm_start = BASE + PGSIZE, .vm_end = BASE + 2 * PGSIZE };

UNLOCKED("mm-unlocked-find", find_vma, find_vma(mm, BASE));
UNLOCKED("mm-unlocked-find-above", find_vma_above, find_vma_above(mm, BASE));
UNLOCKED("mm-unlocked-insert", insert_vma_struct, (insert_vma_struct(mm, &spare), 0));
UNLOCKED("mm-unlocked-remove", remove_vma_struct,
         (remove_vma_struct(mm, le2vma(list_next(&mm->mmap_list))), 0));
UNLOCKED("mm-unlocked-map", mm_map, mm_map(mm, BASE + PGSIZE, PGSIZE, RW));
UNLOCKED("mm-unlocked-unmap", mm_unmap, mm_unmap(mm, BASE, PGSIZE));
UNLOCKED("mm-unlocked-room", mm_find_room, mm_find_room(mm, PGSIZE, RW));
UNLOCKED("mm-unlocked-brk", mm_brk, mm_brk(mm, BASE));
UNLOCKED("mm-unlocked-pgfault", do_pgfault, do_pgfault(mm, BASE, VM_READ));
/* The address would be refused, but the lock is looked at before. */
UNLOCKED("mm-unlocked-fault", mm_fault_locked, mm_fault_locked(mm, USERTOP, VM_READ));
UNLOCKED("mm-unlocked-write", mm_write, mm_write(mm, BASE, "x", 1));

/* A copy that others know already may have been changed by them meanwhile. */
static void copy_to_published(void)
{
    struct mm_struct *mm = published_mm();

    if (mm_dup(mm, published_mm()) == 0)
        NOT_CAUGHT("a copy that is published before it is made");
}

SELFTEST("mm-copy-published", copy_to_published);

/* The address is one where there is nothing, but that is not looked at any more. */
static void lock_published(void)
{
    mutex_lock(&published_mm()->lock);
}

static void read_with_lock(void)
{
    char byte;

    lock_published();
    if (copy_from_user(&byte, USERBASE, 1) != 0)
        NOT_CAUGHT("a user copy with the lock of an mm held");
}

static void write_with_lock(void)
{
    lock_published();
    if (copy_to_user(USERBASE, "x", 1) != 0)
        NOT_CAUGHT("a user copy with the lock of an mm held");
}

static void read_string_with_lock(void)
{
    char string[8];

    lock_published();
    if (copy_string_from_user(string, USERBASE, sizeof(string)) != 0)
        NOT_CAUGHT("a user copy with the lock of an mm held");
}

SELFTEST("user-read-mm-locked", read_with_lock);
SELFTEST("user-write-mm-locked", write_with_lock);
SELFTEST("user-string-mm-locked", read_string_with_lock);

/* A shrinker takes the lock of its cache: that of the caller could be this one. */
static void shrink_with_lock(void)
{
    static struct spinlock lock = SPINLOCK_INIT("test lock", RANK_WAIT);

    spin_lock(&lock);
    if (shrink_memory() == 0)
        NOT_CAUGHT("shrinkers that are called with a spinlock held");
}

SELFTEST("shrink-with-lock", shrink_with_lock);

/* The memory of the process of this pid, when it has some. */
static struct mm_struct *mm_of(int pid)
{
    spin_lock(&proc_lock);
    struct proc_struct *proc = find_proc(pid);
    spin_unlock(&proc_lock);
    while (atomic_load(&proc->mm) == NULL)
        timer_sleep_until(rdtime() + 1);
    return proc->mm;
}

/* exec publishes what it has built: hog runs for ever, and this is not its task. */
static void program_unlocked(void)
{
    if (find_vma(mm_of(test_thread(test_exec, "hog")), USERBASE) != NULL)
        NOT_CAUGHT("the memory of a program that is looked at without its lock");
}

SELFTEST("mm-unlocked-program", program_unlocked);
