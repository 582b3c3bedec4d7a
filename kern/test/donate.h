/* What the tests of donated priorities share: some mutexes of programs, without a program around
   them, and threads that lock and unlock them as a test tells them (actors.h).

   A thread has an own priority, which the test gives it, and the one with which it runs:
   priority_of(), what the scheduler goes by. On one hart nothing changes it between two steps of a
   test. The scheduling class does not matter here, because no time is measured.

   The threads never end, and those that a test kills live on: actor_revive(). */
#pragma once

#include <process/sync.h>
#include <test/actors.h>
#include <test/testlib.h>

#define THREADS     8
#define MUTEXES     6

extern struct sync_object mutexes[MUTEXES];
extern uint32_t mutex_words[MUTEXES];
extern struct proc_struct *threads[THREADS];

/* Make the threads and the mutexes. Once in a test. */
void donate_prepare(void);
/* Make a mutex anew: it is free, and nobody waits for it. */
void donate_reset_mutex(int mutex);
/* Let a thread do something, and all come to rest. To lock: true if it has the mutex then, and
   false if it waits for it. To unlock: false if it did not have the mutex. */
bool thread_locks(int thread, int mutex);
bool thread_unlocks(int thread, int mutex);
/* It gives the mutex up, as one that ends, and it sets its own priority, as the system call
   does. */
void thread_gives_up(int thread, int mutex);
void thread_sets_priority(int thread, uint32_t priority);
/* It is killed while it waits, comes back from that, and lives on. */
void thread_is_killed(int thread);

/* With which priority does it run? */
static inline uint32_t priority_of(int thread)
{
    return atomic_load(&threads[thread]->task.lab6_priority);
}
/* Which thread has the mutex, by its word? THREADS if none has. */
int mutex_holder(int mutex);
