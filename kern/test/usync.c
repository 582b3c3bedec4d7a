/* Threads that use a mutex and a condition variable of programs: see usync.h. And the two tests for
   which one needs several harts: what can be wrong for some instructions only.

   "usync-race" has threads that lock and unlock by all ways that there are. A judge is asked at
   each step, by the one who has the mutex: that nobody else has it, that the word tells so, and
   that a holder's end was told to the next one, and to him only. "usync-moment" stops a waiter at
   the condition variable's lock, and looks at the mutex meanwhile: it must not be free before the
   waiter can be signalled. A lost wake-up ends the test by a deadlock, or by its limit. */
#include <error.h>
#include <report.h>
#include <sched/timer.h>
#include <test/usync.h>

#define THREADS     5
#define ROUNDS      1500
#define MOMENTS     20
#define PATIENCE    20000000

struct sync_object test_mutex, test_condvar;
uint32_t test_words[2];
/* The order in which they come back is the order in which they had the mutex. */
static int came_back;                   /* actors that did; atomic */

void usync_reset(uint32_t ask)
{
    sync_object_init(&test_mutex, 0, &test_words[0]);
    sync_object_init(&test_condvar, 1, &test_words[1]);
    sync_object_open(&test_mutex, SYNC_MUTEX, 0);
    test_mutex.ask = ask;
    word = ask;
    sync_object_open(&test_condvar, SYNC_CONDVAR, 0);
    came_back = 0;
}

/* A kill of the thread is taken back, because it goes on. */
static int finish(struct actor *actor)
{
    actor->seen = atomic_load(&word);
    actor->order = ++came_back;
    actor->unlocked = sync_mutex_unlock(&test_mutex);
    atomic_store(&this_cpu->task->killed, false);
    return 0;
}

static int act_lock(void *arg)
{
    struct actor *actor = arg;

    actor->result = sync_mutex_lock(&test_mutex);
    return finish(actor);
}

static int act_wait(void *arg)
{
    struct actor *actor = arg;
    uint64_t limit = actor->ticks * timer_tick_length();

    if (sync_mutex_lock(&test_mutex) != 0)
        panic("the mutex could not be locked");
    actor->result = sync_condvar_wait(&test_condvar, &test_mutex,
                                      limit != 0 ? rdtime() + limit : TIMER_NEVER);
    return finish(actor);
}

void start_locker(struct actor *actor)
{
    *actor = (struct actor){ .result = 1 };
    actor->pid = test_thread(act_lock, actor);
}

void start_waiter(struct actor *actor)
{
    *actor = (struct actor){ .result = 1, .ticks = actor->ticks };
    actor->pid = test_thread(act_wait, actor);
}

/* Does it sleep, and for this object? */
static bool sleeps_in(const struct actor *actor, const struct sync_object *object)
{
    bool sleeps = false;

    spin_lock(&proc_lock);
    struct proc_struct *proc = find_proc(actor->pid);
    if (proc != NULL && atomic_load(&proc->task.state) == PROC_SLEEPING)
        sleeps = proc->task.wait_what == object->name;
    spin_unlock(&proc_lock);
    return sleeps;
}

bool falls_asleep(const struct actor *actor, const struct sync_object *object)
{
    for (int i = 0; i < 40 && !sleeps_in(actor, object); i++)
        if (i < 20)
            schedule();
        else
            do_sleep(1);
    return sleeps_in(actor, object);
}

void kill_actor(const struct actor *actor)
{
    spin_lock(&proc_lock);
    sched_kill(&find_proc(actor->pid)->task);
    spin_unlock(&proc_lock);
}

void end_actor(const struct actor *actor)
{
    int code;

    assert(wait_child(actor->pid, &code) == actor->pid);
}

/* How far a test is. Of "usync-moment": 1 the waiter may begin, 2 it begins; of "usync-race": 1
   the program runs, 2 it is over. Atomic. */
static uint32_t stage;

/* Of "usync-race": who is inside, as the judge knows it; and whether the last holder gave the mutex
   up. Both are changed only by the one who has the mutex. */
static uint32_t inside, died;
static uint32_t mistakes[4];            /* atomic: by kind */

/* The caller has the mutex; `result` is what he was told. */
static void judge(int result)
{
    uint32_t self = current->pid;

    if (atomic_swap(&inside, self) != 0)
        atomic_add(&mistakes[0], 1);
    if ((atomic_load(&word) & SYNC_PID) != self)
        atomic_add(&mistakes[1], 1);
    if (result != (atomic_swap(&died, 0) ? -E_KILLED : 0))
        atomic_add(&mistakes[2], 1);
}

