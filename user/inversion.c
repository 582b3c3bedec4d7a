/* inversion: a process of a low priority has a mutex, one of a high priority waits for it, and
   others in between compute all the time. Under the stride scheduler the low one hardly runs beside
   them; so the kernel lends it the priority of the one who waits: challenge 7.C.

   What is counted is work, in units of some thousand instructions, and never time. The low one
   needs LONG units until it unlocks. How many do the others do meanwhile? With the high priority it
   has most of the hart; with its own it has a part in twenty-six, and they do as many times more.

   It is meant for one hart and sched=stride. */
#include <report.h>
#include <stdio.h>
#include <sync.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define HIGH        100
#define MIDDLE      25                      /* there are two of them */
#define LOW         2
#define LONG        400                     /* units; a turn has about a hundred */
#define A_WHILE     60                      /* ticks */

static int mutex, other_mutex, third_mutex, told_to_end;
static volatile long middle_work[2], low_work;
static volatile int stage;                  /* how many have what they were to have */
/* Of the scene that is played. No bool: gcc 12 forgets with its sanitizer that one is volatile, and
   reads it once. */
static volatile int over;

/* Some thousand instructions. */
static void work(void)
{
    for (volatile int i = 0; i < 200; i++)
        ;
}

static int compute(void *number)
{
    lab6_set_priority(MIDDLE);
    while (!over) {
        work();
        middle_work[(uintptr_t)number]++;
    }
    return 0;
}

static long others_have_done(void)
{
    return middle_work[0] + middle_work[1];
}

/* Take the mutex, say so, do the work and give it back; then work on without it. */
static int be_low(__not_used void *arg)
{
    lab6_set_priority(LOW);
    mutex_lock(mutex);
    stage++;
    for (long i = 0; i < LONG; i++)
        work();
    mutex_unlock(mutex);
    while (!over) {
        work();
        low_work++;
    }
    return 0;
}

/* In the middle of a chain: has one mutex and wants the next. */
static int be_linked(void *number)
{
    int own = number == NULL ? other_mutex : third_mutex;
    int next = number == NULL ? mutex : other_mutex;

    lab6_set_priority(LOW);
    mutex_lock(own);
    stage++;
    mutex_lock(next);
    mutex_unlock(next);
    mutex_unlock(own);
    return 0;
}

/* The low one has the mutex, and the others compute; in the next ticks it falls far behind. */
static void begin(int *threads)
{
    stage = 0;
    over = false;
    threads[0] = thread_create(be_low, NULL);
    while (stage < 1)
        sleep(1);
    for (uintptr_t i = 0; i < 2; i++)
        threads[1 + i] = thread_create(compute, (void *)i);
    sleep(20);
}

static void end(int *threads)
{
    over = true;
    for (int i = 0; i < 3; i++)
        thread_join(threads[i], NULL);
}

/* Is the low one low, while all three compute? It should have a part in twenty-six. */
static void check_is_low(const char *what)
{
    long low = low_work, others = others_have_done();

    sleep(A_WHILE);
    low = low_work - low;
    others = others_have_done() - others;
    cprintf("%s: %ld units of %ld\n", what, low, low + others);
    check(what, low * 8 < others);
}

/* The high one takes the mutex: the others do no more than twice the work that is waited for. */
static void take(const char *what, int which)
{
    long before = others_have_done();

    assert(mutex_lock(which) == 0);
    long done = others_have_done() - before;
    cprintf("%s: they did %ld units while it waited for %d\n", what, done, LONG);
    check(what, done < 2 * LONG);
    mutex_unlock(which);
}

static void test_direct(void)
{
    int threads[3];

    begin(threads);
    take("the high one is not kept waiting by those in between", mutex);
    check_is_low("who has unlocked has its low priority again");
    end(threads);
}

