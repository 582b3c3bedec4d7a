/* System calls that tell a program about the system: those in sysinfo.c, for the table in
   syscall.c.

   As all functions of that table they get the caller's argument registers, are called with
   interrupts on and no lock held, and may sleep. They return 0 or a positive result, or an error:
   -E_FAULT if what they tell cannot be stored at the address that they were given. What they store
   are the structs of libs/unistd.h. */
#pragma once

#include <defs.h>

/* (): print the caller's page table on the console. 0. */
long sys_pgdir(uint64_t arg[]);
/* (index, char *buf, size): the name of a program of the image. Its length; -E_NOENT behind the
   last one; -E_TOO_BIG if the buffer is too small. */
long sys_progname(uint64_t arg[]);
/* (pid, struct procinfo *): describe the process with the lowest pid that is not below that one. 0,
   or -E_NOENT. */
long sys_procinfo(uint64_t arg[]);
/* (struct meminfo *): describe the machine's memory. 0. */
long sys_meminfo(uint64_t arg[]);
