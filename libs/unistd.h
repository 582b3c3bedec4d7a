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
#define SYS_mmap                20      /* (uintptr_t *addr, length, MMAP_ flags, fd, offset) */
#define SYS_munmap              21      /* (addr, length) */
#define SYS_putc                30      /* (character) */
#define SYS_pgdir               31      /* (): print the caller's page table */
#define SYS_sem_init            40      /* (value); what these do is told in user/libs/sync.h */
#define SYS_sem_post            41      /* (id) */
#define SYS_sem_wait            42      /* (id, milliseconds, or 0 for ever) */
#define SYS_sem_free            43      /* (id) */
#define SYS_sem_get_value       44      /* (id, int *value) */
#define SYS_open                100     /* (path, O_ flags): a descriptor */
#define SYS_close               101     /* (fd) */
#define SYS_read                102     /* (fd, buf, length) */
#define SYS_write               103     /* (fd, buf, length) */
#define SYS_seek                104     /* (fd, offset, LSEEK_): the new position */
#define SYS_fstat               110     /* (fd, struct stat *) */
#define SYS_fsync               111     /* (fd) */
#define SYS_chdir               120     /* (path) */
#define SYS_getcwd              121     /* (buf, size) */
#define SYS_mkdir               122     /* (path) */
#define SYS_link                123     /* (old path, new path) */
#define SYS_rename              124     /* (old path, new path) */
#define SYS_readlink            125     /* (path, buf, size): how many bytes */
#define SYS_symlink             126     /* (target, path) */
#define SYS_unlink              127     /* (path) */
#define SYS_getdirentry         128     /* (fd, struct dirent *) */
#define SYS_dup                 130     /* (fd, new fd, or NO_FD for the lowest that is free) */
#define SYS_pipe                140     /* (int fd[2]) */
#define SYS_mkfifo              141     /* (path, flags): -E_UNIMP, a task: see docs/sfs.md */
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
#define SYS_rmdir               224     /* (path) */
#define SYS_truncate            225     /* (path, length) */
#define SYS_ftruncate           226     /* (fd, length) */
#define SYS_lstat               227     /* (path, struct stat *): a symbolic link is not followed */
#define SYS_sync                228     /* (): all is on the disk */
#define SYS_fsinfo              229     /* (struct fsinfo *): how much room there is */
#define SYS_msync               230     /* (addr, length): shared maps are on the disk */

#define CLONE_VM                0x00000100      /* share the address space */
#define CLONE_THREAD            0x00000200      /* accepted for ucore's sake */
#define CLONE_FS                0x00000800      /* share the table of descriptors */

#define NO_FD                   (-9999)         /* for SYS_dup: ucore's number for "none" */

/* How a file is opened: ucore's numbers. */
#define O_RDONLY                0
#define O_WRONLY                1
#define O_RDWR                  2
#define O_ACCMODE               3
#define O_CREAT                 0x4             /* make it if it is not there */
#define O_EXCL                  0x8             /* with O_CREAT: it must not be there */
#define O_TRUNC                 0x10            /* it is empty afterwards */
#define O_APPEND                0x20            /* each write goes to the file's end */

/* What a position is counted from. */
#define LSEEK_SET               0
#define LSEEK_CUR               1
#define LSEEK_END               2

#define FS_MAX_DNAME_LEN        31              /* in bytes, without the end */
#define FS_MAX_FNAME_LEN        255
#define FS_MAX_FPATH_LEN        4095

#define MMAP_WRITE              0x00000100      /* readable and writable, else readable only */
#define MMAP_STACK              0x00000200      /* grows downwards on demand, to 256 pages: where
                                                   the kernel places it, they are left free */
#define MMAP_FILE               0x00000400      /* of a descriptor, from an offset on; what is
                                                   written there is the program's own */
#define MMAP_SHARED             0x00000800      /* with it: what is written there is written to the
                                                   file */

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

/* How a fault got a program a page: one of zeros, where nothing was; a copy of one that others have
   too, or that one itself when the others have gone; from the swap area; from a file, as its
   program's is. A first touch or a copy that has to wait for memory is counted again then. */
enum { FAULT_ZERO, FAULT_COPY, FAULT_SWAP, FAULT_FILE, FAULT_KINDS };

/* What SYS_procinfo tells about a process: the one whose pid is the lowest that is not below the
   one asked for. Pages are those that are in memory; shared ones are in another process too. */
struct procinfo {
    int32_t pid, parent;
    uint64_t runs;                      /* how often the scheduler picked it */
    uint64_t pages, shared_pages;       /* in memory, and those of them that others map too */
    uint64_t paged_out;
    uint64_t faults[FAULT_KINDS];       /* since the fork or exec that its memory is from */
    uint64_t memory;                    /* which one: threads have the same; 0 if it has none */
    char name[32], state[16], waits_for[32];
};

/* What SYS_fsinfo tells of the file system that is the root. */
struct fsinfo {
    char name[32];                      /* "sfs" or "image" */
    uint32_t blocks, free_blocks;       /* of 4096 bytes */
    uint32_t inodes, free_inodes;
    uint32_t read_only;
};

/* What SYS_meminfo tells. */
struct meminfo {
    uint64_t total_pages, free_pages;   /* all that can be allocated, and what is free now */
    uint64_t kernel_objects, processes;
    /* The swap area, 0 if there is none: its slots, those in use, and pages in memory that have
       one. Since it was there: pages read and written; faults on a page that was out, but was
       found in memory; pages that went without a write, because the slot had their content. */
    uint64_t swap_slots, swap_used, swap_cached;
    uint64_t swap_read, swap_written, swap_found, swap_dropped;
};
#endif /* !__ASSEMBLER__ */
