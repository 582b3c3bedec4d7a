/* unsafe: a wait for a semaphore after which not all could finish is refused, and no other wait is.

     unsafe             threads, step by step: units with several holders
     unsafe events      semaphores that count events; a bounded buffer; ends, limits of time, kills
     unsafe crowd       threads that take units of several semaphores, in any order

   The threads are puppets: each step is done before the next begins. One that has nothing to do
   counts as one who goes on. */
#include <error.h>
#include <puppet.h>
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <syscall.h>
#include <thread.h>
#include <ulib.h>

#define ITEMS   40
#define CROWD   5
#define ROUNDS  100
#define KINDS   4
#define STRANGER 1                      /* the pid of init, which is not of the family */

static struct puppet anna, bert, carl;

/* Let a puppet take a unit that there is. */
static void takes(struct puppet *puppet, int sem)
{
    check_eq("a unit that there is is taken", puppet_do(puppet, sem_wait, sem), 0);
}

static void posts(struct puppet *puppet, int sem)
{
    check_eq("a unit is given back", puppet_do(puppet, sem_post, sem), 0);
}

static bool waits(struct puppet *puppet, int sem)
{
    return puppet_waits(puppet, sem_wait, sem, "semaphore");
}

static int value_of(int sem)
{
    int value = -1;

    sem_get_value(sem, &value);
    return value;
}

static void test_oneself(void)
{
    int s = sem_init(1);

    check_eq("a unit is taken", sem_wait(s), 0);
    check_eq("who has the only unit is refused another one", sem_wait(s), -E_DEADLOCK);
    check_eq("with a limit of time it waits", sem_wait_timeout(s, 10), -E_TIMEOUT);
    check_eq("it is given back", sem_post(s), 0);
    check_eq("a refusal takes nothing", value_of(s), 1);
    check_eq("it is taken again", sem_wait(s), 0);
    check_eq("and given back", sem_post(s), 0);
}

/* One holds r and waits for q, the other has q and wants r. */
static void test_two(void)
{
    int r = sem_init(1), q = sem_init(1);

    check_eq("main takes r", sem_wait(r), 0);
    takes(&anna, q);
    check("anna may wait for r", waits(&anna, r));
    check_eq("main is refused q", sem_wait(q), -E_DEADLOCK);
    check_eq("main gives r back", sem_post(r), 0);
    check_eq("anna has got r", puppet_end(&anna), 0);
    posts(&anna, r), posts(&anna, q);
    check_eq("both are there again", value_of(r) + value_of(q), 2);
}

/* There are two units of r: anna and bert have one each. anna waits for carl, who waits for r: bert
   can finish, then carl, then anna. There is no other order, and none if bert waits too. */
static void test_two_units(void)
{
    int r = sem_init(2), q = sem_init(1);

    takes(&anna, r), takes(&bert, r), takes(&carl, q);
    check("anna may wait for q", waits(&anna, q));
    check("carl may wait for r: bert has a unit", waits(&carl, r));
    check_eq("bert would leave no order", puppet_do(&bert, sem_wait, q), -E_DEADLOCK);
    posts(&bert, r);
    check_eq("carl has got r", puppet_end(&carl), 0);
    posts(&carl, q);
    check_eq("anna has got q", puppet_end(&anna), 0);
    posts(&anna, q), posts(&anna, r), posts(&carl, r);
    check_eq("all units are there again", value_of(r) + value_of(q), 3);
}

/* A line in which each waits for the next one; the last one is main. They were made in this
   order too, so a search that goes through them in order finds one each time, the last first. */
