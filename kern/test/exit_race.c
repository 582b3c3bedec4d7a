/* Exercise 5.5: a child that ends just while its parent looks for one. The wake-up must not be
   lost.

   Between the look and the sleep of a parent there must be no gap in which the end of a child goes
   by unnoticed. If there is one, the parent sleeps for ever though a zombie waits for it. A gap may
   be a few instructions long, so it has to be hit:

   "exit-race" does so with several harts, on which the two really meet, 300 times. "exit-moment"
   needs one hart: an interrupt brings the end at every possible moment of the parent's call, one
   after the other. A watcher looks for a parent that sleeps beside a zombie, counts it, and wakes
   it so that the test comes to its end.

   Alone: make grade TEST=exit-moment or TEST=exit-race-4-harts. */
#include <driver/irq.h>
#include <process/proc.h>
#include <report.h>
#include <riscv/csr.h>
#include <sched/timer.h>
#include <test/testlib.h>

/* With several harts: rounds, and threads that watch. A watcher keeps off the lock for PAUSE turns
   of an empty loop between two looks, and after LOOKS of them lets others run, which wait on its
   hart. wait_for() gives way YIELDS times before it sleeps. */
#define ROUNDS      300
#define WATCHERS    2
#define PAUSE       20
#define LOOKS       16
#define YIELDS      100
#define MOMENTS     250                 /* with one hart: from now on, in units of rdtime() */

static struct proc_struct *parent;      /* that waits again and again; guarded by proc_lock */
static uint32_t parent_done, child_runs, child_may_end;     /* atomic */
static int lost;                        /* guarded by proc_lock */

/* Wait for a flag. A thread that gives way may be picked again, before the one that sets the flag,
   as mlfq has it for a new process: after a while it sleeps. */
static void wait_for(uint32_t *flag)
{
    for (int i = 0; !atomic_load(flag); i++) {
        if (i < YIELDS)
            schedule();
        else
            timer_sleep_until(rdtime() + timer_tick_length() / 100);
    }
}

/* Tell the parent that it runs, and end as soon as it may: so both are near the point where they
   meet. */
static int end_at_once(void *number)
{
    atomic_store(&child_runs, 1);
    wait_for(&child_may_end);
    return (uintptr_t)number;
}

/* The caller is the parent from now on: the process whose waits are looked at. */
static void become_parent(void)
{
    spin_lock(&proc_lock);
    parent = current;
    spin_unlock(&proc_lock);
}

/* The parent: 300 children, each of which ends at about the time at which the wait begins. It
   counts the times when it did not get its child's own code. */
static int wait_often(void *unused)
{
    int code, wrong = 0;

    (void)unused;
    become_parent();
    for (int i = 0; i < ROUNDS; i++) {
        /* Parent and child wait for each other's flag, so that both are awake when the child may
           end. */
        atomic_store(&child_runs, 0);
        atomic_store(&child_may_end, 0);
        int pid = test_thread(end_at_once, (void *)(uintptr_t)i);

        code = -1;
        wait_for(&child_runs);
        atomic_store(&child_may_end, 1);
        /* From the store above on the child may end at any moment, also in the middle of this
           call. */
        wrong += wait_child(0, &code) != pid || code != i;
    }
    atomic_store(&parent_done, 1);
    return wrong;
}

/* Does the parent sleep though it has a child that has ended? Nobody else would ever wake it. Under
   proc_lock this cannot be a moment in between: a parent that is about to look has the lock. */
static void look(void)
{
    spin_lock(&proc_lock);
    if (parent != NULL && parent->task.state == PROC_SLEEPING && !list_empty(&parent->zombies)) {
        lost++;
        wait_wake_all(&parent->child_exit);
    }
    spin_unlock(&proc_lock);
}

/* The watchers keep the lock busy: a thread that gives it back has to wait until it gets it again,
   and others come between. */
static int watch(void *unused)
{
    (void)unused;
    for (int n = 1; !atomic_load(&parent_done); n++) {
        look();
        for (int i = 0; i < PAUSE; i++)
            asm volatile ("");
        if (n % LOOKS == 0)
            schedule();
    }
    return 0;
}

