/* What the tests of programs' mutexes and condition variables share: one of each, without a program
   around them, and threads that use them as the system calls do.

   A judge can look at the word and at the queues after each step, because on one hart nothing runs
   between two steps unless the test gives way. A kernel thread has a pid, which is all that a mutex
   knows of its holder; what a program does by itself, fast_lock() does here. */
#pragma once

#include <process/sync.h>
#include <test/testlib.h>

extern struct sync_object test_mutex, test_condvar;
extern uint32_t test_words[2];
#define word    (test_words[0])         /* of the mutex */

/* A thread that a test has started, and what came of it. */
struct actor {
    int pid;
    int result;                         /* of the lock, or of the wait */
    int order;                          /* it was the first, second, ... that came back */
    uint32_t seen;                      /* the word when it came back */
    int unlocked;                       /* the result of its unlock */
    uint64_t ticks;                     /* a wait ends after so many; 0: none */
};

/* Make both objects anew; all words of the mutex will have the bits of `ask`. */
void usync_reset(uint32_t ask);
/* Start a thread that locks the mutex, notes what came of it, and unlocks it. */
void start_locker(struct actor *actor);
/* The same, but it waits for the condition in between. */
void start_waiter(struct actor *actor);
/* Does it sleep, in the queue of that object? Gives way for a while until it does. */
bool falls_asleep(const struct actor *actor, const struct sync_object *object);
/* Kill it: its sleep ends, and it comes to its end as it would anyway. */
void kill_actor(const struct actor *actor);
/* Wait until it has ended. */
void end_actor(const struct actor *actor);

/* What a program does before it asks the kernel. */
static inline bool fast_lock(void)
{
    return atomic_cas(&word, 0, (uint32_t)current->pid);
}
/* The same for giving it back. */
static inline bool fast_unlock(void)
{
    return atomic_cas(&word, (uint32_t)current->pid, 0);
}
