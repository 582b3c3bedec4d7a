/* Balancing: what a hart does that has no task of its own, and how it comes to have one.

   Each hart has its own queue, so that harts do not wait for each other's locks. A hart whose queue
   is empty runs its idle task, which calls the functions here: sched_idle_wait() sleeps until an
   interrupt, and sched_steal() takes a task from another hart. A hart that has more tasks than it
   can run wakes one that waits: see balance.h.

   What other harts have is read without their locks first, because the answer is no most of the
   time, and may be old: a task that is missed now is found at the next tick, and one that is not
   there any more is noticed with the lock held. Only one queue is locked at a time. */
#include <riscv/sbi.h>
#include <sched/balance.h>
#include <sched/runqueue.h>

uint32_t idle_harts;

/* Two harts may choose the same one, but only the one that clears its bit interrupts it. The
   firmware may fail to send the interrupt only if the hart does not exist. */
void kick_one(uint32_t candidates)
{
    uint32_t waiting = atomic_load(&idle_harts) & candidates & ~this_cpu->bit;
    uint32_t target = waiting & -waiting;

    /* no pair: one word, of which only the winner matters */
    if (waiting != 0 && (atomic_and(&idle_harts, ~target) & target))
        sbi_send_ipi(cpu_hart_mask(target));
}

/* The queue of a hart that has a task to spare; NULL if none has. Read without locks. */
static struct run_queue *busy_queue(void)
{
    for (uint32_t i = 0; i < cpu_count; i++)
        if (atomic_load(&run_queues[i].proc_num) > 0)
            return &run_queues[i];
    return NULL;
}

/* The bit comes first, then the look at the queues; kick_idle_hart() does it the other way round:
   see balance.h. wfi ends with a pending interrupt though interrupts are off (Privileged spec
   20211203, 3.3.3), so one that came after the look is not lost; the caller takes it afterwards. */
void sched_idle_wait(void (*before_wait)(void))
{
    uint32_t bit = this_cpu->bit;

    assert(!irq_enabled());
    atomic_or(&idle_harts, bit);    /* pairs with kick_idle_hart() in balance.h */
    if (busy_queue() == NULL) {
        before_wait();
        IF_CHECK(check_irq_on());       /* what wakes the hart is not kept waiting */
        wait_for_interrupt();
        IF_CHECK(check_irq_off());
    }
    atomic_and(&idle_harts, ~bit);  /* no pair: one kick too many does no harm */
}

/* The task changes its owner under the old queue's lock, and is in no queue until the new one has
   it. Meanwhile it is RUNNABLE, so no hart that wakes or kills it tries to enqueue it. It may be
   still on its way off the old hart's stack only while it runs there, and then it is in no queue:
   a task that is in a queue has been switched away from with the lock of that queue held. */
void sched_steal(void)
{
    struct run_queue *rq = this_rq(), *victim = busy_queue();

    if (victim == NULL || victim == rq)
        return;
    spin_lock(&victim->lock);
    struct task *task = victim->class.pick_next(victim);
    if (task != NULL) {
        dequeue(victim, task);
        task->moves = true;
        /* pairs with is_queued() in sched.c */
        atomic_store_release(&task->rq, rq);    /* see is_queued() in sched.c */
    }
    spin_unlock(&victim->lock);
    if (task != NULL) {
        spin_lock(&rq->lock);
        task->moves = false;
        enqueue(rq, task);
        spin_unlock(&rq->lock);
    }
}
