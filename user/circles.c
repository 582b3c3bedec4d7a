/* circles: a lock that would close a circle of mutexes is refused, at once, and no other lock is.

     circles            threads, step by step
     circles family     processes of fork; ends and kills; the rules of enable_deadlock_detect
     circles crowd      threads that lock two mutexes each, in any order, and try again

   The threads are puppets: each step is done before the next begins. If the kernel lets the main
   thread sleep in a circle, the puppets that have nothing to do go on for ever. */
#include <error.h>
#include <puppet.h>
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <syscall.h>
#include <thread.h>
#include <ulib.h>

#define CROWD   5
#define ROUNDS  150
#define MANY    6
#define STRANGER 1                      /* the pid of init, which is not of the family */

static int a, b, c, condition;          /* mutexes, made in this order: "mutex" is a */
static struct puppet anna, bert;

static void test_oneself(void)
{
    check_eq("a free mutex is taken", mutex_lock(a), 0);
    check_eq("a mutex that one has is refused", mutex_lock(a), -E_DEADLOCK);
    check_eq("one has it still", mutex_unlock(a), 0);
    check_eq("and not twice", mutex_unlock(a), -E_INVAL);
}

/* anna holds a and waits for b, which the main thread has. */
static void two_mutexes(void)
{
    check_eq("main locks b", mutex_lock(b), 0);
    check_eq("anna locks a", puppet_do(&anna, mutex_lock, a), 0);
    check("anna waits for b", puppet_waits(&anna, mutex_lock, b, "mutex"));
}

static void test_two(void)
{
    two_mutexes();
    check_eq("main, who has b, is refused a", mutex_lock(a), -E_DEADLOCK);
    check_eq("and again", mutex_lock(a), -E_DEADLOCK);
    check_eq("main has b still", mutex_unlock(b), 0);
    check_eq("anna has got b", puppet_end(&anna), 0);
    check_eq("anna unlocks b", puppet_do(&anna, mutex_unlock, b), 0);
    check_eq("anna unlocks a", puppet_do(&anna, mutex_unlock, a), 0);
    check_eq("both are free", mutex_lock(a) | mutex_lock(b) | mutex_unlock(a) | mutex_unlock(b), 0);
}

/* A ring of three, and what is only a part of one: a queue of three. */
static void test_three(void)
{
    two_mutexes();
    check_eq("bert locks c", puppet_do(&bert, mutex_lock, c), 0);
    check("bert may wait for a: that is no circle", puppet_waits(&bert, mutex_lock, a, "mutex"));
    check_eq("main would close a ring of three", mutex_lock(c), -E_DEADLOCK);
    check_eq("main unlocks b", mutex_unlock(b), 0);
    check_eq("anna has got b", puppet_end(&anna), 0);
    check_eq("anna would close a ring of two", puppet_do(&anna, mutex_lock, c), -E_DEADLOCK);
    check_eq("anna unlocks a", puppet_do(&anna, mutex_unlock, a), 0);
    check_eq("bert has got a", puppet_end(&bert), 0);
    check("anna, who has b, may wait for c", puppet_waits(&anna, mutex_lock, c, "mutex"));
    check_eq("bert unlocks c", puppet_do(&bert, mutex_unlock, c), 0);
    check_eq("anna has got c", puppet_end(&anna), 0);
    check_eq("all is given back", puppet_do(&anna, mutex_unlock, b)
             | puppet_do(&anna, mutex_unlock, c) | puppet_do(&bert, mutex_unlock, a), 0);
}

/* Both wait for c, which nobody keeps for long: two who wait for the same are no circle. */
static void test_queue(void)
{
    check_eq("main locks c", mutex_lock(c), 0);
    check_eq("anna locks a", puppet_do(&anna, mutex_lock, a), 0);
    check_eq("bert locks b", puppet_do(&bert, mutex_lock, b), 0);
    check("anna waits for c", puppet_waits(&anna, mutex_lock, c, "mutex"));
    check("bert waits for c too", puppet_waits(&bert, mutex_lock, c, "mutex"));
    check_eq("main is refused a", mutex_lock(a), -E_DEADLOCK);
    check_eq("main is refused b", mutex_lock(b), -E_DEADLOCK);
    check_eq("main unlocks c", mutex_unlock(c), 0);
    check_eq("anna has got c", puppet_end(&anna), 0);
    check_eq("bert has b, and waits: anna is refused b", puppet_do(&anna, mutex_lock, b),
             -E_DEADLOCK);
    check_eq("anna unlocks c", puppet_do(&anna, mutex_unlock, c), 0);
    check_eq("bert has got c", puppet_end(&bert), 0);
    check_eq("all is given back", puppet_do(&anna, mutex_unlock, a)
             | puppet_do(&bert, mutex_unlock, b) | puppet_do(&bert, mutex_unlock, c), 0);
}

