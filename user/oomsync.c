/* oomsync: a program that makes semaphores, a mutex and a condition variable, and whose children
   wait for them with limits of time. The self test "oom-sync" runs it with more and more memory,
   from none to enough, so that each allocation on its way fails once.

   oomsync [detect]          with "detect": detection of deadlocks is on

   A call may be refused for want of memory, and then its process ends with NO_MEMORY; or a process
   is killed at a page fault. All others must come to their ends: a mutex whose holder was killed is
   told to the next one, what is never signalled is over after its time, and the end of the program
   is 0 if all worked, else NO_MEMORY. Any other error is a panic. */
#include <error.h>
#include <string.h>
#include <sync.h>
#include <testing.h>
#include <ulib.h>

#define NO_MEMORY   55
#define SEMAPHORES  40              /* so many that their objects need several allocations */
#define CHILDREN    4
#define LIMIT       20              /* milliseconds */

static int sems[SEMAPHORES], mutex, condvar;
static volatile int pids[CHILDREN];

/* The result of a call, which may be short of memory. */
static int got(int result)
{
    if (result == -E_NO_MEM)
        exit(NO_MEMORY);
    return result;
}

/* The caller has the mutex, whatever became of the one before; or the program is wrong. */
static void has(int result, const char *what)
{
    got(result);
    if (result != 0 && result != -E_KILLED && result != -E_TIMEOUT)
        panic("%s gives %e", what, result);
}

/* What a child does: it waits for a unit, and for a signal; either comes, or the time is over. */
static int use_all(int i)
{
    int result = got(sem_wait_timeout(sems[i], LIMIT));

    if (result != 0 && result != -E_TIMEOUT)
        panic("sem_wait_timeout gives %e", result);
    has(mutex_lock(mutex), "mutex_lock");
    has(condvar_wait_timeout(condvar, mutex, LIMIT), "condvar_wait_timeout");
    if (mutex_unlock(mutex) != 0)
        panic("a child does not have the mutex after its wait");
    return result == 0 ? got(sem_post(sems[i])) : 0;
}

static void make_all(void)
{
    for (int i = 0; i < SEMAPHORES; i++)
        if ((sems[i] = got(sem_init(0))) < 0)
            panic("sem_init gives %e", sems[i]);
    if ((mutex = got(mutex_create())) < 0 || (condvar = got(condvar_create())) < 0)
        panic("no mutex, or no condition variable: %d %d", mutex, condvar);
}

/* The children wait for the units, and for a signal each. A unit need not be taken: a child may be
   killed before. */
static void serve(int children)
{
    for (int i = 0; i < children; i++)
        if (i % 2 == 0 && sem_post(sems[i]) != 0)
            panic("sem_post fails");
    for (int i = 0; i < children; i++) {
        has(mutex_lock(mutex), "mutex_lock");
        if (condvar_signal(condvar) != 0 || mutex_unlock(mutex) != 0)
            panic("a signal fails");
    }
}

/* Wait for them: 0 if each of them did all that it had to. */
static int ends_of(int children)
{
    int code, worst = 0;

    for (int i = 0; i < children; i++) {
        if (waitpid(pids[i], &code) != 0)
            panic("a child is gone");
        if (code != 0 && code != NO_MEMORY && code != -E_KILLED)
            panic("a child ended with %d", code);
        worst = code != 0 ? NO_MEMORY : worst;
    }
    return worst;
}

int main(int argc, char **argv)
{
    int children = 0;

    if (argc > 1 && strcmp(argv[1], "detect") == 0 && got(enable_deadlock_detect(1)) != 0)
        panic("detection cannot be asked for");
    make_all();
    for (; children < CHILDREN; children++) {
        int pid = fork();

        if (pid == 0)
            exit(use_all(children));
        if (pid < 0)
            break;
        pids[children] = pid;
    }
    serve(children);
    int worst = ends_of(children);
    return children == CHILDREN ? worst : NO_MEMORY;
}
