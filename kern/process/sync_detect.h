/* Detection of deadlocks among processes that synchronise: what is known of each of them.

   A program asks for it by enable_deadlock_detect(). From then on its process has a member here,
   and so has each that it forks later, threads too: together they are a family, which has one
   detector. Before one of them begins to wait for a mutex or a semaphore, the detector is asked.
   Nothing of this is known of programs that did not ask; and a family's objects are used by nobody
   else.

   The functions of sync_watch.c keep the record, those of sync_detect.c judge it. */
#pragma once

#include <process/sync.h>

/* What a family has in common. */
struct detector {
    uint32_t refs;                      /* atomic: members that may still use it */

    /* Guards all of this and the members. While it is held no unit of a watched semaphore is taken
       or given, and nobody who has been on record as waiting for anything goes on; but others lock
       and unlock mutexes. */
    struct mutex lock;
    list_entry_t members;
    uint32_t member_count;
    bool has_semaphores;                /* atomic: there is a semaphore, or was one */
};

/* A process of the family. */
struct sync_member {
    struct detector *detector;          /* set once, as is `proc` */
    struct proc_struct *proc;           /* whose `sync_member` this is */

    /* Guarded by the detector's lock. */
    list_entry_t link;                  /* in the detector's list */
    struct sync_object *waits_for;      /* a mutex or a semaphore, without a limit of time; NULL:
                                           nothing of the kind, so it can go on */
    list_entry_t holdings;              /* the units that it took and has not given back */
    bool finishes;                      /* of the search in sync_detect.c */

    struct holding *spare;              /* only touched by the process itself; NULL: none */
};

/* So many units, 1 at least, of a semaphore. */
struct holding {
    list_entry_t link;                  /* in the member's list */
    struct sync_object *sem;
    int units;
};

/* All in sync_detect.c, with the detector's lock held. A member is about to wait for this mutex or
   semaphore. 0: it is on record as waiting. -E_DEADLOCK: it would wait for itself, in a circle, or
   could not be sure to finish; then the record is as before. */
int detector_request(struct sync_member *self, struct sync_object *object);
/* The member took a unit of the semaphore, or was given one. It has a spare holding. */
void detector_unit_taken(struct sync_member *member, struct sync_object *sem);
/* The member posts a unit of the semaphore. */
void detector_unit_given(struct sync_member *member, struct sync_object *sem);

/* What the record says of a semaphore: the member's units of it, or NULL if it has none. With the
   detector's lock held. */
struct holding *holding_of(struct sync_member *member, const struct sync_object *sem);
/* Take it out of the member's list, and free it. The same. */
void holding_free(struct holding *holding);