static void test_line(void)
{
    int x = sem_init(1), y = sem_init(1), z = sem_init(1);

    check_eq("main takes x", sem_wait(x), 0);
    takes(&carl, y), takes(&bert, z);
    check("carl may wait for x", waits(&carl, x));
    check("bert may wait for y", waits(&bert, y));
    check("anna may wait for z", waits(&anna, z));
    check_eq("main is refused y", sem_wait(y), -E_DEADLOCK);
    check_eq("main is refused z", sem_wait(z), -E_DEADLOCK);
    check_eq("main gives x back", sem_post(x), 0);
    check_eq("carl has got x", puppet_end(&carl), 0);
    posts(&carl, x), posts(&carl, y);
    check_eq("bert has got y", puppet_end(&bert), 0);
    check("carl may wait for z", waits(&carl, z));
    posts(&bert, y), posts(&bert, z);
    check_eq("anna has got z", puppet_end(&anna), 0);
    posts(&anna, z);
    check_eq("carl has got z", puppet_end(&carl), 0);
    posts(&carl, z);
    check_eq("all units are there again", value_of(x) + value_of(y) + value_of(z), 3);
}

/* Who has given back has nothing to give; and who was given a unit while it slept has it. */
static void test_given(void)
{
    int s = sem_init(1), x = sem_init(1);

    check_eq("main takes x", sem_wait(x), 0);
    takes(&anna, s);
    check("bert may wait for s", waits(&bert, s));
    posts(&anna, s);
    check_eq("bert has got s", puppet_end(&bert), 0);
    check("carl may wait for s: bert has it", waits(&carl, s));
    check("bert may wait for x: main has it", waits(&bert, x));
    check_eq("main is refused s: anna has given it back", sem_wait(s), -E_DEADLOCK);
    check_eq("main gives x back", sem_post(x), 0);
    check_eq("bert has got x", puppet_end(&bert), 0);
    posts(&bert, x), posts(&bert, s);
    check_eq("carl has got s", puppet_end(&carl), 0);
    posts(&carl, s);
    check_eq("both are there again", value_of(s) + value_of(x), 2);
}

/* anna takes two units and gives one back: she has one. */
static void test_counted(void)
{
    int s = sem_init(2);

    takes(&anna, s), takes(&anna, s);
    posts(&anna, s);
    takes(&bert, s);
    check("carl may wait for s: anna and bert have it", waits(&carl, s));
    check_eq("bert is not alone either, and is given what carl gives",
             puppet_waits(&bert, sem_wait, s, "semaphore"), true);
    posts(&anna, s);
    check_eq("carl has got s", puppet_end(&carl), 0);
    check_eq("anna has nothing", puppet_waits(&anna, sem_wait, s, "semaphore"), true);
    posts(&carl, s);
    check_eq("bert has got s", puppet_end(&bert), 0);
    posts(&bert, s);
    check_eq("anna has got s", puppet_end(&anna), 0);
    posts(&bert, s), posts(&anna, s);
    check_eq("both are there again", value_of(s), 2);
}

/* Mutexes and semaphores: who waits for a unit keeps the mutexes that he has. */
static void test_both_kinds(void)
{
    int s = sem_init(1), t = sem_init(1), m = mutex_create();

    check_eq("main takes s", sem_wait(s), 0);
    check_eq("anna locks m", puppet_do(&anna, mutex_lock, m), 0);
    check("anna may wait for s", waits(&anna, s));
    check_eq("main is refused m", mutex_lock(m), -E_DEADLOCK);
    takes(&bert, t);
    check("bert may wait for m", puppet_waits(&bert, mutex_lock, m, "mutex"));
    check_eq("main is refused t", sem_wait(t), -E_DEADLOCK);
    check("carl may wait for t", waits(&carl, t));
    check_eq("main gives s back", sem_post(s), 0);
    check_eq("anna has got s", puppet_end(&anna), 0);
    check_eq("anna is refused t", puppet_do(&anna, sem_wait, t), -E_DEADLOCK);
    check_eq("anna unlocks m", puppet_do(&anna, mutex_unlock, m), 0);
    check_eq("bert has got m", puppet_end(&bert), 0);
    check("anna may wait for m", puppet_waits(&anna, mutex_lock, m, "mutex"));
    check_eq("bert unlocks m", puppet_do(&bert, mutex_unlock, m), 0);
    check_eq("anna has got m", puppet_end(&anna), 0);
    posts(&bert, t);
    check_eq("carl has got t", puppet_end(&carl), 0);
    posts(&carl, t), posts(&anna, s);
    check_eq("anna unlocks m", puppet_do(&anna, mutex_unlock, m), 0);
}

