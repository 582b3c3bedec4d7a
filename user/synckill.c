/* synckill: a kill in every state in which a program may be that synchronises.

   It waits for a semaphore, a mutex or a condition, with and without a limit of time, or for the
   mutex behind a condition; it holds a mutex, and waits or not; or it is anywhere between. It is a
   thread, or a process. Each time the victim ends at once, others who wait get what it would have
   got, and whoever comes later finds all objects as they should be.

   A victim waits in front of another one, the heir, to whom its place in the queue falls. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <sync.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define LONG            1000000         /* milliseconds: a limit that does not come */
#define ROUNDS          30

static bool threads;
/* The main thread holds `mutex` while others wait for it; nobody has `door` for long. */
static int sem, mutex, condition, door, mark;

static int start(int (*body)(void *))
{
    int pid = threads ? thread_create(body, NULL) : fork();

    if (pid == 0)
        exit(body(NULL));
    if (pid < 0)
        panic("a victim cannot be started: %e", pid);
    return pid;
}

/* Its exit code, when it has ended. */
static int end_of(int pid)
{
    int code, error = threads ? thread_join(pid, &code) : waitpid(pid, &code);

    if (error != 0)
        panic("%d cannot be waited for: %e", pid, error);
    return code;
}

static int kill_it(int pid)
{
    assert(kill(pid) == 0);
    return end_of(pid);
}

/* Who is killed while he waits for a condition may have the mutex once more before he ends; so the
   next one is told of his end, and has the mutex. */
static int or_told(int result)
{
    return result == -E_KILLED ? 0 : result;
}

/* The ways to wait. Each gives 0 if it has got what it waited for. */
static int wait_for_sem(void *unused)
{
    (void)unused;
    return sem_wait(sem);
}

static int wait_for_sem_long(void *unused)
{
    (void)unused;
    return sem_wait_timeout(sem, LONG);
}

static int wait_for_mutex(void *unused)
{
    (void)unused;
    return or_told(mutex_lock(mutex)) ?: mutex_unlock(mutex);
}

static int wait_for_condition(void *unused)
{
    (void)unused;
    return or_told(mutex_lock(door)) ?: or_told(condvar_wait(condition, door))
           ?: mutex_unlock(door);
}

static int wait_for_condition_long(void *unused)
{
    (void)unused;
    return or_told(mutex_lock(door)) ?: or_told(condvar_wait_timeout(condition, door, LONG))
           ?: mutex_unlock(door);
}

/* And how the main thread ends the wait of the first. */
static void give_sem(void)
{
    assert(sem_post(sem) == 0);
}

static void give_mutex(void)
{
    assert(mutex_unlock(mutex) == 0);
}

static void give_condition(void)
{
    assert(condvar_signal(condition) == 0);
}

static const struct way {
    const char *what, *type;
    int *object;
    int (*wait)(void *);
    void (*give)(void);
} ways[] = {
    { "a semaphore", "semaphore", &sem, wait_for_sem, give_sem },
    { "a semaphore, with a limit", "semaphore", &sem, wait_for_sem_long, give_sem },
    { "a mutex", "mutex", &mutex, wait_for_mutex, give_mutex },
    { "a condition", "condition variable", &condition, wait_for_condition, give_condition },
    { "a condition, with a limit", "condition variable", &condition, wait_for_condition_long,
      give_condition },
};

/* Wait until a process waits for an object. */
static void until_it_waits(int pid, const char *type, int object)
{
    char what[32];

    snprintf(what, sizeof(what), "%s %d", type, object);
    wait_until_asleep(pid, what);
}

/* Nobody holds a mutex, or has ended with it untold, and nobody has left a unit. */
static bool all_is_free(void)
{
    return mutex_lock(mutex) == 0 && mutex_unlock(mutex) == 0
        && or_told(mutex_lock(door)) == 0 && mutex_unlock(door) == 0 && sem_units(sem) == 0;
}

/* Victim and heir both wait; the victim is killed, and what comes then is the heir's. */
static void kill_waiting(const struct way *way)
{
    assert(mutex_lock(mutex) == 0);
    int victim = start(way->wait);

    until_it_waits(victim, way->type, *way->object);
    int heir = start(way->wait);

    until_it_waits(heir, way->type, *way->object);
    int code = kill_it(victim);

    way->give();
    int inherited = end_of(heir);

    if (way->give != give_mutex)
        assert(mutex_unlock(mutex) == 0);
    check(way->what, code == -E_KILLED && inherited == 0 && all_is_free());
}

/* The victim is given what it waits for, and killed before it can use that, or perhaps while it
   does. A mutex is the heir's then. Of units and signals there is one more for him, because nobody
   can tell whether the victim has used its own. */
static void kill_served(const struct way *way)
{
    assert(mutex_lock(mutex) == 0);
    int victim = start(way->wait);

    until_it_waits(victim, way->type, *way->object);
    int heir = start(way->wait);

    until_it_waits(heir, way->type, *way->object);
    way->give();
    kill(victim);
    int code = end_of(victim);

    if (way->give != give_mutex) {
        assert(mutex_unlock(mutex) == 0);
        way->give();
    }
    int inherited = or_told(end_of(heir));

    while (sem_units(sem) > 0)
        assert(sem_wait(sem) == 0);
    check(way->what, (code == -E_KILLED || code == 0) && inherited == 0
                         && or_told(mutex_lock(mutex)) == 0 && mutex_unlock(mutex) == 0
                         && all_is_free());
}

/* The victim was given the signal already, and waits for the mutex. It is the heir's turn, who has
   waited behind it for the signal: it goes to him. */