/* main waits for the third mutex, whose holder waits for the second, whose holder for the first. */
static void test_chain(void)
{
    int threads[3], first, second;

    begin(threads);
    first = thread_create(be_linked, NULL);
    while (stage < 2)
        sleep(1);
    second = thread_create(be_linked, &first);
    while (stage < 3)
        sleep(1);
    take("nor if there is a chain of three mutexes", third_mutex);
    thread_join(first, NULL);
    thread_join(second, NULL);
    check_is_low("all of the chain have their low priority again");
    end(threads);
}

/* A waiter with memory of its own; it has the mutex by fork. */
static int wait_high(void)
{
    int pid = fork();

    if (pid == 0) {
        mutex_lock(mutex);
        exit(0);
    }
    wait_until_asleep(pid, "mutex 1");
    return pid;
}

/* The one who waits is killed, so the low one has nothing of it any more. It computes on, with the
   mutex: for that it must not come to its end. */
static int be_low_for_ever(__not_used void *arg)
{
    lab6_set_priority(LOW);
    mutex_lock(mutex);
    stage++;
    while (!over) {
        work();
        low_work++;
    }
    return 0;
}

static void test_killed(void)
{
    int low, middle[2], code;

    stage = 0;
    over = false;
    low = thread_create(be_low_for_ever, NULL);
    while (stage < 1)
        sleep(1);
    for (uintptr_t i = 0; i < 2; i++)
        middle[i] = thread_create(compute, (void *)i);
    int waiter = wait_high();
    long before = low_work, others = others_have_done();
    sleep(A_WHILE);
    check("a process that waits counts as a thread does",
          low_work - before > others_have_done() - others);
    assert(kill(waiter) == 0 && waitpid(waiter, &code) == 0);
    check_is_low("who waited was killed: the holder is low again");
    over = true;
    for (int i = 0; i < 2; i++)
        thread_join(middle[i], NULL);
    thread_join(low, NULL);
    mutex_lock(mutex);
    mutex_unlock(mutex);
}

/* A process that does not have the mutex among its own: it counts until it is told to end. */
static int start_stranger(void)
{
    int pid = fork(), value = 0;

    if (pid != 0)
        return pid;
    lab6_set_priority(LOW);
    for (int units = 0;; units++) {
        work();
        sem_get_value(told_to_end, &value);
        if (value > 0)
            exit(units);
    }
}

static int lock_only(__not_used void *arg)
{
    return mutex_lock(mutex);
}

/* Somebody waits for the mutex, and the word has been overwritten. */
static int wait_in_vain(void)
{
    int waiter = thread_create(lock_only, NULL);
    char name[32];

    snprintf(name, sizeof(name), "mutex %d", mutex);
    wait_until_asleep(waiter, name);
    return waiter;
}

static void write_word(int value)
{
    *(volatile int *)sync_word_of(mutex) = value;
}

/* The word names a process that has nothing to do with the mutex: it is given nothing. */
static void test_stranger(void)
{
    int middle[2], stranger = start_stranger(), units;

    mutex = mutex_create();
    over = false;
    for (uintptr_t i = 0; i < 2; i++)
        middle[i] = thread_create(compute, (void *)i);
    mutex_lock(mutex);
    write_word(stranger);
    int waiter = wait_in_vain();
    long others = others_have_done();
    sleep(A_WHILE);
    others = others_have_done() - others;
    sem_post(told_to_end);
    waitpid(stranger, &units);
    cprintf("a stranger did %d units, and the others %ld\n", units, others);
    check("the word names a stranger: he is given nothing", units * 8L < others);
    over = true;
    kill(waiter);
    thread_join(waiter, NULL);
    for (int i = 0; i < 2; i++)
        thread_join(middle[i], NULL);
}

int main(void)
{
    lab6_set_priority(HIGH);
    mutex = mutex_create();
    other_mutex = mutex_create();
    third_mutex = mutex_create();
    told_to_end = sem_init(0);
    assert(mutex > 0 && other_mutex > 0 && third_mutex > 0 && told_to_end > 0);
    test_direct();
    test_chain();
    test_killed();
    test_stranger();
    return check_done();
}
