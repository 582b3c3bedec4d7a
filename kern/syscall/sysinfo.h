/* For the table of system calls: those that are in sysinfo.c. */
#pragma once

#include <defs.h>

int sys_pgdir(uint64_t arg[]);
int sys_progname(uint64_t arg[]);
int sys_procinfo(uint64_t arg[]);
int sys_meminfo(uint64_t arg[]);
