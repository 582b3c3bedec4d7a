/* What the kernel and programs agree on: numbers of system calls, flags, and structs that calls
   fill in. The number goes into a0 and the arguments into a1 to a5; the result comes back in a0,
   and is 0, positive, or a negative error of error.h. All other registers stay as they are.

   Programs normally call the functions of user/libs/ulib.h; kern/syscall does the work. The numbers
   up to 31, 102, 103 and 255 are ucore's, 40 to 44 those of its descendant ucore_os_plus. rvlab's
   own begin at 210. */
#pragma once

#define SYS_exit                1       /* (code) */
#define SYS_fork                2       /* (); in the child a0 is 0 and tp its pid */
#define SYS_wait                3       /* (pid, or 0 or -1 for any, int *code or NULL) */
#define SYS_exec                4       /* (name, argc, argv) */
#define SYS_clone               5       /* (CLONE_ flags, stack top, or 0 for the caller's) */
#define SYS_yield               10      /* () */
#define SYS_sleep               11      /* (ticks of 10 ms, 2^32 - 1 at most) */
#define SYS_kill                12      /* (pid, or -pid for the group that it leads) */
#define SYS_gettime             17      /* (): milliseconds since boot */
#define SYS_getpid              18      /* () */
#define SYS_brk                 19      /* (uintptr_t *end): set, and store what it is now */
#define SYS_mmap                20      /* (uintptr_t *addr, length, MMAP_ flags) */
#define SYS_munmap              21      /* (addr, length) */
#define SYS_putc                30      /* (character) */
#define SYS_pgdir               31      /* (): print the caller's page table */
#define SYS_sem_init            40      /* (value); what these do is told in user/libs/sync.h */
#define SYS_sem_post            41      /* (id) */
#define SYS_sem_wait            42      /* (id, milliseconds, or 0 for ever) */
#define SYS_sem_free            43      /* (id) */
#define SYS_sem_get_value       44      /* (id, int *value) */
#define SYS_read                102     /* (fd, buf, length) */
#define SYS_write               103     /* (fd, buf, length) */
#define SYS_lab6_set_priority   255     /* (priority): 1 to 100, others are taken for these */

/* rvlab's own. */
#define SYS_progname            210     /* (index, char *buf, size): a program in the image */
#define SYS_job                 211     /* (JOB_ what): who has the console */
#define SYS_vfork               212     /* (): as fork, but see do_vfork in process/proc.h */
#define SYS_procinfo            213     /* (pid, struct procinfo *): that one, or the next */
#define SYS_meminfo             214     /* (struct meminfo *) */
#define SYS_trywait             215     /* (as SYS_wait): the same, or -E_BUSY at once */

#define SYS_mutex_create        216     /* (uintptr_t *words or NULL): see user/libs/sync.c */
#define SYS_mutex_lock          217     /* (id) */
#define SYS_mutex_unlock        218     /* (id) */
#define SYS_condvar_create      219     /* () */
#define SYS_condvar_wait        220     /* (id, the mutex's, milliseconds, or 0 for ever) */
#define SYS_condvar_signal      221     /* (id) */
#define SYS_condvar_broadcast   222     /* (id) */
#define SYS_enable_deadlock_detect  223 /* (1 or 0) */

#define CLONE_VM                0x00000100      /* share the address space */
#define CLONE_THREAD            0x00000200      /* accepted for ucore's sake */
#define CLONE_FS                0x00000800      /* accepted for ucore's sake */

#define MMAP_WRITE              0x00000100      /* readable and writable, else readable only */
#define MMAP_STACK              0x00000200      /* grows downwards on demand, to 256 pages: where
                                                   the kernel places it, they are left free */

/* Each program that the shell starts is a job: it and its descendants form a group. Ctrl-C kills
   the group that has the console; others read end of file. Only a process of the first program's
   group may ask, so a job cannot. */
#define JOB_SHELL               0       /* the first program's group has the console again */
#define JOB_FOREGROUND          1       /* the caller begins a group, which has the console */
#define JOB_BACKGROUND          2       /* the caller begins a group, which has not */

/* The most arguments of a program, its name included, and the longest, without the closing zero. */
#define EXEC_MAX_ARG_NUM        32
#define EXEC_MAX_ARG_LEN        4095

#ifndef __ASSEMBLER__
#include <defs.h>

/* What SYS_procinfo tells about a process: the one whose pid is the lowest that is not below the
   one asked for. Pages are those that are in memory; shared ones are in another process too. */
struct procinfo {
    int32_t pid, parent;
    uint64_t runs;                      /* how often the scheduler picked it */
    uint64_t pages, shared_pages;
    uint64_t memory;                    /* which one: threads have the same; 0 if it has none */
    char name[32], state[16], waits_for[32];
};

/* What SYS_meminfo tells. */
struct meminfo {
    uint64_t total_pages, free_pages;   /* all that can be allocated, and what is free now */
    uint64_t kernel_objects, processes;
};
#endif /* !__ASSEMBLER__ */