/* Lock and unlock by chance: as a program does it by itself, by the kernel, or by an end. */
static int racer(void *arg)
{
    uint64_t random = (uintptr_t)arg + 1;

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t dice = test_random(&random);
        int result = (dice & 1) && fast_lock() ? 0 : sync_mutex_lock(&test_mutex);

        judge(result);
        for (uint64_t n = dice >> 8 & 15; n > 0; n--)
            cpu_relax();
        if ((dice >> 16 & 15) == 0)
            schedule();
        bool give_up = (dice >> 24 & 7) == 0;
        atomic_store(&died, give_up);
        if (atomic_swap(&inside, 0) != (uint32_t)current->pid)
            atomic_add(&mistakes[0], 1);
        if (give_up)
            sync_mutex_give_up(&test_mutex);
        else if (!((dice & 2) && fast_unlock()) && sync_mutex_unlock(&test_mutex) != 0)
            atomic_add(&mistakes[3], 1);
    }
    return 0;
}

/* A program that locks and unlocks by itself all the time. It ends when it is told to, or when the
   mutex stays taken: then somebody waits for it who was forgotten, and nobody else will come. */
static int hurry(__not_used void *arg)
{
    atomic_store(&stage, 1);
    for (int failed = 0; atomic_load(&stage) == 1 && failed < PATIENCE; failed++) {
        if (!fast_lock())
            continue;
        failed = 0;
        if (!fast_unlock())
            sync_mutex_unlock(&test_mutex);
    }
    return 0;
}

/* The kernel looks at the word just when the program changes it. */
static void race_with_program(void)
{
    int pid, code;

    usync_reset(0);
    stage = 0;
    pid = test_thread(hurry, NULL);
    while (atomic_load(&stage) == 0)    /* it does not give way: this goes on on another hart */
        schedule();
    for (int i = 0; i < 4 * ROUNDS; i++) {
        judge(sync_mutex_lock(&test_mutex));
        atomic_store(&inside, 0);
        if (sync_mutex_unlock(&test_mutex) != 0)
            atomic_add(&mistakes[3], 1);
    }
    atomic_store(&stage, 2);
    assert(wait_child(pid, &code) == pid);
}

/* First one against one, as fast as it goes; then all against all. */
static void test_race(void)
{
    race_with_program();
    usync_reset(0);
    test_threads(THREADS, racer);
    check_eq("never do two have the mutex", mistakes[0], 0);
    check_eq("the word has the holder's pid as long as he has the mutex", mistakes[1], 0);
    check_eq("the end of a holder is told to the next one, and to him only", mistakes[2], 0);
    check_eq("who has the mutex can unlock it", mistakes[3], 0);
    check_eq("at the end it is free", word & ~SYNC_DIED, 0);
    check("and nobody waits", list_empty(&test_mutex.queue.waiters));
}
SELFTEST("usync-race", test_race);

/* It does not give way while it waits to begin: so the test runs on another hart then. */
static int moment_waiter(void *arg)
{
    struct actor *actor = arg;

    actor->result = sync_mutex_lock(&test_mutex);
    while (atomic_load(&stage) == 0)
        cpu_relax();
    atomic_store(&stage, 2);
    actor->result = sync_condvar_wait(&test_condvar, &test_mutex, TIMER_NEVER);
    return finish(actor);
}

/* One try: with the lock of the condition variable held, as a signaller holds it for a moment, the
   waiter of another hart begins to wait. Returns whether it did; *early: the mutex was free. */
static bool try_moment(struct actor *actor, bool *early)
{
    stage = 0;
    actor->pid = test_thread(moment_waiter, actor);
    while ((atomic_load(&word) & SYNC_PID) != (uint32_t)actor->pid)
        schedule();
    spin_lock(&test_condvar.lock);
    atomic_store(&stage, 1);
    for (int i = 0; i < PATIENCE && atomic_load(&stage) != 2; i++)
        cpu_relax();
    bool began = atomic_load(&stage) == 2;
    for (int i = 0; began && i < PATIENCE / 200; i++) {
        if ((atomic_load(&word) & SYNC_PID) != (uint32_t)actor->pid
            && list_empty(&test_condvar.queue.waiters))
            *early = true;
        cpu_relax();
    }
    spin_unlock(&test_condvar.lock);
    return began;
}

/* Each try begins with new objects; a waiter that is early need not be found in each of them. */
static void test_moment(void)
{
    struct actor actor = { .result = 1 };
    bool early = false;
    int began = 0, slept = 0;

    for (int i = 0; i < MOMENTS; i++) {
        usync_reset(0);
        began += try_moment(&actor, &early);
        slept += falls_asleep(&actor, &test_condvar);
        sync_condvar_broadcast(&test_condvar);
        end_actor(&actor);
    }
    assert_eq(began, MOMENTS);          /* else there is no verdict */
    check("the mutex is not free before the waiter can be signalled", !early);
    check_eq("then it sleeps until it is signalled", slept, MOMENTS);
}
SELFTEST("usync-moment", test_moment);