/* A new semaphore of an old number: nobody has units of it. */
static void test_freed(void)
{
    int s = sem_init(1), other;

    takes(&anna, s);
    check("bert may wait for s", waits(&bert, s));
    check_eq("main frees s", sem_free(s), 0);
    check_eq("bert wakes up", puppet_end(&bert), -E_INVAL);
    check_eq("s is no more", sem_wait(s) == -E_INVAL && sem_post(s) == -E_INVAL, true);
    other = sem_init(1);
    check_eq("its number comes again", other, s);
    check_eq("main takes a unit", sem_wait(other), 0);
    check_eq("anna has none to give: main is refused", sem_wait(other), -E_DEADLOCK);
    check_eq("main gives it back", sem_post(other), 0);
}

static int held;                        /* a puppet has a unit of it, and does one of these: */

/* Lock the mutex, then give all back. */
static int lock_and_post(int mutex)
{
    return mutex_lock(mutex) ?: mutex_unlock(mutex) ?: sem_post(held);
}

/* Wait for the semaphore, then give the other unit back. */
static int wait_and_post(int sem)
{
    int result = sem_wait(sem);

    return sem_post(held) ?: result;
}

/* Who was given a mutex, or waited for a semaphore that was freed, is on record as one who waits
   until it runs: main asks before that. */
static void test_on_the_way(void)
{
    int m = mutex_create(), s = sem_init(1);

    held = sem_init(1);
    check_eq("main locks m, and takes s", mutex_lock(m) | sem_wait(s), 0);
    takes(&anna, held);
    check("anna may wait for m", puppet_waits(&anna, lock_and_post, m, "mutex"));
    check_eq("anna is given m: main may wait for her unit", mutex_unlock(m) ?: sem_wait(held), 0);
    check_eq("anna has given all back", puppet_end(&anna), 0);
    check_eq("main too", sem_post(held), 0);
    takes(&anna, held);
    check("anna may wait for s", puppet_waits(&anna, wait_and_post, s, "semaphore"));
    check_eq("s is freed: main may wait for her unit", sem_free(s) ?: sem_wait(held), 0);
    check_eq("anna was told", puppet_end(&anna), -E_INVAL);
    check_eq("main gives the unit back", sem_post(held), 0);
}

static int post_later(int sem)
{
    return sleep(3) ?: sem_post(sem);
}

static int locked;                      /* a mutex that a puppet has, when it does this: */

static int wait_and_unlock(int sem)
{
    return sem_wait(sem) ?: mutex_unlock(locked);
}

/* Words of the program's own making: that of a semaphore means nothing, and a mutex whose word
   names somebody who is not of the family may come. */
static void test_rubbish(void)
{
    uintptr_t words;
    int x = syscall1(SYS_mutex_create, (uintptr_t)&words), e = sem_init(0);
    volatile uint32_t *word = (volatile uint32_t *)(words - words % 4096), old;

    held = sem_init(1);
    locked = x;
    word[e] = getpid();
    puppet_begin(&bert, post_later, e);
    check_eq("main may wait for an event whose word has its pid", sem_wait(e), 0);
    check_eq("bert has posted it", puppet_end(&bert), 0);
    check_eq("anna locks x", puppet_do(&anna, mutex_lock, x), 0);
    check("anna may wait for the event", puppet_waits(&anna, wait_and_unlock, e, "semaphore"));
    puppet_begin(&bert, post_later, e);
    check_eq("that closes no circle for main, who waits for x", mutex_lock(x), 0);
    check_eq("bert has posted it, and anna had it", puppet_end(&bert) | puppet_end(&anna), 0);
    takes(&anna, held);
    check("anna may wait for x", puppet_waits(&anna, lock_and_post, x, "mutex"));
    old = word[x];
    word[x] = (old & ~0xfffffU) | STRANGER;
    puppet_begin(&bert, post_later, held);
    check_eq("a stranger has x: main may wait for anna's unit", sem_wait(held), 0);
    word[x] = old;
    check_eq("main unlocks x", mutex_unlock(x), 0);
    check_eq("bert has posted, and anna was given x", puppet_end(&bert) | puppet_end(&anna), 0);
}

