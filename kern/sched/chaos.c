/* Chance on purpose. What a program may rely on is what holds whenever it is interrupted, and
   whoever runs next. A plain kernel interrupts at ticks, 10 ms apart, and wakes in order: so of the
   orders that are allowed it runs through few, and most often the same. With chaos=SEED:

     - a hart's timer interrupts a program at random times between two ticks, and the program gives
       way then. Such an interrupt is no tick: no time is counted
     - a task of the kernel gives way now and then where it has released its last spinlock, if
       interrupts come on there: so nothing is done in an interrupt handler, or while a hart is
       idle. A mutex has such a place on each way, because its short ways are closed: see mutex.c
     - of the tasks that wait, it is not always the first that runs
     - a task that wakes, or gives way, may be kept back for some turns of the others. It is
       RUNNABLE all the time, counts as one that waits, and is taken at once if there is no other

   All that happens is allowed without chaos too. How often each thing happens differs from seed to
   seed, because one race wants many switches and another one few. */
/* Each hart has a generator of its own, set by the seed: so with one hart, and time that is counted
   in instructions, the same seed is the same run, to the last byte. Nothing here sleeps. */
#include <sched/chaos.h>
#include <sched/runqueue.h>
#include <sched/timer.h>

/* What each hart, or its queue, has. */
static struct chaos {
    /* Guarded by the queue's lock. */
    uint64_t choice;            /* the generator for what is chosen */
    list_entry_t late;          /* tasks that are kept back, by their run_link */
    uint32_t late_count;

    /* Only touched by the hart itself, with interrupts off. */
    uint64_t chance;            /* the generator for when it gives way */
    uint64_t tick;              /* when the next tick is due; what comes before is none */
} chaos_of[MAX_HARTS];

/* Set once at boot. */
static const struct sched_class *base;
static struct sched_class chaos_class;
static uint64_t shortest;       /* the least time between two interrupts, in units of rdtime() */
static uint32_t first_seed;
static uint32_t one_unlock_in, one_wake_in, one_turn_in;    /* the chances */

/* The next random number of a generator, from 0 to n - 1 (xorshift, Marsaglia 2003). */
static uint32_t random_below(uint64_t *generator, uint32_t n)
{
    uint64_t x = *generator;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *generator = x;
    return (x >> 32) % n;
}

/* A generator for a number: near numbers must give sequences that are far from each other, and none
   may begin with 0. */
static uint64_t generator_for(uint64_t number)
{
    uint64_t generator = (number + 1) * 0x9e3779b97f4a7c15;

    for (int i = 0; i < 8; i++)
        random_below(&generator, 1);
    return generator;
}

/* Have the timer interrupt before the next tick. Short times and long ones are equally frequent:
   some interrupts come soon after another, as two that must both hit a few instructions, and others
   leave a program alone for long. Interrupts are off. */
static void arm_early(struct chaos *chaos)
{
    uint64_t now = rdtime(), scale = shortest << random_below(&chaos->chance, 7);
    uint64_t early = now + scale + random_below(&chaos->chance, scale);

    if (chaos->tick <= now)                     /* the hart was idle at that time */
        chaos->tick = now + timer_tick_length();
    timer_arm(early < chaos->tick ? early : chaos->tick);
}

static void chaos_queue_init(struct run_queue *rq)
{
    struct chaos *chaos = &chaos_of[rq->id];

    chaos->choice = generator_for(2 * ((uint64_t)first_seed * MAX_HARTS + rq->id));
    chaos->chance = generator_for(2 * ((uint64_t)first_seed * MAX_HARTS + rq->id) + 1);
    list_init(&chaos->late);
    base->init(rq);
}

/* wait_state says that the task comes from a sleep, as the classes know it. */
static void chaos_enqueue(struct run_queue *rq, struct task *task)
{
    struct chaos *chaos = &chaos_of[rq->id];
    bool wakes = task->wait_state != 0 || task->runs == 0;

    if (random_below(&chaos->choice, wakes ? one_wake_in : one_turn_in) != 0) {
        base->enqueue(rq, task);
        return;
    }
    task->late = 1 << random_below(&chaos->choice, 5);
    list_add_before(&chaos->late, &task->run_link);
    chaos->late_count++;
}

