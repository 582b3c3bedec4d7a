/* The ids of semaphores, mutexes and condition variables: who has which objects, and that nothing
   that a program does with them harms anybody but itself.

     syncids              all but the next
     syncids many         ten thousand objects, and as many as there may be
     syncids fresh        only for the test itself, which becomes this program by exec

   Threads have the same objects, also if a thread has made the first one. A fork gives the objects
   that there are; later ones belong to their maker. Exec and exit drop them. An id that names
   nothing is an error at once, whatever number it is. The machine's own check at the end finds what
   was not given back. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <syscall.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define MANY        10000
#define WORDS_SIZE  (256 * PGSIZE)      /* of the area that holds the words of mutexes */

static int first;                       /* made by a thread, before there is any other */
static int sem, mutex, condvar;
static int word_pages;                  /* there are so many pages of words: see words() */

static int make_first(void *arg)
{
    (void)arg;
    first = sem_init(1);
    return first >= 0 ? 0 : 1;
}

/* The kind of an id, found out by what its calls say: 1 semaphore, 2 mutex, 4 condition variable,
   added up. None of them waits. */
static int kinds(int id)
{
    int value;
    bool is_mutex = mutex_lock(id) == 0;

    if (is_mutex)
        mutex_unlock(id);
    return (sem_get_value(id, &value) == 0) + 2 * is_mutex + 4 * (condvar_signal(id) == 0);
}

/* Every call that takes an id says -E_INVAL. */
static bool names_nothing(uint64_t id)
{
    return syscall1(SYS_sem_post, id) == -E_INVAL && syscall2(SYS_sem_wait, id, 0) == -E_INVAL
        && syscall2(SYS_sem_wait, id, 10) == -E_INVAL && syscall1(SYS_sem_free, id) == -E_INVAL
        && syscall2(SYS_sem_get_value, id, 0) == -E_INVAL
        && syscall1(SYS_mutex_lock, id) == -E_INVAL && syscall1(SYS_mutex_unlock, id) == -E_INVAL
        && mutex_lock(id) == -E_INVAL && mutex_unlock(id) == -E_INVAL
        && syscall3(SYS_condvar_wait, id, id, 0) == -E_INVAL
        && syscall3(SYS_condvar_wait, id, mutex, 10) == -E_INVAL
        && syscall3(SYS_condvar_wait, condvar, id, 10) == -E_INVAL
        && syscall1(SYS_condvar_signal, id) == -E_INVAL
        && syscall1(SYS_condvar_broadcast, id) == -E_INVAL;
}

static void test_wild(void)
{
    static const uint64_t wild[] = {
        0, 5, 1023, 1024, 1025, 262143, 262144, INT32_MAX, 1UL << 31, UINT32_MAX, 1UL << 32,
        (1UL << 32) + 1, 1UL << 63, UINT64_MAX, -1024UL, KERNEL_TEXT,
    };
    bool right = true;

    for (size_t i = 0; i < ARRAY_SIZE(wild); i++)
        right = names_nothing(wild[i]) && right;
    check("an id that names nothing is an error", right);
    check("each id is of one kind", kinds(sem) == 1 && kinds(mutex) == 2 && kinds(condvar) == 4);
    check_eq("a semaphore has no negative value", sem_init(-1), -E_INVAL);
    check_eq("nor one of 64 bits", syscall1(SYS_sem_init, 1UL << 31), -E_INVAL);
    check_eq("a value goes nowhere but into memory", sem_get_value(sem, (int *)KERNEL_TEXT),
             -E_FAULT);
    int before = mutex_create(), bad = syscall1(SYS_mutex_create, KERNEL_TEXT);
    check_eq("so does the address of the words", bad, -E_FAULT);
    check_eq("and no mutex is left", kinds(before + 1), 0);
}

static void test_full(void)
{
    int id = sem_init(INT32_MAX - 1), value = 0;

    check_eq("a semaphore takes INT_MAX units", sem_post(id), 0);
    check_eq("and no more", sem_post(id), -E_INVAL);
    check("they are counted", sem_get_value(id, &value) == 0 && value == INT32_MAX);
    check_eq("it is freed", sem_free(id), 0);
    check_eq("once", sem_free(id), -E_INVAL);
    check_eq("a wait has a limit", sem_wait_timeout(condvar, 1), -E_INVAL);
}

/* What the child does with its copy of the table; its exit code tells what is wrong. */
static int child_of_fork(int pipe_in)
{
    int mine = mutex_create();

    if (mine < 0 || mutex_lock(mine) != 0)
        return 1;
    if (kinds(sem) != 1 || kinds(condvar) != 4 || mutex_lock(mutex) != 0)
        return 2;
    if (mutex_unlock(mutex) != 0 || sem_post(sem) != 0 || sem_wait(pipe_in) != 0)
        return 3;
    return mutex_unlock(mine) == 0 ? 0 : 4;
}

/* The numbers of later objects may be the same in both, but not the objects: the child has its own
   mutex locked while the parent locks the one that it made. */
