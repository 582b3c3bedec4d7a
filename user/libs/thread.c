/* thread_create and thread_join: see thread.h.

   The lowest bytes of a thread's stack hold a record of it, a struct thread. The records are on a
   list that all threads of the program share, so that thread_join finds the stack; it frees the
   stack, and the record with it, when the thread has ended. A lock guards the list, and only the
   list: nobody waits for a thread while it is held. */
#include <error.h>
#include <lock.h>
#include <thread.h>
#include <ulib.h>

/* A thread, from its creation until it is joined. */
struct thread {
    int tid;
    struct thread *next;
};

static struct thread *threads;                  /* guarded by threads_lock */
static lock_t threads_lock = INIT_LOCK;

/* The record is on the list only after the thread has begun, which does not matter: only the
   creator looks for it. The new thread's first push must not overwrite the record: it is at the
   other end of the stack. If there is no thread, its stack is given back at once. */
int thread_create(int (*fn)(void *), void *arg)
{
    uintptr_t stack = 0;
    int error = mmap(&stack, THREAD_STACK, MMAP_WRITE);

    if (error != 0)
        return error;
    struct thread *t = (struct thread *)stack;

    t->tid = __clone(CLONE_VM | CLONE_FS, stack + THREAD_STACK, fn, arg);
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

/* waitpid refuses what is no child of the caller's. A child of fork that is no thread has no
   record. The stack is freed only when the thread has ended, because until then the thread runs on
   it. */
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
