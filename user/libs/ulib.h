/* System calls as C functions, under the names that ucore courses use. Unless stated otherwise they
   return 0 or a positive result, or -E_ of error.h. */
#pragma once

#include <assert.h>
#include <defs.h>
#include <stdlib.h>
#include <unistd.h>

/* Processes. fork returns 0 in the child and the child's pid in the parent. */
int fork(void);
int getpid(void);
int kill(int pid);
void yield(void);

/* Wait until a child ends: any, or the one of this pid (0 is any, too). They return 0 when a child
   has ended, with its exit code in *store where store is not NULL, and an error where there is no
   such child. */
int wait(void);
int waitpid(int pid, int *store);
/* The same without waiting: -E_BUSY where the child has not ended yet. */
int trywait(int pid, int *store);

/* Become the program of this name, or the one that argv[0] names where name is NULL. argv ends with
   NULL. They return only when that failed. */
int __exec(const char *name, const char **argv);
#define exec(path, ...) __exec(NULL, (const char *[]){ (path), ##__VA_ARGS__, NULL })

/* Time: milliseconds since boot; sleeping in ticks of 10 ms. */
unsigned int gettime_msec(void);
int sleep(unsigned int ticks);

/* A bigger priority gets more time where the scheduler heeds it; both names are the same call. What
   is above 100 counts as 100, and 0 as 1. */
void lab6_setpriority(uint32_t priority);
void lab6_set_priority(uint32_t priority);

/* Memory. brk moves the end of the heap to *store, or leaves it where *store is 0, and stores where
   it is now. mmap makes zeroed memory at *store, or where there is room if that is 0, and stores
   its address; flags are MMAP_. */
int brk(uintptr_t *store);
int mmap(uintptr_t *store, size_t len, uint32_t flags);
int munmap(uintptr_t addr, size_t len);
void print_pgdir(void);

/* For shells: the name of program number `index`, and who has the console (JOB_). */
int progname(int index, char *buf, size_t size);
/* What there is: the process with the lowest pid that is not below `pid`, and the memory. */
int procinfo(int pid, struct procinfo *info);
int meminfo(struct meminfo *info);
int job(int what);
