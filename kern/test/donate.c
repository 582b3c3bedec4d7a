/* Challenge 7.C: donated priorities, step by step.

   "donate" looks after each step with which priority each of the threads runs: one who waits,
   several, a chain, one who has several mutexes, waiters that are killed, holders that end,
   priorities that are set meanwhile, a child, a word that is rubbish, and circles. What must be so
   is in the head of kern/process/sync_donate.c: the highest of a thread's own priority and of those
   of all who wait for it, directly or along a chain.

   The test is initproc, and never sleeps in what it tests: threads do. On one hart nothing runs
   between two of its steps.

   Alone: make grade TEST=donate. */
#include <error.h>
#include <report.h>
#include <test/donate.h>

/* A check of one priority; a macro, so that a line of its own is told. */
#define runs_with(what, thread, priority)   check_eq(what, priority_of(thread), priority)

/* A mutex of a program has two halves: a word in the program's memory, with the pid of the holder,
   and an object in the kernel, with those who wait. Here the test has both, so it can also write
   into a word what no honest program writes. */
struct sync_object mutexes[MUTEXES];
uint32_t mutex_words[MUTEXES];
struct proc_struct *threads[THREADS];
static uint32_t told[THREADS];              /* what a thread shall do it with */

/* What the threads do. They have to do it themselves: a mutex is taken, and a priority is set, by
   the process that runs. */
static int do_enlist(int number)
{
    threads[number] = current;
    return 0;
}

static int do_lock(int number)
{
    return sync_mutex_lock(&mutexes[told[number]]);
}

static int do_unlock(int number)
{
    return sync_mutex_unlock(&mutexes[told[number]]);
}

/* What the kernel does with the mutexes of a process that ends: the next one gets it. Here the
   thread lives on, so that its priority can be looked at afterwards. */
static int do_give_up(int number)
{
    sync_mutex_give_up(&mutexes[told[number]]);
    return 0;
}

static int do_set_priority(int number)
{
    sched_set_priority(&current->task, told[number]);
    return 0;
}

void donate_reset_mutex(int mutex)
{
    sync_object_init(&mutexes[mutex], mutex, &mutex_words[mutex]);
    sync_object_open(&mutexes[mutex], SYNC_MUTEX, 0);
}

void donate_prepare(void)
{
    actors_begin(THREADS);
    for (int i = 0; i < THREADS; i++)
        assert(actor_try(i, do_enlist));
    for (int i = 0; i < MUTEXES; i++)
        donate_reset_mutex(i);
}

/* Let a thread do this with that, and say whether it has come back. */
static bool tell(int thread, int (*what)(int number), uint32_t with)
{
    told[thread] = with;
    return actor_try(thread, what);
}

bool thread_locks(int thread, int mutex)
{
    return tell(thread, do_lock, mutex);
}

bool thread_unlocks(int thread, int mutex)
{
    return tell(thread, do_unlock, mutex) && actor_result(thread) == 0;
}

void thread_gives_up(int thread, int mutex)
{
    tell(thread, do_give_up, mutex);
}

void thread_sets_priority(int thread, uint32_t priority)
{
    tell(thread, do_set_priority, priority);
}

void thread_is_killed(int thread)
{
    actor_kill(thread);
    actors_settle();
    assert(actor_done(thread) && actor_result(thread) == -E_KILLED);
    actor_revive(thread);
}

int mutex_holder(int mutex)
{
    for (int i = 0; i < THREADS; i++)
        if ((atomic_load(&mutex_words[mutex]) & SYNC_PID) == (uint32_t)threads[i]->pid)
            return i;
    return THREADS;
}

/* Thread i has the priority i + 1 from now on. No two are the same, so it can be seen from whom a
   priority has come. */
static void usual_priorities(void)
{
    for (int i = 0; i < THREADS; i++)
        thread_sets_priority(i, i + 1);
}

/* All that was locked is unlocked now, and nobody waits: so nothing may be left. A donation that
   was not taken back would stay for ever, and would also spoil the parts that follow. */
