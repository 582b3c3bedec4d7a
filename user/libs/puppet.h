/* Puppets: threads that do one call after the other, when they are told to, so that a test can put
   several of them into a state step by step: this one holds that, and waits for this.

   A test that uses them fails, and does not hang, if a puppet's call does not return: what waits
   for it gives up after some thousand turns of all who can run.
   A test that has found such a one cannot tell that puppet to do anything more. */
#pragma once

#include <defs.h>

#define PUPPET_BUSY     (-1000)         /* no error of the kernel's, and no result */

struct puppet {
    int tid;
    /* Written by the test, and by the puppet when it has done it; 0: nothing to do. */
    volatile uint32_t step;
    int (*call)(int);
    int argument;
    int result;
};

/* Start one. It runs, by yielding, until it is told to do something. */
void puppet_start(struct puppet *puppet);
/* Tell it to call this function, and do not wait for it. It must have nothing to do. */
void puppet_begin(struct puppet *puppet, int (*call)(int), int argument);
/* What the call returned; PUPPET_BUSY if it did not, although others had many turns. */
int puppet_end(struct puppet *puppet);
/* The two in one. */
int puppet_do(struct puppet *puppet, int (*call)(int), int argument);
/* Begin call(id), and wait until the puppet sleeps for the object of that id; `kind` is its name:
   "mutex". False if the call returns, or the puppet does something else. */
bool puppet_waits(struct puppet *puppet, int (*call)(int), int id, const char *kind);
/* Does the process of this pid sleep for that object? Waits a while until it does. */
bool sleeps_for(int pid, const char *kind, int id);
/* End it: it must have nothing to do. */
void puppet_stop(struct puppet *puppet);
