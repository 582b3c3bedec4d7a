/* For the table of system calls: those that are in sysinfo.c. */
#pragma once

#include <defs.h>

long sys_pgdir(uint64_t arg[]);
long sys_progname(uint64_t arg[]);
long sys_procinfo(uint64_t arg[]);
long sys_meminfo(uint64_t arg[]);