/* One parent, two watchers. What was lost was repaired by the watchers, so each round ends; the
   count tells how often.

   What must not happen, in time from top to bottom:

       parent                               child
       looks: no child has ended
                                            ends, and wakes the parent, which is awake
       falls asleep
                                            (nobody is left who could wake it) */
static void test_exit_race(void)
{
    int wrong = -1, pids[WATCHERS], code;
    int pid = test_thread(wait_often, NULL);

    for (int i = 0; i < WATCHERS; i++)
        pids[i] = test_thread(watch, NULL);
    check_eq("each child is found by its parent", wait_child(pid, &wrong), pid);
    check_eq("each with its own exit code", wrong, 0);
    for (int i = 0; i < WATCHERS; i++)
        wait_child(pids[i], &code);
    check_eq("no wake-up is lost: nobody sleeps whose child has ended", lost, 0);
}

static struct proc_struct *hidden;      /* a child that has ended, but not as its parent sees it */

/* Takes the place of the clock's handler, and does what that does. It also brings the end of the
   hidden child: the zombie is put into its parent's list and the parent is woken, as the child
   itself would have done, at the very instruction that was interrupted. */
static void show_hidden(__not_used void *arg)
{
    uint64_t now = rdtime();

    timer_arm(now + timer_tick_length());
    if (hidden != NULL) {
        spin_lock(&proc_lock);
        list_add_before(&hidden->parent->zombies, &hidden->zombie_link);
        wait_wake_all(&hidden->parent->child_exit);
        spin_unlock(&proc_lock);
        hidden = NULL;
    }
    timer_expire(now);
    sched_tick();
}

/* The number becomes the exit code. */
static int end(void *number)
{
    return (uintptr_t)number;
}

/* Make a child that ends, and hide that: its zombie is taken out of the parent's list. So for the
   parent it still runs, until show_hidden() brings it back. */
static void make_hidden(int number)
{
    struct proc_struct *child;
    int pid = test_thread(end, (void *)(uintptr_t)number);

    spin_lock(&proc_lock);
    while ((child = find_proc(pid))->task.state != PROC_ZOMBIE) {
        spin_unlock(&proc_lock);
        schedule();
        spin_lock(&proc_lock);
    }
    /* The list is where the parent looks; a child that is not put into it cannot be hidden
       either. */
    if (child->zombie_link.next == NULL)
        panic("a child has ended, but its parent was not told by report_end()");
    list_del(&child->zombie_link);
    hidden = child;
    spin_unlock(&proc_lock);
}

/* For each moment a child. The timer is set to i units of time from now, then the parent waits: so
   the interrupt comes a little later in its call each time, from before the look to after the
   sleep. */
static int wait_at_moments(void *unused)
{
    int code, wrong = 0;

    (void)unused;
    become_parent();
    for (int i = 0; i < MOMENTS; i++) {
        irq_register(IRQ_S_TIMER, show_hidden, NULL);
        make_hidden(i);
        /* The timer must not fire before the wait has begun, or early moments would all be the
           same. */
        irq_disable();
        timer_arm(rdtime() + i);
        irq_enable();
        code = -1;
        wrong += wait_child(0, &code) < 0 || code != i;
    }
    atomic_store(&parent_done, 1);
    return wrong;
}

/* Like watch(), once in a tick. */
static int look_after(void *unused)
{
    (void)unused;
    while (!atomic_load(&parent_done)) {
        look();
        timer_sleep_until(rdtime() + timer_tick_length());
    }
    return 0;
}

/* As above, with one watcher that looks once in a tick. */
static void test_exit_moment(void)
{
    int wrong = -1, code;
    int pid = test_thread(wait_at_moments, NULL), watcher = test_thread(look_after, NULL);

    check_eq("each child is found by its parent", wait_child(pid, &wrong), pid);
    check_eq("each with its own exit code", wrong, 0);
    wait_child(watcher, &code);
    /* The watcher has woken the parent each time, so the test ends; but a real one would sleep
       on. */
    check_eq("no wake-up is lost, whenever the child ends", lost, 0);
}

/* If "no wake-up is lost" fails: between the look at the zombies and the sleep is a moment in which
   the child's end is not noticed. Which lock is held there, and until when? `lost` says how often
   the moment was hit, of MOMENTS. */
SELFTEST("exit-moment", test_exit_moment);
SELFTEST("exit-race", test_exit_race);
