/* Objects by which programs synchronise: semaphores, mutexes and condition variables. What they do
   for a program is told in user/libs/sync.h; this is how the kernel keeps them.

   A program has a table of objects, which belongs to its address space: so threads share it, exec
   begins without one, and it goes when the last thread has gone. It is not made before the first
   object: who has none pays nothing. A forked child gets a copy of the table, in which the same
   numbers (ids) name the same objects. See sync_table.c.

   An object is never freed while somebody may use it: its memory goes with the last table that has
   it. So what sync_find() returned can be used, without a lock or a count, for as long as the
   caller keeps its memory; only its type may change meanwhile, because another one frees it. All
   functions are called by a process, with no lock held, if nothing else is said. */
#pragma once

#include <mm/pmm.h>
#include <process/proc.h>
#include <sync/sem.h>

/* Ids come in chunks. Each id has a word of 32 bits, and the words of a chunk fill a page. */
#define SYNC_CHUNK_IDS  (PGSIZE / sizeof(uint32_t))
#define SYNC_CHUNKS     256             /* of a table, at most */
#define SYNC_GROUP_IDS  16              /* the objects of so many ids are allocated together */

/* The word of a mutex. 0: it is free, and SYNC_WAITERS alone does not make it more than that. Else
   it has the pid of its holder, and perhaps bits beside it. Programs take a mutex whose word is 0,
   and give back one whose word is their pid and nothing else, without asking the kernel: any bit
   makes them ask. */
#define SYNC_PID        (MAX_PID - 1U)
#define SYNC_WAITERS    0x80000000U     /* somebody waits, perhaps: unlocking is the kernel's */
#define SYNC_ASK        0x40000000U     /* all of it is the kernel's; set as long as the mutex is */
#define SYNC_DIED       0x20000000U     /* free, and whoever takes it next is told: -E_KILLED */
#define SYNC_NO_MUTEX   0x10000000U     /* no mutex has this id */

/* How a process sleeps that waits for a mutex or a condition. */
#define WT_SYNC         (0x00000400 | WT_INTERRUPTED)

enum sync_type {
    SYNC_SEM,                           /* 0, which is the cheapest to compare with */
    SYNC_FREE,                          /* no object has this id now */
    SYNC_MUTEX,
    SYNC_CONDVAR,
    SYNC_WATCHED_SEM,                   /* of a program that asked for detection of deadlocks */
};

/* An object. Everything but type, name and what a semaphore has is set once, when its group is
   made: the next object of this id has the same locks and the same queue. */
struct sync_object {
    semaphore_t sem;                    /* closed unless the object is a semaphore */

    int id;
    struct spinlock lock;               /* RANK_WAIT; of two objects never both are held */

    /* Guarded by `lock`; the type is read without it too. */
    uint32_t type;                      /* enum sync_type */
    struct wait_queue queue;            /* who waits for the mutex or the condition */

    uint32_t *word;                     /* atomic. Programs write there what they like: it is
                                           believed for nothing but who has this mutex */
    uint32_t ask;                       /* of a mutex: SYNC_ASK, or 0; set when it is made, or while
                                           one process alone has it */
    struct wait_target target;          /* of a mutex: its name and its holder, for reports */
    char name[32];                      /* "mutex 3" */
    struct donation *donation;          /* of a mutex, while others wait: sync_donate.c */

    /* Of a watched semaphore. Guarded by the detector's lock. */
    bool counts_events;                 /* anybody may post it, not only who took a unit */
    bool comes_back;                    /* of the search in sync_detect.c */
};

/* 1,024 ids, with their objects and their words. Tables share it after a fork. */
struct sync_chunk {
    struct sync_object *objects[SYNC_CHUNK_IDS];    /* by id; one that is always SYNC_FREE, until
                                                       an own one is needed: set once, by a table
                                                       that shares the chunk with no other, with
                                                       the lock of its mm */
    uint32_t refs;                      /* atomic: tables that have it */
    uint32_t room;                      /* atomic: ids that are free, or will be in a moment */
    uint32_t used[SYNC_CHUNK_IDS / 32]; /* atomic: a bit for each id that has an object. Set as
                                           `objects` is; cleared by any table */
    struct Page *words;                 /* set once */
};

