/* How long the kernel keeps interrupts off, and how long it keeps the hart though another task is
   to have it, while user/crowd.c does all that grows with memory and processes.

   The timer interrupts every 10 us instead of every tick. What comes late has waited for
   interrupts: so the longest time that they were off is at least the longest delay, and at most 10
   us more. For one hart; with -icount the result is the same in each run, and in instructions if
   one takes a nanosecond (shift=0). `make bench` shows it.

   What still grows with the number of processes is the kill of a group: all of its members are
   killed before one of them can fork again, some 130 instructions for each. */
#include <debug/printk.h>
#include <driver/irq.h>
#include <process/proc.h>
#include <report.h>
#include <sched/timer.h>
#include <test/testlib.h>

/* A tick has 10 ms. The limits are twice what was measured with 1 GiB, and tools/limits.py writes
   them: a new loop in the kernel that keeps interrupts off for each page or each process breaks
   them, a few instructions more do not. */
#define PROBES_PER_TICK     1000
#define MAX_OFF_US          31
#define MAX_GROUP_US        755
#define MAX_KEPT_US         220

/* The longest that was found, and the place in the kernel where it ended. */
struct longest {
    uint64_t time;
    uintptr_t where;
};

/* Written by the handler only, on the one hart that there is. */
static struct longest off, kept;
static uint64_t next_tick, kept_since, kept_run;
static bool stop;

/* Keep the longest, with the place that the interrupt came into. */
static void note(struct longest *longest, uint64_t time)
{
    if (time > longest->time)
        *longest = (struct longest){ time, this_cpu->interrupted->epc };
}

/* A task keeps the hart from the time when it is to give way until another one runs. Only time in
   the kernel counts: a program gives way at the next interrupt in any case. A task that has been
   switched away and back since has another number of runs, and begins anew. */
static void note_kept(uint64_t now)
{
    const struct task *task = this_cpu->task;

    if (!atomic_load(&task->need_resched) || !(this_cpu->interrupted->status & SSTATUS_SPP)) {
        kept_since = 0;
    } else if (kept_since == 0 || kept_run != (uintptr_t)task + task->runs) {
        kept_since = now;
        kept_run = (uintptr_t)task + task->runs;
    } else {
        note(&kept, now - kept_since);
    }
}

/* The next interrupt, a thousandth of a tick from now. */
static void arm_probe(void)
{
    timer_arm(rdtime() + timer_tick_length() / PROBES_PER_TICK);
}

/* In place of the clock's own handler, of which it does the work too, once in a tick. The deadline
   that it set is the time at which it should have come: the difference was spent with interrupts
   off. Each time the task is asked to give way, a thousand times as often as by ticks: so the
   longest way on which it does not is found, and not only one into which a tick has happened to
   fall.

       deadline          the interrupt comes
          |                    |
          |<---- `off` ------->|     somebody had interrupts off so long, at least */
static void probe_interrupt(__not_used void *arg)
{
    uint64_t now = rdtime();

    note(&off, now - this_cpu->timer_deadline);
    arm_probe();                /* before the work, so that it is found if that takes long */
    note_kept(now);
    atomic_store(&this_cpu->task->need_resched, true);
    if (now >= next_tick) {
        uint64_t probe = this_cpu->timer_deadline;

        timer_expire(now);
        /* Timers that are left have another deadline, in place of the probe's. */
        if (rdtime() > probe)
            note(&off, rdtime() - probe);
        if (!this_cpu->tick_goes_on)
            next_tick = now + timer_tick_length();
        sched_tick();
    }
}

/* There is always another task, one that wants nothing. */
static int bystander(__not_used void *arg)
{
    while (!atomic_load(&stop))
        schedule();
    return 0;
}

/* Run a program, print the longest times, and check that they are at most so long. */
static void measure(const char **words, const char *off_name, uint64_t max_off_us)
{
    uint64_t unit_ns = 1000000000 / TICKS_PER_SECOND / timer_tick_length();
    int code = -1, pid = test_thread(test_exec_words, words);

    off = kept = (struct longest){ 0, 0 };
    assert(wait_child(pid, &code) == pid && code == 0);
    cprintf("bench: %-14s %9lu instructions\n", off_name, off.time * unit_ns);
    cprintf("bench: %-14s %9lu instructions\n", "kept", kept.time * unit_ns);
    cprintf("they ended at %#lx, %#lx\n", off.where, kept.where);
    check("interrupts are not off for long", off.time * unit_ns <= max_off_us * 1000);
    check("a task that is to give way does so soon", kept.time * unit_ns <= MAX_KEPT_US * 1000);
}

/* Two programs' worth of load: the group's kill has a limit of its own, because it grows with the
   group. On more than one hart the delays of others would be mixed in, so there must be one. Alone:
   make grade GRADE=--all TEST=irq-off. */
static void test_irq_off(void)
{
    const char *group[] = { "crowd", "group", NULL }, *rest[] = { "crowd", NULL };
    int code, other = test_thread(bystander, NULL);

    assert_eq(cpu_count, 1);
    irq_register(IRQ_S_TIMER, probe_interrupt, NULL);
    irq_push();
    arm_probe();
    irq_pop();
    measure(group, "irq-group", MAX_GROUP_US);
    measure(rest, "irq-off", MAX_OFF_US);
    atomic_store(&stop, true);
    assert_eq(wait_child(other, &code), other);
}

/* If a check fails: the last line printed has two addresses in the kernel, where the longest times
   ended. The loop that took so long is just before the first of them. */
SELFTEST("irq-off", test_irq_off);
