/* System calls as C functions, under the names that ucore courses use: a program that was written
   for ucore's labs compiles unchanged.

   Unless something else is said they return 0 or a positive result, or a negative error, -E_ of
   error.h. A pointer that the program may not use gives -E_FAULT. Memory of a system call is the
   program's: the kernel keeps no pointer after it returns. */
#pragma once

#include <assert.h>
#include <defs.h>
#include <stdlib.h>
#include <sync.h>
#include <unistd.h>

/* Make a child with a copy of the caller's memory: returns 0 in the child, and the child's pid in
   the parent. */
int fork(void);
/* The caller's pid; a thread has one of its own. */
int getpid(void);
/* End a process; with a negative number, the group that the process of that number leads. It ends
   when it next leaves the kernel, so perhaps a little after the call. */
int kill(int pid);
/* Let other processes run first, if there are any. */
void yield(void);

/* Wait until any child ends: 0, or -E_BAD_PROC if the caller has none. */
int wait(void);
/* Wait until the child of this pid ends; 0 or -1 is any. Returns 0 when it has ended, and stores
   its exit code in *store unless store is NULL; -E_BAD_PROC if there is no such child. */
int waitpid(int pid, int *store);
/* The same without waiting: -E_BUSY if there is such a child and it has not ended yet. */
int trywait(int pid, int *store);

/* Become the program of this name, or the one that argv[0] names if name is NULL. argv ends with
   NULL. They return only if that failed, and then the old program is as it was. */
int __exec(const char *name, const char **argv);
#define exec(path, ...) __exec(NULL, (const char *[]){ (path), ##__VA_ARGS__, NULL })

/* Milliseconds since boot. */
unsigned int gettime_msec(void);
/* Sleep for a number of ticks, of 10 ms each. */
int sleep(unsigned int ticks);

/* Set the caller's priority, from 1 to 100: what is above counts as 100, and 0 as 1. Under the
   stride scheduler a bigger one gets more time. */
void lab6_setpriority(uint32_t priority);
/* The same call under its other name: ucore's programs use both. */
void lab6_set_priority(uint32_t priority);

/* Move the end of the heap to *store, or leave it if *store is 0, and store where it is now. */
int brk(uintptr_t *store);
/* Make zeroed memory of len bytes at *store, or anywhere if that is 0, and store its address; flags
   are MMAP_ of unistd.h. */
int mmap(uintptr_t *store, size_t len, uint32_t flags);
/* Take memory away, of whole pages. What lies there may be of several areas, or of none. */
int munmap(uintptr_t addr, size_t len);
/* Print the caller's page table on the console. */
void print_pgdir(void);

/* For shells: copy the name of program number `index` of the image, counted from 0, to buf of
   `size` bytes; -E_NOENT behind the last. */
int progname(int index, char *buf, size_t size);
/* For shells: say who has the console, by one of JOB_ of unistd.h. */
int job(int what);

/* Tell of the process with the lowest pid that is not below `pid`; -E_NOENT if there is none. */
int procinfo(int pid, struct procinfo *info);
/* Tell of the machine's memory. */
int meminfo(struct meminfo *info);
