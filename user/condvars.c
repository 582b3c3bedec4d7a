/* Condition variables between threads and between processes: a bounded buffer, a broadcast, limits
   of time, and waiters that are killed.

   The buffer is small and there are more threads than places, so all of them wait at some time: for
   a place, for an item, and for the mutex. Each item is taken once. Who waits looks again when he
   wakes up, because a signal promises nothing.

   What has no thread to wait for it is tried with a child, which knows the same objects. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <sync.h>
#include <thread.h>
#include <ulib.h>

#define PLACES      3
#define PAIRS       3
#define ITEMS       400         /* of each producer */

static int mutex, not_full, not_empty;
static int buffer[PLACES], items;
static int taken[PAIRS * ITEMS];

static int produce(void *arg)
{
    int first = (int)(uintptr_t)arg * ITEMS;

    for (int i = first; i < first + ITEMS; i++) {
        mutex_lock(mutex);
        while (items == PLACES)
            condvar_wait(not_full, mutex);
        buffer[items++] = i;
        condvar_signal(not_empty);
        mutex_unlock(mutex);
    }
    return 0;
}

static int consume(void *arg)
{
    (void)arg;
    for (int i = 0; i < ITEMS; i++) {
        mutex_lock(mutex);
        while (items == 0)
            condvar_wait(not_empty, mutex);
        taken[buffer[--items]]++;
        condvar_signal(not_full);
        mutex_unlock(mutex);
    }
    return 0;
}

static void test_buffer(void)
{
    int tid[2 * PAIRS], wrong = 0;

    for (int i = 0; i < PAIRS; i++) {
        tid[2 * i] = thread_create(consume, NULL);
        tid[2 * i + 1] = thread_create(produce, (void *)(uintptr_t)i);
    }
    for (int i = 0; i < 2 * PAIRS; i++)
        thread_join(tid[i], NULL);
    for (int i = 0; i < PAIRS * ITEMS; i++)
        wrong += taken[i] != 1;
    check_eq("each item was taken once", wrong, 0);
    check_eq("the buffer is empty", items, 0);
}

/* All wait for the gate; one opens it. */
static int waiting, passed, is_open;

static int pass_gate(void *arg)
{
    (void)arg;
    mutex_lock(mutex);
    waiting++;
    while (!is_open)
        condvar_wait(not_empty, mutex);
    passed++;
    return mutex_unlock(mutex);
}

static void test_gate(void)
{
    int tid[PAIRS], code, wrong = 0;

    for (int i = 0; i < PAIRS; i++)
        tid[i] = thread_create(pass_gate, NULL);
    while (__atomic_load_n(&waiting, __ATOMIC_RELAXED) < PAIRS)
        yield();
    mutex_lock(mutex);
    check_eq("the gate is closed: nobody has passed", passed, 0);
    is_open = 1;
    condvar_broadcast(not_empty);
    mutex_unlock(mutex);
    for (int i = 0; i < PAIRS; i++)
        if (thread_join(tid[i], &code) != 0 || code != 0)
            wrong++;
    check_eq("all have passed", passed, PAIRS);
    check_eq("and had the mutex", wrong, 0);
}

static void test_time(void)
{
    unsigned int begin = gettime_msec();

    check_eq("who does not have the mutex does not wait", condvar_wait(not_empty, mutex),
             -E_INVAL);
    check_eq("the mutex is locked", mutex_lock(mutex), 0);
    check_eq("nobody signals", condvar_wait_timeout(not_empty, mutex, 50), -E_TIMEOUT);
    unsigned int passed_time = gettime_msec() - begin;
    check("it waited so long", passed_time >= 50);
    check("and not much longer", passed_time < 200);
    check_eq("it has the mutex again", mutex_unlock(mutex), 0);
    check_eq("a mutex is no condition variable", condvar_signal(mutex), -E_INVAL);
    check_eq("and the other way round", mutex_lock(not_empty), -E_INVAL);
}

/* A child that waits is killed; its parent, who waits too, gets the next signal. */
static void test_killed(void)
{
    int pid = fork(), code = 0;

    if (pid == 0) {
        mutex_lock(mutex);
        exit(condvar_wait(not_empty, mutex));
    }
    sleep(2);
    check_eq("a child that waits does not have the mutex", mutex_lock(mutex), 0);
    check_eq("it is killed", kill(pid), 0);
    check_eq("and ends", waitpid(pid, &code), 0);
    check_eq("by the kill", code, -E_KILLED);
    pid = fork();
    if (pid == 0)
        exit(mutex_lock(mutex) ?: condvar_signal(not_empty) ?: mutex_unlock(mutex));
    check_eq("a signal of the next one comes here", condvar_wait(not_empty, mutex), 0);
    check_eq("with the mutex", mutex_unlock(mutex), 0);
    check_eq("it has ended", waitpid(pid, &code), 0);
    check_eq("as it should", code, 0);
}

int main(void)
{
    mutex = mutex_create();
    not_full = condvar_create();
    not_empty = condvar_create();
    check("the objects can be made", mutex >= 0 && not_full >= 0 && not_empty >= 0);
    test_buffer();
    test_gate();
    test_time();
    test_killed();
    return check_done();
}
