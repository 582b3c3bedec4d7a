/* Challenge 7.C: donated priorities in any order of events.

   "donate-random" has threads that lock, unlock, set their own priorities, end and are killed, by
   chance. After each step a judge, which knows who has what and who waits for what, computes the
   priority of each from the definition alone, and compares. It is for boots with chaos=SEED: the
   seed chooses what happens, and who runs when.

   "donate-race" has threads on several harts that do the same all at once. Each knows one thing for
   sure at any time: while it has no mutex, it runs with its own priority. A record that is changed
   without a lock breaks, and the kernel with it.

   Alone: make grade TEST="donate-*". */
#include <error.h>
#include <report.h>
#include <test/donate.h>

#define STEPS   500
#define ROUNDS  3000
#define RACERS  6

static uint64_t random_state;
static bool has[THREADS][MUTEXES];
static int waits_for[THREADS];              /* a mutex; MUTEXES: none */
static uint32_t own[THREADS];

static uint32_t below(uint32_t n)
{
    return (test_random(&random_state) >> 16) % n;
}

/* Who waits for what is known by who has come back; who has what, by the words. */
static void look(void)
{
    for (int i = 0; i < THREADS; i++) {
        if (waits_for[i] < MUTEXES && actor_done(i))
            waits_for[i] = MUTEXES;
        for (int k = 0; k < MUTEXES; k++)
            has[i][k] = false;
    }
    for (int k = 0; k < MUTEXES; k++)
        if (mutex_holder(k) < THREADS)
            has[mutex_holder(k)][k] = true;
}

/* The definition: the highest of one's own and of those who wait for what one has. There are no
   circles, so after as many rounds as there are threads nothing changes any more. */
static void judge_priorities(uint32_t *right)
{
    for (int i = 0; i < THREADS; i++)
        right[i] = own[i];
    for (int round = 0; round < THREADS; round++)
        for (int i = 0; i < THREADS; i++)
            for (int k = 0; k < THREADS; k++)
                if (waits_for[k] < MUTEXES && has[i][waits_for[k]] && right[k] > right[i])
                    right[i] = right[k];
}

/* A thread takes mutexes in ascending order: so nobody waits in a circle. */
static void lock_some(int thread)
{
    int first = 0;

    for (int k = 0; k < MUTEXES; k++)
        if (has[thread][k])
            first = k + 1;
    if (first == MUTEXES)
        return;
    int mutex = first + below(MUTEXES - first);
    waits_for[thread] = mutex;
    thread_locks(thread, mutex);
}

/* As an unlock, or as the end of the thread. */
static void unlock_some(int thread, bool ends)
{
    int first = below(MUTEXES);

    for (int i = 0; i < MUTEXES; i++) {
        int mutex = (first + i) % MUTEXES;

        if (has[thread][mutex]) {
            if (ends)
                thread_gives_up(thread, mutex);
            else
                thread_unlocks(thread, mutex);
            return;
        }
    }
}

static void set_some(int thread)
{
    own[thread] = 1 + below(MAX_PRIORITY);
    thread_sets_priority(thread, own[thread]);
}

/* One step of one thread. Returns whether all priorities are right afterwards. */
static bool step(int thread)
{
    uint32_t dice = below(16), right[THREADS];

    if (waits_for[thread] < MUTEXES) {
        if (dice < 4)
            thread_is_killed(thread);
    } else if (dice < 8) {
        lock_some(thread);
    } else if (dice < 14) {
        unlock_some(thread, dice == 8);
    } else {
        set_some(thread);
    }
    look();
    judge_priorities(right);
    for (int i = 0; i < THREADS; i++)
        if (priority_of(i) != right[i]) {
            cprintf("thread %d runs with %u instead of %u\n", i, priority_of(i), right[i]);
            return false;
        }
    return true;
}

/* After the first mistake there is no next step: all that follows would be wrong too. */
static void test_random_steps(void)
{
    int steps = 0;

    random_state = 1 + rdtime();            /* with a seed the same in each run */
    donate_prepare();
    for (int i = 0; i < THREADS; i++) {
        waits_for[i] = MUTEXES;
        set_some(i);
    }
    while (steps < STEPS && step(below(THREADS)))
        steps++;
    check_eq("all run with the right priority (after so many steps)", steps, STEPS);
}
SELFTEST_AT(STAGE_INIT, "donate-random", test_random_steps);

/* Of "donate-race"; atomic. */
static uint32_t mistakes, not_own, racing;
static struct proc_struct *racer_of[RACERS];

/* Lock mutexes in ascending order from this one on, with chance; unlock them on the way back. A
   lock that was ended by a kill did not take the mutex. */
static void race_from(int mutex, uint64_t *random)
{
    if (mutex >= MUTEXES)
        return;
    int result = sync_mutex_lock(&mutexes[mutex]);
    bool taken = sync_mutex_held(&mutexes[mutex]);

    if (taken != (result == 0 || !atomic_load(&this_cpu->task->killed)))
        atomic_add(&mistakes, 1);
    atomic_store(&this_cpu->task->killed, false);
    race_from(mutex + 1 + (test_random(random) >> 16) % 3, random);
    if ((test_random(random) >> 16) % 4 == 0)
        schedule();
    if (taken && sync_mutex_unlock(&mutexes[mutex]) != 0)
        atomic_add(&mistakes, 1);
}

/* Set an own priority, lock and unlock, kill another one now and then. */
static int racer(void *arg)
{
    uint64_t random = (uintptr_t)arg + 1;

    atomic_store(&racer_of[(uintptr_t)arg], current);
    atomic_add(&racing, 1);
    while (atomic_load(&racing) < RACERS)
        schedule();
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t priority = 1 + (test_random(&random) >> 16) % MAX_PRIORITY;
        int victim = (test_random(&random) >> 16) % (4 * RACERS);

        sched_set_priority(&current->task, priority);
        race_from((test_random(&random) >> 16) % 2, &random);
        if (priority != atomic_load(&current->task.lab6_priority))
            atomic_add(&not_own, 1);
        if (victim < RACERS)
            sched_kill(&racer_of[victim]->task);
    }
    atomic_add(&racing, 1);
    while (atomic_load(&racing) < 2 * RACERS)       /* others may kill it still */
        schedule();
    atomic_store(&this_cpu->task->killed, false);
    return 0;
}

/* Where nothing is donated nothing can go wrong: so that is no pass. */
static void test_race(void)
{
    check("exercise 7.C is written, all of it", is_written("7.C"));
    for (int i = 0; i < MUTEXES; i++)
        donate_reset_mutex(i);
    test_threads(RACERS, racer);
    check_eq("who waits and is killed does not have the mutex; who has it can unlock it", mistakes,
             0);
    check_eq("who has no mutex runs with his own priority (how often not)", not_own, 0);
    for (int i = 0; i < MUTEXES; i++)
        check_eq("at the end each mutex is free", mutex_words[i] & ~SYNC_DIED, 0);
}
SELFTEST("donate-race", test_race);
