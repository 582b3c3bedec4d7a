/* kill: one process kills another one.

   It kills processes that sleep, run, wait, fork, or have ended, and itself. Each dies with
   -E_KILLED, at once or a little later. The idle loop and init must not be killed, and pids
   of no process are refused. */
#include <error.h>
#include <report.h>
#include <testing.h>
#include <ulib.h>

static volatile bool stop;

static void sleep_long(void)
{
    sleep(~0U);
}

static void run_long(void)
{
    while (!stop)
        ;
}

static void yield_long(void)
{
    while (!stop)
        yield();
}

/* Wait for a child. When this process is killed the child becomes an orphan, and ends by itself. */
static void wait_long(void)
{
    int pid = fork();

    if (pid == 0) {
        sleep(20);
        exit(0);
    }
    waitpid(pid, NULL);
}

static void fork_long(void)
{
    while (!stop) {
        int pid = fork();

        if (pid == 0)
            exit(0);
        waitpid(pid, NULL);
    }
}

static int start(void (*body)(void))
{
    int pid = fork();

    if (pid == 0) {
        body();
        exit(1);
    }
    assert(pid > 0);
    return pid;
}

static void check_killed(const char *what, void (*body)(void))
{
    for (int ticks = 0; ticks <= 5; ticks += 5) {
        int code, pid = start(body);

        sleep(ticks);
        if (kill(pid) != 0)
            panic("a process that %s cannot be killed", what);
        assert(waitpid(pid, &code) == 0);
        if (code != -E_KILLED)
            panic("a process that %s ended with %d when it was killed", what, code);
        assert(kill(pid) < 0);
    }
}

static void exit_3(void)
{
    exit(3);
}

/* A zombie keeps the exit code that it has. */
static void check_zombie(void)
{
    int code, pid = start(exit_3);

    sleep(5);
    kill(pid);
    assert(waitpid(pid, &code) == 0 && code == 3);
}

static void kill_self(uintptr_t unused)
{
    (void)unused;
    kill(getpid());
    yield();
}

int main(void)
{
    check_killed("sleeps", sleep_long);
    check_killed("runs", run_long);
    check_killed("yields", yield_long);
    check_killed("waits", wait_long);
    check_killed("forks", fork_long);
    check_zombie();
    expect_killed("kill of oneself", kill_self, 0);
    assert(kill(0) < 0);                        /* the idle loop */
    assert(kill(1) < 0);                        /* init, which adopts orphans */
    assert(kill(-1) < 0);
    assert(kill(INT32_MAX) < 0);
    assert(kill(INT32_MIN) < 0);
    sleep(30);
    return check_done();
}
