/* syncattack: what no program does that means well, with the objects by which programs synchronise.

   Ids of nothing, of another kind, of other processes; numbers wider than an id; addresses that are
   none; ten thousand objects; words of mutexes overwritten with rubbish, or unmapped. Each gets an
   error, or kills who did it, and nobody else: the kernel lives, and nothing is left behind. Each
   attack is made by a child, with objects of its own. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <stdlib.h>
#include <sync.h>
#include <syscall.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define MANY            10000
#define CHUNK           1024            /* words of a page */
#define ALL_WORDS       (256UL * PGSIZE)        /* the area of all words that there may be */
#define STORMS          300

static int sem, mutex, condition;
static volatile uint32_t *words;        /* where the library finds the words, too */

static int or_told(int result)
{
    return result == -E_KILLED ? 0 : result;
}

/* One object of each kind. */
static void make_objects(void)
{
    uintptr_t now;

    sem = sem_init(0);
    mutex = mutex_create();
    condition = condvar_create();
    int other = syscall1(SYS_mutex_create, (uintptr_t)&now);

    assert(sem > 0 && mutex > 0 && condition > 0 && other > 0);
    words = (uint32_t *)ROUNDDOWN(now, PGSIZE);
    assert(words[other] == 0);
}

/* All calls that take an id, with one of nothing that this call is for. */
static void refuse(long call, uintptr_t id)
{
    int value;
    uintptr_t second = call == SYS_sem_get_value ? (uintptr_t)&value
                     : call == SYS_condvar_wait ? (uintptr_t)mutex : 0;
    long error = syscall3(call, id, second, 0);

    if (error != -E_INVAL)
        panic("call %ld of id 0x%lx gives %ld", call, id, error);
}

static void wild_ids(uintptr_t unused)
{
    static const uint8_t of_sem[] = { SYS_sem_post, SYS_sem_wait, SYS_sem_free, SYS_sem_get_value };
    static const uint8_t of_mutex[] = { SYS_mutex_lock, SYS_mutex_unlock };
    static const uint8_t of_condition[] = { SYS_condvar_wait, SYS_condvar_signal,
                                            SYS_condvar_broadcast };
    static const uintptr_t wild[] = { 0, 5, 16, 1023, 1024, 262143, 262144, INT32_MAX, 1UL << 31,
                                      UINT32_MAX, 1UL << 32, 1UL << 63, -1UL, KERNEL_TEXT };

    (void)unused;
    for (int made = 0; made < 2; made++) {              /* with no table at all, too */
        for (size_t i = 0; i < ARRAY_SIZE(wild) + 6; i++) {
            uintptr_t wide[] = { sem | 1UL << 32, mutex | 1UL << 32, condition | 1UL << 32,
                                 sem, mutex, condition };
            uintptr_t id = i < 6 ? wide[i] : wild[i - 6];

            for (size_t k = 0; k < ARRAY_SIZE(of_sem); k++)
                if (id != (uintptr_t)sem || !made)
                    refuse(of_sem[k], id);
            for (size_t k = 0; k < ARRAY_SIZE(of_mutex); k++)
                if (id != (uintptr_t)mutex || !made)
                    refuse(of_mutex[k], id);
            for (size_t k = 0; k < ARRAY_SIZE(of_condition); k++)
                if (id != (uintptr_t)condition || !made)
                    refuse(of_condition[k], id);
        }
        make_objects();
    }
    for (size_t i = 0; i < ARRAY_SIZE(wild); i++)       /* the other id of condvar_wait */
        assert(syscall3(SYS_condvar_wait, condition, wild[i], 0) == -E_INVAL);
    assert(mutex_lock(0) == -E_INVAL && mutex_lock(-1) == -E_INVAL && mutex_lock(sem) == -E_INVAL);
    assert(mutex_unlock(mutex) == -E_INVAL && condvar_wait(condition, mutex) == -E_INVAL);
}

