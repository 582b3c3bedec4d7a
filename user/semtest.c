/* semtest: semaphores between a process and its child, as ucore_os_plus's semtest 1 to 4 have it.

   Posts are counted and waits take them back; ids survive fork, and name the same semaphores in
   both; a semaphore of one unit keeps processes apart, and threads; a wait ends after its time;
   and sem_free wakes who waits. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <sync.h>
#include <testing.h>
#include <ulib.h>

#define POSTS   10
#define TURNS   5

static sem_t sem, inside;

/* The first: posts and waits of one process. */
static void count(void)
{
    bool right = true;

    for (int i = 1; i <= POSTS; i++)
        right = sem_units(sem) == i && sem_post(sem) == 0 && right;
    check("each post adds a unit", right && sem_units(sem) == POSTS + 1);
    for (int i = POSTS; i > 0; i--)
        right = sem_wait(sem) == 0 && sem_units(sem) == i && right;
    check("each wait takes one", right && sem_units(sem) == 1);
}

/* Take the unit that the parent made, keep it a while, and give it back. */
static void keep_unit(uintptr_t unused)
{
    (void)unused;
    assert(sem_units(sem) == 1 && sem_wait(sem) == 0);
    sleep(20);
    assert(sem_post(sem) == 0);
}

/* The first, second part: the child has the semaphore of its parent, and not a copy of it. */
static void share(void)
{
    int pid = fork(), code;

    if (pid == 0) {
        keep_unit(0);
        exit(0);
    }
    assert(pid > 0);
    while (sem_units(sem) == 1)
        yield();
    check_eq("what the child has taken its parent waits for", sem_wait(sem), 0);
    check_eq("and takes when it is given back", sem_units(sem), 0);
    check("the child sees its parent's units", waitpid(pid, &code) == 0 && code == 0);
    assert(sem_post(sem) == 0);
}

/* Go in, look that nobody else is inside, and come out again. */
static int take_turns(void *unused)
{
    (void)unused;
    for (int i = 0; i < TURNS; i++) {
        assert(sem_wait(sem) == 0);
        assert(sem_post(inside) == 0);
        if (sem_units(inside) != 1)
            panic("%d processes are inside", sem_units(inside));
        sleep(1);
        assert(sem_wait(inside) == 0);
        assert(sem_post(sem) == 0);
    }
    return 0;
}

/* The second. */
static void exclude(void)
{
    run_together(3, false, take_turns);
    check("a semaphore of one unit lets in one process at a time", sem_units(sem) == 1);
    run_together(3, true, take_turns);
    check("and one thread", sem_units(sem) == 1);
}

static void post_later(uintptr_t unused)
{
    (void)unused;
    sleep(10);
    assert(sem_post(sem) == 0);
}

/* The third: there is no unit. */
static void limit_time(void)
{
    unsigned int start = gettime_msec();

    assert(sem_wait(sem) == 0);
    check_eq("a wait of 50 ms ends", sem_wait_timeout(sem, 50), -E_TIMEOUT);
    check("and not before the time", gettime_msec() - start >= 50);
    check("what timed out took nothing", sem_units(sem) == 0);
    int pid = fork();
    if (pid == 0) {
        post_later(0);
        exit(0);
    }
    check_eq("who waits for long is given a unit before", sem_wait_timeout(sem, ~0U), 0);
    assert(waitpid(pid, NULL) == 0 && sem_post(sem) == 0);
}

static int wait_in_vain(void *unused)
{
    (void)unused;
    int error = sem_wait(sem);

    if (error != -E_INVAL)
        panic("sem_wait of a semaphore that is freed gives %d", error);
    return 0;
}

static int free_later(void *unused)
{
    (void)unused;
    sleep(10);
    return sem_free(sem);
}

/* Some who wait, and number 3 who frees. */
static int wait_or_free(void *number)
{
    return (uintptr_t)number == 3 ? free_later(NULL) : wait_in_vain(NULL);
}

/* The fourth: sem_free. */
static void destroy(void)
{
    int value, other = sem_init(5);

    check("a semaphore is freed once", other > 0 && sem_free(other) == 0
                                           && sem_free(other) == -E_INVAL);
    check("and is not there any more", sem_get_value(other, &value) == -E_INVAL
                                           && sem_post(other) == -E_INVAL
                                           && sem_wait(other) == -E_INVAL
                                           && sem_wait_timeout(other, 10) == -E_INVAL);
    assert(sem_wait(sem) == 0);
    run_together(4, false, wait_or_free);
    check_eq("a process that frees it ends the waits of others", sem_post(sem), -E_INVAL);
    sem = sem_init(0);
    assert(sem > 0);
    run_together(4, true, wait_or_free);
    check_eq("a thread does too", sem_post(sem), -E_INVAL);
}

int main(void)
{
    sem = sem_init(1);
    inside = sem_init(0);
    check("ids are above 0", sem > 0 && inside > 0);
    count();
    share();
    exclude();
    limit_time();
    destroy();
    if (all_passed())
        cprintf("semtest pass.\n");
    return check_done();
}
