/* System calls of semaphores, mutexes and condition variables. They only take their arguments
   apart: the work is done in kern/process, by sync_mutex.c and sync_condvar.c.

   No number is cut. An id is looked for as the 64 bits that it is; milliseconds are taken for the
   most that there is if they are more; a value that is no int, or negative, is refused. No object
   is left behind if its maker cannot be told about it: a bad address is -E_FAULT, and the object is
   gone again. */
#include <error.h>
#include <mm/usercopy.h>
#include <process/sync.h>
#include <syscall/syssync.h>

long sys_sem_init(uint64_t arg[])
{
    return arg[0] <= INT_MAX ? sync_create(SYNC_SEM, arg[0], NULL) : -E_INVAL;
}

long sys_sem_post(uint64_t arg[])
{
    struct sync_object *sem = sync_find(arg[0], SYNC_SEM);

    return likely(sem != NULL) ? sync_sem_post(sem) : sync_watched_post(arg[0]);
}

/* A function of its own, so that the usual wait calls nothing, and needs no frame. */
static __never_inlined long sem_wait_limited(struct sync_object *sem, uint64_t milliseconds)
{
    return sync_sem_wait(sem, sync_deadline_in(milliseconds));
}

long sys_sem_wait(uint64_t arg[])
{
    struct sync_object *sem = sync_find(arg[0], SYNC_SEM);

    if (unlikely(sem == NULL))
        return sync_watched_wait(arg[0], arg[1]);
    if (unlikely(arg[1] != 0))
        return sem_wait_limited(sem, arg[1]);
    return sync_sem_wait(sem, TIMER_NEVER);
}

long sys_sem_free(uint64_t arg[])
{
    struct sync_object *sem = sync_find_sem(arg[0]);

    if (sem == NULL)
        return -E_INVAL;
    return sync_destroy(sem, SYNC_SEM) || sync_destroy(sem, SYNC_WATCHED_SEM) ? 0 : -E_INVAL;
}

/* The value of a moment ago. It is never negative: those who wait are not counted. */
long sys_sem_get_value(uint64_t arg[])
{
    struct sync_object *sem = sync_find_sem(arg[0]);

    if (sem == NULL)
        return -E_INVAL;
    int value = atomic_load(&sem->sem.value);
    return copy_to_user(arg[1], &value, sizeof(value));
}

/* The address is stored after the mutex was made: it says where its word is. */
long sys_mutex_create(uint64_t arg[])
{
    uintptr_t words;
    int id = sync_create(SYNC_MUTEX, 0, &words), error;

    if (id < 0 || arg[0] == 0)
        return id;
    error = copy_to_user(arg[0], &words, sizeof(words));
    if (error == 0)
        return id;
    struct sync_object *mutex = sync_find(id, SYNC_MUTEX);
    if (mutex != NULL)
        sync_destroy(mutex, SYNC_MUTEX);
    return error;
}

long sys_mutex_lock(uint64_t arg[])
{
    struct sync_object *mutex = sync_find(arg[0], SYNC_MUTEX);

    return mutex != NULL ? sync_mutex_lock(mutex) : -E_INVAL;
}

long sys_mutex_unlock(uint64_t arg[])
{
    struct sync_object *mutex = sync_find(arg[0], SYNC_MUTEX);

    return mutex != NULL ? sync_mutex_unlock(mutex) : -E_INVAL;
}

long sys_condvar_create(__not_used uint64_t arg[])
{
    return sync_create(SYNC_CONDVAR, 0, NULL);
}

long sys_condvar_wait(uint64_t arg[])
{
    struct sync_object *condvar = sync_find(arg[0], SYNC_CONDVAR);
    struct sync_object *mutex = sync_find(arg[1], SYNC_MUTEX);

    if (condvar == NULL || mutex == NULL)
        return -E_INVAL;
    return sync_condvar_wait(condvar, mutex, sync_deadline(arg[2]));
}

long sys_condvar_signal(uint64_t arg[])
{
    struct sync_object *condvar = sync_find(arg[0], SYNC_CONDVAR);

    if (condvar == NULL)
        return -E_INVAL;
    sync_condvar_signal(condvar);
    return 0;
}

long sys_condvar_broadcast(uint64_t arg[])
{
    struct sync_object *condvar = sync_find(arg[0], SYNC_CONDVAR);

    if (condvar == NULL)
        return -E_INVAL;
    sync_condvar_broadcast(condvar);
    return 0;
}

long sys_enable_deadlock_detect(uint64_t arg[])
{
    return arg[0] <= 1 ? sync_set_detection(arg[0]) : -E_INVAL;
}
