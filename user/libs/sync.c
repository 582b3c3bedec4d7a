/* The functions of sync.h: system calls, but for a mutex that nobody else wants.

   Each mutex has a word: 0 while it is free, the pid of its holder while it is taken, and more than
   that if the kernel must be asked. The words are an array in the order of the ids, which is mapped
   where the kernel says; it begins at a page, and a page has 1,024 of them. So to lock is to change
   the word from 0 to the own pid, and to unlock is to change it back, each in one step. If the word
   was not as expected, nothing has changed, and the kernel does it.

   The own pid is kept in the register tp, which nothing else uses in a program: each thread has one
   of its own. The kernel puts it there in a new process, whatever call has made it, and in a new
   program. */
#include <error.h>
#include <sync.h>
#include <syscall.h>
#include <ulib.h>

/* Threads change it, so it is one number; it is 0 before the first mutex. A child has its own, with
   the same value. */
uintptr_t sync_words;

/* Remember where words are. If two threads make a mutex at a time, the one that knows of more pages
   is right. */
static void learn_words(uintptr_t now)
{
    uintptr_t before = __atomic_load_n(&sync_words, __ATOMIC_RELAXED);

    while ((before - before % 4096 != now - now % 4096 || before < now)
           && !__atomic_compare_exchange_n(&sync_words, &before, now, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED))
        ;
}

int sem_init(int value)
{
    return syscall1(SYS_sem_init, value);
}

int sem_wait_timeout(int id, unsigned int milliseconds)
{
    return syscall2(SYS_sem_wait, id, milliseconds);
}

int sem_free(int id)
{
    return syscall1(SYS_sem_free, id);
}

int sem_get_value(int id, int *value)
{
    return syscall2(SYS_sem_get_value, id, (uintptr_t)value);
}

int mutex_create(void)
{
    uintptr_t now;
    int id = syscall1(SYS_mutex_create, (uintptr_t)&now);

    if (id >= 0)
        learn_words(now);
    return id;
}

/* The kernel knows who calls. */
int mutex_lock_slowly(int id)
{
    return syscall1(SYS_mutex_lock, id);
}

int mutex_unlock_slowly(int id)
{
    return syscall1(SYS_mutex_unlock, id);
}

int condvar_create(void)
{
    return syscall0(SYS_condvar_create);
}

int condvar_wait(int id, int mutex)
{
    return syscall3(SYS_condvar_wait, id, mutex, 0);
}

int condvar_wait_timeout(int id, int mutex, unsigned int milliseconds)
{
    return syscall3(SYS_condvar_wait, id, mutex, milliseconds);
}

int condvar_signal(int id)
{
    return syscall1(SYS_condvar_signal, id);
}

int condvar_broadcast(int id)
{
    return syscall1(SYS_condvar_broadcast, id);
}

int enable_deadlock_detect(int on)
{
    return syscall1(SYS_enable_deadlock_detect, on);
}
