/* The family tree of processes, and their pids: by which names and ways a process is found.

   All known processes are in one list, in a table by pid, in the rings of siblings that proc.h
   draws, and in their group. proc_lock guards all of that. A process is in all four from
   link_proc() to unlink_proc(); who finds it may use it as long as the lock is held.

   Pids count up. When they have reached MAX_PID for the first time they start again at 1, and those
   in use are passed over; a pid that was used a short time ago does not come again soon. */
#include <error.h>
#include <process/group.h>

#define HASH_LISTS  1024

struct spinlock proc_lock = SPINLOCK_INIT("processes", RANK_PROC);
struct proc_struct *initproc;

/* Guarded by proc_lock. The table by pid has a fixed size, because pids are given in order: the
   lists are equally long, with 4 processes in each if there are 4,000.

       hash_list[5] --hash_link--> pid 5 --hash_link--> pid 1029 --hash_link--> pid 2053 */
static list_entry_t proc_list;          /* all of them, the youngest first */
static list_entry_t hash_list[HASH_LISTS];      /* by pid, modulo HASH_LISTS */
static uint32_t nr_process;             /* in proc_list; read without the lock too */
int last_pid;                           /* in proc.h, because a self test sets these two */
bool pids_wrapped;

void family_init(void)
{
    list_init(&proc_list);
    for (int i = 0; i < HASH_LISTS; i++)
        list_init(&hash_list[i]);
}

/* The list of the table in which the process of this pid is, if there is one. */
static list_entry_t *hash_of(int pid)
{
    return &hash_list[pid % HASH_LISTS];
}

/* A pid may come from a program, so it is any number. One list has 1 in HASH_LISTS of all
   processes: with 4,000 of them it is as quick as with 4. */
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

/* The first list that is looked at is that of `pid`, the next that of pid + 1, and so on. If there
   is a process of just that number, it is the lowest. If not, all lists have been seen at the end,
   and the lowest pid that was in one of them is the answer. The lock is held for a list at a time,
   so that interrupts are not off for long; not for an empty list, which most are. That one is seen
   without the lock: a process that is just being made may be missed either way. */
int find_next_pid(int pid)
{
    int lowest = MAX_PID;

    if (pid < 1)
        pid = 1;
    for (int i = 0; i < HASH_LISTS && pid + i <= lowest; i++) {
        if (atomic_load(&hash_of(pid + i)->next) == hash_of(pid + i))
            continue;
        spin_lock(&proc_lock);
        list_for_each(pos, hash_of(pid + i)) {
            int other = to_struct(pos, struct proc_struct, hash_link)->pid;

            if (other >= pid && other < lowest)
                lowest = other;
        }
        spin_unlock(&proc_lock);
    }
    return lowest < MAX_PID ? lowest : 0;
}

/* The next pid that nobody has, neither as a pid nor as the number of a group, which may be in use
   when the group's founder has gone. Until they wrap for the first time, all higher ones are free,
   and there is nothing to look for. child_allowed() has seen that there is a free one. */
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

/* The child may have had another parent, which takes it out of its own ring: see orphan_children()
   in exit.c. Its older siblings there are not told, because they all go the same way. */
void make_child(struct proc_struct *parent, struct proc_struct *child)
{
    child->parent = parent;
    child->yptr = NULL;
    child->optr = parent->cptr;
    if (child->optr != NULL)
        child->optr->yptr = child;
    parent->cptr = child;
}

/* Put a process where others find it: in the list of all, by its pid, and in its group. */
static void enter_lists(struct proc_struct *proc)
{
    list_add(&proc_list, &proc->list_link);
    list_add(hash_of(proc->pid), &proc->hash_link);
    join_group(proc);
    atomic_store(&nr_process, nr_process + 1);
}

/* May there be this child? The parent's mark is looked at under the lock that kill_group() holds
   too. A kill of the group that came before has marked the parent, and has missed the child: so
   there must be none. A kill that comes later finds the child in the group. */
static int child_allowed(const struct proc_struct *proc)
{
    if (atomic_load(&proc->parent->task.killed))
        return -E_KILLED;
    return nr_process >= MAX_PID - 1 ? -E_NO_FREE_PROC : 0;
}

/* One hold of the lock for all steps: so nobody finds a process that has a pid and no parent, or
   the other way round. */
int link_proc(struct proc_struct *proc)
{
    assert(spin_held(&proc_lock));
    int result = child_allowed(proc);
    if (result != 0)
        return result;
    proc->pid = get_pid();
    enter_lists(proc);
    make_child(proc->parent, proc);
    return 0;
}

/* The siblings on both sides become neighbours. Only the youngest child has no younger sibling, and
   only it is known to the parent. */
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

/* The list may change only under the lock. In a panic the lock may be held for ever; but then
   nothing changes any more. */
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
