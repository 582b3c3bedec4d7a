/* Threads that a test commands: see actors.h.

   Each thread waits for a command, which is a function, calls it and waits for the next one. All of
   it is guarded by one lock, which nobody holds while a command runs. `done` is what the test sees:
   the command has returned.

   Nothing is reported here; a test that goes wrong here panics, and the message says why. */
#include <process/proc.h>
#include <sync/wait.h>
#include <test/actors.h>
#include <test/testlib.h>

#define MANY_TURNS  100000      /* far more than any test needs until its threads are at rest */
#define STALL_TURNS 200         /* while one is stopped the others come to rest */

static struct spinlock lock = SPINLOCK_INIT("actors", RANK_WAIT);
static struct wait_queue commands;

static struct actor {
    struct task *task;
    int (*what)(int number);
    /* The test writes `what`, and sets `done` to false; the thread sets it to true, with the
       result. */
    bool done;
    int result;
} actors[MAX_ACTORS];
static int count;

static struct task *stalled;        /* the thread to stop; NULL: none */
static int places;                  /* how many are left until it is stopped */

/* The thread of one actor. */
static __never_returns int actor_main(void *number)
{
    struct actor *self = &actors[(uintptr_t)number];

    spin_lock(&lock);
    for (;;) {
        self->task = this_cpu->task;
        while (self->done)
            wait_sleep(&commands, WT_MUTEX, "what the test says");
        spin_unlock(&lock);
        int result = self->what((uintptr_t)number);
        spin_lock(&lock);
        self->result = result;
        self->done = true;
    }
}

void actors_begin(int n)
{
    assert(n <= MAX_ACTORS);
    wait_queue_init(&commands, &lock);
    for (count = 0; count < n; count++) {
        actors[count].done = true;
        test_thread(actor_main, (void *)(uintptr_t)count);
        while (atomic_load(&actors[count].task) == NULL)
            schedule();
    }
    actors_settle();
}

void actor_do(int number, int (*what)(int number))
{
    spin_lock(&lock);
    if (!actors[number].done)
        panic("thread %d of the test has not come back from what it did before", number);
    actors[number].what = what;
    actors[number].done = false;
    wait_wake_all(&commands);
    spin_unlock(&lock);
}

bool actor_done(int number)
{
    spin_lock(&lock);
    bool done = actors[number].done;
    spin_unlock(&lock);
    return done;
}

int actor_result(int number)
{
    return actor_done(number) ? actors[number].result : -1;
}

bool actor_sleeps(int number)
{
    return atomic_load_acquire(&actors[number].task->state) == PROC_SLEEPING;
}

void actor_kill(int number)
{
    sched_kill(actors[number].task);
}

void actor_revive(int number)
{
    atomic_store(&actors[number].task->killed, false);
}

/* The hook of spinlocks: the thread to stop is here at one of its places. A place is where it gives
   back its last lock and interrupts come on: an interrupt could come there, and let others run. */
static void stall(void)
{
    if (this_cpu->task != stalled || --places != 0)
        return;
    for (int i = 0; i < STALL_TURNS; i++)
        schedule();
}

/* Whether the hook is asked is kept with each task while others run. So the threads have to be made
   by a task for which it is. */
void actors_can_stall(void)
{
    assert(cpu_count == 1 && count == 0);
    irq_set_hook(stall);
}

void actor_stall(int number, int n)
{
    stalled = actors[number].task;
    places = n;
}

/* All of them are seen asleep twice, and none of them has run in between: else one that was seen
   asleep first might have been woken by one that was seen last. */
void actors_settle(void)
{
    uint64_t last = 0;

    for (int turn = 0; turn < MANY_TURNS || cpu_count > 1; turn++) {
        uint64_t runs = 1;
        bool asleep = true;

        for (int i = 0; i < count; i++) {
            asleep &= actor_sleeps(i);
            runs += atomic_load(&actors[i].task->runs);
        }
        if (asleep && runs == last)
            return;
        last = asleep ? runs : 0;
        schedule();
    }
    panic("the threads of the test do not come to rest: one of them runs for ever");
}

bool actor_try(int number, int (*what)(int number))
{
    actor_do(number, what);
    actors_settle();
    return actor_done(number);
}
