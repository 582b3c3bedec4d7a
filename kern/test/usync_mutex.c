/* Mutexes of programs, step by step: after each the word must be what the table in sync_mutex.c
   says, and the right one must have the mutex. It is about exercise 7.4.

   The test itself is one of those who lock; others are threads, of which it knows that they sleep
   before it goes on. On one hart nobody runs between two of its steps, so a mutex that is free for
   a moment in which it must be handed over is seen here.

   Alone: make grade GRADE=--all TEST=usync-mutex. */
#include <error.h>
#include <report.h>
#include <test/usync.h>

static uint32_t self;                   /* the test's own pid */

/* Nobody else is there. A program locks and unlocks by itself as long as nobody waits (fast_lock(),
   fast_unlock()), so what the kernel leaves in the word must be what these expect. */
static void test_alone(void)
{
    usync_reset(0);
    check_eq("a free mutex can be locked", sync_mutex_lock(&test_mutex), 0);
    check_eq("the word is the pid of its holder, and nothing else", word, self);
    check_eq("the holder unlocks it", sync_mutex_unlock(&test_mutex), 0);
    check_eq("its word is 0 then", word, 0);
    check_eq("who does not have it cannot unlock it", sync_mutex_unlock(&test_mutex), -E_INVAL);
    check_eq("and that changes nothing", word, 0);
    check("a program can take it by itself", fast_lock());
    check_eq("and the kernel take it back", sync_mutex_unlock(&test_mutex), 0);
    word = self | SYNC_WAITERS;
    check_eq("if nobody waits, WAITERS does not matter", sync_mutex_unlock(&test_mutex), 0);
    check_eq("and does not stay", word, 0);
    usync_reset(SYNC_ASK);
    check_eq("one with ASK can be locked", sync_mutex_lock(&test_mutex), 0);
    check_eq("ASK stays in the word of a holder", word, SYNC_ASK | self);
    check_eq("it is unlocked", sync_mutex_unlock(&test_mutex), 0);
    check_eq("ASK stays in the word of a free mutex", word, SYNC_ASK);
}

/* Two wait, and get it in their order. The word goes through these values, with ASK in each of them
   if it was there:

     0 --> test --> test, WAITERS --> first, WAITERS --> second --> 0 */
static void test_queue(uint32_t ask)
{
    struct actor first, second;

    usync_reset(ask);
    check_eq("the mutex is locked", sync_mutex_lock(&test_mutex), 0);
    start_locker(&first);
    check("one who finds it taken sleeps", falls_asleep(&first, &test_mutex));
    check_eq("the word says that one waits", word, ask | SYNC_WAITERS | self);
    check("so the holder cannot unlock it by itself", !fast_unlock());
    start_locker(&second);
    check("a second one sleeps too", falls_asleep(&second, &test_mutex));
    check_eq("it is unlocked", sync_mutex_unlock(&test_mutex), 0);
    check_eq("it is never free in between: the first has it, the second waits", word,
             ask | SYNC_WAITERS | (uint32_t)first.pid);
    check_eq("its former holder cannot unlock it again", sync_mutex_unlock(&test_mutex), -E_INVAL);
    end_actor(&first);
    end_actor(&second);
    check_eq("the first was told 0", first.result, 0);
    check_eq("the second was told 0", second.result, 0);
    check("they had it in the order in which they came", first.order == 1 && second.order == 2);
    check_eq("the second saw its own pid, and that nobody waits", second.seen,
             ask | (uint32_t)second.pid);
    check("both could unlock it", first.unlocked == 0 && second.unlocked == 0);
    check_eq("it is free at the end", word, ask);
    check("nobody waits", list_empty(&test_mutex.queue.waiters));
}

/* A holder ends. What the mutex guards may be half changed then: so the next one is told, once. A
   program that took it by itself would not hear of it. */