static void check_nothing_left(void)
{
    int others = 0;

    usual_priorities();
    for (int i = 0; i < THREADS; i++)
        others += priority_of(i) != (uint32_t)i + 1;
    check_eq("who has no mutex runs with his own priority (how many do not)", others, 0);
}

/* One holder, and others with lower and with higher priorities, who get the mutex in turn. At an
   unlock two things change at once: the old holder loses what it was given, and the new one is
   given what the others have who still wait. A kernel that does only one of them fails here. */
static void test_waiters(void)
{
    thread_sets_priority(1, 50);
    thread_sets_priority(2, 20);
    thread_sets_priority(3, 70);
    check("a free mutex is taken", thread_locks(0, 0));
    runs_with("who has a mutex, and nobody waits, has his own priority", 0, 1);
    check("one waits", !thread_locks(1, 0));
    runs_with("the holder has the priority of the one who waits", 0, 50);
    runs_with("who keeps his own", 1, 50);
    check("a lower one waits too", !thread_locks(2, 0));
    runs_with("the highest of both counts", 0, 50);
    check("a higher one waits too", !thread_locks(3, 0));
    runs_with("the holder has the new one's", 0, 70);
    check("the holder unlocks", thread_unlocks(0, 0));
    runs_with("and has his own priority again", 0, 1);
    runs_with("the next holder has that of the highest who waits still", 1, 70);
    check("he unlocks", thread_unlocks(1, 0));
    runs_with("and has his own again", 1, 50);
    runs_with("the next one has the highest", 2, 70);
    check("he unlocks", thread_unlocks(2, 0));
    runs_with("and has his own again", 2, 20);
    runs_with("the last one has his own", 3, 70);
    check("he unlocks", thread_unlocks(3, 0));
    check_nothing_left();
    check("one takes it", thread_locks(5, 0));
    check("a lower one waits", !thread_locks(2, 0));
    runs_with("a lower priority changes nothing", 5, 6);
    check("all unlock", thread_unlocks(5, 0) && thread_unlocks(2, 0));
    check_nothing_left();
}

/* Thread i has mutex i and waits for mutex i - 1, from 1 to 4; 5 comes last or before. It looks
   like this when all wait:

     5 --waits for--> mutex 4 of 4 --> mutex 3 of 3 --> ... --> mutex 1 of 1 --> mutex 0 of 0

   From the end means that 5 waits first: then each new link must carry on what is there already.
   Else 5 comes last, and what it gives must go through the whole chain. */
static void test_chain(bool from_the_end)
{
    for (int i = 0; i < 5; i++)
        check("each takes a mutex", thread_locks(i, i));
    if (from_the_end)
        check("the highest waits for the last one", !thread_locks(5, 4));
    for (int k = 1; k < 5; k++)
        check("each waits for the one before", !thread_locks(from_the_end ? 5 - k : k,
                                                             from_the_end ? 4 - k : k - 1));
    if (!from_the_end) {
        runs_with("the first of a chain has the highest priority of the chain", 0, 5);
        check("the highest waits for the last one", !thread_locks(5, 4));
    }
    for (int i = 0; i < 5; i++)
        runs_with("all of a chain have the priority of the last, who is the highest", i, 6);
    for (int i = 0; i < 5; i++) {
        check("the first one unlocks", thread_unlocks(i, i));
        runs_with("it has its own priority again", i, i + 1);
        if (i < 4) {
            runs_with("the rest of the chain keeps what it was given", i + 1, 6);
            check("the next one has both now", mutex_holder(i) == i + 1);
            check("and gives the first one back", thread_unlocks(i + 1, i));
            runs_with("it has the other still", i + 1, 6);
        }
    }
    check("the last one has it, and unlocks", thread_unlocks(5, 4));
    check_nothing_left();
}

/* One has four mutexes, and somebody waits for each. They go in an order in which the highest is
   neither the first nor the last: so a kernel that keeps only one number of what was given does not
   know what is left. */
