/* groupkill: kill of a group of processes.

   It must end processes that fork and exit in a relay, in which each has gone before anybody could
   ask for its pid. Others must not be hurt, in a group or not. And a process that is in a group can
   neither leave it nor take the console. It must be the first program, or be started by the first
   one, because in a shell's job no new groups can be made. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <syscall.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define ROUNDS          24
#define RELAYS          4               /* so many are in the group at once */
/* So many kills must be enough, with a sleep after each tenth. The number is large, because a busy
   host may not run one of the harts for a second or more. */
#define MAX_KILLS       10000
#define GIVE_UP_MSEC    600000          /* every process ends by then, so that a failure is told */

static unsigned int end_time;

static bool time_left(void)
{
    return (int)(end_time - gettime_msec()) > 0;
}

/* Fork and exit, again and again. Only a process that has been killed cannot fork. */
static __never_returns void relay(void)
{
    int pid;

    while ((pid = fork()) == 0 && time_left())
        ;
    exit(pid >= 0 ? 0 : 1);
}

/* Start a child that leads a new group and runs body(). */
static int start_group(int what, void (*body)(void))
{
    int pid = fork();

    assert(pid >= 0);
    if (pid > 0)
        return pid;
    int error = job(what);

    if (error != 0)
        panic("a process outside of all groups cannot begin one: %e", error);
    body();
    exit(0);
}

static uint64_t process_count(void)
{
    struct meminfo info;

    assert(meminfo(&info) == 0);
    return info.processes;
}

/* Wait until there are so many processes. init takes orphans away, which may take a while. */
static void wait_for_count(uint64_t count)
{
    for (int i = 0; process_count() != count; i++) {
        if (i == MAX_KILLS)
            panic("there are %lu processes, not %lu", process_count(), count);
        sleep(1);
    }
}

/* Kill a group that has members until it has none. One kill must be enough too (`once`), because a
   process that was about to fork cannot do so any more. */
static void end_group(int group, bool once, uint64_t left)
{
    int kills = 1;

    if (kill(-group) != 0)
        panic("kill of group %d finds nobody", group);
    while (!once && kill(-group) == 0) {
        if (++kills == MAX_KILLS)
            panic("group %d survives %d kills", group, kills);
        if (kills % 10 == 0)
            sleep(1);
        else
            yield();
    }
    wait_for_count(left);
    assert(kill(-group) == -E_INVAL);
}

static void start_relays(void)
{
    for (int i = 0; i < RELAYS; i++) {
        int pid = fork();

        if (pid == 0)
            relay();
        assert(pid > 0);
    }
}

/* What processes do that no kill is meant for; the child of a leader does it too. */
static void live_on(void)
{
    while (time_left())
        sleep(1);
}

static void lead_relays(void)
{
    start_relays();
    int pid = fork();

    if (pid == 0)
        live_on();
    else
        waitpid(pid, NULL);
}

/* Wait until the leader sleeps in wait for a child. By then it has made its group. */
static void wait_until_waiting(int leader)
{
    struct procinfo info;

    do {
        sleep(1);
        assert(procinfo(leader, &info) == 0 && info.pid == leader);
    } while (strcmp(info.waits_for, "a child to end") != 0);
}

/* Groups whose leader has ended or lives, and which are killed once or again and again. */
static void check_relays(void)
{
    uint64_t before = process_count();
    int code;

    for (int round = 0; round < ROUNDS; round++) {
        bool lives = round % 2 == 1;
        int group = start_group(JOB_BACKGROUND, lives ? lead_relays : start_relays);

        if (lives)
            wait_until_waiting(group);
        else
            assert(waitpid(group, &code) == 0 && code == 0);
        yield_often(round);
        end_group(group, round % 4 < 2, before + lives);        /* a killed leader is a zombie */
        if (lives)
            assert(waitpid(group, &code) == 0 && code == -E_KILLED);
    }
}

static int spin(void *unused)
{
    (void)unused;
    while (time_left())
        ;
    return 0;
}