static void test_died(void)
{
    struct actor first, second;

    usync_reset(0);
    sync_mutex_lock(&test_mutex);
    sync_mutex_give_up(&test_mutex);
    check("a mutex whose holder has ended is nobody's", (word & SYNC_PID) == 0);
    check("a program does not take it without being told", !fast_lock());
    check_eq("the next one is told", sync_mutex_lock(&test_mutex), -E_KILLED);
    check_eq("and has it", word, self);
    check_eq("and unlocks it", sync_mutex_unlock(&test_mutex), 0);
    check_eq("the next but one is not told", sync_mutex_lock(&test_mutex), 0);
    start_locker(&first);
    check("one waits", falls_asleep(&first, &test_mutex));
    start_locker(&second);
    check("another one waits", falls_asleep(&second, &test_mutex));
    sync_mutex_give_up(&test_mutex);
    check_eq("the first waiter has it", word, SYNC_WAITERS | (uint32_t)first.pid);
    sync_mutex_give_up(&test_mutex);
    check_eq("who does not have it cannot give it up", word, SYNC_WAITERS | (uint32_t)first.pid);
    end_actor(&first);
    end_actor(&second);
    check_eq("the waiter is told that the holder has ended", first.result, -E_KILLED);
    check_eq("it could unlock it", first.unlocked, 0);
    check_eq("the next waiter is not told", second.result, 0);
    check_eq("it is free at the end", word, 0);
}

/* One is killed while he waits. A mutex that is given to one who does not come any more would be
   locked for ever. */
static void test_killed(void)
{
    struct actor first, second;

    usync_reset(0);
    sync_mutex_lock(&test_mutex);
    start_locker(&first);
    check("one waits", falls_asleep(&first, &test_mutex));
    start_locker(&second);
    check("another one waits", falls_asleep(&second, &test_mutex));
    kill_actor(&first);
    end_actor(&first);
    check_eq("a kill ends the wait", first.result, -E_KILLED);
    check_eq("who was killed does not have it", first.unlocked, -E_INVAL);
    check_eq("its holder has it still", word & SYNC_PID, self);
    check_eq("it is unlocked", sync_mutex_unlock(&test_mutex), 0);
    check_eq("and is the other's", word, second.pid);
    kill_actor(&second);
    end_actor(&second);
    check_eq("what was given wins over a kill that comes later", second.result, 0);
    check_eq("so it has it", second.unlocked, 0);
    sync_mutex_lock(&test_mutex);
    start_locker(&first);
    check("one waits", falls_asleep(&first, &test_mutex));
    kill_actor(&first);
    end_actor(&first);
    check_eq("the only waiter was killed: it is unlocked", sync_mutex_unlock(&test_mutex), 0);
    check_eq("and free", word, 0);
}

/* A program writes into the word what it likes. Who waits must not be forgotten. The kernel knows
   by its own queue that one waits, not by the word. */
static void test_rubbish(void)
{
    struct actor first;

    usync_reset(0);
    sync_mutex_lock(&test_mutex);
    start_locker(&first);
    check("one waits", falls_asleep(&first, &test_mutex));
    word = 0;
    check_eq("the word was cleared by the program: nobody has it", sync_mutex_unlock(&test_mutex),
             -E_INVAL);
    check_eq("so it can be locked", sync_mutex_lock(&test_mutex), 0);
    check_eq("and one still waits", word, SYNC_WAITERS | self);
    check_eq("it is unlocked", sync_mutex_unlock(&test_mutex), 0);
    check_eq("the waiter has it", word, first.pid);
    end_actor(&first);
    check_eq("and was told 0", first.result, 0);
    check_eq("it is free at the end", word, 0);
}

static void test_mutex_steps(void)
{
    self = current->pid;
    test_alone();
    test_queue(0);
    test_queue(SYNC_ASK);
    test_died();
    test_killed();
    test_rubbish();
}
SELFTEST("usync-mutex", test_mutex_steps);