static void test_several(void)
{
    for (int i = 0; i < 4; i++)
        check("one takes four mutexes", thread_locks(0, i));
    for (int i = 0; i < 4; i++)
        check("somebody waits for each", !thread_locks(i + 2, i));
    runs_with("the holder has the highest priority of all who wait", 0, 6);
    check("it unlocks one that a low one wants", thread_unlocks(0, 1));
    runs_with("and keeps the highest", 0, 6);
    check("it unlocks what the highest wants", thread_unlocks(0, 3));
    runs_with("and has the highest of the rest", 0, 5);
    runs_with("the other one has his own", 5, 6);
    check("it unlocks the next one", thread_unlocks(0, 2));
    runs_with("and has what is left", 0, 3);
    check("it unlocks the last one", thread_unlocks(0, 0));
    runs_with("and has its own", 0, 1);
    for (int i = 0; i < 4; i++)
        check("all unlock", thread_unlocks(i + 2, i));
    check_nothing_left();
}

/* Waiters that are killed: the highest, the only one, and in the middle of a chain. Who is killed
   leaves the queue without having had the mutex: no unlock takes back what it gave. */
static void test_goes(void)
{
    check("one takes a mutex", thread_locks(0, 0));
    check("two wait", !thread_locks(2, 0) && !thread_locks(5, 0));
    thread_is_killed(5);
    runs_with("the higher one is killed: the lower one counts", 0, 3);
    thread_is_killed(2);
    runs_with("the only one is killed: the holder has its own priority", 0, 1);
    check("it unlocks", thread_unlocks(0, 0));
    check_nothing_left();
    check("three have a mutex each", thread_locks(0, 0) && thread_locks(1, 1)
          && thread_locks(2, 2));
    check("and are a chain", !thread_locks(1, 0) && !thread_locks(2, 1) && !thread_locks(6, 2));
    runs_with("the first has the priority of the highest", 0, 7);
    thread_is_killed(6);
    runs_with("the highest is killed: the first has that of the next", 0, 3);
    runs_with("and so has the second", 1, 3);
    runs_with("the third has its own", 2, 3);
    check("another one waits", !thread_locks(7, 2));
    runs_with("it counts for all of the chain", 0, 8);
    thread_is_killed(1);
    runs_with("one in the middle is killed: the first has its own", 0, 1);
    runs_with("what it has, others still wait for", 1, 8);
    thread_gives_up(1, 1);
    runs_with("it gives that up as it ends, and has its own", 1, 2);
    runs_with("the next one has it, and the priority of who waits", 2, 8);
    check("all unlock", thread_unlocks(0, 0) && thread_unlocks(2, 1) && thread_unlocks(2, 2)
          && thread_unlocks(7, 2));
    check_nothing_left();
}

/* Own priorities change while others are donated. */
static int child_priority;

static int note_priority(__not_used void *arg)
{
    child_priority = current->task.lab6_priority;
    return 0;
}

static int do_make_child(__not_used int number)
{
    int code;

    return wait_child(test_thread(note_priority, NULL), &code) > 0 ? 0 : -1;
}

/* Priority 10 is set, 80, 20 and 30, while another one gives 60. A thread has two numbers, its own
   and what it was given: to set one must not change the other, and a child gets the first, because
   nobody waits for the child. */
static void test_own(void)
{
    thread_sets_priority(6, 60);
    check("one takes a mutex, one waits", thread_locks(0, 0) && !thread_locks(6, 0));
    thread_sets_priority(0, 10);
    runs_with("its own priority is set lower than the donated one: nothing changes", 0, 60);
    thread_sets_priority(0, 80);
    runs_with("it is set higher: that counts", 0, 80);
    thread_sets_priority(0, 20);
    runs_with("it is set lower again: the donated one counts", 0, 60);
    check("a child is made", actor_try(0, do_make_child) && actor_result(0) == 0);
    check_eq("the child has the own priority of its parent", child_priority, 20);
    thread_is_killed(6);
    runs_with("nobody waits: it has what was set last", 0, 20);
    check("one waits again", !thread_locks(6, 0));
    runs_with("it has the priority of that one", 0, 60);
    thread_sets_priority(0, 30);
    check("it unlocks", thread_unlocks(0, 0));
    runs_with("it has what was set meanwhile", 0, 30);
    check("the other one unlocks", thread_unlocks(6, 0));
    thread_sets_priority(3, 40);
    check("it takes one, one waits", thread_locks(3, 0) && !thread_locks(6, 0));
    check("it waits for another one", thread_locks(1, 1) && !thread_locks(3, 1));
    runs_with("what it was given goes on", 1, 60);
    thread_is_killed(6);
    runs_with("only its own goes on now", 1, 40);
    check("all unlock", thread_unlocks(1, 1) && thread_unlocks(3, 0) && thread_unlocks(3, 1));
    check_nothing_left();
}

