/* Making processes known: pids, the family tree, groups. */
#include <driver/console.h>
#include <error.h>
#include <mm/kmalloc.h>
#include <mm/kstack.h>
#include <process/proc.h>
#include <sched/timer.h>
#include <string.h>
#include <unistd.h>

#define HASH_LISTS  1024
#define GROUP_LISTS 64

struct spinlock proc_lock = SPINLOCK_INIT("processes", RANK_PROC);
struct proc_struct *initproc;

/* Guarded by proc_lock. */
static list_entry_t proc_list;
static list_entry_t hash_list[HASH_LISTS];
static list_entry_t group_list[GROUP_LISTS];    /* one member of each group, by its number */
static uint32_t nr_process;             /* in proc_list; read without the lock too */
int last_pid;                           /* a self test sets these two */
bool pids_wrapped;

static struct kmem_cache proc_cache;

void proc_init(void)
{
    kmem_cache_init(&proc_cache, "proc_struct", sizeof(struct proc_struct));
    list_init(&proc_list);
    for (int i = 0; i < HASH_LISTS; i++)
        list_init(&hash_list[i]);
    for (int i = 0; i < GROUP_LISTS; i++)
        list_init(&group_list[i]);
    console_set_interrupt(kill_group);
}

/* A new proc_struct: in no list, with no stack and no memory. NULL where there is none for it. */
static struct proc_struct *alloc_proc(void)
{
    /* EXERCISE 4.1 begin: alloc_proc */
    struct proc_struct *proc = kmem_cache_alloc(&proc_cache);

    if (proc == NULL)
        return NULL;
    memset(proc, 0, sizeof(*proc));
    proc->task.state = PROC_UNINIT;
    proc->task.as = &kernel_as;
    proc->task.lab6_priority = 1;
    proc->task.wait_what = "";
    proc->pid = -1;
    list_init(&proc->task.run_link);
    list_init(&proc->zombies);
    wait_queue_init(&proc->child_exit, &proc_lock);
    return proc;
    /* EXERCISE 4.1 end */
}

struct proc_struct *proc_create(void)
{
    struct proc_struct *proc = alloc_proc();

    if (proc == NULL)
        return NULL;
    proc->task.mutexes = NULL;
    proc->task.kstack = kstack_alloc();
    if (proc->task.kstack == 0) {
        kmem_cache_free(&proc_cache, proc);
        return NULL;
    }
    proc->task.tf = (struct trapframe *)(proc->task.kstack + KSTACKSIZE) - 1;
    return proc;
}

void free_proc(struct proc_struct *proc)
{
    if (proc->mm != NULL)
        mm_put(proc->mm);
    kstack_free(proc->task.kstack);
    kmem_cache_free(&proc_cache, proc);
}

/* It never ends and is in no list, so it needs no more than this. */
struct proc_struct *idle_create(uint32_t cpu)
{
    static struct proc_struct idles[MAX_HARTS];
    struct proc_struct *idle = &idles[cpu];

    idle->task.kstack = kstack_alloc();
    if (idle->task.kstack == 0)
        panic("out of memory for an idle process");
    idle->task.tf = (struct trapframe *)(idle->task.kstack + KSTACKSIZE) - 1;
    memset(idle->task.tf, 0, sizeof(*idle->task.tf));
    idle->task.as = &kernel_as;
    idle->task.lab6_priority = 1;
    idle->task.wait_what = "";
    idle->flags = PF_KERNEL;
    set_proc_name(idle, "idle");
    return idle;
}

void set_proc_name(struct proc_struct *proc, const char *name)
{
    strncpy(proc->name, name, PROC_NAME_LEN);           /* the last byte stays 0 */
}

void proc_set_mm(struct mm_struct *mm)
{
    spin_lock(&proc_lock);
    current->mm = mm;
    if (mm != NULL)
        current->flags &= ~PF_KERNEL;
    /* EXERCISE 5.C begin extra: proc_set_mm */
    if (current->flags & PF_VFORK) {            /* the memory is the parent's alone again */
        current->flags &= ~PF_VFORK;
        wait_wake_all(&current->parent->child_exit);
    }
    /* EXERCISE 5.C end */
    spin_unlock(&proc_lock);
}

static list_entry_t *hash_of(int pid)
{
    return &hash_list[pid % HASH_LISTS];
}

struct proc_struct *find_proc(int pid)
{
    assert(spin_held(&proc_lock));
    if (pid <= 0 || pid >= MAX_PID)
        return NULL;
    list_for_each(pos, hash_of(pid)) {
        struct proc_struct *proc = to_struct(pos, struct proc_struct, hash_link);

        if (proc->pid == pid)
            return proc;
    }
    return NULL;
}

/* The first list that is looked at is that of `pid`, the next that of pid + 1, and so on: one of
   these numbers is the lowest where it is found, and what lies behind them is seen on the way. */
int find_next_pid(int pid)
{
    int lowest = 0;

    if (pid < 1)
        pid = 1;
    for (int i = 0; i < HASH_LISTS && pid < MAX_PID; i++) {
        spin_lock(&proc_lock);
        list_for_each(pos, hash_of(pid + i)) {
            int other = to_struct(pos, struct proc_struct, hash_link)->pid;

            if (other >= pid && (lowest == 0 || other < lowest))
                lowest = other;
        }
        spin_unlock(&proc_lock);
        if (lowest == pid + i)
            break;
    }
    return lowest;
}

