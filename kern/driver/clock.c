/* The clock tick. A hart's timer interrupts when rdtime() has reached a deadline, which the hart
   sets by a call to the firmware (SBI spec 1.0, 6.1): there is nothing periodic about it. So it is
   the handler that makes the tick periodic.

   What is to be done at a tick is not the clock's business: timer_expire() wakes the tasks whose
   time has come, and sched_tick() lets the scheduler count the time of the task that runs. An idle
   hart does not tick; it sleeps until its next deadline, see timer_arm_idle(). */
#include <driver/clock.h>
#include <driver/irq.h>
#include <machine/machine.h>
#include <sched/sched.h>
#include <sched/timer.h>

/* The handler of the timer interrupt, on each hart, with interrupts off. */
static void clock_interrupt(__not_used void *arg)
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

/* The rate comes from the device tree, so that a tick has the same length on each machine. */
void clock_init(void)
{
    timer_init(machine.timebase_hz);
    irq_register(IRQ_S_TIMER, clock_interrupt, NULL);
}

/* A deadline that lies between now and the next tick still holds. One that has passed, or a later
   one, is left from the time when the hart was idle. */
void clock_resume(void)
{
    uint64_t now = rdtime(), next = now + timer_tick_length();

    if (this_cpu->timer_deadline <= now || this_cpu->timer_deadline > next)
        timer_arm(next);
}