static void make_children(void)
{
    while (time_left()) {
        if (fork() == 0)
            exit(0);
        wait();
    }
}

static void live(int member)
{
    switch (member) {
    case 0:
        live_on();
        break;
    case 1:
        spin(NULL);
        break;
    case 2:
        thread_create(spin, NULL);
        spin(NULL);
        break;
    case 3:
        make_children();
        break;
    }
    exit(0);
}

/* Make members of a group, each in another state. The leader waits for one of them. */
static void do_all(void)
{
    int pid = 0;

    for (int member = 0; member < 4; member++) {
        pid = fork();
        assert(pid >= 0);
        if (pid == 0)
            live(member);
    }
    waitpid(pid, NULL);
}

/* The same, and one of them kills them all, itself included. */
static void kill_own_group(void)
{
    int group = getpid(), pid = fork();

    assert(pid >= 0);
    if (pid == 0) {
        sleep(3);
        kill(-group);
        exit(0);
    }
    do_all();
}

static void check_states(void)
{
    uint64_t before = process_count();
    int code, group;

    for (int i = 0; i < 4; i++) {
        group = start_group(i % 2 == 0 ? JOB_BACKGROUND : JOB_FOREGROUND, do_all);
        wait_until_waiting(group);
        end_group(group, i < 2, before + 1);
        assert(waitpid(group, &code) == 0 && code == -E_KILLED);
        wait_for_count(before);
        group = start_group(JOB_BACKGROUND, kill_own_group);
        assert(waitpid(group, &code) == 0 && code == -E_KILLED);
        wait_for_count(before);
        assert(kill(-group) == -E_INVAL && job(JOB_SHELL) == 0);
    }
}

/* What no member of a group may do. */
static int expect_refusals(void *unused)
{
    static const int whats[] = {
        JOB_SHELL, JOB_FOREGROUND, JOB_BACKGROUND, 3, -1, INT32_MIN, INT32_MAX,
    };

    (void)unused;
    for (size_t i = 0; i < ARRAY_SIZE(whats); i++)
        if (job(whats[i]) != -E_INVAL)
            panic("a member of a group may call job(%d)", whats[i]);
    return 0;
}

static void refuse_child(uintptr_t unused)
{
    (void)unused;
    expect_refusals(NULL);
    assert(kill(-getpid()) == -E_INVAL);        /* it leads no group */
}

static void refuse_program(uintptr_t unused)
{
    (void)unused;
    exit(exec("groupkill", "refused"));
}

static void lead_refused(void)
{
    int code;

    expect_refusals(NULL);
    assert(child_code(refuse_child, 0) == 0);
    assert(child_code(refuse_program, 0) == 0);
    assert(thread_join(thread_create(expect_refusals, NULL), &code) == 0 && code == 0);
}

static void check_refusals(void)
{
    int code;

    assert(waitpid(start_group(JOB_BACKGROUND, lead_refused), &code) == 0 && code == 0);
    assert(waitpid(start_group(JOB_FOREGROUND, lead_refused), &code) == 0 && code == 0);
    assert(job(JOB_SHELL) == 0);
    assert(kill(-getpid()) == -E_INVAL && kill(-1) == -E_INVAL && kill(INT32_MIN) == -E_INVAL);
}

int main(int argc, char **argv)
{
    int code;

    if (argc > 1 && strcmp(argv[1], "refused") == 0)
        return expect_refusals(NULL);
    if (job(JOB_SHELL) != 0) {
        cprintf("groupkill: it is in a group itself: make run PROG=groupkill\n");
        return 1;
    }
    end_time = gettime_msec() + GIVE_UP_MSEC;
    int other_group = start_group(JOB_BACKGROUND, live_on), single = fork();

    assert(single >= 0);
    if (single == 0) {
        live_on();
        exit(0);
    }
    check_refusals();
    check_relays();
    check_states();
    assert(kill(single) == 0 && waitpid(single, &code) == 0 && code == -E_KILLED);
    assert(kill(-other_group) == 0 && waitpid(other_group, &code) == 0 && code == -E_KILLED);
    return check_done();
}
