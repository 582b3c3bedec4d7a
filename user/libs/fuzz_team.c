/* Leaders and the end of a round: who watches over lanes, and begins them again.

   A leader makes its team's lanes, as processes or as threads, and looks at them once in each tick
   of the clock. One that has ended before its last call is made anew, behind the call that has
   ended it. One that has made no call for PATIENCE ticks waits for what may never come: it is
   killed. A process that is killed must end; if it does not, that is a finding.

   The leader itself may die with its team, or be killed: the program's first process sees that, and
   makes another one (user/fuzz.c). */
#include <fuzz.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <syscall.h>
#include <thread.h>
#include <ulib.h>

#define PATIENCE        3               /* ticks without a call */
#define TOO_LONG        3000            /* ticks in which a process that was killed must end */

struct lane {
    int pid;                            /* 0: it does not run */
    uint32_t seen, idle;                /* the index at the last look; since how many looks */
};

/* Is there more to do for this lane? Without a shared map nothing is known of one that ended. */
static bool is_done(int lane, bool ran)
{
    return fuzz->next[lane] >= fuzz_options.calls || (ran && !fuzz->shared);
}

/* Begin a lane where it is. A lane that is no thread returns here from the call. */
static int begin_lane(int lane, uint32_t mode)
{
    void *arg = (void *)(uintptr_t)lane;
    uint64_t args[5] = { mode };
    uintptr_t arena = FUZZ_ARENA + lane * ARENA_SIZE;
    int pid;

    if (mode & CLONE_VM) {
        fuzz_arena_map(arena, true);
        return __clone(mode, arena + LANE_STACK + STACK_SIZE, fuzz_lane, arg);
    }
    pid = fuzz_ecall(mode == 0 ? SYS_fork : SYS_clone, args, false);
    if (pid == 0)
        fuzz_lane(arg);
    return pid;
}

/* Has it ended? If it has made no call for long it is killed, to end soon. */
static void look_after(int number, struct lane *lane)
{
    int code, error = trywait(lane->pid, &code);

    if (error != -E_BUSY) {
        lane->pid = 0;
        __atomic_fetch_add(&fuzz->restarts, 1, __ATOMIC_RELAXED);
        return;
    }
    lane->idle = fuzz->next[number] == lane->seen ? lane->idle + 1 : 0;
    lane->seen = fuzz->next[number];
    if (lane->idle == PATIENCE) {
        __atomic_fetch_add(&fuzz->kills, 1, __ATOMIC_RELAXED);
        kill(lane->pid);
    }
    if (lane->idle == TOO_LONG)
        fuzz_complain("round %u: lane %d at call %u was killed and does not end", fuzz->round,
                      number, lane->seen);
}

/* Objects that all lanes of a team know, beside those of the program: fuzz_values.c knows their
   ids. */
static void make_objects(void)
{
    mutex_create();
    mutex_create();
    condvar_create();
    sem_init(1);
    sem_init(0);
    condvar_create();
}

void fuzz_lead(int team, uint32_t mode)
{
    struct lane lanes[LANES] = { 0 };
    bool ran[LANES] = { false };
    int busy;

    make_objects();
    do {
        busy = 0;
        for (int i = 0; i < LANES; i++) {
            int number = team * LANES + i;

            if (lanes[i].pid > 0)
                look_after(number, &lanes[i]);
            if (lanes[i].pid <= 0 && !is_done(number, ran[i])) {
                lanes[i] = (struct lane){ .pid = begin_lane(number, mode) };
                ran[i] = true;
            }
            busy += lanes[i].pid != 0;
        }
        sleep(1);
    } while (busy > 0);
    exit(0);
}

/* Kill all that can be: how many there are still, and the last one's pid and what it does. */
static int kill_others(struct procinfo *last)
{
    struct procinfo info;
    int others = 0, pid = 0;

    while (procinfo(pid, &info) == 0) {
        pid = info.pid + 1;
        if (info.pid == fuzz->supervisor || kill(info.pid) == -E_INVAL)
            continue;
        others++;
        *last = info;
    }
    return others;
}

bool fuzz_sweep(void)
{
    struct procinfo last;

    for (int ticks = 0; ticks < TOO_LONG; ticks++) {
        if (kill_others(&last) == 0)
            return true;
        trywait(0, NULL);
        sleep(1);
    }
    fuzz_complain("round %u: process %d (%s) was killed and does not end: %s %s", fuzz->round,
                  last.pid, last.name, last.state, last.waits_for);
    return false;
}
