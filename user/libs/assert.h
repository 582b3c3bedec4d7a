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

/* Checked when compiled; C's second argument, a message, may be left out. */
#define static_assert(x, ...)   _Static_assert(x, #x)
