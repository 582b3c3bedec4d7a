/* What a hart does when there is nothing to do; and the case that there never will be.

   cpu_idle() is the idle process of each hart: it waits for an interrupt, takes a task from another
   hart, and lets it run. It holds no lock and never sleeps by the scheduler; interrupts are off but
   for the moment in which what woke the hart is handled.

   If all processes sleep and nothing outside of them can wake one, that is a deadlock: it is
   told: the circles in which processes wait for one another's mutexes; then each process with what
   it holds, what it waits for and where. If the console has a group that a ctrl-C would end,
   somebody can still help: the machine goes on. Else it panics. */
#include <debug/backtrace.h>
#include <debug/printk.h>
#include <driver/clock.h>
#include <driver/console.h>
#include <process/proc.h>
#include <sched/timer.h>

#define CIRCLE_MAX      32      /* processes; a larger circle is not told as one */

/* The process that has the mutex of programs which this one waits for; NULL if there is none. Locks
   of the kernel cannot be in a circle: see the ranks in sync/mutex.h. proc_lock is held. */
static struct proc_struct *holder_of(const struct proc_struct *proc)
{
    const struct wait_target *target = proc->task.wait_target;

    if (proc->task.state != PROC_SLEEPING || target == NULL || target->holder == NULL)
        return NULL;
    return find_proc(target->holder(target));
}

/* If this process waits in a circle, and it has the lowest pid there, tell the circle: a line for
   each process, which holds what the one before it waits for. Nothing is printed before the whole
   circle is known: to print takes long, and a process that a ctrl-C has ended meanwhile may be
   gone. */
static void print_circle(struct proc_struct *first, __not_used void *arg)
{
    struct circle_step { struct proc_struct *proc; const char *wants; } steps[CIRCLE_MAX];
    struct proc_struct *proc = first, *holder;
    int count = 0;

    do {
        holder = count < CIRCLE_MAX ? holder_of(proc) : NULL;
        if (holder == NULL || holder->pid < first->pid)
            return;
        steps[count++] = (struct circle_step){ proc, proc->task.wait_target->name };
        proc = holder;
    } while (holder != first);
    cprintf("a circle:\n");
    for (int i = 0; i < count; i++) {
        holder = steps[(i + 1) % count].proc;
        cprintf("  %s (pid %d) holds %s and waits for %s, which %s (pid %d) holds\n",
                steps[i].proc->name, steps[i].proc->pid, steps[(i + count - 1) % count].wants,
                steps[i].wants, holder->name, holder->pid);
    }
}

/* Tell what one process waits for, and where in the kernel; and which mutexes it holds, because the
   others may wait for these. Nobody runs, so its list of them stands still. */
static void print_sleeper(struct proc_struct *proc, __not_used void *arg)
{
    cprintf("%s (pid %d) ", proc->name, proc->pid);
    for (const struct mutex_hold *hold = proc->task.mutexes; hold != NULL; hold = hold->below)
        cprintf("holds %s, ", hold->name);
    if (proc->task.state == PROC_SLEEPING)
        cprintf("waits for %s:\n", proc->task.wait_what);
    else
        cprintf("has ended, and its parent did not wait:\n");
    backtrace(proc->task.context.s0);
}

/* Would a ctrl-C end the sleep of this process? kill_group() passes over the same ones. */
static void look_for_victim(struct proc_struct *proc, void *found)
{
    if (proc->task.group == console_group() && !(proc->flags & (PF_KERNEL | PF_EXITING))
        && proc->task.state == PROC_SLEEPING && (proc->task.wait_state & WT_INTERRUPTED))
        *(bool *)found = true;
}

/* Can a key end the deadlock? While group 0 has the console, a ctrl-C is a character like any
   other. */
static bool console_can_kill(void)
{
    bool found = false;

    if (console_group() != 0)
        for_each_proc(look_for_victim, &found);
    return found;
}

/* Tell of a deadlock, once: the first hart that notices does. If something has run since the last
   one, it is another one. All processes sleep in the kernel, so nothing changes while they are
   printed, unless a ctrl-C comes just then. */
static void check_deadlock(void)
{
    static uint64_t told;               /* atomic: sched_idle_turns() at the last message */

    if (initproc == NULL || !sched_all_asleep())
        return;
    uint64_t turns = sched_idle_turns(), last = atomic_load(&told);
    /* no pair: one word, of which only the winner matters */
    if (last == turns || !atomic_cas(&told, last, turns))
        return;
    bool can_kill = console_can_kill();
    cprintf("\ndeadlock: %s %u processes sleep, and nothing%s can wake one\n",
            can_kill ? "the" : "all", process_count(), can_kill ? " but ctrl-C" : "");
    for_each_proc(print_circle, NULL);
    for_each_proc(print_sleeper, NULL);
    if (!can_kill)
        panic("deadlock");
}

void cpu_idle(void)
{
    for (;;) {
        irq_disable();
        check_deadlock();
        sched_idle_wait(timer_arm_idle);
        irq_enable();           /* what woke the hart is handled here */
        irq_disable();
        clock_resume();
        sched_steal();
        schedule();
    }
}
