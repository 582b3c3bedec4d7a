/* A unit of a program's semaphore that is given to a process which is killed before it runs: it is
   not lost with that process. One more waits, or nobody does.

   The test gives and kills, and on one hart the thread that waits runs only when the test gives
   way: so both have happened when it wakes up. That it is told nothing else than -E_KILLED does not
   matter to a process, which ends, but it shows that it does not think to have the unit.

   Alone: make grade GRADE=--all TEST=usync-unit. */
#include <error.h>
#include <report.h>
#include <test/usync.h>

static struct sync_object sem;
static uint32_t sem_word;

static int act_take(void *arg)
{
    struct actor *actor = arg;

    actor->result = sync_sem_wait(&sem, TIMER_NEVER);
    atomic_store(&this_cpu->task->killed, false);
    return 0;
}

static void start_taker(struct actor *actor)
{
    *actor = (struct actor){ .result = 1 };
    actor->pid = test_thread(act_take, actor);
    check("who finds no unit sleeps", falls_asleep(actor, &sem));
}

/* Nobody else waits; another one does; the semaphore is closed meanwhile. */
static void test_unit(void)
{
    struct actor first, second;

    sync_object_init(&sem, 2, &sem_word);
    sync_object_open(&sem, SYNC_SEM, 0);
    start_taker(&first);
    sync_sem_post(&sem);
    check_eq("a unit that was given is not counted", sem.sem.value, 0);
    kill_actor(&first);
    end_actor(&first);
    check_eq("who is killed does not take it", first.result, -E_KILLED);
    check_eq("if nobody else waits it is kept", sem.sem.value, 1);
    check_eq("and can be taken", sync_sem_wait(&sem, TIMER_NEVER), 0);

    start_taker(&first);
    start_taker(&second);
    sync_sem_post(&sem);
    kill_actor(&first);
    end_actor(&first);
    end_actor(&second);
    check_eq("the next one who waits gets it", second.result, 0);
    check_eq("and it is not counted as well", sem.sem.value, 0);

    start_taker(&first);
    sync_sem_post(&sem);
    kill_actor(&first);
    sem_close(&sem.sem);
    end_actor(&first);
    check_eq("a closed one keeps nothing", sem.sem.value, -1);
}
SELFTEST("usync-unit", test_unit);
