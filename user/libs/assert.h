/* Checks that end the program, and warnings that do not.

   Each message names the file and the line. A panic ends the process with the exit code -E_PANIC,
   so that whoever waits for it, and the grader, sees that it did not end well. In a thread it ends
   that thread only. Children of the process are not ended with it.

   To report a property of the kernel, with the test going on, is report.h's work. */
#pragma once

#include <defs.h>

/* Only for the macros below: print "user warning at FILE:LINE" and the message, as printf would. */
void __warn(const char *file, int line, const char *fmt, ...);
/* The same with "user panic", and exit with -E_PANIC. */
__never_returns void __panic(const char *file, int line, const char *fmt, ...);

/* Print a warning and go on; print a message and end the process. */
#define warn(...)       __warn(__FILE__, __LINE__, __VA_ARGS__)
#define panic(...)      __panic(__FILE__, __LINE__, __VA_ARGS__)

/* Panic if x is false. x is always evaluated. */
#define assert(x)       ((x) ? (void)0 : panic("assertion failed: %s", #x))

/* What stands in a handout in place of a part of an exercise: not_written("0.1", "greet", argc). It
   ends the program with -E_PANIC, and says what is missing. The arguments that follow are what the
   part will need. They are not looked at: they keep the compiler from warning that nothing uses
   them. */
#define not_written(exercise, ...) \
    __not_written(__FILE__, __LINE__, exercise, __VA_ARGS__)
/* Only for not_written(). */
__never_returns void __not_written(const char *file, int line, const char *exercise,
                                   const char *part, ...);

/* Checked when compiled; C's second argument, a message, may be left out. */
#define static_assert(x, ...)   _Static_assert(x, #x)
