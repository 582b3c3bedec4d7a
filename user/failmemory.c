/* failmemory: memory, processes, threads, pipes and what synchronises them, where each allocation
   may fail: see tries.h, and tools/faults.py, which runs it.

   With the argument "child" it is the program that its step exec becomes. */
#include <error.h>
#include <file.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <syscall.h>
#include <testing.h>
#include <thread.h>
#include <tries.h>
#include <ulib.h>

#define PAGES       6
#define THREADS     3
#define CROWD       12                  /* more than the kernel has stacks at hand */
#define CHILD_CODE  77
#define BYTES       10000               /* more than a pipe has room for */
#define DESCRIPTORS 40                  /* more than a table of descriptors begins with */

static char shared[PAGES][PGSIZE];
static char buffer[BYTES];

static void set(char value)
{
    for (int i = 0; i < PAGES; i++)
        shared[i][i] = value;
}

static bool is(char value)
{
    for (int i = 0; i < PAGES; i++)
        if (shared[i][i] != value)
            return false;
    return true;
}

/* Two generations, each of which changes what it has of the one before. */
static void step_fork(void)
{
    set(1);
    int pid = TRY(fork());

    if (pid == 0) {
        must("a child has what its parent had", is(1));
        set(2);
        int grandchild = TRY(fork());
        if (grandchild == 0) {
            set(3);
            exit(is(3) ? CHILD_CODE : 1);
        }
        wait_for(grandchild, CHILD_CODE);
        exit(is(2) ? CHILD_CODE : 1);
    }
    must("a parent keeps its own", is(1));
    wait_for(pid, CHILD_CODE);
    must("whatever its child writes", is(1));
}

/* The process has no descriptors but its first three. */
static void make_pipe(int fds[2])
{
    TRY(pipe(fds));
    must("a call that failed has kept no descriptor", fds[0] == 3 && fds[1] == 4);
}

/* So many that the kernel needs new stacks. They end when nobody has the pipe's other end. */
static void step_crowd(void)
{
    int fds[2], pids[CROWD];

    make_pipe(fds);
    for (int i = 0; i < CROWD; i++)
        if ((pids[i] = TRY(fork())) == 0) {
            TRY(close(fds[1]));
            must("nobody writes", TRY(read(fds[0], buffer, 1)) == 0);
            exit(CHILD_CODE);
        }
    TRY(close(fds[1]));
    for (int i = 0; i < CROWD; i++)
        wait_for(pids[i], CHILD_CODE);
}

/* The kernel writes to a page that is shared until then. */
static void step_kernel_writes(void)
{
    int fds[2];

    make_pipe(fds);
    set(1);
    int pid = TRY(fork());
    if (pid == 0) {
        must("five bytes go in", TRY(write(fds[1], "abcde", 5)) == 5);
        must("and come out", TRY(read(fds[0], shared[2], 5)) == 5);
        exit(memcmp(shared[2], "abcde", 5) == 0 ? CHILD_CODE : 1);
    }
    wait_for(pid, CHILD_CODE);
    must("the parent has its own page", is(1));
}

static void step_exec(void)
{
    const char *argv[EXEC_MAX_ARG_NUM + 1] = { "failmemory", "child" };

    for (int i = 2; i < EXEC_MAX_ARG_NUM; i++)
        argv[i] = "an argument that takes room on the new stack";
    set(5);
    int pid = TRY(fork());
    if (pid == 0) {
        TRY(__exec("failmemory", argv));
        exit(1);
    }
    wait_for(pid, CHILD_CODE);
    must("there is no such program", TRY_BUT(-E_NOENT, __exec("no-such-program", argv)) == -E_NOENT
         && is(5));
}

static uintptr_t map(size_t pages)
{
    uintptr_t area = 0;

    TRY(mmap(&area, pages * PGSIZE, MMAP_WRITE));
    return area;
}

