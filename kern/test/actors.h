/* Threads that do one thing after the other, as a test tells them: so a test decides who comes
   first, and sees who sleeps.

   For tests of STAGE_INIT: the threads never end, because to end is an exercise of lab 5. The test
   itself never sleeps in what it tests; it lets a thread do that, and looks whether the thread has
   come back. With one hart nothing runs while the test does not give way. */
#pragma once

#include <sched/sched.h>

#define MAX_ACTORS  16

/* Make n threads, numbered from 0. Once in a test. */
void actors_begin(int n);

/* Let a thread call what(its number). It must have come back from the last call; else this
   panics. The thread runs when the test gives way. */
void actor_do(int number, int (*what)(int number));
/* Has it come back? */
bool actor_done(int number);
/* What the last call returned, if it has come back; else -1. */
int actor_result(int number);
/* Does it sleep now? Without a lock: it may have changed by the time of the answer. */
bool actor_sleeps(int number);
/* Kill it, or take that back: it has no process that could end. */
void actor_kill(int number);
void actor_revive(int number);

/* Before actors_begin(), with one hart only: actor_stall() will be used. Then stop a thread for a
   while at the n-th place, from now, at which it gives back the last lock that it holds: others run
   then, until they sleep. */
void actors_can_stall(void);
void actor_stall(int number, int n);

/* Give way until all of them sleep, in a call or because they have come back. Panics if, with one
   hart, they do not come to rest. */
void actors_settle(void);
/* actor_do() and actors_settle(). True if it has come back then. */
bool actor_try(int number, int (*what)(int number));
