/* A child that ends just while its parent hands its children on to initproc. The kernel may do
   other things in between, because there may be thousands of children (sched_pause in
   orphan_children): the list of the parent's zombies must be right at each such moment.

   The parent makes some children that end, and one that ends too, but is hidden: it is taken out of
   the list of zombies, as if it still ran. Then the parent ends itself. An interrupt comes a little
   later each time, and puts the hidden child into the list of the process that is its parent then,
   as its end would do. If the list is wrong at that moment, zombies are lost: initproc never takes
   them away, and they are counted.

   One hart is enough, and each run is the same. Alone: make grade GRADE=--all TEST=orphans. */
#include <driver/irq.h>
#include <process/proc.h>
#include <riscv/csr.h>
#include <sched/timer.h>
#include <test/testlib.h>

#define ZOMBIES     6
#define MOMENTS     1000                /* at most, in units of rdtime() from now on */
#define ENOUGH      30                  /* moments of each kind, with any compiler */

static struct proc_struct *hidden;      /* guarded by proc_lock, as are all zombies */
static uint32_t shown_early;            /* how often the hidden child was not handed on yet */

/* Takes the place of the clock's handler, and does what that does. The hidden child is shown unless
   orphan_children() has come to it before: it sees an ended child, and tells initproc itself. */
static void show_hidden(__not_used void *arg)
{
    uint64_t now = rdtime();

    timer_arm(now + timer_tick_length());
    spin_lock(&proc_lock);
    if (hidden != NULL && hidden->parent != initproc) {
        list_add_before(&hidden->parent->zombies, &hidden->zombie_link);
        wait_wake_all(&hidden->parent->child_exit);
        shown_early++;
    }
    hidden = NULL;
    spin_unlock(&proc_lock);
    timer_expire(now);
    sched_tick();
}

static int end(void *unused)
{
    (void)unused;
    return 0;
}

/* Make a child, and let it end. proc_lock is held when this returns. */
static struct proc_struct *make_zombie(void)
{
    struct proc_struct *child;
    int pid = test_thread(end, NULL);

    spin_lock(&proc_lock);
    while ((child = find_proc(pid))->task.state != PROC_ZOMBIE) {
        spin_unlock(&proc_lock);
        schedule();
        spin_lock(&proc_lock);
    }
    return child;
}

/* The parent. The hidden child is the first, because children are handed on beginning with the one
   that was made last. It is hidden with a link to itself, which can be taken out of a list again
   without harm. It returns with the timer set, and ends by that. */
static int forsake_at(void *moment)
{
    struct proc_struct *first = make_zombie();

    list_del_init(&first->zombie_link);
    spin_unlock(&proc_lock);
    for (int i = 0; i < ZOMBIES; i++) {
        make_zombie();
        spin_unlock(&proc_lock);
    }
    irq_disable();
    hidden = first;
    timer_arm(rdtime() + (uintptr_t)moment);
    irq_enable();
    return 0;
}

/* Try one moment after the other, until the interrupt has come too late often enough: how long the
   parent takes to end depends on the compiler. A lost zombie is a process too many, so each moment
   can be told of. */
static void test_orphans_moments(void)
{
    uintptr_t moment;

    irq_register(IRQ_S_TIMER, show_hidden, NULL);
    for (moment = 0; moment < MOMENTS && moment - shown_early < ENOUGH; moment++) {
        struct inventory before = inventory_take();
        int code;
        int pid = test_thread(forsake_at, (void *)moment);

        assert_eq(wait_child(pid, &code), pid);
        while (hidden != NULL)
            schedule();
        inventory_settle(&before, "the end of a process with zombies");
    }
    assert(shown_early >= ENOUGH && moment < MOMENTS);
    cprintf("%u of %u children were shown before they were handed on\n", shown_early,
            (unsigned int)moment);
}

SELFTEST("orphans", test_orphans_moments);
