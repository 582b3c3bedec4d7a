/* Mutexes between threads and between processes: a counter that loses nothing, holders that end in
   each way there is, waiters that are killed, and what fork and exec mean for a mutex.

     mutexes              all of it
     mutexes sleeper      only for the test itself, which becomes this program by exec: it
                          knows no mutex of its former life

   Whoever is told -E_KILLED has the mutex, and unlocks it. The last lines look at the whole family:
   nobody is left asleep. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <thread.h>
#include <ulib.h>

#define ADDERS  4
#define ROUNDS  1000

static int mutex, counter;

/* Every now and then it gives way with the mutex held, so that others must wait. */
static int add(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        if (mutex_lock(mutex) != 0)
            return 1;
        int before = counter;
        if (i % 64 == 0)
            yield();
        counter = before + 1;
        if (mutex_unlock(mutex) != 0)
            return 2;
    }
    return 0;
}

static void test_counter(void)
{
    int tid[ADDERS], code, wrong = 0;

    for (int i = 0; i < ADDERS; i++)
        tid[i] = thread_create(add, NULL);
    for (int i = 0; i < ADDERS; i++)
        if (thread_join(tid[i], &code) != 0 || code != 0)
            wrong++;
    check_eq("each lock and unlock succeeds", wrong, 0);
    check_eq("no addition is lost", counter, ADDERS * ROUNDS);
}

/* Run fn in a child until it has ended, or for kill until it sleeps. Its exit code. */
static int in_child(void (*fn)(void), bool end_it)
{
    int pid = fork(), code = 0;

    if (pid == 0) {
        fn();
        exit(0);
    }
    if (end_it) {
        sleep(3);
        check_eq("a child that waits or holds can be killed", kill(pid), 0);
    }
    check_eq("the child has ended", waitpid(pid, &code), 0);
    return code;
}

static void lock_and_end(void)
{
    exit(mutex_lock(mutex));
}

static void lock_and_sleep(void)
{
    mutex_lock(mutex);
    sleep(100000);
}

static void lock_and_exec(void)
{
    mutex_lock(mutex);
    exec("mutexes", "sleeper");
}

static void unlock_only(void)
{
    exit(mutex_unlock(mutex));
}

static void lock_twice(void)
{
    mutex_lock(mutex);
    mutex_lock(mutex);
}

static void test_ends(void)
{
    check_eq("a child locks the parent's mutex", in_child(lock_and_end, false), 0);
    check_eq("it has ended: the next is told", mutex_lock(mutex), -E_KILLED);
    check_eq("and has the mutex", mutex_unlock(mutex), 0);
    check_eq("it is told once", mutex_lock(mutex), 0);
    check_eq("a child does not have its parent's mutex", in_child(unlock_only, false), -E_INVAL);
    check_eq("a child that waits is killed", in_child(lock_and_end, true), -E_KILLED);
    check_eq("the mutex is still the parent's", mutex_unlock(mutex), 0);
    check_eq("a holder is killed", in_child(lock_and_sleep, true), -E_KILLED);
    check_eq("the next is told", mutex_lock(mutex), -E_KILLED);
    check_eq("and has it", mutex_unlock(mutex), 0);
    check_eq("a holder becomes another program", in_child(lock_and_exec, false), 42);
    check_eq("the next is told", mutex_lock(mutex), -E_KILLED);
    check_eq("and has it", mutex_unlock(mutex), 0);
    check_eq("who waits for himself is killed", in_child(lock_twice, true), -E_KILLED);
    check_eq("the next is told", mutex_lock(mutex), -E_KILLED);
    check_eq("and has it", mutex_unlock(mutex), 0);
}

/* A thread that ends with the mutex, while another one waits for it. */
static int end_with_it(void *arg)
{
    (void)arg;
    mutex_lock(mutex);
    sleep(3);
    return 0;
}

static int be_told(void *arg)
{
    (void)arg;
    int result = mutex_lock(mutex);

    return mutex_unlock(mutex) == 0 ? result : 1;
}

static void test_thread_ends(void)
{
    int holder = thread_create(end_with_it, NULL), code = 0;

    sleep(1);
    int waiter = thread_create(be_told, NULL);

    thread_join(holder, NULL);
    thread_join(waiter, &code);
    check_eq("a thread that waits is told of a holder's end", code, -E_KILLED);
    check_eq("it unlocked the mutex", mutex_lock(mutex), 0);
    check_eq("which has no holder now", mutex_unlock(mutex), 0);
    check_eq("and cannot be unlocked twice", mutex_unlock(mutex), -E_INVAL);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "sleeper") == 0)
        return mutex_lock(0) == -E_INVAL && mutex_unlock(0) == -E_INVAL ? 42 : 1;
    mutex = mutex_create();
    check("a mutex can be made", mutex >= 0);
    test_counter();
    test_ends();
    test_thread_ends();
    check_eq("nobody is left", waitpid(0, NULL), -E_BAD_PROC);
    return check_done();
}