static void wild_values(uintptr_t unused)
{
    static const uintptr_t bad[] = { 1, PGSIZE, 1UL << 38, KERNEL_TEXT, -8UL };

    (void)unused;
    make_objects();
    assert(sem_init(-1) == -E_INVAL && sem_init(INT32_MIN) == -E_INVAL);
    assert(syscall1(SYS_sem_init, 1UL << 32) == -E_INVAL);
    int next = mutex_create(), full = sem_init(INT32_MAX);

    assert(full > next && sem_post(full) == -E_INVAL && sem_units(full) == INT32_MAX);
    assert(sem_free(full) == 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert(syscall2(SYS_sem_get_value, sem, bad[i]) == -E_FAULT);
        assert(syscall1(SYS_mutex_create, bad[i]) == -E_FAULT);
    }
    assert(sem_init(0) == full);                /* so none of these is left */
    assert(syscall2(SYS_sem_wait, sem, 1) == -E_TIMEOUT);
    assert(sem_get_value(sem, (int *)&words[mutex]) == 0 && words[mutex] == 0);
}

static void many(uintptr_t unused)
{
    static int ids[MANY];

    (void)unused;
    for (int i = 0; i < MANY; i++) {
        ids[i] = i % 3 == 0 ? sem_init(i) : i % 3 == 1 ? mutex_create() : condvar_create();
        assert(ids[i] > (i == 0 ? 0 : ids[i - 1]));
    }
    int pid = fork(), code;

    for (int i = 0; i < MANY; i++)
        switch (i % 3) {
        case 0:
            assert(sem_post(ids[i]) == 0 && sem_units(ids[i]) >= i + 1);
            break;
        case 1:
            assert(or_told(mutex_lock(ids[i])) == 0);           /* it ends with half of them */
            assert(pid == 0 || mutex_unlock(ids[i]) == 0);
            break;
        case 2:
            assert(condvar_broadcast(ids[i]) == 0);
            break;
        }
    if (pid == 0)
        exit(0);
    assert(pid > 0 && waitpid(pid, &code) == 0 && code == 0);
    for (int i = 0; i < MANY; i += 3)
        assert(sem_units(ids[i]) == i + 2 && sem_free(ids[i]) == 0);
    for (int i = 0; i < MANY; i += 3)
        assert(sem_init(i) <= ids[MANY - 1]);           /* ids come again */
}

/* Objects that two children make have the same ids, and are not the same; the parent knows
   neither. */
static int make_own(void *number)
{
    int own = sem_init((uintptr_t)number);

    assert(own > 0 && own != sem);
    assert(sem_post(sem) == 0);
    sleep(3);
    for (int i = 0; i < 10; i++)
        assert(sem_units(own) == (int)(uintptr_t)number + i && sem_post(own) == 0);
    return 0;
}

static int try_all(void *unused)
{
    (void)unused;
    for (int id = 0; id < 4 * CHUNK; id++)
        if (id != sem && id != mutex && id != condition && id != mutex + 2)
            assert(sem_post(id) == -E_INVAL && mutex_lock(id) == -E_INVAL
                   && condvar_signal(id) == -E_INVAL && sem_free(id) == -E_INVAL);
    return 0;
}

static int make_or_try(void *number)
{
    return (uintptr_t)number < 3 ? make_own(number) : try_all(NULL);
}

static void others(uintptr_t unused)
{
    (void)unused;
    make_objects();
    run_together(4, false, make_or_try);
    assert(sem_units(sem) == 3);
    try_all(NULL);
}

/* Use the mutex and the condition by all ways there are, whatever comes. */
static int use_words(void *unused)
{
    (void)unused;
    for (int i = 0; i < STORMS; i++) {
        mutex_lock(mutex);
        condvar_wait_timeout(condition, mutex, 1);
        mutex_unlock(mutex);
        condvar_broadcast(condition);
        syscall1(SYS_mutex_lock, mutex);
        syscall1(SYS_mutex_unlock, mutex);
    }
    return 0;
}

/* Two threads use the mutex, whose word is rubbish. One may wait for who does not exist; a kill
   ends that. */
static void rubbish(uintptr_t value)
{
    int tids[2], code;

    make_objects();
    words[mutex] = value;
    for (int i = 0; i < 2; i++)
        assert((tids[i] = thread_create(use_words, NULL)) > 0);
    sleep(2);
    words[mutex] = value;
    sleep(2);
    for (int i = 0; i < 2; i++) {
        kill(tids[i]);
        assert(thread_join(tids[i], &code) == 0 && (code == 0 || code == -E_KILLED));
    }
    words[mutex] = 0;
    assert(or_told(mutex_lock(mutex)) == 0 && mutex_unlock(mutex) == 0);
}