/* The table of an address space: mm->attached. */
struct sync_table {
    struct mm_attachment attachment;    /* first member */

    /* Guarded by the mm's lock; the chunks are read without it. */
    uintptr_t words;                    /* where programs find the words: an area of the mm, which
                                           the pager of sync_words.c fills */
    uint32_t chunk_count;               /* the first so many are there; it only grows */
    struct sync_chunk *chunks[SYNC_CHUNKS];
};

/* The table of an address space, or NULL if it has none yet. It stays as long as the mm does. What
   is in it was written before the pointer to it, and is found by that pointer: so no order is
   needed here (Unprivileged spec 20191213, 14.1, rule 9). */
static inline struct sync_table *sync_table_of(const struct mm_struct *mm)
{
    return (struct sync_table *)atomic_load(&mm->attached);
}

/* Make an object in the table of the current process; `value` is a semaphore's. Returns its id, and
   in *words, unless that is NULL, where the words are: a page-aligned address, plus how many pages
   of them there are. -E_NO_MEM if memory or ids are short. May sleep. */
int sync_create(enum sync_type type, int value, uintptr_t *words) __must_check;
/* Free it: all who wait for it wake up with -E_INVAL, and the id may come again. False if another
   one was first: it is not of this type any more. */
bool sync_destroy(struct sync_object *object, enum sync_type type);

/* The steps by which an object comes to be; the tests make some without a table. Set up one of no
   type, once; and make it one of this type, when it has none. */
void sync_object_init(struct sync_object *object, int id, uint32_t *word);
void sync_object_open(struct sync_object *object, enum sync_type type, int value);

/* The object of this id and type in a table, or NULL; without a table too. `id` is a register of a
   program: any number. Takes no lock and does not sleep. Each pointer leads to what was written
   before it was stored (rule 9, see sync_table_of()). */
static inline struct sync_object *sync_at(
    struct sync_table *table, uint64_t id, enum sync_type type)
{
    if (unlikely(table == NULL || id >= SYNC_CHUNKS * SYNC_CHUNK_IDS))
        return NULL;
    struct sync_chunk *chunk = atomic_load(&table->chunks[id / SYNC_CHUNK_IDS]);
    if (unlikely(chunk == NULL))
        return NULL;
    struct sync_object *object = atomic_load(&chunk->objects[id % SYNC_CHUNK_IDS]);
    return likely(atomic_load(&object->type) == type) ? object : NULL;
}
/* The same for the current process. */
static inline struct sync_object *sync_find(uint64_t id, enum sync_type type)
{
    return sync_at(sync_table_of(current->mm), id, type);
}

/* Give a child that is being made, with a copy of the memory of the current process, a copy of the
   table too. Nobody else knows its mm yet. 0 or -E_NO_MEM. May sleep. */
int sync_fork(struct mm_struct *child) __must_check;

/* The current process ends, or becomes another program: it gives up the mutexes that it holds in
   the table of this mm, which it still uses. Free of charge without a table. Gives way: it may take
   long. */
void sync_give_up_all(struct sync_table *table);
static inline void sync_leave(const struct mm_struct *mm)
{
    struct sync_table *table = mm != NULL ? sync_table_of(mm) : NULL;

    if (unlikely(table != NULL))
        sync_give_up_all(table);
}

/* The table of this mm, which is made if there is none. Its lock is held. NULL if there is no
   memory. */
struct sync_table *sync_table_make(struct mm_struct *mm) __must_check;

/* The parts of it that sync_words.c has. A new page of words, none of which is a mutex's; NULL if
   there is no memory. */
struct Page *sync_words_create(void) __must_check;
/* See to it that the table has an area of the program's memory for its words. The mm's lock is
   held. 0 or -E_NO_MEM. */
int sync_words_map(struct mm_struct *mm, struct sync_table *table) __must_check;

