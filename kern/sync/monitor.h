/* Monitors with Hoare's signal: one task at a time is inside; inside it may wait for a condition,
   or tell that one has become true.

   Who signals hands the monitor over to the one who waits, and waits himself, on `next`, until that
   one leaves or waits again. So what the signaller has made true is still true when the waiter goes
   on: no other task was inside in between, and the waiter need not look again.

   Who leaves hands the monitor over to a signaller that waits on `next`, if there is one, and only
   else lets somebody new in. Not for interrupts; all of it may sleep, with no spinlock and no mutex
   held. */
#pragma once

#include <sync/sem.h>

typedef struct monitor monitor_t;

/* A condition that tasks inside of a monitor wait for. */
typedef struct condvar {
    semaphore_t sem;                /* they sleep here; it has no units but those handed over */
    int count;                      /* how many wait, or have not come in again */
    monitor_t *owner;               /* set once */
} condvar_t;

/* All but what semaphores guard themselves is guarded by being inside. */
struct monitor {
    semaphore_t mutex;              /* 1 while nobody is inside */
    semaphore_t next;               /* signallers sleep here; no units but those handed over */
    int next_count;                 /* how many signallers wait, or are about to */
    condvar_t *cv;                  /* num_cv of them; the caller's */
};

/* A monitor with nobody inside, and with num_cv condition variables, whose memory the caller
   gives. */
void monitor_init(monitor_t *mtp, size_t num_cv, condvar_t *cvs);

/* Come in, when nobody is inside; and leave. A kill does not end the wait. */
void monitor_enter(monitor_t *mtp);
void monitor_leave(monitor_t *mtp);

/* Inside: leave, and wait until somebody signals. The caller is inside again when it returns: with
   0 the monitor was handed over by a signal. With -E_KILLED a kill has ended the wait, and others
   may have been inside since. */
int cond_wait(condvar_t *cvp);

/* Inside: if somebody waits for this condition, hand the monitor over to the first of them, and
   wait until it comes back. Else nothing happens: a signal is not kept for later. */
void cond_signal(condvar_t *cvp);