/* An area is cut in three parts, which takes memory too. */
static void step_mmap(void)
{
    char *first = (char *)map(8), *second = (char *)map(3);

    for (int i = 0; i < 8; i++)
        first[i * PGSIZE] = i + 1;
    second[0] = 1;
    TRY(munmap((uintptr_t)first + 3 * PGSIZE, 2 * PGSIZE));
    for (int i = 0; i < 8; i++)
        if (i != 3 && i != 4)
            must("what stays mapped stays as it is", first[i * PGSIZE] == i + 1);
    TRY(munmap((uintptr_t)first, 8 * PGSIZE));
    must("another area is another one", second[0] == 1);
    must("new memory is zero", *(char *)map(1) == 0);
}

static uintptr_t move_end(long pages)
{
    uintptr_t end = 0, wanted;

    TRY(brk(&end));
    TRY(({ wanted = end + pages * PGSIZE; brk(&wanted); }));
    return end;
}

static void step_brk(void)
{
    char *heap = (char *)move_end(6);

    for (int i = 0; i < 6; i++)
        heap[i * PGSIZE] = 1;
    move_end(-4);
    move_end(4);
    must("what was kept is there", heap[0] == 1 && heap[PGSIZE] == 1);
    must("what was given back is zero", heap[5 * PGSIZE - 1] == 0);
}

/* It returns how deep the stack was, so that no compiler can do without it. */
static int __never_inlined deep(int n)
{
    volatile char frame[PGSIZE];

    frame[0] = n;
    return n == 0 ? 0 : deep(n - 1) + (frame[0] == n);
}

static void step_stack(void)
{
    must("a stack grows", deep(6) == 6);
}

static int mutex, counter;

static int count(void *how_often)
{
    for (long i = 0; i < (long)how_often; i++) {
        TRY(mutex_lock(mutex));
        counter++;
        TRY(mutex_unlock(mutex));
        yield();
    }
    return CHILD_CODE;
}

static void step_threads(void)
{
    int tids[THREADS], code;

    mutex = TRY(mutex_create());
    for (int i = 0; i < THREADS; i++)
        tids[i] = TRY(thread_create(count, (void *)5L));
    for (int i = 0; i < THREADS; i++) {
        must("a thread is joined", thread_join(tids[i], &code) == 0);
        must_end(code, CHILD_CODE);
    }
    must("nothing was lost", counter == 5 * THREADS);
}

static int lock_of_turn, cond_of_turn, turn;

/* It waits for its turn, and gives it on; not for ever, because the other thread may have been
   killed for want of memory. */
static int player(void *side)
{
    TRY(mutex_lock(lock_of_turn));
    for (int i = 0; i < 3; i++) {
        while (turn != (int)(long)side)
            if (TRY_BUT(-E_TIMEOUT, condvar_wait_timeout(cond_of_turn, lock_of_turn, 200)) < 0) {
                TRY(mutex_unlock(lock_of_turn));
                return 1;
            }
        turn = !turn;
        TRY(i % 2 == 0 ? condvar_signal(cond_of_turn) : condvar_broadcast(cond_of_turn));
    }
    TRY(mutex_unlock(lock_of_turn));
    return CHILD_CODE;
}

/* A mutex and a condition make a monitor, which two threads are in by turns. */
static void monitor(int lock, int cond)
{
    lock_of_turn = lock, cond_of_turn = cond;
    int tid = TRY(thread_create(player, (void *)1L)), mine = player((void *)0L), code;
    must("the other one ends", thread_join(tid, &code) == 0);
    must_end(code, CHILD_CODE);
    must("both have had their turns", mine == CHILD_CODE);
}

