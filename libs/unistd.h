/* What kernel and user programs agree on: system call numbers and flags. The number goes into a0,
   the arguments into a1 to a5, the result comes back in a0. */
#pragma once

#define SYS_exit                1       /* (code) */
#define SYS_fork                2       /* () */
#define SYS_wait                3       /* (pid or 0 for any, int *code or NULL) */
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
#define SYS_progname            40      /* (index, char *buf, size): a program in the image */
#define SYS_job                 41      /* (JOB_ what): who has the console */
#define SYS_vfork               42      /* (): as fork, but see do_vfork in process/proc.h */
#define SYS_procinfo            43      /* (pid, struct procinfo *): that one, or the next */
#define SYS_meminfo             44      /* (struct meminfo *) */
#define SYS_trywait             45      /* (the same): as wait, or -E_BUSY at once */
#define SYS_read                102     /* (fd, buf, length) */
#define SYS_write               103     /* (fd, buf, length) */
#define SYS_lab6_set_priority   255     /* (priority): 1 to 100, others are taken for these */

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

#define EXEC_MAX_ARG_NUM        32
#define EXEC_MAX_ARG_LEN        4095

#ifndef __ASSEMBLER__
#include <defs.h>

/* What SYS_procinfo tells about the process whose pid is the lowest that is not below the one asked
   for. Pages are those that are in memory; shared ones others have too. */
struct procinfo {
    int32_t pid, parent;
    uint64_t runs;                      /* how often the scheduler picked it */
    uint64_t pages, shared_pages;
    uint64_t memory;                    /* which: threads have the same; 0 where there is none */
    char name[32], state[16], waits_for[32];
};

struct meminfo {
    uint64_t total_pages, free_pages;   /* all that can be allocated, and what is free now */
    uint64_t kernel_objects, processes;
};
#endif /* !__ASSEMBLER__ */
