/* What a hart does when there is nothing to do; and the case that there never will be.

   Each hart has an idle process, which is in no run queue: the scheduler picks it if there is no
   other. It waits in wfi, which stops the hart until an interrupt comes, and looks for work then.

   A deadlock is found here, because a hart becomes idle when the last task that could run falls
   asleep. It is one if nothing from outside can wake a task: no timer, no key, and no ctrl-C, which
   kills a group that has the console. All harts but one stop then, and that one reports. */
#include <debug/backtrace.h>
#include <debug/printk.h>
#include <driver/clock.h>
#include <driver/console.h>
#include <process/proc.h>
#include <sched/timer.h>

/* What a process waits for, and where in the kernel: its frame pointer is what the switch saved. */
static void report_sleeper(struct proc_struct *proc, __not_used void *arg)
{
    if (proc->task.state == PROC_SLEEPING)
        cprintf("%s (pid %d) waits for %s:\n", proc->name, proc->pid, proc->task.wait_what);
    else
        cprintf("%s (pid %d) has ended, and its parent did not wait:\n", proc->name, proc->pid);
    backtrace(proc->task.context.s0);
}

/* Every process sleeps, and no timer, key or ctrl-C will wake one. All of them sleep in the kernel,
   so nothing changes while they are printed. */
static void check_deadlock(void)
{
    static uint32_t reported;           /* atomic: set by the first hart that notices */

    if (initproc == NULL || !timer_system_asleep() || console_group() != 0)
        return;
    if (atomic_swap(&reported, 1))
        panic_stop();
    cprintf("\ndeadlock: all %u processes sleep, and nothing can wake one\n", process_count());
    for_each_proc(report_sleeper, NULL);
    panic("deadlock");
}

/* Interrupts are off between the look for work and wfi, or the one that announces work could come
   in between and be missed. wfi ends with a pending interrupt though they are off (Privileged spec
   20211203, 3.3.3), which is handled in the moment when they are on. An idle hart does not tick, so
   clock_resume() has it tick again before a task runs. */
void cpu_idle(void)
{
    for (;;) {
        irq_disable();
        check_deadlock();
        sched_idle_wait();
        irq_enable();           /* what woke the hart is handled here */
        irq_disable();
        clock_resume();
        sched_steal();
        schedule();
    }
}
