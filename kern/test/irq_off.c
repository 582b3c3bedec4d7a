/* How long the kernel keeps interrupts off, and how long it keeps the hart though another task is
   to have it, while user/crowd.c does all that grows with memory and processes.

   The timer interrupts every 20 us instead of every tick. What comes late has waited for
   interrupts: so the longest time that they were off is at least the longest delay, and at most
   20 us more. For one hart; with -icount the result is the same in each run, and in instructions
   where one takes a nanosecond (shift=0). `make bench` shows it. */
#include <debug/printk.h>
#include <driver/irq.h>
#include <process/proc.h>
#include <report.h>
#include <sched/timer.h>
#include <test/testlib.h>

#define PROBES_PER_TICK     500
#define MAX_OFF_US          1000

/* The longest that was found, and the place in the kernel where it ended. */
struct longest {
    uint64_t time;
    uintptr_t where;
};

static struct longest off, kept;
static uint64_t next_tick, kept_since, kept_run;
static bool stop;

static void note(struct longest *longest, uint64_t time)
{
    if (time > longest->time)
        *longest = (struct longest){ time, this_cpu->interrupted->epc };
}

/* A task keeps the hart from the time when it is to give way until another one runs. */
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

/* In place of the clock's own handler. */
static void probe_interrupt(void)
{
    uint64_t now = rdtime();

    note(&off, now - this_cpu->timer_deadline);
    note_kept(now);
    timer_expire(now);
    if (now >= next_tick) {
        next_tick = now + timer_tick_length();
        sched_tick();
    }
    timer_arm(rdtime() + timer_tick_length() / PROBES_PER_TICK);
}

/* There is always another task, which wants nothing. */
static int bystander(__not_used void *arg)
{
    while (!atomic_load(&stop))
        schedule();
    return 0;
}

static void print_longest(const char *name, const struct longest *longest)
{
    uint64_t ns = longest->time * (1000000000 / TICKS_PER_SECOND / timer_tick_length());

    cprintf("bench: %-14s %9lu instructions\n", name, ns);
    cprintf("  until %#lx\n", longest->where);
}

static void test_irq_off(void)
{
    uint64_t us = timer_tick_length() * TICKS_PER_SECOND / 1000000;
    int code = -1;
    int other = test_thread(bystander, NULL), crowd = test_thread(test_exec, "crowd");

    assert_eq(cpu_count, 1);
    irq_register(IRQ_S_TIMER, probe_interrupt);
    assert(wait_child(crowd, &code) == crowd && code == 0);
    print_longest("irq-off", &off);
    print_longest("kept", &kept);
    atomic_store(&stop, true);
    assert_eq(wait_child(other, &code), other);
    check("interrupts are never off for longer than 1 ms", off.time / us <= MAX_OFF_US);
}

SELFTEST("irq-off", test_irq_off);
