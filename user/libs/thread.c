/* thread_create and thread_join. The lowest bytes of a thread's stack hold a record of it, on a
   list that all threads of the program share; it is freed with the stack when the thread has been
   joined. */
#include <error.h>
#include <lock.h>
#include <thread.h>
#include <ulib.h>

struct thread {
    int tid;
    struct thread *next;
};

static struct thread *threads;                  /* guarded by threads_lock */
static lock_t threads_lock = INIT_LOCK;

int thread_create(int (*fn)(void *), void *arg)
{
    uintptr_t stack = 0;
    int error = mmap(&stack, THREAD_STACK, MMAP_WRITE);

    if (error != 0)
        return error;
    struct thread *t = (struct thread *)stack;

    t->tid = __clone(CLONE_VM, stack + THREAD_STACK, fn, arg);
    if (t->tid < 0) {
        error = t->tid;
        munmap(stack, THREAD_STACK);
        return error;
    }
    lock(&threads_lock);
    t->next = threads;
    threads = t;
    unlock(&threads_lock);
    return t->tid;
}

int thread_join(int tid, int *code)
{
    int error = waitpid(tid, code);

    if (error != 0)
        return error;
    lock(&threads_lock);
    struct thread **link = &threads;

    while (*link != NULL && (*link)->tid != tid)
        link = &(*link)->next;
    struct thread *t = *link;

    if (t != NULL)
        *link = t->next;
    unlock(&threads_lock);
    return t != NULL ? munmap((uintptr_t)t, THREAD_STACK) : -E_BAD_PROC;
}