static void chaos_dequeue(struct run_queue *rq, struct task *task)
{
    if (task->late == 0) {
        base->dequeue(rq, task);
        return;
    }
    task->late = 0;
    list_del_init(&task->run_link);
    chaos_of[rq->id].late_count--;
}

/* A turn begins: the tasks whose time is over are late no longer. */
static void release_late(struct run_queue *rq, struct chaos *chaos)
{
    list_entry_t *pos = list_next(&chaos->late);

    while (pos != &chaos->late) {
        struct task *task = to_struct(pos, struct task, run_link);

        pos = list_next(pos);
        if (task->late > 1) {
            task->late--;
        } else {
            chaos_dequeue(rq, task);
            base->enqueue(rq, task);
        }
    }
}

/* The class's choice, or one of the two after it: who is passed over goes back into the queue,
   where the class puts it. If all who wait are late, the first of them. */
static struct task *chaos_pick_next(struct run_queue *rq)
{
    struct chaos *chaos = &chaos_of[rq->id];

    if (rq->id == this_cpu->id && this_cpu->timer_deadline > rdtime() + (shortest << 8))
        arm_early(chaos);
    release_late(rq, chaos);
    struct task *task = base->pick_next(rq);
    if (task == NULL)
        return list_empty(&chaos->late) ? NULL
            : to_struct(list_next(&chaos->late), struct task, run_link);
    if (rq->proc_num - chaos->late_count == 1)
        return task;
    for (uint32_t passed = random_below(&chaos->choice, 3); passed > 0; passed--) {
        base->dequeue(rq, task);
        base->enqueue(rq, task);
        task = base->pick_next(rq);
    }
    return task;
}

/* From the timer interrupt, whose handler has set the next tick. */
static void chaos_proc_tick(struct run_queue *rq, struct task *task)
{
    struct chaos *chaos = &chaos_of[rq->id];
    uint64_t now = rdtime();

    if (now < chaos->tick) {
        atomic_store(&task->need_resched, true);
    } else {
        chaos->tick = now + timer_tick_length();
        base->proc_tick(rq, task);
    }
    arm_early(chaos);
}

/* Where the last spinlock was given up, and interrupts are about to come on. They are still off, so
   the locks that schedule() takes do not lead here again. */
static void give_way_somewhere(void)
{
    struct run_queue *rq = this_rq();

    if (this_cpu->task != rq->idle && atomic_load(&rq->proc_num) > 0
        && random_below(&chaos_of[this_cpu->id].chance, one_unlock_in) == 0)
        schedule();
}

/* An interrupt costs time, on some machines more than lies between two ticks of a device: so the
   least time between two is what the firmware needs to set one, as measured here. */
static uint64_t time_to_arm(void)
{
    uint64_t least = UINT64_MAX;

    for (int i = 0; i < 4; i++) {
        uint64_t begin = rdtime();

        timer_arm(UINT64_MAX);
        if (rdtime() - begin < least)
            least = rdtime() - begin;
    }
    return least + 1;
}

const struct sched_class *chaos_init(uint32_t seed, const struct sched_class *class)
{
    uint64_t generator = generator_for(seed);

    base = class;
    first_seed = seed;
    one_unlock_in = 2 << random_below(&generator, 4);
    one_wake_in = 2 << random_below(&generator, 3);
    one_turn_in = 4 << random_below(&generator, 3);
    shortest = time_to_arm();
    chaos_class = (struct sched_class){
        .name = class->name,
        .init = chaos_queue_init,
        .enqueue = chaos_enqueue,
        .dequeue = chaos_dequeue,
        .pick_next = chaos_pick_next,
        .proc_tick = chaos_proc_tick,
    };
    irq_set_hook(give_way_somewhere);
    return &chaos_class;
}
