/* Exercise 7.2: monitors with Hoare's signal.

   "monitor-signal" looks who is inside after each step of waiting and signalling; "monitor-kill"
   kills who waits, at each place where that is possible; "monitor-moments" stops one thread at each
   place where it can be stopped, while the others go on. "monitor-race" is a bounded buffer on four
   harts, whose users wait with `if`, as a Hoare monitor allows, while they are killed. A wrong
   kernel lets two in, lets somebody in between, or leaves somebody outside for ever.

   The test keeps a monitor of its own beside: who says that he is inside, and how often somebody
   said so while another one was. Threads do what the test tells them, see actors.h.

   Alone: make grade TEST="monitor-*". */
#include <debug/printk.h>
#include <error.h>
#include <report.h>
#include <sync/monitor.h>
#include <test/actors.h>
#include <test/testlib.h>

#define NOBODY      (-1)
#define CONDITIONS  2

static monitor_t monitor;
static condvar_t conditions[CONDITIONS];

/* The shadow. A thread is inside from the moment on at which a call has let it in, to the one at
   which it begins a call that may let others in. It is kept by the threads themselves, not read out
   of the monitor: so it also finds a kernel whose own numbers look right while two are in. */
static uint32_t inside;             /* atomic: the number of who is inside, plus 1; 0: nobody */
static uint32_t intruders;          /* atomic: how often one came in while another was inside */
static uint32_t ghosts;             /* atomic: how often one left who was not inside */

static void come_in(int number)
{
    if (!atomic_cas(&inside, 0, number + 1U))
        atomic_add(&intruders, 1);
}

static void go_out(int number)
{
    if (!atomic_cas(&inside, number + 1U, 0))
        atomic_add(&ghosts, 1);
}

/* Who is inside, when all is at rest; NOBODY if nobody is. */
static int who_is_inside(void)
{
    actors_settle();
    return (int)atomic_load(&inside) - 1;
}

/* What the threads are told to do. */
static int do_enter(int number)
{
    monitor_enter(&monitor);
    come_in(number);
    return 0;
}

static int do_leave(int number)
{
    go_out(number);
    monitor_leave(&monitor);
    return 0;
}

/* To wait and to signal both let others in, so the thread is out before the call, and in after
   it. */
static int wait_for(int number, condvar_t *condition)
{
    go_out(number);
    int result = cond_wait(condition);
    come_in(number);
    return result;
}

static int do_wait_0(int number)
{
    return wait_for(number, &conditions[0]);
}

static int do_wait_1(int number)
{
    return wait_for(number, &conditions[1]);
}

static int signal_to(int number, condvar_t *condition)
{
    go_out(number);
    cond_signal(condition);
    come_in(number);
    return 0;
}

static int do_signal_0(int number)
{
    return signal_to(number, &conditions[0]);
}

static int do_signal_1(int number)
{
    return signal_to(number, &conditions[1]);
}

/* A thread comes in and waits for condition 0, and has left the monitor by that. If it stayed
   inside as it waits nobody could ever signal. */
static void enter_and_wait(int number)
{
    check("who comes to a monitor that is free is inside", actor_try(number, do_enter));
    check("cond_wait() waits, and nobody is inside then",
          !actor_try(number, do_wait_0) && who_is_inside() == NOBODY);
}

/* All is as in a new monitor, and nobody was ever inside beside another one. A unit too many in the
   mutex would let two in later; a signal that was kept would end a wait to come; a count that was
   not taken back would let a signaller sleep for ever. */
static void check_at_rest(void)
{
    check_eq("in the end nobody is inside", who_is_inside(), NOBODY);
    check("the monitor is free, once", monitor.mutex.value == 1 && monitor.next.value == 0
          && monitor.next_count == 0);
    for (int i = 0; i < CONDITIONS; i++)
        check("nobody waits for a condition, and no signal is kept",
              conditions[i].count == 0 && conditions[i].sem.value == 0
              && list_empty(&conditions[i].sem.wait_queue.waiters));
    check_eq("two were inside (how often)", intruders, 0);
    check_eq("one went on without having been let in (how often)", ghosts, 0);
}

