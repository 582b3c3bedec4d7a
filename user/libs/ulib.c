/* The functions of ulib.h and file.h: one system call each, with its arguments in the order that
   libs/unistd.h has.

   Nothing is checked here. The kernel checks every argument, because a program can make the call
   without these functions too. All their results have 32 bits. */
#include <defs.h>
#include <file.h>
#include <syscall.h>
#include <ulib.h>

void exit(int code)
{
    for (;;)
        syscall1(SYS_exit, code);
}

int fork(void)
{
    return syscall0(SYS_fork);
}

int getpid(void)
{
    return syscall0(SYS_getpid);
}

int kill(int pid)
{
    return syscall1(SYS_kill, pid);
}

void yield(void)
{
    syscall0(SYS_yield);
}

int wait(void)
{
    return waitpid(0, NULL);
}

int waitpid(int pid, int *store)
{
    return syscall2(SYS_wait, pid, (uintptr_t)store);
}

int trywait(int pid, int *store)
{
    return syscall2(SYS_trywait, pid, (uintptr_t)store);
}

int __exec(const char *name, const char **argv)
{
    int argc = 0;

    while (argv[argc] != NULL)
        argc++;
    return syscall3(SYS_exec, (uintptr_t)(name != NULL ? name : argv[0]), argc,
                    (uintptr_t)argv);
}

unsigned int gettime_msec(void)
{
    return syscall0(SYS_gettime);
}

int sleep(unsigned int ticks)
{
    return syscall1(SYS_sleep, ticks);
}

void lab6_setpriority(uint32_t priority)
{
    syscall1(SYS_lab6_set_priority, priority);
}

void lab6_set_priority(uint32_t priority)
{
    lab6_setpriority(priority);
}

int brk(uintptr_t *store)
{
    return syscall1(SYS_brk, (uintptr_t)store);
}

int mmap(uintptr_t *store, size_t len, uint32_t flags)
{
    return syscall3(SYS_mmap, (uintptr_t)store, len, flags);
}

int munmap(uintptr_t addr, size_t len)
{
    return syscall2(SYS_munmap, addr, len);
}

void print_pgdir(void)
{
    syscall0(SYS_pgdir);
}

int procinfo(int pid, struct procinfo *info)
{
    return syscall2(SYS_procinfo, pid, (uintptr_t)info);
}

int meminfo(struct meminfo *info)
{
    return syscall1(SYS_meminfo, (uintptr_t)info);
}

int progname(int index, char *buf, size_t size)
{
    return syscall3(SYS_progname, index, (uintptr_t)buf, size);
}

int job(int what)
{
    return syscall1(SYS_job, what);
}

int read(int fd, void *buf, size_t len)
{
    return syscall3(SYS_read, fd, (uintptr_t)buf, len);
}

int write(int fd, const void *buf, size_t len)
{
    return syscall3(SYS_write, fd, (uintptr_t)buf, len);
}