static void threads(void)
{
    puppet_start(&anna), puppet_start(&bert), puppet_start(&carl);
    test_oneself();
    test_two();
    test_two_units();
    test_line();
    test_given();
    test_counted();
    test_both_kinds();
    test_freed();
    test_on_the_way();
    test_rubbish();
    puppet_stop(&anna), puppet_stop(&bert), puppet_stop(&carl);
}

static void test_events_alone(void)
{
    int e = sem_init(0), code, pid;

    check_eq("nobody is there who could post", sem_wait(e), -E_DEADLOCK);
    check_eq("with a limit of time it waits", sem_wait_timeout(e, 10), -E_TIMEOUT);
    pid = fork();
    if (pid == 0) {
        sleep(3);
        exit(sem_post(e));
    }
    check_eq("a child can post, and does", sem_wait(e), 0);
    check_eq("the child ends", waitpid(pid, &code) ?: code, 0);
    check_eq("it has ended: nobody can post", sem_wait(e), -E_DEADLOCK);
}

/* Each would wait for the other one's post. */
static void test_two_events(void)
{
    int first = sem_init(0), second = sem_init(0), code, pid = fork();

    if (pid == 0)
        exit(sem_wait(first) ?: sem_post(second));
    check("the child waits for an event", sleeps_for(pid, "semaphore", first));
    check_eq("main is the only one who could post it", sem_wait(second), -E_DEADLOCK);
    check_eq("main posts it", sem_post(first), 0);
    check_eq("the child goes on: main can wait", sem_wait(second), 0);
    check_eq("the child ends", waitpid(pid, &code) ?: code, 0);
}

/* What the consumer does; the exit code says what failed. It begins when the buffer is full. */
static int consume(int empty, int full, int lock)
{
    sleep(3);
    for (int i = 0; i < ITEMS; i++) {
        int result = sem_wait(full) ?: sem_wait(lock);

        if (result != 0 || sem_post(lock) != 0 || sem_post(empty) != 0)
            return result ?: 1;
    }
    return 0;
}

/* The producer takes units of `empty` that only the consumer gives back; and it waits for one
   before the consumer has ever posted. */
static void test_buffer(int size)
{
    int empty = sem_init(size), full = sem_init(0), lock = sem_init(1), wrong = 0, code;
    int pid = fork();

    if (pid == 0)
        exit(consume(empty, full, lock));
    for (int i = 0; i < ITEMS; i++)
        if (sem_wait(empty) != 0 || sem_wait(lock) != 0 || sem_post(lock) != 0
            || sem_post(full) != 0)
            wrong++;
    check_eq("a bounded buffer is not blamed: the producer", wrong, 0);
    check_eq("and the consumer", waitpid(pid, &code) ?: code, 0);
    check_eq("it is empty", value_of(empty), size);
}

/* A child that has x and wants y, which main has; with a limit of time, or without. */
static int child_wants(int x, int y, unsigned int milliseconds)
{
    int pid = fork();

    if (pid == 0) {
        int result = sem_wait(x) ?: sem_wait_timeout(y, milliseconds);

        exit(sem_post(x) ?: result);
    }
    return pid;
}