static void test_fork(void)
{
    int go_on = sem_init(0), pid = fork(), code = -1;

    if (pid == 0)
        exit(child_of_fork(go_on));
    assert(pid > 0);
    check_eq("the child posts to the parent's semaphore", sem_wait(sem), 0);
    int mine = mutex_create();
    check("a mutex that is made after the fork is not the child's",
          mine >= 0 && mutex_lock(mine) == 0 && mutex_unlock(mine) == 0);
    check_eq("the parent posts to the child", sem_post(go_on), 0);
    check_eq("the child ends", waitpid(pid, &code), 0);
    check_eq("all was as it should be there", code, 0);
    check_eq("its end does not free the objects", kinds(sem), 1);
}

/* A child waits for a semaphore that its parent frees. */
static void test_free(void)
{
    int id = sem_init(0), pid = fork(), code = -1;

    if (pid == 0)
        exit(sem_wait(id));
    assert(pid > 0);
    sleep(2);
    check_eq("a semaphore is freed", sem_free(id), 0);
    check_eq("the child ends", waitpid(pid, &code), 0);
    check_eq("it was told", code, -E_INVAL);
    check("nothing has this id", names_nothing(id));
    id = sem_init(0);
    pid = fork();
    if (pid == 0)
        exit(sem_free(id));
    assert(pid > 0);
    waitpid(pid, &code);
    check_eq("a child frees it for both", code, 0);
    check("nothing has this id", names_nothing(id));
    int again = sem_init(3);
    check("ids are used again", again >= 0 && again <= id && kinds(again) == 1);
    check_eq("it is freed", sem_free(again), 0);
}

static void become_fresh(uintptr_t arg)
{
    (void)arg;
    exec("syncids", "fresh");
}

static void make_many(uintptr_t arg)
{
    int made = 0;

    (void)arg;
    for (int i = 0; i < MANY; i++) {
        int id = i % 3 == 0 ? sem_init(i) : i % 3 == 1 ? mutex_create() : condvar_create();

        made += id >= 0 && kinds(id) == 1 << i % 3;
    }
    exit(made == MANY ? 0 : 1);
}

/* It goes on until there is no more; then each call is an error, and what there is works. Where the
   words are is not asked for each time: make_many() has done so. */
static void make_all(uintptr_t arg)
{
    int id, last = -1;

    (void)arg;
    while ((id = syscall1(SYS_mutex_create, 0)) >= 0)
        last = id;
    exit(id == -E_NO_MEM && last > MANY && kinds(last) == 2 && kinds(mutex) == 2 ? 0 : 1);
}

/* Where the words are, as the kernel tells it. */
static uintptr_t words(void)
{
    uintptr_t where = 0;

    assert(syscall1(SYS_mutex_create, (uintptr_t)&where) >= 0);
    word_pages = where % PGSIZE;
    return ROUNDDOWN(where, PGSIZE);
}

static void unmap_words(uintptr_t arg)
{
    (void)arg;
    if (munmap(words() + PGSIZE, PGSIZE) != 0 || munmap(words(), WORDS_SIZE) != 0)
        exit(1);
    if (syscall1(SYS_mutex_lock, mutex) != 0 || syscall1(SYS_mutex_unlock, mutex) != 0)
        exit(2);
    int id = mutex_create();            /* this gives it a new area */
    exit(mutex_lock(id) == 0 && mutex_unlock(id) == 0 && mutex_lock(mutex) == 0
         && child_code(read_from, words()) == 0 ? 0 : 3);
}

/* One page, or all that there may be, behind those that there are. */
static void touch_behind(uintptr_t all)
{
    uintptr_t where = words();

    read_from(where + (all ? WORDS_SIZE : word_pages * PGSIZE));
}

/* Rubbish in all words, of a child that shares them; then it ends. */
static void spoil_words(uintptr_t arg)
{
    memset((void *)words(), (int)arg, PGSIZE);
    for (int id = 0; id < 8; id++) {
        mutex_unlock(id);
        condvar_wait_timeout(condvar, id, 1);
    }
}

static void test_words(void)
{
    check_eq("a program may unmap the words", child_code(unmap_words, 0), 0);
    check_eq("a page of words that is not there cannot be read", child_code(touch_behind, false),
             -E_KILLED);
    check_eq("nor one behind all of them", child_code(touch_behind, true), -E_KILLED);
    child_code(spoil_words, 0xFF);
    child_code(spoil_words, 0x00);
    check("after rubbish, cleared words are free mutexes", kinds(mutex) == 2);
}

int main(int argc, char **argv)
{
    int code = -1;

    if (argc > 1 && strcmp(argv[1], "fresh") == 0)
        return names_nothing(0) && names_nothing(1) && sem_init(0) == 1 ? 42 : 1;
    if (argc > 1) {
        check("a mutex can be made", (mutex = mutex_create()) >= 0);
        check_eq("there may be ten thousand objects", child_code(make_many, 0), 0);
        check_eq("and more, until there is no more", child_code(make_all, 0), 0);
        return check_done();
    }
    check("without objects no id names one", names_nothing(0));
    int tid = thread_create(make_first, NULL);
    check("a thread makes the first object", thread_join(tid, &code) == 0 && code == 0);
    check("it is the other thread's too", kinds(first) == 1);
    sem = sem_init(0);
    mutex = mutex_create();
    condvar = condvar_create();
    test_wild();
    test_full();
    test_fork();
    test_free();
    check_eq("a new program has no objects", child_code(become_fresh, 0), 42);
    test_words();
    return check_done();
}
