/* Condition variables of programs, step by step: who waits, who has the mutex, and what each is
   told, after a signal, at the end of the time, at a kill, and when the holder ends. It is about
   exercise 7.4.

   The test itself signals; threads wait. It knows that they sleep, and in which of the two queues,
   before it goes on; on one hart nobody runs between two of its steps.

   Alone: make grade GRADE=--all TEST=usync-condvar. */
#include <error.h>
#include <report.h>
#include <test/usync.h>

/* Each of them locks the mutex, waits, and unlocks it when it has come back. */
static struct actor first, second, third;

/* Start the first n of them, with limits of so many ticks. */
static void start_waiters(int n, uint64_t ticks)
{
    struct actor *all[] = { &first, &second, &third };

    usync_reset(0);
    for (int i = 0; i < n; i++) {
        all[i]->ticks = ticks;
        start_waiter(all[i]);
        check("a waiter sleeps in the condition variable's queue",
              falls_asleep(all[i], &test_condvar));
    }
    check_eq("the mutex is free while they wait", word, 0);
}

/* A signal wakes one, a broadcast all; each has the mutex when it comes back. The first two are for
   nobody, and must not be kept: else the first who comes would not wait. */
static void test_signal(void)
{
    usync_reset(0);
    sync_condvar_signal(&test_condvar);
    sync_condvar_broadcast(&test_condvar);
    start_waiters(3, 0);
    sync_condvar_signal(&test_condvar);
    end_actor(&first);
    check_eq("a signal wakes the one who has waited longest", first.result, 0);
    check_eq("he has the mutex", first.seen, first.pid);
    check_eq("and unlocks it", first.unlocked, 0);
    check("it wakes no other", falls_asleep(&second, &test_condvar)
          && falls_asleep(&third, &test_condvar));
    sync_condvar_broadcast(&test_condvar);
    check("a broadcast leaves nobody in the queue", list_empty(&test_condvar.queue.waiters));
    end_actor(&second);
    end_actor(&third);
    check("it wakes all", second.result == 0 && third.result == 0);
    check("each of them had the mutex", second.unlocked == 0 && third.unlocked == 0);
    check("in the order in which they came", second.order == 2 && third.order == 3);
    check_eq("the mutex is free at the end", word, 0);
}

/* The mutex is taken when the signal comes: the waiter waits for it. To be signalled is no reason
   to come back without the mutex, and a signal that has come must not be lost meanwhile. */
static void test_mutex_taken(void)
{
    start_waiters(1, 0);
    check("the mutex can be taken while he waits", fast_lock());
    sync_condvar_signal(&test_condvar);
    check("a signalled waiter waits for the mutex", falls_asleep(&first, &test_mutex));
    check_eq("it is unlocked", sync_mutex_unlock(&test_mutex), 0);
    end_actor(&first);
    check_eq("then he has it", first.unlocked, 0);
    check_eq("and was told 0", first.result, 0);
    start_waiters(1, 0);
    sync_mutex_lock(&test_mutex);
    sync_condvar_signal(&test_condvar);
    check("a signalled waiter waits for the mutex", falls_asleep(&first, &test_mutex));
    sync_mutex_give_up(&test_mutex);
    end_actor(&first);
    check_eq("he is told that its holder has ended", first.result, -E_KILLED);
    check_eq("and has the mutex", first.unlocked, 0);
}

/* The time is over before the signal. The end of the time is no reason to come back without the
   mutex: the program will unlock it. */
static void test_time(void)
{
    start_waiters(1, 3);
    end_actor(&first);
    check_eq("the time is over", first.result, -E_TIMEOUT);
    check_eq("who comes back has the mutex", first.unlocked, 0);
    check("he is not in the queue any more", list_empty(&test_condvar.queue.waiters));
    start_waiters(1, 3);
    check("the mutex is taken", fast_lock());
    check("after his time he waits for the mutex", falls_asleep(&first, &test_mutex));
    check_eq("it is unlocked", sync_mutex_unlock(&test_mutex), 0);
    end_actor(&first);
    check_eq("he was told of the time", first.result, -E_TIMEOUT);
    check_eq("and had the mutex", first.unlocked, 0);
    start_waiters(1, 1000);
    sync_condvar_signal(&test_condvar);
    end_actor(&first);
    check_eq("a signal in time", first.result, 0);
    check_eq("the mutex is free at the end", word, 0);
}

/* One is killed while he waits for the signal; or, when he has got it, for the mutex. Who is killed
   ends, so he needs no mutex; but a signal that he has got must not end with him. */
static void test_killed(void)
{
    start_waiters(2, 0);
    check("the mutex is taken", fast_lock());
    kill_actor(&first);
    end_actor(&first);
    check_eq("a kill ends the wait", first.result, -E_KILLED);
    check_eq("and he does not wait for the mutex", first.unlocked, -E_INVAL);
    check_eq("whose holder still has it", word & SYNC_PID, current->pid);
    sync_mutex_unlock(&test_mutex);
    sync_condvar_signal(&test_condvar);
    end_actor(&second);
    check_eq("the other one is woken", second.result, 0);
    start_waiters(2, 0);
    check("the mutex is taken", fast_lock());
    sync_condvar_signal(&test_condvar);
    check("the first has the signal", falls_asleep(&first, &test_mutex));
    kill_actor(&first);
    end_actor(&first);
    sync_mutex_unlock(&test_mutex);
    end_actor(&second);
    check_eq("a signal for one who is killed goes to another", second.result, 0);
    check_eq("the mutex is free at the end", word, 0);
}

/* Who does not have the mutex does not wait. */
static void test_not_held(void)
{
    usync_reset(0);
    check_eq("one must have the mutex",
             sync_condvar_wait(&test_condvar, &test_mutex, TIMER_NEVER), -E_INVAL);
    check_eq("and it stays as it was", word, 0);
    check("nobody waits", list_empty(&test_condvar.queue.waiters));
}

static void test_condvar_steps(void)
{
    test_signal();
    test_mutex_taken();
    test_time();
    test_killed();
    test_not_held();
}
SELFTEST("usync-condvar", test_condvar_steps);