/* Objects of a parent and its child; waits that end by their limit of time. */
static void step_sync(void)
{
    int sem = TRY(sem_init(0)), lock = TRY(mutex_create()), cond = TRY(condvar_create());
    int value = -1, pid = TRY(fork());

    if (pid == 0) {
        TRY(mutex_lock(lock));
        must("nobody signals", condvar_wait_timeout(cond, lock, 20) != 0);
        TRY(mutex_unlock(lock));
        TRY(sem_post(sem));
        exit(CHILD_CODE);
    }
    int error = sem_wait_timeout(sem, 200);
    wait_for(pid, CHILD_CODE);
    must("the child's unit comes", error == 0);
    TRY(sem_get_value(sem, &value));
    must("and is taken", value == 0);
    TRY(sem_free(sem));
    monitor(lock, cond);
    TRY(enable_deadlock_detect(1));
    sem = TRY(sem_init(1));
    TRY(sem_wait(sem));
    must("nobody can post", TRY_BUT(-E_DEADLOCK, sem_wait(sem)) == -E_DEADLOCK);
}

static void step_pipe(void)
{
    int fds[2], got = 0, n;

    make_pipe(fds);
    int pid = TRY(fork());
    if (pid == 0) {
        TRY(close(fds[0]));
        for (int sent = 0; sent < BYTES; sent += n) {
            for (int i = sent; i < BYTES; i++)
                buffer[i] = i * 7;
            n = TRY(write(fds[1], buffer + sent, BYTES - sent));
        }
        exit(CHILD_CODE);
    }
    TRY(close(fds[1]));
    while ((n = TRY(read(fds[0], buffer, 1000))) > 0)
        for (int i = 0; i < n; i++)
            must("bytes come in their order", buffer[i] == (char)(got++ * 7));
    wait_for(pid, CHILD_CODE);
    must("all have come", got == BYTES);
}

/* A table grows, and is copied by fork. */
static void step_descriptors(void)
{
    int fds[2], last = 0;

    make_pipe(fds);
    for (int i = 0; i < DESCRIPTORS; i++)
        last = TRY(dup(fds[1]));
    TRY(dup2(fds[1], last + 20));
    int pid = TRY(fork());
    if (pid == 0)
        exit(TRY(write(last + 20, "x", 1)) == 1 ? CHILD_CODE : 1);
    wait_for(pid, CHILD_CODE);
    must("it is the same pipe", TRY(read(fds[0], buffer, 5)) == 1 && buffer[0] == 'x');
}

/* The child runs on the parent's stack until its exec. */
static int __never_inlined spawn(void)
{
    int pid = syscall0(SYS_vfork);

    if (pid != 0)
        return pid;
    TRY(exec("failmemory", "child"));
    exit(1);
}

static void step_vfork(void)
{
    wait_for(TRY(spawn()), CHILD_CODE);
}

/* Until it is killed. */
static int sleeper(void *arg)
{
    (void)arg;
    while (sleep(10000) <= 0)
        ;
    return 0;
}

/* Who is killed in a sleep, and who is left behind by a parent that ends, lose nothing. */
static void step_kill(void)
{
    int pid = TRY(fork()), code;

    if (pid == 0) {
        TRY(fork());
        TRY(thread_create(sleeper, NULL));
        sleeper(NULL);
    }
    sleep(2);
    int error = kill(pid);
    must("a process is killed", waitpid(pid, &code) == 0 && code != 0);
    must("it lived until then, or had no memory", error == 0 || code == -E_KILLED);
    for (int i = 0; i < 2; i++)         /* its child may have begun another one meanwhile */
        for (struct procinfo info = { .pid = pid }; procinfo(info.pid + 1, &info) == 0; )
            kill(info.pid);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "child") == 0)
        return CHILD_CODE;
    step("fork", step_fork);
    step("crowd", step_crowd);
    step("kernel writes", step_kernel_writes);
    step("exec", step_exec);
    step("mmap", step_mmap);
    step("brk", step_brk);
    step("stack", step_stack);
    step("threads", step_threads);
    step("sync", step_sync);
    step("pipe", step_pipe);
    step("descriptors", step_descriptors);
    step("vfork", step_vfork);
    step("kill", step_kill);
    return steps_done();
}
