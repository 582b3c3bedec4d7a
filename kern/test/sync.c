/* Mutexes under contention, and wait queues: who wakes, in which order, and who does not.

   "mutex" has twelve threads count with a plain variable; "mutex-order" takes two at a time;
   "mutex-fair" has one thread take a mutex again and again while others wait; "wait-queue" wakes
   one, several and all; "wait-kill" kills a thread in a sleep that may be interrupted and in one
   that may not.

   They are about kern/sync, and belong to no exercise; all of it is assertions and panics. With
   several harts the threads really meet, with one they meet where they give way. A wrong kernel
   lets two threads in, forgets one that waits, or wakes one that should sleep on.

   Alone: make grade GRADE=--all TEST="mutex*", TEST="wait-queue*" or TEST="wait-kill*". */
#include <process/proc.h>
#include <sched/timer.h>
#include <sync/mutex.h>
#include <test/testlib.h>

/* More than the eight harts that a test has at most: some must wait for a hart, too. */
#define THREADS     12
#define ROUNDS      2000

/* What the threads want, and what only one of them may touch. */
static struct mutex mutex;
static uint64_t counter;                    /* plain: only the mutex protects it */
static struct task *inside;

/* Between lock and unlock only one thread may be. The counter is read before and written after a
   pause: a second thread that came in would make a count go lost. Sometimes the holder gives way,
   so that others pile up behind it. */
static int contender(void *number)
{
    uint64_t seed = 200 + (uintptr_t)number;

    for (int i = 0; i < ROUNDS; i++) {
        mutex_lock(&mutex);
        assert(mutex_held(&mutex));
        /* Two tests of the same thing: `inside` notices at once, the counter at the end. */
        if (inside != NULL)
            panic("two threads hold one mutex");
        /* Who is inside: the others see it, if they get in. */
        inside = this_cpu->task;

        uint64_t before = counter;

        /* Not each time: there must also be rounds in which nobody waits. */
        if (test_random(&seed) % 16 == 0)
            schedule();                     /* a holder may sleep; others come and wait */
        /* Some time inside, so that threads on other harts come meanwhile. */
        for (uint64_t n = test_random(&seed) % 64; n > 0; n--)
            cpu_relax();
        counter = before + 1;
        if (inside != this_cpu->task)
            panic("another thread came in while this one held the mutex");
        inside = NULL;
        mutex_unlock(&mutex);
        /* mutex_held() asks about the caller; another thread may have it by now. */
        assert(!mutex_held(&mutex));
    }
    return 0;
}

/* Nothing lost, nobody left behind, and the mutex free at the end. */
static void test_mutex(void)
{
    struct inventory before = inventory_take();

    mutex_init(&mutex, "test mutex", MUTEX_TEST_OUTER, 0);
    test_threads(THREADS, contender);
    assert_eq(counter, THREADS * ROUNDS);
    /* If somebody had not given it back, this would wait for ever. */
    mutex_lock(&mutex);                     /* it is free */
    mutex_unlock(&mutex);
    inventory_same(&before, "threads that share a mutex");
}

/* If it ends as a deadlock: somebody waits for a mutex that is free. If two are inside, the word
   was taken by two at once. */
SELFTEST("mutex", test_mutex);

/* Two of one rank, by their levels and then by their addresses, however they are named; and what a
   task holds, in whatever order they are given back. */
static struct mutex pair[2], parent, inner;

/* Half of the threads name the two in one order, half in the other: without a fixed order inside of
   mutex_lock_two() two of them would wait for each other. */
static int take_pair(void *number)
{
    int first = (uintptr_t)number % 2;

    for (int i = 0; i < ROUNDS; i++) {
        mutex_lock_two(&pair[first], &pair[!first]);
        /* Plain, as above: the pair guards it. */
        counter++;
        if (i % 8 == 0)
            schedule();
        mutex_unlock(&pair[first]);
        mutex_unlock(&pair[!first]);
    }
    return 0;
}

/* Then one by one: which of the two was taken first, and what the task's list of held mutexes says
   while they are given back in another order. The list is what the checks of rank look at. */
static void test_mutex_order(void)
{
    const struct task *self = this_cpu->task;

    mutex_init(&pair[0], "one of two", MUTEX_TEST_OUTER, 1);
    mutex_init(&pair[1], "other of two", MUTEX_TEST_OUTER, 1);
    mutex_init(&parent, "parent", MUTEX_TEST_OUTER, 0);
    mutex_init(&inner, "inner", MUTEX_TEST_INNER, 0);
    counter = 0;
    test_threads(THREADS, take_pair);       /* it would end as a deadlock */
    assert_eq(counter, THREADS * ROUNDS);
    /* In both orders of the arguments the same one is taken first. */
    for (int i = 0; i < 2; i++) {
        mutex_lock_two(&pair[i], &pair[!i]);
        assert(self->mutexes == &pair[1].hold && self->mutexes->below == &pair[0].hold);
        mutex_unlock(&pair[!i]);
        mutex_unlock(&pair[i]);
    }
    /* The level decides before the address: the parent is first, wherever it lies. */
    mutex_lock_two(&pair[0], &parent);
    mutex_lock(&inner);
    assert(self->mutexes->below == &pair[0].hold && pair[0].hold.below == &parent.hold);
    assert(mutex_holds_rank(MUTEX_TEST_OUTER) && mutex_holds_rank(MUTEX_TEST_INNER));
    /* A rank between the two that are held, of which none is. */
    assert(!mutex_holds_rank(MUTEX_MM));
    /* The one in the middle: the list must stay whole. */
    mutex_unlock(&pair[0]);
    assert(mutex_held(&parent) && mutex_held(&inner) && !mutex_held(&pair[0]));
    mutex_unlock(&parent);
    assert(!mutex_holds_rank(MUTEX_TEST_OUTER) && mutex_holds_rank(MUTEX_TEST_INNER));
    mutex_unlock(&inner);
    assert_eq(self->mutexes, NULL);
}