/* What was waited for once is forgotten: after the wait, and after a refusal. */
static void test_forgotten(void)
{
    two_mutexes();
    check_eq("main unlocks b", mutex_unlock(b), 0);
    check_eq("anna has got b", puppet_end(&anna), 0);
    check_eq("anna unlocks b", puppet_do(&anna, mutex_unlock, b), 0);
    check_eq("main locks b", mutex_lock(b), 0);
    check_eq("bert locks c", puppet_do(&bert, mutex_lock, c), 0);
    check("bert may wait for b", puppet_waits(&bert, mutex_lock, b, "mutex"));
    check_eq("main, who has b, is refused c", mutex_lock(c), -E_DEADLOCK);
    check("anna, who waited for b once, may wait for c",
          puppet_waits(&anna, mutex_lock, c, "mutex"));
    check_eq("main is refused a", mutex_lock(a), -E_DEADLOCK);
    check_eq("main unlocks b", mutex_unlock(b), 0);
    check_eq("bert has got b", puppet_end(&bert), 0);
    check_eq("main locks nothing: bert goes on", puppet_do(&bert, mutex_unlock, b), 0);
    check_eq("main locks b again", mutex_lock(b), 0);
    check("bert, who has c, may wait for what main has, though main wanted c once",
          puppet_waits(&bert, mutex_lock, b, "mutex"));
    check_eq("main unlocks b", mutex_unlock(b), 0);
    check_eq("bert has got b", puppet_end(&bert), 0);
    check_eq("bert gives back", puppet_do(&bert, mutex_unlock, c)
             | puppet_do(&bert, mutex_unlock, b), 0);
    check_eq("anna has got c", puppet_end(&anna), 0);
    check_eq("anna gives back", puppet_do(&anna, mutex_unlock, a)
             | puppet_do(&anna, mutex_unlock, c), 0);
}

static int wait_with_c(int id)
{
    return condvar_wait(id, c);
}

/* To lock again after a wait is a lock like any other. bert has a and waits for the condition. */
static void test_condition(void)
{
    check_eq("bert locks a", puppet_do(&bert, mutex_lock, a), 0);
    check_eq("bert locks c", puppet_do(&bert, mutex_lock, c), 0);
    check("bert waits for the condition",
          puppet_waits(&bert, wait_with_c, condition, "condition variable"));
    check_eq("anna has c now", puppet_do(&anna, mutex_lock, c), 0);
    check("anna may wait for a: bert may be signalled",
          puppet_waits(&anna, mutex_lock, a, "mutex"));
    check_eq("main signals", condvar_signal(condition), 0);
    check_eq("bert, who has a, is refused c", puppet_end(&bert), -E_DEADLOCK);
    check_eq("bert does not have c", puppet_do(&bert, mutex_unlock, c), -E_INVAL);
    check_eq("bert unlocks a", puppet_do(&bert, mutex_unlock, a), 0);
    check_eq("anna has got a", puppet_end(&anna), 0);
    check_eq("all is given back", puppet_do(&anna, mutex_unlock, a)
             | puppet_do(&anna, mutex_unlock, c), 0);
}

/* With a in hand: lock the mutex, and give both back. */
static int pass_through(int id)
{
    return mutex_lock(id) ?: mutex_unlock(a) ?: mutex_unlock(id);
}

/* anna is given b, but has not run since: she has it, and goes on, though she is on record as one
   who waits for it. */
static void test_handed_over(void)
{
    for (int i = 0; i < 3; i++) {
        check_eq("main locks b", mutex_lock(b), 0);
        check_eq("anna locks a", puppet_do(&anna, mutex_lock, a), 0);
        check("anna waits for b", puppet_waits(&anna, pass_through, b, "mutex"));
        check_eq("main hands b over, and may wait for a at once", mutex_unlock(b) ?: mutex_lock(a),
                 0);
        check_eq("anna had both", puppet_end(&anna), 0);
        check_eq("main unlocks a", mutex_unlock(a), 0);
    }
}