/* A signal hands the monitor over, and it comes back to who signalled before anybody else. That is
   what Hoare's signal promises: what was true when it was signalled is true when the other one goes
   on, because nobody was inside between. */
static void test_hand_over(void)
{
    enter_and_wait(0);
    actor_try(1, do_enter);
    check("who comes while one is inside waits", !actor_try(2, do_enter) && who_is_inside() == 1);
    check("cond_signal() waits, if somebody waits for it", !actor_try(1, do_signal_0));
    check_eq("who has waited is inside then, and not who comes from outside", who_is_inside(), 0);
    check("cond_wait() is 0", actor_done(0) && actor_result(0) == 0);
    actor_try(0, do_leave);
    check_eq("when he leaves the signaller is inside, and not who comes from outside",
             who_is_inside(), 1);
    check("cond_signal() has come back", actor_done(1) && !actor_done(2));
    actor_try(1, do_leave);
    check_eq("and then who came from outside", who_is_inside(), 2);
    actor_try(2, do_leave);
    check_at_rest();
}

/* A signal to nobody does nothing, now or later. A semaphore would keep it; a condition must
   not. */
static void test_no_waiter(void)
{
    actor_try(0, do_enter);
    check("a signal for which nobody waits comes back at once",
          actor_try(0, do_signal_0) && who_is_inside() == 0);
    actor_try(0, do_leave);
    enter_and_wait(1);              /* no signal was kept */
    actor_try(0, do_enter);
    check("a signal for another condition comes back at once",
          actor_try(0, do_signal_1) && who_is_inside() == 0 && !actor_done(1));
    actor_try(0, do_signal_0);
    actor_try(1, do_leave);
    actor_try(0, do_leave);
    check_at_rest();
}

/* Two wait for one condition: one signal is for one, the first. */
static void test_two_waiters(void)
{
    enter_and_wait(0);
    enter_and_wait(1);
    actor_try(2, do_enter);
    actor_try(2, do_signal_0);
    check_eq("a signal is for the first who waits", who_is_inside(), 0);
    actor_try(0, do_leave);
    check("and for him alone", who_is_inside() == 2 && !actor_done(1));
    actor_try(2, do_signal_0);
    check_eq("the next one is for the second", who_is_inside(), 1);
    /* Who was let in by a signal waits again, and so lets the signaller in. */
    check("he waits again: the signaller is inside",
          !actor_try(1, do_wait_1) && who_is_inside() == 2);
    actor_try(2, do_signal_1);
    actor_try(1, do_leave);
    actor_try(2, do_leave);
    check_at_rest();
}

/* One who was let in by a signal signals himself: two wait on `next`. Which of them comes first is
   not laid down, but both come before who waits outside. */
static void test_chain(void)
{
    enter_and_wait(0);
    actor_try(1, do_enter);
    actor_try(1, do_wait_1);
    actor_try(2, do_enter);
    actor_try(3, do_enter);         /* from outside; waits */
    actor_try(2, do_signal_0);
    check_eq("the first signal lets one in", who_is_inside(), 0);
    actor_try(0, do_signal_1);
    check_eq("his signal lets the next one in", who_is_inside(), 1);
    actor_try(1, do_leave);
    int next = who_is_inside();
    check("then one of the two signallers is inside", next == 2 || next == 0);
    if (next == 2 || next == 0) {
        actor_try(next, do_leave);
        check_eq("and then the other one", who_is_inside(), 2 - next);
        actor_try(2 - next, do_leave);
    }
    check_eq("at last who came from outside", who_is_inside(), 3);
    actor_try(3, do_leave);
    check_at_rest();
}

static void test_signal(void)
{
    monitor_init(&monitor, CONDITIONS, conditions);
    actors_begin(4);
    test_hand_over();
    test_no_waiter();
    test_two_waiters();
    test_chain();
}

/* If a thread has not come back from what it did before: it sleeps on mutex, on next or on a
   condition, and what should have woken it went elsewhere. print monitor in gdb tells. */
SELFTEST_AT(STAGE_INIT, "monitor-signal", test_signal);

/* A kill while the monitor is free: inside again, with an error. The caller of cond_wait() will
   leave the monitor, so it must have it, also when it is killed. */
