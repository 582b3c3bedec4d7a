/* The clock tick. */
#include <driver/clock.h>
#include <driver/irq.h>
#include <machine/machine.h>
#include <sched/sched.h>
#include <sched/timer.h>

static void clock_interrupt(void)
{
    /* EXERCISE 1.1 begin: clock_interrupt */
    /* The interrupt stays pending until the next deadline is set, and the deadline is a time, not a
       distance: the next tick comes one length from now. */
    uint64_t now = rdtime();

    timer_arm(now + timer_tick_length());
    timer_expire(now);
    sched_tick();
    /* EXERCISE 1.1 end */
}

void clock_init(void)
{
    timer_init(machine.timebase_hz);
    irq_register(IRQ_S_TIMER, clock_interrupt);
}

void clock_resume(void)
{
    uint64_t now = rdtime(), next = now + timer_tick_length();

    if (this_cpu->timer_deadline <= now || this_cpu->timer_deadline > next)
        timer_arm(next);
}