/* Words of the program's own making: x and y name each other's waiters, who wait for ever. Who
   comes to such a ring waits too, or is refused, because he could not finish either; and the kernel
   does not go round it for ever. A
   word that names somebody who is not of the family closes no circle. */
static void test_rubbish(void)
{
    uintptr_t words;
    int x = syscall1(SYS_mutex_create, (uintptr_t)&words), y = mutex_create(), z = mutex_create();
    volatile uint32_t *word = (volatile uint32_t *)(words - words % 4096);
    struct puppet carl;
    int code;

    puppet_start(&carl);
    check_eq("main locks all", mutex_lock(x) | mutex_lock(y) | mutex_lock(z), 0);
    word[z] = (word[z] & ~0xfffffU) | STRANGER;
    check("carl may wait for what a stranger has", puppet_waits(&carl, mutex_lock, z, "mutex"));
    word[z] = (word[z] & ~0xfffffU) | (uint32_t)getpid();
    check_eq("main unlocks it", mutex_unlock(z), 0);
    check_eq("carl has got it", puppet_end(&carl), 0);
    check_eq("carl unlocks it", puppet_do(&carl, mutex_unlock, z), 0);
    check_eq("main locks it again", mutex_lock(z), 0);
    check("anna waits for x", puppet_waits(&anna, mutex_lock, x, "mutex"));
    check("bert waits for y", puppet_waits(&bert, mutex_lock, y, "mutex"));
    word[x] = (word[x] & ~0xfffffU) | bert.tid;
    word[y] = (word[y] & ~0xfffffU) | anna.tid;
    word[z] = (word[z] & ~0xfffffU) | anna.tid;
    check("carl comes to the ring, and waits or is refused",
          puppet_waits(&carl, mutex_lock, z, "mutex") || puppet_end(&carl) == -E_DEADLOCK);
    for (int i = 0; i < 3; i++) {
        int tid = i == 0 ? anna.tid : i == 1 ? bert.tid : carl.tid;

        check_eq("one of them is killed", kill(tid), 0);
        check_eq("and ends", waitpid(tid, &code), 0);
    }
}

static void threads(void)
{
    check_eq("it is enabled", enable_deadlock_detect(1), 0);
    puppet_start(&anna);
    puppet_start(&bert);
    test_oneself();
    test_two();
    test_three();
    test_queue();
    test_forgotten();
    test_condition();
    test_handed_over();
    test_rubbish();
}

/* A child that locks two, and gives both back. Its exit code is what failed, or 0. */
static int child_of_two(int first, int second)
{
    int pid = fork();

    if (pid != 0)
        return pid;
    int result = mutex_lock(first) ?: mutex_lock(second);

    mutex_unlock(second);
    exit(result ?: mutex_unlock(first));
}

/* A ring of three processes of fork. */
static void test_processes(void)
{
    int code, one, two;

    check_eq("main locks c", mutex_lock(c), 0);
    one = child_of_two(b, c);
    check("a child has b and waits for c", sleeps_for(one, "mutex", c));
    two = child_of_two(a, b);
    check("another one has a and waits for b", sleeps_for(two, "mutex", b));
    check_eq("main would close a ring of three", mutex_lock(a), -E_DEADLOCK);
    check_eq("main unlocks c", mutex_unlock(c), 0);
    check_eq("a child ends", waitpid(one, &code) ?: code, 0);
    check_eq("the other one ends", waitpid(two, &code) ?: code, 0);
}

/* Who ends leaves no edge: a killed child had a, and waited for b. */
static void test_ends(void)
{
    int code, pid;

    check_eq("main locks b", mutex_lock(b), 0);
    pid = child_of_two(a, b);
    check("a child has a and waits for b", sleeps_for(pid, "mutex", b));
    check_eq("main is refused a", mutex_lock(a), -E_DEADLOCK);
    check_eq("the child is killed", kill(pid), 0);
    check_eq("and ends", waitpid(pid, &code) ?: code, -E_KILLED);
    check_eq("main gets a, and is told", mutex_lock(a), -E_KILLED);
    pid = child_of_two(c, a);
    check("a new child has c and waits for a", sleeps_for(pid, "mutex", a));
    check_eq("main is refused c", mutex_lock(c), -E_DEADLOCK);
    check_eq("main unlocks a and b", mutex_unlock(a) | mutex_unlock(b), 0);
    check_eq("the child has got a, and ends", waitpid(pid, &code) ?: code, 0);
}

