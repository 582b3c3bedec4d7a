/* One step of a workload's script: its words, and what they do. crash_work.c takes scripts apart
   and does the steps; crash_calls.c has a function for each word.

   Two threads may be at it, each with a struct worker of its own. What they share are numbers, of
   which each writes its own. If one of `synced` comes a little late, no more than the count of
   common commits is another one. */
#pragma once

#include <mm/vmm.h>
#include <test/crash.h>

#define CRASH_WORDS         5           /* of a step, at most */
#define CRASH_WORD_LENGTH   32

/* The numbers of marks: a step of a thread has begun; what it did is on the disk. */
#define CRASH_BEGUN(thread, step)   ((thread) << 16 | (step))
#define CRASH_DURABLE(thread, step) (2 << 16 | CRASH_BEGUN(thread, step))

/* A thread at work. */
struct worker {
    struct history *history;
    uint32_t number;
    uint32_t parts;                     /* of the tree that it watches, as bits */
    struct inode *held;                 /* a file or directory that it has open, or NULL */
    struct mm_struct *mm;               /* in which a file is mapped, or NULL */
    struct inode *mapped;               /* that file, open */
    char words[CRASH_WORDS][CRASH_WORD_LENGTH];     /* of the step */
};

/* Where they work. */
extern struct crash_stage {
    struct filesystem *fs;
    struct inode *root;
    uint32_t ended[CRASH_THREADS];      /* steps that are over */
    uint32_t synced[CRASH_THREADS];     /* and were so at the last sync */
} crash_stage;

/* Do the step in words[]: 0 or its error. */
int crash_call(struct worker *w);
/* The number that words[i] is. */
uint64_t crash_number(const struct worker *w, int i);
/* Give back what the worker has open. */
void crash_let_go(struct worker *w);
