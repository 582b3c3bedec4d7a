/* syncstorm: everything at once. Threads free semaphores while others wait for them; threads fork
   while others hold and wait, and the children go on with the same objects; objects are made until
   no memory is left.

   Each call succeeds or gives an error that its interface names, one at a time has the mutex, and
   nobody is left asleep. The last part is done with the word "memory" alone, because it takes long
   in a machine that is not small. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sync.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define SLOTS           6
#define USERS           5
#define FREERS          2
#define USES            300
#define FORKERS         2
#define WORKERS         3
#define FORKS           12
#define CHUNK           (16 * PGSIZE)
#define LEFT            256             /* pages: some of them lie ready for other harts */
#define TOO_MANY        20000

/* A number from 0 to limit - 1, from the caller's own sequence. */
static int random_below(int limit, uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 8) % limit;
}

/* First part: the semaphores that there are at the moment. Threads read an id and use it when it
   may be gone, or be another one's. */
static volatile int slots[SLOTS];
static volatile int users_left;

static void use_slots(uint32_t random)
{
    for (int i = 0; i < USES; i++) {
        int value, error = 0, id = slots[random_below(SLOTS, &random)];

        switch (random_below(12, &random)) {
        case 0: case 1: case 2:
            error = sem_wait(id);
            break;
        case 3: case 4:
            error = sem_wait_timeout(id, 1 + random_below(20, &random));
            error = error == -E_TIMEOUT ? 0 : error;
            break;
        case 5: case 6:
            error = sem_get_value(id, &value);
            break;
        case 7:
            error = sem_free(id);
            break;
        default:
            error = sem_post(id);
            break;
        }
        if (error != 0 && error != -E_INVAL)
            panic("a semaphore that is freed gives %e", error);
    }
    __atomic_fetch_sub(&users_left, 1, __ATOMIC_SEQ_CST);
}

/* Each has slots of its own, in which there is always a semaphore, or the id of one that has just
   been freed. So no semaphore is forgotten, and nobody who waits for it. */
static void free_slots(int own, uint32_t random)
{
    while (users_left > 0) {
        int slot = random_below(SLOTS / FREERS, &random) * FREERS + own;
        int error = sem_free(slots[slot]);

        if (error != 0 && error != -E_INVAL)
            panic("sem_free of what another one frees gives %e", error);
        assert((slots[slot] = sem_init(random_below(2, &random))) > 0);
        yield_often(random_below(8, &random));
    }
}

static int use_or_free(void *number)
{
    int i = (uintptr_t)number;

    if (i < USERS)
        use_slots(i);
    else
        free_slots(i - USERS, i);
    return 0;
}

static void free_while_used(void)
{
    for (int i = 0; i < SLOTS; i++)
        assert((slots[i] = sem_init(i % 2)) > 0);
    users_left = USERS;
    run_together(USERS + FREERS, true, use_or_free);
    check_eq("semaphores can be freed while others use them, and nobody waits for ever",
             users_left, 0);
    for (int i = 0; i < SLOTS; i++)
        sem_free(slots[i]);
}

/* Second part: work that needs the mutex, the condition and a semaphore. The judge's semaphore has
   a unit for each that has the mutex, in whatever process. */
static int mutex, condition, sem, inside;

static void work(int times)
{
    for (int i = 0; i < times; i++) {
        assert(mutex_lock(mutex) == 0);
        assert(sem_post(inside) == 0 && sem_units(inside) == 1);
        yield_often(i % 3);
        assert(sem_units(inside) == 1 && sem_wait(inside) == 0);
        if (i % 4 == 0) {
            int error = condvar_wait_timeout(condition, mutex, 1);

            assert(error == 0 || error == -E_TIMEOUT);
        }
        assert((i % 3 ? condvar_signal(condition) : condvar_broadcast(condition)) == 0);
        assert(mutex_unlock(mutex) == 0);
        assert(sem_post(sem) == 0 && sem_wait(sem) == 0);
    }
}

