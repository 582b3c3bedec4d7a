/* The functions of ulib.h and file.h: one system call each, with its arguments in the order that
   libs/unistd.h has. What each does, and its errors, is told in those headers.

   Nothing is checked here. The kernel checks every argument, because a program can make the call
   without these functions too. All their results have 32 bits. A pointer is passed as it is: the
   kernel copies through it, and says -E_FAULT if it cannot. */
#include <defs.h>
#include <file.h>
#include <syscall.h>
#include <ulib.h>

/* A loop, though the call never returns: the compiler must see that the function does not. */
void exit(int code)
{
    for (;;)
        syscall1(SYS_exit, code);
}

/* The two processes go on behind the ecall, with all registers alike but a0, and tp, where the
   kernel gives the child its pid: see sync.c. */
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

/* ucore has a system call for it; here it is waitpid for any child. */
int wait(void)
{
    return waitpid(0, NULL);
}

/* NULL is passed on as 0, which the kernel takes for "nowhere". */
int waitpid(int pid, int *store)
{
    return syscall2(SYS_wait, pid, (uintptr_t)store);
}

/* As waitpid; only the number of the call is another one. */
int trywait(int pid, int *store)
{
    return syscall2(SYS_trywait, pid, (uintptr_t)store);
}

/* The kernel wants to know how many arguments there are, so they are counted here. A name that is
   NULL is that of the first argument; argv must then have one. */
int __exec(const char *name, const char **argv)
{
    int argc = 0;

    while (argv[argc] != NULL)
        argc++;
    return syscall3(SYS_exec, (uintptr_t)(name != NULL ? name : argv[0]), argc,
                    (uintptr_t)argv);
}

/* 32 bits of milliseconds: it begins again at 0 after 49 days. */
unsigned int gettime_msec(void)
{
    return syscall0(SYS_gettime);
}

/* If the process is killed meanwhile it never comes back. */
int sleep(unsigned int ticks)
{
    return syscall1(SYS_sleep, ticks);
}

/* The result, always 0, is dropped, as ucore's function has none. */
void lab6_setpriority(uint32_t priority)
{
    syscall1(SYS_lab6_set_priority, priority);
}

void lab6_set_priority(uint32_t priority)
{
    lab6_setpriority(priority);
}

/* The kernel reads the wish from *store and writes the answer to it. */
int brk(uintptr_t *store)
{
    return syscall1(SYS_brk, (uintptr_t)store);
}

/* The same with the address. */
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

/* The struct is filled by the kernel, or left as it was if there is an error. */
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

/* See file.h; a length beyond what an int can tell is refused by the kernel. */
int read(int fd, void *buf, size_t len)
{
    return syscall3(SYS_read, fd, (uintptr_t)buf, len);
}

/* See file.h. */
int write(int fd, const void *buf, size_t len)
{
    return syscall3(SYS_write, fd, (uintptr_t)buf, len);
}