static int idle(void *arg)
{
    while (!*(volatile bool *)arg)
        yield();
    return 0;
}

static void test_rules(void)
{
    static volatile bool stop;
    int pid, tid;

    check_eq("1 and 0, and nothing else", enable_deadlock_detect(2), -E_INVAL);
    check_eq("what is off may be off", enable_deadlock_detect(0), 0);
    a = mutex_create(), b = mutex_create(), c = mutex_create();
    check_eq("main locks a", mutex_lock(a), 0);
    check_eq("not while one has a mutex", enable_deadlock_detect(1), -E_INVAL);
    check_eq("main unlocks a", mutex_unlock(a), 0);
    tid = thread_create(idle, (void *)&stop);
    check_eq("not with threads", enable_deadlock_detect(1), -E_INVAL);
    stop = true;
    check_eq("the thread ends", thread_join(tid, NULL), 0);
    pid = fork();
    if (pid == 0) {
        sleep(100000);
        exit(0);
    }
    check_eq("not while a child has the objects", enable_deadlock_detect(1), -E_INVAL);
    check_eq("the child is killed", kill(pid), 0);
    check_eq("and ends", waitpid(pid, NULL), 0);
    check_eq("it is enabled", enable_deadlock_detect(1), 0);
    check_eq("again changes nothing", enable_deadlock_detect(1), 0);
    test_oneself();
}

static void lock_twice(void)
{
    mutex_lock(a);
    mutex_lock(a);
}

/* Off again: who waits for himself does so until he is killed. */
static void test_off(void)
{
    int pid, code;

    check_eq("it is off", enable_deadlock_detect(0), 0);
    pid = fork();
    if (pid == 0) {
        lock_twice();
        exit(0);
    }
    check("a child waits for itself", sleeps_for(pid, "mutex", a));
    check_eq("the child is killed", kill(pid), 0);
    check_eq("and ends", waitpid(pid, &code) ?: code, -E_KILLED);
    check_eq("its mutex is handed on", mutex_lock(a), -E_KILLED);
    check_eq("and free again", mutex_unlock(a), 0);
}

static int mutexes[MANY];
static int owner[MANY];                 /* who has it, by its own word: guarded by the mutex */

/* Two different mutexes, in any order; who is refused gives back, and tries again. */
static int lock_two(void *arg)
{
    unsigned int me = (uintptr_t)arg, random = me * 7919;

    for (int done = 0; done < ROUNDS;) {
        random = random * 1103515245 + 12345;
        int first = random >> 16 & 0x7fff, second = first / MANY % (MANY - 1);

        first %= MANY;
        second += second >= first;
        if (mutex_lock(mutexes[first]) != 0)
            return 1;
        owner[first] = me;
        yield();
        int result = mutex_lock(mutexes[second]);

        if (result == 0) {
            owner[second] = me;
            yield();
            if (owner[second] != (int)me || mutex_unlock(mutexes[second]) != 0)
                return 2;
            done++;
        } else if (result != -E_DEADLOCK) {
            return 3;
        }
        if (owner[first] != (int)me || mutex_unlock(mutexes[first]) != 0)
            return 4;
    }
    return 0;
}

static void crowd(void)
{
    int tid[CROWD], code, wrong = 0;

    check_eq("it is enabled", enable_deadlock_detect(1), 0);
    for (int i = 0; i < MANY; i++)
        mutexes[i] = mutex_create();
    for (int i = 0; i < CROWD; i++)
        tid[i] = thread_create(lock_two, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < CROWD; i++)
        wrong += thread_join(tid[i], &code) != 0 || code != 0;
    check_eq("each of them had its two mutexes as often as it wanted", wrong, 0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "crowd") == 0) {
        crowd();
    } else if (argc > 1) {
        test_rules();
        test_processes();
        test_ends();
        test_off();
    } else {
        a = mutex_create(), b = mutex_create(), c = mutex_create(), condition = condvar_create();
        threads();
    }
    return check_done();
}