static void kill_coming_back(void)
{
    int victim = start(wait_for_condition);

    until_it_waits(victim, "condition variable", condition);
    int heir = start(wait_for_condition);

    until_it_waits(heir, "condition variable", condition);
    assert(mutex_lock(door) == 0);
    give_condition();
    until_it_waits(victim, "mutex", door);
    int code = kill_it(victim);

    assert(mutex_unlock(door) == 0);
    int inherited = end_of(heir);

    check("the mutex behind a condition", code == -E_KILLED && inherited == 0 && all_is_free());
}

/* Ways to hold the mutex; `mark` is posted when the victim has it. */
static int hold_and_wait(void *unused)
{
    (void)unused;
    return mutex_lock(mutex) ?: sem_post(mark) ?: sem_wait(sem);
}

static int hold_and_wait_long(void *unused)
{
    (void)unused;
    return mutex_lock(mutex) ?: sem_post(mark) ?: sem_wait_timeout(sem, LONG);
}

static int hold_and_wait_for_condition(void *unused)
{
    (void)unused;
    return mutex_lock(mutex) ?: sem_post(mark) ?: wait_for_condition(NULL);
}

static int hold_and_lock(void *unused)
{
    (void)unused;
    return mutex_lock(mutex) ?: sem_post(mark) ?: mutex_lock(mutex);
}

static int hold_and_sleep(void *unused)
{
    (void)unused;
    return mutex_lock(mutex) ?: sem_post(mark) ?: sleep(LONG);
}

static int hold_and_run(void *unused)
{
    (void)unused;
    int error = mutex_lock(mutex) ?: sem_post(mark);

    while (error == 0)
        ;
    return error;
}

static int hold_and_fault(void *unused)
{
    (void)unused;
    int error = mutex_lock(mutex) ?: sem_post(mark) ?: sem_wait(sem);

    write_to(0);
    return error;
}

static int hold_and_end(void *unused)
{
    (void)unused;
    return mutex_lock(mutex) ?: sem_post(mark) ?: sem_wait(sem) ?: -E_KILLED;
}

/* Lock a mutex whose holder has ended; 0 if that is told. */
static int inherit(void *unused)
{
    (void)unused;
    return mutex_lock(mutex) == -E_KILLED ? mutex_unlock(mutex) : 1;
}

/* The holder ends: by a kill, or if it is asked to, by itself. Who waits for the mutex has it then,
   and is told; or if nobody waits, who comes next. */
static void end_holding(const char *what, int (*hold)(void *), bool by_itself, bool waited_for)
{
    int victim = start(hold), heir = 0;

    assert(sem_wait(mark) == 0);
    if (waited_for) {
        heir = start(inherit);
        until_it_waits(heir, "mutex", mutex);
    }
    if (by_itself)
        give_sem();
    int code = by_itself ? end_of(victim) : kill_it(victim);

    if (!waited_for)
        heir = start(inherit);
    int inherited = end_of(heir);

    check(what, code == -E_KILLED && inherited == 0 && all_is_free());
}

static void kill_holding(bool waited_for)
{
    end_holding("holding, and waiting", hold_and_wait, false, waited_for);
    end_holding("holding, and waiting with a limit", hold_and_wait_long, false, waited_for);
    end_holding("holding, and waiting for a condition", hold_and_wait_for_condition, false,
                waited_for);
    end_holding("holding, and sleeping", hold_and_sleep, false, waited_for);
    end_holding("holding, and running", hold_and_run, false, waited_for);
    end_holding("holding, and wanting it once more", hold_and_lock, false, waited_for);
    end_holding("holding, and a page fault", hold_and_fault, true, waited_for);
    end_holding("holding, and the end of the program", hold_and_end, true, waited_for);
}

/* Use everything, for ever. Of three of them one may wait for what another one gives. */
static int use_all(void *unused)
{
    int error;

    (void)unused;
    do {
        error = or_told(mutex_lock(mutex)) ?: condvar_signal(condition);
        if (error == 0)
            error = or_told(condvar_wait_timeout(condition, mutex, 10));
        if (error == -E_TIMEOUT)
            error = 0;
        error = error ?: mutex_unlock(mutex) ?: sem_post(sem);
        if (error == 0)
            error = sem_wait_timeout(sem, 10);
    } while (error == 0 || error == -E_TIMEOUT);
    return error;
}

/* What three leave that were killed anywhere. A unit may be too many or not: who was killed between
   post and wait has taken none. */
static bool clean_up(void)
{
    if (or_told(mutex_lock(mutex)) != 0 || mutex_unlock(mutex) != 0 || sem_units(sem) > 3)
        return false;
    while (sem_units(sem) > 0)
        assert(sem_wait(sem) == 0);
    return true;
}

static void kill_between(void)
{
    bool right = true;

    for (int round = 0; round < ROUNDS; round++) {
        int pids[3];

        for (int i = 0; i < 3; i++)
            pids[i] = start(use_all);
        yield_often(round * 3);
        for (int i = 0; i < 3; i++)
            right = kill_it(pids[i]) == -E_KILLED && right;
        right = clean_up() && right;
    }
    check("anywhere between", right && all_is_free());
}

int main(void)
{
    sem = sem_init(0);
    mark = sem_init(0);
    mutex = mutex_create();
    door = mutex_create();
    condition = condvar_create();
    assert(sem > 0 && mark > 0 && mutex > 0 && door > 0 && condition > 0);
    for (int kind = 0; kind < 2; kind++) {
        threads = kind == 0;
        cprintf("%s are killed that wait for, or are:\n", threads ? "threads" : "processes");
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
            kill_waiting(&ways[i]);
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
            kill_served(&ways[i]);
        kill_coming_back();
        kill_holding(false);
        kill_holding(true);
        kill_between();
    }
    check_eq("nobody is left", waitpid(0, NULL), -E_BAD_PROC);
    return check_done();
}
