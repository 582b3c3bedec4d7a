/* Donation of priorities: a process that has a mutex of programs runs, as long as others wait for
   it, with the highest priority of theirs, if that is above its own. See sync_donate.c.

   The kernel keeps a record of it: a struct donation of each mutex for which somebody waits, and of
   each process that ever had to do with one. If memory is short for them nothing is donated. What
   is in there is the challenge's own, and guarded by the lock of sync_donate.c. By the functions
   here sync_mutex.c tells what happens. With the challenge blank nothing is donated.

   They are called with the lock of the mutex held, which ranks before all locks that are taken in
   there; none sleeps. */
#pragma once

#include <skew_heap.h>

struct proc_struct;
struct sync_object;
struct task;

/* What is known of a process, or of a mutex. All but the first two is 0 at first. That of a mutex
   is freed when nobody waits for it any more, that of a process when it has ended. */
struct donation {
    struct task *task;                  /* a process's; NULL: it is a mutex's,
                                           or of nobody at all */
    uint32_t waits;                     /* for a mutex: begun, and not ended yet */
    /* EXERCISE 7.C begin extra: fields of struct donation */
    struct donation *to;                /* whom it gives its priority; NULL: nobody */
    skew_heap_entry_t link;             /* in to->givers */
    skew_heap_entry_t *givers;          /* who gives this one theirs, the highest first */
    uint32_t priority;                  /* what it gives, while it does */
    /* EXERCISE 7.C end */
};

/* The current process, which is in the queue of the mutex, is about to sleep: its priority goes to
   the holder, and on along the chain. The mutex's lock is let go of for a moment, to take proc_lock
   before it: so the process may have been given the mutex meanwhile, and be the holder itself. True
   if the wait is on record now: then the next one must be called. */
bool sync_donate_begin(struct sync_object *mutex);
/* It has woken, whatever ended its sleep, or did not sleep; and it gives nothing any more. */
void sync_donate_end(struct sync_object *mutex);
/* The holder gives the mutex away, to `next`, which is the first in its queue still. */
void sync_donate_pass(struct sync_object *mutex, struct proc_struct *next);
/* A process that has a record ends: nobody gives it anything any more. By itself; or by who frees
   it, and the record with it. The only one of them that is called with no lock held. */
void sync_donate_leave(struct proc_struct *proc);