/* The program writes into words while somebody waits, and their holder ends: the kernel does not
   find these mutexes among what it has. */
static uint32_t may_end;

static int hold_and_end(__not_used void *arg)
{
    sched_set_priority(&current->task, 1);
    if (sync_mutex_lock(&mutexes[0]) != 0 || sync_mutex_lock(&mutexes[1]) != 0)
        return 1;
    while (!atomic_load(&may_end))
        schedule();
    return 0;
}

/* A zombie is still there to be looked at. The holder has been given 7 when its words are wiped
   out: from the words alone nobody could say any more that it has these two mutexes. */
static void end_with_rubbish(void)
{
    int pid = test_thread(hold_and_end, NULL), code;

    while ((mutex_words[1] & SYNC_PID) != (uint32_t)pid)
        schedule();
    check("others wait", !thread_locks(4, 0) && !thread_locks(5, 1) && !thread_locks(6, 1));
    spin_lock(&proc_lock);
    struct proc_struct *holder = find_proc(pid);
    spin_unlock(&proc_lock);
    check_eq("it has the highest priority", holder->task.lab6_priority, 7);
    mutex_words[0] = mutex_words[1] = 0;
    atomic_store(&may_end, 1);
    while (atomic_load(&holder->task.state) != PROC_ZOMBIE)
        schedule();
    check_eq("when it has ended nobody gives it anything any more", holder->task.lab6_priority, 1);
    assert(wait_child(pid, &code) == pid && code == 0);
}

/* The words are the program's: the kernel finds holders by them, and must live with all. */
static void test_rubbish(void)
{
    check("one takes it, one waits", thread_locks(0, 0) && !thread_locks(4, 0));
    mutex_words[0] = threads[2]->pid;
    check("another one is in the word, one more waits", !thread_locks(5, 0));
    runs_with("the one of the word is given it", 2, 6);
    runs_with("who had it has his own priority", 0, 1);
    check("all unlock", thread_unlocks(2, 0) && thread_unlocks(4, 0) && thread_unlocks(5, 0));
    check_nothing_left();
    end_with_rubbish();
    check("another one takes what seems to be free", thread_locks(2, 0) && thread_locks(2, 1));
    check("one more waits", !thread_locks(7, 1));
    runs_with("the new holder has its priority, though an older holder was known", 2, 8);
    for (int i = 4; i < 8; i++)
        thread_is_killed(i);
    runs_with("nobody waits any more", 2, 3);
    /* This is a pid that nobody has: there is no holder to be given anything. */
    mutex_words[0] = SYNC_PID;
    check("one waits for somebody who is not there", !thread_locks(5, 0));
    thread_is_killed(5);
    mutex_words[0] = threads[2]->pid;
    check("it unlocks", thread_unlocks(2, 0) && thread_unlocks(2, 1));
    check_nothing_left();
}

/* A mutex is freed when nobody waits for it, and another one is made in its memory. What the kernel
   has kept of the old one must not lead to the new one, nor the other way. */
static void test_freed(void)
{
    check("one has two mutexes", thread_locks(0, 0) && thread_locks(0, 1));
    check("one waits for the first", !thread_locks(4, 0));
    thread_is_killed(4);
    donate_reset_mutex(0);
    check("another one has the new mutex, and a third one waits", thread_locks(5, 0)
          && !thread_locks(7, 0));
    runs_with("the holder of the new one is given that", 5, 8);
    check("one waits for the other mutex", !thread_locks(2, 1));
    runs_with("the holder of the freed one has nothing of it", 0, 3);
    check("all unlock", thread_unlocks(5, 0) && thread_unlocks(7, 0) && thread_unlocks(0, 1)
          && thread_unlocks(2, 1));
    check_nothing_left();
}