static void test_kill_waiter(void)
{
    enter_and_wait(0);
    actor_kill(0);
    check_eq("who is killed while he waits is inside again", who_is_inside(), 0);
    check_eq("and cond_wait() tells it", actor_result(0), -E_KILLED);
    check("somebody else does not come in", !actor_try(1, do_enter) && who_is_inside() == 0);
    actor_try(0, do_leave);
    check_eq("before he leaves", who_is_inside(), 1);
    actor_try(1, do_leave);
    actor_revive(0);
    check_at_rest();
}

/* A kill while another one is inside: not before that one leaves. A signal is for nobody then.
   Between the kill and the moment when it comes in, it neither waits nor is inside: a signaller
   that counts it would wait for one who cannot come in. */
static void test_kill_while_busy(void)
{
    enter_and_wait(0);
    actor_try(1, do_enter);
    actor_kill(0);
    check("who is killed does not come in while another one is inside",
          who_is_inside() == 1 && !actor_done(0));
    check("a signal then is for nobody, and comes back",
          actor_try(1, do_signal_0) && who_is_inside() == 1);
    actor_try(1, do_leave);
    check_eq("who was killed comes in when it is free", who_is_inside(), 0);
    check_eq("with -E_KILLED", actor_result(0), -E_KILLED);
    actor_revive(0);
    actor_try(0, do_leave);
    check_at_rest();
    enter_and_wait(2);              /* the signal to nobody was not kept */
    actor_try(1, do_enter);
    actor_try(1, do_signal_0);
    check_eq("a later signal is for who waits then", who_is_inside(), 2);
    actor_try(2, do_leave);
    actor_try(1, do_leave);
    check_at_rest();
}

/* Two wait, the first is killed while another one is inside: the signal is for the second. */
static void test_kill_first_of_two(void)
{
    enter_and_wait(0);
    enter_and_wait(1);
    actor_try(2, do_enter);
    actor_kill(0);
    actors_settle();
    actor_try(2, do_signal_0);
    check_eq("a signal passes over who was killed", who_is_inside(), 1);
    actor_try(1, do_leave);
    check_eq("the signaller is inside", who_is_inside(), 2);
    actor_try(2, do_leave);
    check_eq("who was killed comes in by the door", who_is_inside(), 0);
    actor_revive(0);
    actor_try(0, do_leave);
    check_at_rest();
}

/* A kill does not end the wait of who signalled, nor that of who comes in. For them there is no
   error to be told: monitor_enter() and cond_signal() always end inside. */
static void test_kill_others(void)
{
    enter_and_wait(0);
    actor_try(1, do_enter);
    actor_try(1, do_signal_0);
    actor_try(2, do_enter);
    actor_kill(1);
    actor_kill(2);
    check("a kill lets neither the signaller in nor who comes from outside",
          who_is_inside() == 0 && !actor_done(1) && !actor_done(2));
    actor_try(0, do_leave);
    check_eq("the signaller comes in when it is his turn", who_is_inside(), 1);
    actor_revive(1);
    actor_revive(2);
    actor_try(1, do_leave);
    actor_try(2, do_leave);
    check_at_rest();
}

static void test_kill(void)
{
    monitor_init(&monitor, CONDITIONS, conditions);
    actors_begin(3);
    test_kill_waiter();
    test_kill_while_busy();
    test_kill_first_of_two();
    test_kill_others();
}

/* If the signaller sleeps on: it believed that somebody waited, and nobody did. */
SELFTEST_AT(STAGE_INIT, "monitor-kill", test_kill);

/* Three threads that come and go: one waits until it is ready, one makes it ready and signals, one
   only looks in. */
#define MOMENTS     24              /* more than one has places at which it can be stopped */

static bool ready;                  /* guarded by the monitor */

static int come_and_wait(int number)
{
    int result = 0;

    do_enter(number);
    if (!ready)
        result = wait_for(number, &conditions[0]);
    if (result == 0 && !ready)
        atomic_add(&ghosts, 1);
    do_leave(number);
    return result;
}

static int come_and_signal(int number)
{
    do_enter(number);
    ready = true;
    do_signal_0(number);
    return do_leave(number);
}

static int look_in(int number)
{
    do_enter(number);
    return do_leave(number);
}

