/* whoami: a new process is known by its own pid, whatever way it was made.

   A program keeps its pid in the register tp (user/libs/sync.c), and takes a free mutex by writing
   that into the mutex's word. A child that had its parent's pid there would take the mutex for its
   parent: it could not be told when it ends, and the parent would wait for itself. So the kernel
   gives each child, and each new program, its own pid in tp. Here children are made by the system
   calls themselves, which no function of the C library helps. */
#include <error.h>
#include <report.h>
#include <sync.h>
#include <syscall.h>
#include <thread.h>
#include <ulib.h>

#define OWN         21                  /* exit code of a child that has its own pid in the word */
#define OTHERS      22
#define STACK       4096

static int mutex;
static char stack[STACK] __attribute__((aligned(16)));

/* What each child does. It ends with the mutex, which is to be told to the next one. */
static __never_returns void child(void)
{
    int result = mutex_lock(mutex);
    const volatile uint32_t *word = (const volatile uint32_t *)sync_word_of(mutex);

    exit(result == 0 && word != NULL && *word == (uint32_t)getpid() ? OWN : OTHERS);
}

static int thread(__not_used void *arg)
{
    child();
}

/* SYS_clone with memory in common, and a stack of its own. */
static int clone_thread(void)
{
    register long a0 asm("a0") = SYS_clone;
    register uintptr_t a1 asm("a1") = CLONE_VM, a2 asm("a2") = (uintptr_t)(stack + STACK);

    asm volatile ("ecall\n\t"
                  "bnez a0, 1f\n\t"
                  "jr %[child]\n"
                  "1:" : "+r" (a0) : "r" (a1), "r" (a2), [child] "r" (child) : "memory");
    return a0;
}

/* Each of these returns a pid; or not at all, in the child. */
static int by_fork(void)
{
    int pid = syscall0(SYS_fork);

    if (pid == 0)
        child();
    return pid;
}

static int by_clone(void)
{
    int pid = syscall2(SYS_clone, 0, 0);

    if (pid == 0)
        child();
    return pid;
}

/* Without it, as in a handout of lab 5 whose challenge is not written, another way will do. */
static int by_vfork(void)
{
    int pid = syscall0(SYS_vfork);

    if (pid == 0)
        child();
    return pid != -E_UNIMP ? pid : by_fork();
}

static int by_thread(void)
{
    return thread_create(thread, NULL);
}

static int by_library(void)
{
    int pid = fork();

    if (pid == 0)
        child();
    return pid;
}

int main(void)
{
    static const struct { const char *what; int (*make)(void); } ways[] = {
        { "SYS_fork", by_fork }, { "SYS_clone", by_clone }, { "SYS_clone, a thread", clone_thread },
        { "SYS_vfork", by_vfork }, { "thread_create", by_thread }, { "fork", by_library },
    };
    int code;
    long tp;

    mutex = mutex_create();
    asm volatile ("mv %0, tp" : "=r" (tp));
    check_eq("a new program knows its own pid", tp, getpid());
    check("and locks a mutex by it", mutex > 0 && mutex_lock(mutex) == 0
          && *(const volatile uint32_t *)sync_word_of(mutex) == (uint32_t)getpid()
          && mutex_unlock(mutex) == 0);
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        int pid = ways[i].make();

        if (pid <= 0 || waitpid(pid, &code) != 0)
            panic("%s makes no child", ways[i].what);
        check_eq("a child has its own pid in the word", code, OWN);
        if (code == OWN)
            check_eq("so its end is told", mutex_lock(mutex), -E_KILLED);
        mutex_unlock(mutex);
    }
    return check_done();
}