/* A child works, and makes objects of its own; its own child works too. */
static __never_returns void be_child(int generation)
{
    work(2);
    if (generation > 0) {
        int code, own = sem_init(1), pid = fork();

        if (pid == 0) {
            assert(sem_wait(own) == 0);
            be_child(generation - 1);
        }
        assert(own > 0 && pid > 0 && waitpid(pid, &code) == 0 && code == 0);
        assert(sem_units(own) == 0 && sem_free(own) == 0);
    }
    exit(0);
}

static int work_or_fork(void *number)
{
    int code;

    if ((uintptr_t)number < WORKERS) {
        work(40);
        return 0;
    }
    for (int i = 0; i < FORKS; i++) {
        int pid = fork();

        if (pid == 0)
            be_child(i % 3);
        assert(pid > 0 && waitpid(pid, &code) == 0 && code == 0);
    }
    return 0;
}

static void fork_in_the_middle(void)
{
    mutex = mutex_create();
    condition = condvar_create();
    sem = sem_init(0);
    inside = sem_init(0);
    assert(mutex > 0 && condition > 0 && sem > 0 && inside > 0);
    run_together(WORKERS + FORKERS, true, work_or_fork);
    check("forks in the middle of everything: one at a time has the mutex",
          sem_units(sem) == 0 && sem_units(inside) == 0);
    check("and it is free at the end", mutex_lock(mutex) == 0 && mutex_unlock(mutex) == 0);
}

/* Third part. Take memory until little is left, but enough not to be killed for a page of the
   stack. */
static void take_memory(void)
{
    struct meminfo info;

    while (assert(meminfo(&info) == 0), info.free_pages > LEFT) {
        uintptr_t area = 0;

        assert(mmap(&area, CHUNK, MMAP_WRITE) == 0);
        for (size_t i = 0; i < CHUNK; i += PGSIZE)
            write_to(area + i);
    }
}

/* Make objects until that fails; what was made before can be used still, and an id that comes free
   can be used again. A fork needs memory: it may fail, or this process be killed for it, so who is
   `alone` and must come to the end does not try. */
static void exhaust(bool alone)
{
    int first = sem_init(1), lock = mutex_create(), id, made = 0;

    sleep(2);
    if (!alone && (first == -E_NO_MEM || lock == -E_NO_MEM))
        return;                                 /* others were faster */
    assert(first > 0 && lock > 0 && mutex_lock(lock) == 0);
    take_memory();
    do
        id = made % 3 == 0 ? sem_init(1) : made % 3 == 1 ? mutex_create() : condvar_create();
    while (id > 0 && ++made < TOO_MANY);
    if (id != -E_NO_MEM && (alone || id < 0))       /* else others have ended meanwhile */
        panic("with so little memory object %d gives %d", made, id);
    assert(sem_wait(first) == 0 && sem_wait_timeout(first, 1) == -E_TIMEOUT);
    assert(mutex_unlock(lock) == 0 && mutex_lock(lock) == 0);
    int pid = alone ? -E_NO_MEM : fork();

    if (pid == 0)
        exit(sem_post(first));
    assert(pid == -E_NO_MEM || (pid > 0 && waitpid(pid, NULL) == 0));
    assert(sem_free(first) == 0 && sem_init(1) == first);
    assert(mutex_unlock(lock) == 0);
}

static void run_out_of_memory(int count)
{
    int pids[3], code;
    bool right = true;

    for (int i = 0; i < count; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            exhaust(count == 1);
            exit(0);
        }
        assert(pids[i] > 0);
    }
    for (int i = 0; i < count; i++) {
        assert(waitpid(pids[i], &code) == 0);
        right = (code == 0 || (code == -E_KILLED && count > 1)) && right;
    }
    check("objects until no memory is left", right && sem_init(1) > 0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "memory") == 0) {
        run_out_of_memory(1);
        run_out_of_memory(3);
        run_out_of_memory(3);
    } else {
        free_while_used();
        fork_in_the_middle();
    }
    check_eq("nobody is left", waitpid(0, NULL), -E_BAD_PROC);
    return check_done();
}