/* Let others run for a while, but not as long as one is stopped. */
static void run_a_while(void)
{
    for (int i = 0; i < 20; i++)
        schedule();
}

/* The three, one of which is stopped on the way. All of them must come to their end. This finds
   what else needs luck: somebody who comes between two steps of another one. */
static bool three_end(int stopped, int moment, bool kill)
{
    ready = false;
    actor_stall(stopped, moment);
    actor_do(0, come_and_wait);
    run_a_while();
    actor_do(1, come_and_signal);
    run_a_while();
    if (kill)
        actor_kill(0);
    actor_do(2, look_in);
    actors_settle();
    bool ended = actor_done(0) && actor_done(1) && actor_done(2);

    actor_revive(0);
    return ended && (actor_result(0) == 0 || (kill && actor_result(0) == -E_KILLED));
}

/* Each of them, at each place; the others are stopped nowhere. One that has no more places is not
   stopped. The first that fails ends it: a thread sleeps then. */
static void test_moments(void)
{
    bool right = true;

    monitor_init(&monitor, CONDITIONS, conditions);
    actors_can_stall();
    actors_begin(3);
    for (int round = 0; right && round < 3 * MOMENTS * 2; round++) {
        int stopped = round / 2 % 3, moment = round / 6 + 1;

        right = three_end(stopped, moment, round % 2);
        if (!right)
            cprintf("thread %d was stopped at its place %d; %s killed\n", stopped, moment,
                    round % 2 ? "0 was" : "nobody was");
    }
    check("all come to their end, wherever one of them is stopped", right);
    check_at_rest();
}

/* The line before the check tells who was stopped: 0 waits, 1 signals, 2 comes from outside. At
   which place? actor_stall() counts them. */
SELFTEST_AT(STAGE_INIT, "monitor-moments", test_moments);

/* A buffer for three things; half of the threads put into it, half take out. They come in in the
   order of their numbers, and again in that order if nothing is between: so those who put come one
   after the other, and there are more of them than there is room. */
#define USERS       8
#define THINGS      300             /* of each */
#define ROOM        3

#define HAS_THINGS  (&conditions[0])
#define HAS_ROOM    (&conditions[1])

static int stored;                  /* guarded by the monitor, as are the next two */
static uint64_t put_in, taken_out;
static uint32_t broken;             /* atomic: how often what was signalled was not so */

/* Put a thing in, or take one out, if no kill comes. */
static bool use(int number, bool puts)
{
    int result = 0;

    do_enter(number);
    if (stored == (puts ? ROOM : 0))
        result = wait_for(number, puts ? HAS_ROOM : HAS_THINGS);
    if (result == 0) {
        /* Nobody was inside since the signal: so there is no need to look again. */
        if (puts ? stored >= ROOM : stored <= 0)
            atomic_add(&broken, 1);
        stored += puts ? 1 : -1;
        *(puts ? &put_in : &taken_out) += 1;
        if (number % 3 == 0)
            schedule();             /* others come and wait meanwhile */
        signal_to(number, puts ? HAS_THINGS : HAS_ROOM);
    }
    do_leave(number);
    actor_revive(number);
    return result == 0;
}

static int user(int number)
{
    for (int done = 0; done < THINGS; done += use(number, number < USERS / 2))
        ;
    return 0;
}

/* The test kills one of them now and then, until all have come back. If one never does, the
   grader's limit ends it. */
static void test_race(void)
{
    uint64_t seed = 5;
    int done = 0;

    monitor_init(&monitor, CONDITIONS, conditions);
    actors_begin(USERS);
    for (int i = 0; i < USERS; i++)
        actor_do(i, user);
    /* One that ends before its turn is found when its turn comes. */
    while (done < USERS) {
        if (test_random(&seed) % 8 == 0)
            actor_kill(test_random(&seed) % USERS);
        schedule();
        done += actor_done(done);
    }
    check_eq("who was signalled found that it was not so (how often)", broken, 0);
    check("nothing is lost", put_in == USERS / 2 * THINGS && taken_out == put_in && stored == 0);
    check_at_rest();
}

/* If it does not end: print monitor and conditions in gdb. Is somebody inside? */
SELFTEST_AT(STAGE_INIT, "monitor-race", test_race);
