/* Puppets: see puppet.h, where the functions are told.

   A puppet looks for its next step again and again, and yields in between; it never sleeps but in
   the call that it was told to do. Steps are told by one word, which says that the others are
   complete: so it is stored with a release, and read with an acquire.

   Whoever waits for a puppet yields too: so on one hart the puppet has its turns. */
#include <puppet.h>
#include <stdio.h>
#include <string.h>
#include <thread.h>
#include <ulib.h>

#define PATIENCE        4000            /* turns */
#define STEP_CALL       1
#define STEP_STOP       2

static uint32_t step_of(struct puppet *puppet)
{
    return __atomic_load_n(&puppet->step, __ATOMIC_ACQUIRE);
}

static void set_step(struct puppet *puppet, uint32_t step)
{
    __atomic_store_n(&puppet->step, step, __ATOMIC_RELEASE);
}

/* What a puppet does all its life. What it is told is complete when its step is there. */
static int dance(void *arg)
{
    struct puppet *self = arg;

    for (;;) {
        while (step_of(self) == 0)
            yield();
        if (step_of(self) == STEP_STOP)
            return 0;
        self->result = self->call(self->argument);
        set_step(self, 0);
    }
}

void puppet_start(struct puppet *puppet)
{
    set_step(puppet, 0);
    puppet->tid = thread_create(dance, puppet);
    assert(puppet->tid > 0);
}

void puppet_begin(struct puppet *puppet, int (*call)(int), int argument)
{
    assert(step_of(puppet) == 0);
    puppet->call = call;
    puppet->argument = argument;
    set_step(puppet, STEP_CALL);
}

int puppet_end(struct puppet *puppet)
{
    for (int i = 0; i < PATIENCE && step_of(puppet) != 0; i++)
        yield();
    return step_of(puppet) == 0 ? puppet->result : PUPPET_BUSY;
}

int puppet_do(struct puppet *puppet, int (*call)(int), int argument)
{
    puppet_begin(puppet, call, argument);
    return puppet_end(puppet);
}

bool sleeps_for(int pid, const char *kind, int id)
{
    struct procinfo info;
    char what[sizeof(info.waits_for)];

    snprintf(what, sizeof(what), "%s %d", kind, id);
    for (int i = 0; i < PATIENCE; i++) {
        if (procinfo(pid, &info) == 0 && info.pid == pid && strcmp(info.waits_for, what) == 0)
            return true;
        yield();
    }
    return false;
}

bool puppet_waits(struct puppet *puppet, int (*call)(int), int id, const char *kind)
{
    puppet_begin(puppet, call, id);
    return sleeps_for(puppet->tid, kind, id) && step_of(puppet) != 0;
}

void puppet_stop(struct puppet *puppet)
{
    set_step(puppet, STEP_STOP);
    assert(thread_join(puppet->tid, NULL) == 0);
}
