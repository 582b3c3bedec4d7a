/* System calls as C functions, under the names that ucore courses use: a program that was written
   for ucore's labs compiles unchanged.

   Unless something else is said they return 0 or a positive result, or a negative error, -E_ of
   error.h. A pointer that the program may not use gives -E_FAULT. Memory of a system call is the
   program's: the kernel keeps no pointer after it returns. */
#pragma once

#include <assert.h>
#include <defs.h>
#include <stdlib.h>
#include <unistd.h>

/* Processes. fork makes a child with a copy of the caller's memory, and returns 0 in the child and
   the child's pid in the parent. kill ends a process, or with a negative number the group that the
   process of that number leads. yield lets others run first. */
int fork(void);
int getpid(void);
int kill(int pid);
void yield(void);

/* Wait until a child ends: any, or the one of this pid; 0 is any, too. They return 0 when a child
   has ended, and store its exit code in *store unless store is NULL. If there is no such child they
   return -E_BAD_PROC. */
int wait(void);
int waitpid(int pid, int *store);
/* The same without waiting: -E_BUSY if there is such a child and it has not ended yet. */
int trywait(int pid, int *store);

/* Become the program of this name, or the one that argv[0] names if name is NULL. argv ends with
   NULL. They return only if that failed, and then the old program is as it was. */
int __exec(const char *name, const char **argv);
#define exec(path, ...) __exec(NULL, (const char *[]){ (path), ##__VA_ARGS__, NULL })

/* Time: milliseconds since boot; sleep for a number of ticks, of 10 ms each. */
unsigned int gettime_msec(void);
int sleep(unsigned int ticks);

/* Set the caller's priority, from 1 to 100: what is above counts as 100, and 0 as 1. Under the
   stride scheduler a bigger one gets more time. Both names are the same call. */
void lab6_setpriority(uint32_t priority);
void lab6_set_priority(uint32_t priority);

/* Memory. brk moves the end of the heap to *store, or leaves it if *store is 0, and stores where it
   is now. mmap makes zeroed memory of len bytes at *store, or anywhere if that is 0, and stores its
   address; flags are MMAP_. munmap takes memory away, of whole pages. print_pgdir prints the
   caller's page table on the console. */
int brk(uintptr_t *store);
int mmap(uintptr_t *store, size_t len, uint32_t flags);
int munmap(uintptr_t addr, size_t len);
void print_pgdir(void);

/* For shells. progname copies the name of program number `index` of the image, counted from 0, to
   buf of `size` bytes; -E_NOENT behind the last. job says who has the console (JOB_ of
   unistd.h). */
int progname(int index, char *buf, size_t size);
int job(int what);

/* What there is. procinfo tells of the process with the lowest pid that is not below `pid`, or
   returns -E_NOENT; meminfo tells of the memory. */
int procinfo(int pid, struct procinfo *info);
int meminfo(struct meminfo *info);