/* Groups. The members of one are linked in a ring, and one of them stands for all in the list of
   groups. When that one leaves, its neighbour takes its place. */
static list_entry_t *groups_of(int group)
{
    return &group_list[group % GROUP_LISTS];
}

/* One of its members; NULL where there are none. */
static struct proc_struct *find_group(int group)
{
    if (group < 0)
        return NULL;
    list_for_each(pos, groups_of(group)) {
        struct proc_struct *member = to_struct(pos, struct proc_struct, group_link);

        if (member->group == group)
            return member;
    }
    return NULL;
}

static struct proc_struct *next_member(struct proc_struct *member)
{
    return to_struct(list_next(&member->group_ring), struct proc_struct, group_ring);
}

static void join_group(struct proc_struct *proc)
{
    struct proc_struct *member = find_group(proc->group);

    list_init(&proc->group_ring);
    list_init(&proc->group_link);
    if (member != NULL)
        list_add(&member->group_ring, &proc->group_ring);
    else
        list_add(groups_of(proc->group), &proc->group_link);
}

static void leave_group(struct proc_struct *proc)
{
    struct proc_struct *next = next_member(proc);

    if (!list_empty(&proc->group_link)) {
        list_del(&proc->group_link);
        if (next != proc)
            list_add(groups_of(next->group), &next->group_link);
    }
    list_del(&proc->group_ring);
}

/* The next pid that nobody has, as a pid or as the number of a group, which may be there when its
   first process has gone. Until they wrap for the first time, all higher ones are free. */
static int get_pid(void)
{
    do {
        if (++last_pid >= MAX_PID) {
            last_pid = 1;
            pids_wrapped = true;
        }
    } while (pids_wrapped && (find_proc(last_pid) != NULL || find_group(last_pid) != NULL));
    return last_pid;
}

void make_child(struct proc_struct *parent, struct proc_struct *child)
{
    child->parent = parent;
    child->yptr = NULL;
    child->optr = parent->cptr;
    if (child->optr != NULL)
        child->optr->yptr = child;
    parent->cptr = child;
}

/* A kill of the group that came before the child joined it has missed the child. */
int link_proc(struct proc_struct *proc)
{
    assert(spin_held(&proc_lock));
    if (atomic_load(&proc->parent->task.killed))
        return -E_KILLED;
    if (nr_process >= MAX_PID - 1)
        return -E_NO_FREE_PROC;
    proc->pid = get_pid();
    list_add(&proc_list, &proc->list_link);
    list_add(hash_of(proc->pid), &proc->hash_link);
    join_group(proc);
    atomic_store(&nr_process, nr_process + 1);
    make_child(proc->parent, proc);
    return 0;
}

void unlink_proc(struct proc_struct *proc)
{
    assert(spin_held(&proc_lock));
    list_del(&proc->list_link);
    list_del(&proc->hash_link);
    leave_group(proc);
    atomic_store(&nr_process, nr_process - 1);
    if (proc->optr != NULL)
        proc->optr->yptr = proc->yptr;
    if (proc->yptr != NULL)
        proc->yptr->optr = proc->optr;
    else
        proc->parent->cptr = proc->optr;
}

/* In a panic the lock may be held for ever; but then nothing changes any more. */
void for_each_proc(void (*fn)(struct proc_struct *proc, void *arg), void *arg)
{
    bool lock = !panicked();

    if (lock)
        spin_lock(&proc_lock);
    list_for_each(pos, &proc_list)
        fn(to_struct(pos, struct proc_struct, list_link), arg);
    if (lock)
        spin_unlock(&proc_lock);
}

uint32_t process_count(void)
{
    return atomic_load(&nr_process);
}

int do_kill(int pid)
{
    int result = 0;

    if (pid < 0)
        return kill_group((int)-(unsigned int)pid);
    spin_lock(&proc_lock);
    struct proc_struct *proc = find_proc(pid);
    if (proc == NULL || (proc->flags & PF_KERNEL))
        result = -E_INVAL;
    else if ((proc->flags & PF_EXITING) || atomic_load(&proc->task.killed))
        result = -E_KILLED;
    else
        sched_kill(&proc->task);
    spin_unlock(&proc_lock);
    return result;
}

int kill_group(int group)
{
    int result = -E_INVAL;

    spin_lock(&proc_lock);
    struct proc_struct *first = find_group(group), *member = first;
    while (member != NULL) {
        if (!(member->flags & (PF_KERNEL | PF_EXITING))) {
            sched_kill(&member->task);
            result = 0;
        }
        member = next_member(member) != first ? next_member(member) : NULL;
    }
    spin_unlock(&proc_lock);
    return result;
}

int do_sleep(uint64_t ticks)
{
    timer_sleep_until(rdtime() + ticks * timer_tick_length());
    return atomic_load(&current->task.killed) ? -E_KILLED : 0;
}

/* A process joins a group only by being born into it, and leaves group 0 only for its own. */
int do_job(int what)
{
    int result = 0;

    spin_lock(&proc_lock);
    if (current->group != 0 || what < JOB_SHELL || what > JOB_BACKGROUND) {
        result = -E_INVAL;
    } else if (what != JOB_SHELL) {
        leave_group(current);
        current->group = current->pid;
        join_group(current);
    }
    int group = current->group;
    spin_unlock(&proc_lock);
    if (result == 0 && what != JOB_BACKGROUND)
        console_set_group(group);
    return result;
}
