/* Groups of processes. The members of a group are linked in a ring, by group_ring. One of them
   stands for all in the table of groups, by its group_link; in the others that is an empty list.
   When the one that stands for the group leaves, its neighbour takes its place. So a process joins
   and leaves in a few steps, however large the group is, and there is no object for a group that
   could be missing when memory is short:

       group_list[number % GROUP_LISTS] --> member --group_ring--> member --> member -+
                                              ^---------------------------------------+

   proc_lock guards it all. Killing a group holds the lock, with interrupts off, for as long as it
   takes to go round: see make bench. */
#include <driver/console.h>
#include <error.h>
#include <process/group.h>
#include <unistd.h>

#define GROUP_LISTS 64

static list_entry_t group_list[GROUP_LISTS];    /* one member of each group, by its number */

void group_init(void)
{
    for (int i = 0; i < GROUP_LISTS; i++)
        list_init(&group_list[i]);
    console_set_interrupt(kill_group);
}

/* The list of the table in which the group of this number is, if it has members. */
static list_entry_t *groups_of(int group)
{
    return &group_list[group % GROUP_LISTS];
}

/* The number may come from a program, by kill(-pid), so it is any. */
struct proc_struct *find_group(int group)
{
    if (group < 0)
        return NULL;
    list_for_each(pos, groups_of(group)) {
        struct proc_struct *member = to_struct(pos, struct proc_struct, group_link);

        if (member->task.group == group)
            return member;
    }
    return NULL;
}

/* The next one in the ring: after some steps it is the first again. */
static struct proc_struct *next_member(struct proc_struct *member)
{
    return to_struct(list_next(&member->group_ring), struct proc_struct, group_ring);
}

/* A new member is put behind the one that stands for the group. The first member stands for it
   itself, in a ring of its own. */
void join_group(struct proc_struct *proc)
{
    struct proc_struct *member = find_group(proc->task.group);

    list_init(&proc->group_ring);
    list_init(&proc->group_link);
    if (member != NULL)
        list_add(&member->group_ring, &proc->group_ring);
    else
        list_add(groups_of(proc->task.group), &proc->group_link);
}

/* The last member to leave takes the group with it: then there is no such number in the table. */
void leave_group(struct proc_struct *proc)
{
    if (!list_empty(&proc->group_link)) {
        struct proc_struct *next = next_member(proc);

        list_del(&proc->group_link);
        if (next != proc)
            list_add(groups_of(next->task.group), &next->group_link);
    }
    list_del(&proc->group_ring);
}

/* From ctrl-C this runs in the console's interrupt handler, on whatever hart has it. A member that
   exits already is left alone: it ends anyway, and its code is its own. */
int kill_group(int group)
{
    int result = -E_INVAL;

    spin_lock(&proc_lock);
    struct proc_struct *first = find_group(group), *member = first;
    if (first != NULL) {
        do {
            if (!(member->flags & (PF_KERNEL | PF_EXITING))) {
                sched_kill(&member->task);
                result = 0;
            }
            member = next_member(member);
        } while (member != first);
    }
    spin_unlock(&proc_lock);
    return result;
}

/* A process joins a group only by being born into it, and leaves group 0 only for its own. The
   console is told after proc_lock is released: a key may come in between, and still goes to the
   old group. */
int do_job(int what)
{
    int result = 0;

    spin_lock(&proc_lock);
    if (current->task.group != 0 || what < JOB_SHELL || what > JOB_BACKGROUND) {
        result = -E_INVAL;
    } else if (what != JOB_SHELL) {
        leave_group(current);
        current->task.group = current->pid;
        join_group(current);
    }
    int group = current->task.group;
    spin_unlock(&proc_lock);
    if (result == 0 && what != JOB_BACKGROUND)
        console_set_group(group);
    return result;
}