static void test_limit(void)
{
    int x = sem_init(1), y = sem_init(1), code, pid;

    check_eq("main takes y", sem_wait(y), 0);
    pid = child_wants(x, y, 200);
    check("the child waits for y, not for ever", sleeps_for(pid, "semaphore", y));
    check_eq("so main may wait for x, and gets it", sem_wait(x), 0);
    check_eq("the child's time was over", waitpid(pid, &code) ?: code, -E_TIMEOUT);
}

/* Units of one that has died do not come back. Anybody may post them. */
static void test_deaths(void)
{
    int x = sem_init(1), y = sem_init(1), code, pid;

    check_eq("main takes y", sem_wait(y), 0);
    pid = child_wants(x, y, 0);
    check("the child has x, and waits for y", sleeps_for(pid, "semaphore", y));
    check_eq("main is refused x", sem_wait(x), -E_DEADLOCK);
    check_eq("the child is killed", kill(pid), 0);
    check_eq("and ends", waitpid(pid, &code) ?: code, -E_KILLED);
    check_eq("x will not come back", sem_wait(x), -E_DEADLOCK);
    check_eq("main posts it", sem_post(x), 0);
    check_eq("and takes it", sem_wait(x), 0);
    check_eq("main gives y back", sem_post(y), 0);
    check_eq("no unit of y went to the dead", value_of(y), 1);
}

/* A child that takes nothing posts twice: from the first time on, anybody may post. */
static void test_foreign(void)
{
    int s = sem_init(1), code, pid;

    check_eq("main takes the only unit", sem_wait(s), 0);
    pid = fork();
    if (pid == 0) {
        int result = sem_post(s);

        sleep(5);
        exit(sem_post(s) ?: result);
    }
    check_eq("a child that took none posts, and main has two", sem_wait_timeout(s, 1000), 0);
    check_eq("it may post again, so main may wait", sem_wait(s), 0);
    check_eq("the child ends", waitpid(pid, &code) ?: code, 0);
    check_eq("main is alone, and is refused", sem_wait(s), -E_DEADLOCK);
}

static void events(void)
{
    test_events_alone();
    test_two_events();
    test_buffer(1);
    test_buffer(4);
    test_foreign();
    test_limit();
    test_deaths();
    check_eq("it is off", enable_deadlock_detect(0), 0);
    int s = sem_init(0);
    check_eq("and a usual semaphore is one again", sem_post(s) | sem_wait(s), 0);
}

static int kinds[KINDS];

/* Three units, of any kinds; who is refused gives all back, and tries again. */
static int take_three(void *arg)
{
    unsigned int random = (uintptr_t)arg * 7919;

    for (int done = 0; done < ROUNDS;) {
        int have[3], count = 0, result = 0;

        while (count < 3 && result == 0) {
            random = random * 1103515245 + 12345;
            have[count] = kinds[(random >> 16) % KINDS];
            result = sem_wait(have[count]);
            if (result == 0)
                count++;
            yield();
        }
        if (result != 0 && result != -E_DEADLOCK)
            return 1;
        done += count == 3;
        while (count > 0)
            if (sem_post(have[--count]) != 0)
                return 2;
    }
    return 0;
}

static void crowd(void)
{
    int tid[CROWD], code, wrong = 0;

    for (int i = 0; i < KINDS; i++)
        kinds[i] = sem_init(3);
    for (int i = 0; i < CROWD; i++)
        tid[i] = thread_create(take_three, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < CROWD; i++)
        wrong += thread_join(tid[i], &code) != 0 || code != 0;
    check_eq("each of them had its three units as often as it wanted", wrong, 0);
    for (int i = 0; i < KINDS; i++)
        wrong += value_of(kinds[i]) != 3;
    check_eq("all units are there again", wrong, 0);
}

int main(int argc, char **argv)
{
    check_eq("it is enabled", enable_deadlock_detect(1), 0);
    if (argc > 1 && strcmp(argv[1], "crowd") == 0)
        crowd();
    else if (argc > 1)
        events();
    else
        threads();
    return check_done();
}
