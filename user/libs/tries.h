/* Calls that may fail, for want of memory or because the disk gives an error, and are made again.

   The programs fail*.c are run with the boot argument fail=, which has one allocation or one
   transfer fail, a further one with each boot (tools/faults.py). They must not end at that. So a
   call of theirs is TRY(call): if it fails for such a reason it is made again, with the same
   arguments, and then it must succeed. That shows that the call which failed has changed nothing.

   A program is a row of steps, each in a process of its own, because one that touches memory and
   gets none is killed. The step is then done again. */
#pragma once

#include <defs.h>

/* How a step ends that must not go on: an error that comes again and again, as those of a disk
   that is worn do; a result that no failure excuses. */
#define GIVEN_UP    120
#define WRONG       121

/* The result of a call. It comes back only if the call succeeds. */
#define TRY(call)       TRY_BUT(0, call)
/* The same of a call that must give this error, or may give it. */
#define TRY_BUT(error, call) ({ \
    long result_, tries_ = 0; \
    do \
        result_ = (call); \
    while (result_ < 0 && result_ != (error) && try_again(#call, result_, ++tries_)); \
    result_; })

/* The rare part of TRY: a call has failed, for this time. If the error is one that must be expected
   it is made again, a few times; else the process ends. */
bool try_again(const char *call, long error, long tries);

/* What must be true, whatever fails. If it is not, a line says so, and the process ends with
   WRONG. */
void must(const char *what, bool is_true);

/* Run the step in a child, and once more if that was killed because there was no memory or no disk.
   The result tells whether it came to its end. */
bool step(const char *name, void (*body)(void));

/* A child or a thread has ended with the first code, and should have with the other one. If it was
   killed for want of memory, or has given up, the caller ends in the same way. */
void must_end(int ended, int code);
/* Wait for a child, which must end with this code. */
void wait_for(int pid, int code);

/* The exit code of a program whose steps are all done: 0, or WRONG if one went wrong. */
int steps_done(void);