/* Thread 5 has mutex 2, for which 7 waits, and waits for mutex 0, which the test itself has. 7 is
   killed, and 5 is given mutex 0; then 7 runs before 5 does, and looks at it. */
static uint32_t seen;

static int do_lock_and_look(int number)
{
    int result = do_lock(number);

    seen = priority_of(5);
    return result;
}

/* All of that happens without 5 running in between. */
static void test_before_it_runs(void)
{
    check("the test takes a mutex", sync_mutex_lock(&mutexes[0]) == 0);
    check("one that has another one waits", thread_locks(5, 2) && !thread_locks(5, 0));
    check("one waits for that", !tell(7, do_lock_and_look, 2));
    runs_with("and gives it his priority", 5, 8);
    check_eq("and along the chain", current->task.lab6_priority, 8);
    actor_kill(7);
    check("the test unlocks", sync_mutex_unlock(&mutexes[0]) == 0);
    check_eq("and has nothing of it any more", current->task.lab6_priority, 1);
    actors_settle();
    assert(actor_done(7));
    actor_revive(7);
    check_eq("who has been given a mutex waits no more, though he has not run yet", seen, 6);
    check("he unlocks", thread_unlocks(5, 0) && thread_unlocks(5, 2));
    check_nothing_left();
}

/* Nobody in a circle ever runs; but the kernel does, and one of them can be killed. A kernel that
   follows a chain to its end does not come back from this one:

     6 --> mutex 1 of 1 --> mutex 2 of 2 --> mutex 0 of 0 --> mutex 1 of 1 --> ...
           7 ------------------^ */
static void test_circle(void)
{
    check("three have one each", thread_locks(0, 0) && thread_locks(1, 1) && thread_locks(2, 2));
    check("they wait in a circle", !thread_locks(0, 1) && !thread_locks(1, 2)
          && !thread_locks(2, 0));
    check("one outside waits", !thread_locks(6, 1));
    for (int i = 0; i < 3; i++)
        runs_with("all in a circle have the highest priority", i, 7);
    check("a higher one waits", !thread_locks(7, 2));
    for (int i = 0; i < 3; i++)
        runs_with("a higher one counts for all of them", i, 8);
    /* It waits no more, but has mutex 0 still. The circle is a chain now, from 1 over 2 to 0. */
    thread_is_killed(0);
    runs_with("one is killed, which the last one waits for", 0, 8);
    runs_with("nobody waits for the one after it but the one outside", 1, 7);
    runs_with("who gives that to the next one, as the higher one does", 2, 8);
    thread_is_killed(7);
    runs_with("the higher one is killed: the first has that of the other one outside", 0, 7);
    check("all unlock", thread_unlocks(0, 0) && thread_unlocks(2, 0) && thread_unlocks(2, 2)
          && thread_unlocks(1, 2) && thread_unlocks(1, 1) && thread_unlocks(6, 1));
    check_nothing_left();
    check("one has a mutex, and waits for itself", thread_locks(3, 3) && !thread_locks(3, 3));
    check("another one waits for it", !thread_locks(5, 3));
    runs_with("it has the priority of that one", 3, 6);
    thread_is_killed(3);
    runs_with("it waits for itself no more: so it does still", 3, 6);
    check("both unlock", thread_unlocks(3, 3) && thread_unlocks(5, 3));
    check_nothing_left();
}

/* After each part all have their own priorities, and no mutex is taken. */
static void test_steps(void)
{
    donate_prepare();
    usual_priorities();
    test_waiters();
    test_chain(false);
    test_chain(true);
    test_several();
    test_goes();
    test_own();
    test_rubbish();
    test_freed();
    test_before_it_runs();
    test_circle();
}
SELFTEST_AT(STAGE_INIT, "donate", test_steps);