/* When a wait of so many milliseconds that begins now is over, for wait_for_grant(); 0 is a wait
   for ever. */
uint64_t sync_deadline_in(uint64_t milliseconds);       /* not 0 */
static inline uint64_t sync_deadline(uint64_t milliseconds)
{
    return likely(milliseconds == 0) ? TIMER_NEVER : sync_deadline_in(milliseconds);
}

/* What the system calls of these names do, for objects that sync_find() has found; deadlines are
   those of sync_deadline(). user/libs/sync.h tells what comes out. All of them may sleep, but
   sync_sem_post(), sync_mutex_unlock() and the last two. */
static inline long sync_sem_post(struct sync_object *sem)
{
    return up(&sem->sem);               /* it refuses more than INT_MAX units */
}
/* A semaphore has no holder, so the end of a process changes nothing: the units that it had taken
   are lost, as they are when it forgets to post. But a unit that was given to it while it waited,
   and was killed, goes to others: see give_back() in sync_table.c. */
static inline long sync_sem_wait(struct sync_object *sem, uint64_t deadline)
{
    return sem_down(&sem->sem, WT_KSEM | WT_INTERRUPTED, deadline);
}
/* The mutex was not free for the program's own try, or it did not try. */
int sync_mutex_lock(struct sync_object *mutex);
int sync_mutex_unlock(struct sync_object *mutex);
/* Unlock the mutex, wait, and lock it again. */
int sync_condvar_wait(struct sync_object *condvar, struct sync_object *mutex, uint64_t deadline);
/* Wake the first who waits, or all. */
void sync_condvar_signal(struct sync_object *condvar);
void sync_condvar_broadcast(struct sync_object *condvar);

/* Does the current process have the mutex, by its word? With the mutex's lock, or without it for a
   guess that the process itself cannot make wrong by anything but its own rubbish. */
static inline bool sync_mutex_held(const struct sync_object *mutex)
{
    return (atomic_load(mutex->word) & SYNC_PID) == (uint32_t)current->pid;
}
/* The current process ends, or is another program from now on: if it has the mutex, whoever gets it
   next is told so, by -E_KILLED. */
void sync_mutex_give_up(struct sync_object *mutex);

/* Detection of deadlocks: sync_watch.c. A process that asked for it has a `sync_member`, and so
   have those that it forks later; others pay nothing for it.

   Begin or end it for the current process. 0; -E_INVAL if others share its memory, its objects, or
   its detection, or a mutex is held; -E_NO_MEM. May sleep. */
int sync_set_detection(bool on);
/* A child that is being made is watched if the current process is. 0 or -E_NO_MEM. May sleep. */
int sync_member_fork(struct proc_struct *child) __must_check;
/* A process is watched no more, if it was: it ends, or becomes another program, or has never run.
   May sleep. */
void sync_member_leave(struct proc_struct *proc);
/* An object of a watched process is made, or is watched from now on (on), or no more; others do not
   know it yet. With its lock held, or by the only process that has it. */
void sync_watch_object(struct sync_object *object, bool on);
/* A watched process is about to sleep for the mutex, in whose queue it is. 0: it may. -E_DEADLOCK:
   it is out of the queue again. With the mutex's lock held, which is let go of meanwhile. */
int sync_watch_mutex(struct sync_object *mutex, struct waiter *waiter);
/* After the sleep, whatever ended it. The lock as above. */
void sync_watch_mutex_end(struct sync_object *mutex);
/* What the system calls do with the semaphore of this id if it is a watched one; else -E_INVAL. The
   first may sleep for a unit, both for the detector. */
long sync_watched_wait(uint64_t id, uint64_t milliseconds);
long sync_watched_post(uint64_t id);
/* A watched semaphore has been freed: nobody has units of it any more. May sleep. */
void sync_watch_forget(struct sync_object *sem);
/* The semaphore of this id, watched or not, or NULL. */
static inline struct sync_object *sync_find_sem(uint64_t id)
{
    return sync_find(id, SYNC_SEM) ?: sync_find(id, SYNC_WATCHED_SEM);
}