/* A deadlock here means that two threads took the pair in different order. */
SELFTEST("mutex-order", test_mutex_order);

#define PATIENT     3

static int had[PATIENT], had_count;         /* who had the mutex, in this order; guarded by it */

/* Waits for the mutex once, and notes when it had it. */
static int patient(void *number)
{
    mutex_lock(&mutex);
    had[had_count++] = (uintptr_t)number;
    mutex_unlock(&mutex);
    return 0;
}

/* How many wait, by the mutex's own list. */
static int mutex_waiters(void)
{
    int n = 0;

    /* The list changes under this lock only. */
    spin_lock(&mutex.lock);
    list_for_each(pos, &mutex.waiters)
        n++;
    spin_unlock(&mutex.lock);
    return n;
}

/* Give the mutex up, and take it again at once. If somebody had waited for a tick by then, he must
   have had it in between. True: nobody had it. */
static bool take_again(uint64_t since)
{
    bool must = rdtime() > since + timer_tick_length();
    int before = had_count;

    mutex_unlock(&mutex);
    mutex_lock(&mutex);
    /* After a tick the first of those who wait has a promise: nobody else may take the mutex. */
    if (must && had_count == before)
        panic("a thread waits for a mutex for more than a tick, and another one takes it");
    return had_count == before;
}

/* One thread that takes a mutex again and again keeps it from those who wait, for a tick; then they
   have it in the order in which they came. Until then nothing is handed over, which would cost two
   switches each time.

   In time from top to bottom, a tick being 10 ms:

       the test       has the mutex, gives it up, takes it again, ...
       patient 0      comes, and waits
       patient 1, 2   come, and wait behind it
       after a tick   the mutex is promised to patient 0: the test has to wait, too
       then           0, 1 and 2 have it, in this order */
static void test_mutex_fair(void)
{
    struct inventory before = inventory_take();
    int pids[PATIENT], again = 0;

    mutex_init(&mutex, "test mutex", MUTEX_TEST_OUTER, 0);
    mutex_lock(&mutex);
    for (int i = 0; i < PATIENT; i++) {
        /* The mutex is held, so each of them comes to wait. */
        pids[i] = test_thread(patient, (void *)(uintptr_t)i);
        /* Until it waits, so the order is known. */
        while (mutex_waiters() == i)
            schedule();
    }
    for (uint64_t since = rdtime(); had_count < PATIENT; schedule())
        again += take_again(since);
    mutex_unlock(&mutex);
    for (int i = 0; i < PATIENT; i++) {
        int code = -1;

        assert(wait_child(pids[i], &code) >= 0 && code == 0);
        /* In the order in which they came. */
        assert_eq(had[i], i);
    }
    /* Until the tick is over the mutex is taken again and again, without handing it over each
       time. */
    assert(cpu_count > 1 || again > 100);   /* with several, a busy host may have lost the tick */
    /* Free, nobody waits, nothing is promised. */
    assert_eq(mutex.state & ~MUTEX_ASK, 0);
    inventory_same(&before, "threads that wait for a mutex");
}

/* On a busy host QEMU may lose more than a tick at once, so with several harts less is asked. */
SELFTEST("mutex-fair", test_mutex_fair);

static struct spinlock lock = SPINLOCK_INIT("test queue", RANK_WAIT);
static struct wait_queue queue;

/* Guarded by lock. */
static int waiting, woken;
static int order[THREADS];

/* Waits once for the queue, and notes in which order it woke. */
static int waiter(void *number)
{
    spin_lock(&lock);
    waiting++;
    assert(wait_sleep(&queue, WT_MUTEX, "the test"));
    order[woken++] = (uintptr_t)number;
    waiting--;
    spin_unlock(&lock);
    return 0;
}

/* How many have woken, when all that were told to have had their time: two ticks are enough for all
   who were woken to run, and to come to rest. */
static int settled(void)
{
    int n;

    /* The test sleeps, so that even one hart is free for the others. */
    timer_sleep_until(rdtime() + 2 * timer_tick_length());
    spin_lock(&lock);
    n = woken;
    spin_unlock(&lock);
    return n;
}