static void all_rubbish(uintptr_t unused)
{
    (void)unused;
    const uint32_t values[] = { -1U, 0x80000000, 0x40000000, 0x20000000, 0x10000000, 0x12345678,
                                0xE0000000 | getpid(), 0x80000000 | getpid(), getpid(), 1, 3,
                                0x7FFF, getpid() + 1, getpid() + 2, 0x80000000 | (getpid() + 1) };

    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        assert(child_code(rubbish, values[i]) == 0);
}

/* Words are written at random while threads use them, and while they end. */
static int scribble(void *seed)
{
    uint32_t random = (uintptr_t)seed;

    for (;;) {
        random = random * 1664525 + 1013904223;
        words[random >> 8 & 15] = random & 0xF0000007;
        words[mutex] = random >> 12 & 1 ? random >> 13 & 31 : random;
    }
    return 0;
}

static void storm(uintptr_t seed)
{
    int tids[4];

    make_objects();
    for (int i = 0; i < 4; i++)
        assert((tids[i] = thread_create(i == 0 ? scribble : use_words, (void *)seed)) > 0);
    sleep(5);
    for (int i = 3; i >= 0; i--) {
        kill(tids[i]);
        assert(thread_join(tids[i], NULL) == 0);
    }
    for (int i = 0; i < CHUNK; i++)
        words[i] = getpid();            /* all of it is to be given up */
}

/* The words are gone: only the kernel knows them still. */
static void without_words(uintptr_t pages)
{
    make_objects();
    assert(child_code(read_from, (uintptr_t)words) == 0);
    expect_killed("words of objects that there are not", read_from, (uintptr_t)words + PGSIZE);
    assert(munmap((uintptr_t)words, pages * PGSIZE) == 0);
    expect_killed("words that are unmapped", read_from, (uintptr_t)words);
    assert(syscall1(SYS_mutex_lock, mutex) == 0 && syscall1(SYS_mutex_unlock, mutex) == 0);
    assert(sem_post(sem) == 0 && sem_wait(sem) == 0 && condvar_signal(condition) == 0);
    int code, pid = fork();

    if (pid == 0)
        exit(syscall1(SYS_mutex_lock, mutex));
    assert(pid > 0 && waitpid(pid, &code) == 0 && code == 0);
    assert(syscall1(SYS_mutex_lock, mutex) == -E_KILLED);
    assert(syscall1(SYS_mutex_unlock, mutex) == 0);

    uintptr_t place = (uintptr_t)words;         /* something else takes their place */

    assert(mmap(&place, PGSIZE, MMAP_WRITE) == 0 && place == (uintptr_t)words);
    write_to(place);
    int other = mutex_create();                 /* this maps them again, elsewhere */

    assert(other > 0 && mutex_lock(other) == 0 && mutex_unlock(other) == 0);
    assert(mutex_lock(mutex) == 0 && mutex_unlock(mutex) == 0);
}

/* They go while others use them: who does is killed by the fault, with or without the mutex. */
static void unmap_in_use(uintptr_t wait)
{
    int tids[3], code;

    make_objects();
    for (int i = 0; i < 3; i++)
        assert((tids[i] = thread_create(use_words, NULL)) > 0);
    yield_often(wait);
    assert(munmap((uintptr_t)words, ALL_WORDS) == 0);
    for (int i = 0; i < 3; i++)
        assert(thread_join(tids[i], &code) == 0 && (code == 0 || code == -E_KILLED));
    assert(or_told(syscall1(SYS_mutex_lock, mutex)) == 0);
}

static void attack(const char *what, void (*body)(uintptr_t), uintptr_t arg)
{
    check_eq(what, child_code(body, arg), 0);
}

int main(void)
{
    attack("wild ids are refused", wild_ids, 0);
    attack("wild values and addresses are refused", wild_values, 0);
    attack("ten thousand objects", many, 0);
    attack("objects of others are out of reach", others, 0);
    attack("rubbish in the word of a mutex", all_rubbish, 0);
    for (int seed = 1; seed <= 3; seed++)
        attack("rubbish in all words, all the time", storm, seed);
    attack("words unmapped: the first page", without_words, 1);
    attack("words unmapped: all pages", without_words, ALL_WORDS / PGSIZE);
    for (int wait = 0; wait < 30; wait += 7)
        attack("words unmapped while threads use them", unmap_in_use, wait);
    check_eq("nobody is left", waitpid(0, NULL), -E_BAD_PROC);
    return check_done();
}