/* One after the other, so that the order in which they came is known. */
static void start_waiters(int *pids)
{
    waiting = woken = 0;
    for (int i = 0; i < THREADS; i++) {
        pids[i] = test_thread(waiter, (void *)(uintptr_t)i);
        for (int have = 0; have <= i;) {            /* each waits before the next begins */
            schedule();
            spin_lock(&lock);
            have = waiting;
            spin_unlock(&lock);
        }
    }
}

/* All have woken, and the queue is empty. */
static void end_waiters(const int *pids)
{
    for (int i = 0; i < THREADS; i++) {
        int code = -1;

        assert(wait_child(pids[i], &code) >= 0 && code == 0);
    }
    assert_eq(woken, THREADS);
    assert(list_empty(&queue.waiters));
}

/* One at a time, in the order in which they came; two wake-ups at once wake two. A wake-up that
   finds nobody is not kept for later: the first waiter must sleep. */
static void test_wake_one(void)
{
    struct inventory before = inventory_take();
    int pids[THREADS];

    wait_queue_init(&queue, &lock);
    spin_lock(&lock);
    /* Neither call may leave something behind that wakes the first waiter too early. */
    wait_wake_one(&queue);                          /* nobody there: nothing happens */
    wait_wake_all(&queue);
    spin_unlock(&lock);
    start_waiters(pids);
    /* Nobody has woken them, so nobody is awake. */
    assert_eq(settled(), 0);
    /* One by one, with time to settle: exactly one more has woken each time. */
    for (int n = 1; n <= 4; n++) {
        spin_lock(&lock);
        wait_wake_one(&queue);
        spin_unlock(&lock);
        assert_eq(settled(), n);
    }
    spin_lock(&lock);
    /* Three at once, under one lock: none of the wake-ups may fall on a thread that was woken
       already. */
    for (int n = 0; n < 3; n++)
        wait_wake_one(&queue);
    spin_unlock(&lock);
    /* Four and three. */
    assert_eq(settled(), 7);
    /* The first four were woken one by one, so their order is known. */
    for (int i = 0; i < 4; i++)
        assert_eq(order[i], i);
    spin_lock(&lock);
    wait_wake_all(&queue);
    spin_unlock(&lock);
    end_waiters(pids);
    inventory_same(&before, "wait_wake_one");
}

/* A thread that was woken needs the lock to go on: so none has passed while the waker holds it. */
static void test_wake_all(void)
{
    struct inventory before = inventory_take();
    int pids[THREADS];

    wait_queue_init(&queue, &lock);
    start_waiters(pids);
    spin_lock(&lock);
    wait_wake_all(&queue);
    assert_eq(woken, 0);                            /* nobody gets in before the lock is free */
    spin_unlock(&lock);
    end_waiters(pids);
    inventory_same(&before, "wait_wake_all");
}

/* One, then all. */
static void test_wait_queue(void)
{
    test_wake_one();
    test_wake_all();
}

/* The number in the message is how many have woken. */
SELFTEST("wait-queue", test_wait_queue);

/* A task that is killed leaves a sleep that may be interrupted, and only that. wait_sleep() says
   which of the two it was; a task that is killed does not fall asleep again. */
static int kill_waiter(void *wait_state)
{
    bool interruptible = (uintptr_t)wait_state & WT_INTERRUPTED;

    spin_lock(&lock);
    waiting++;
    /* False: the sleep has ended by the kill, and nobody has woken it. */
    bool woken_up = wait_sleep(&queue, (uintptr_t)wait_state, "being killed");
    assert_eq(woken_up, !interruptible);
    woken++;
    /* A task that is to end has no time to wait any more. */
    if (interruptible)                              /* and does not even begin another one */
        assert(!wait_sleep(&queue, (uintptr_t)wait_state, "being killed"));
    spin_unlock(&lock);
    return 0;
}

/* Let a thread fall asleep, kill it, and look whether it woke. In the end it is woken in any
   case. */
static void kill_one(uint32_t wait_state)
{
    int code = -1;

    waiting = woken = 0;                            /* before another hart may run the thread */
    int pid = test_thread(kill_waiter, (void *)(uintptr_t)wait_state);

    assert_eq(settled(), 0);
    spin_lock(&proc_lock);
    /* By the process, as a kill comes; proc_lock keeps it from going away. */
    struct proc_struct *proc = find_proc(pid);
    assert(proc != NULL && waiting == 1);
    sched_kill(&proc->task);
    spin_unlock(&proc_lock);
    /* Killed while it sleeps: it wakes if it may, and sleeps on if not. */
    assert_eq(settled(), (wait_state & WT_INTERRUPTED) != 0);
    spin_lock(&lock);
    wait_wake_all(&queue);
    spin_unlock(&lock);
    assert(wait_child(pid, &code) >= 0 && code == 0);
    assert(list_empty(&queue.waiters));
}

/* A sleep of a mutex may not be interrupted, a wait for a child may. */
static void test_wait_kill(void)
{
    struct inventory before = inventory_take();

    wait_queue_init(&queue, &lock);
    kill_one(WT_MUTEX);
    kill_one(WT_CHILD);
    inventory_same(&before, "waiters that were killed");
}

/* If it does not end: the thread sleeps on, killed or not; look at its wait_state in gdb. */
SELFTEST("wait-kill", test_wait_kill);
