/* Checks that end the program, and warnings that do not. Each message names the file and the line;
   a panic's exit code is -E_PANIC. */
#pragma once

#include <defs.h>

void __warn(const char *file, int line, const char *fmt, ...);
__never_returns void __panic(const char *file, int line, const char *fmt, ...);

#define warn(...)       __warn(__FILE__, __LINE__, __VA_ARGS__)
#define panic(...)      __panic(__FILE__, __LINE__, __VA_ARGS__)

#define assert(x)       ((x) ? (void)0 : panic("assertion failed: %s", #x))

/* Checked when compiled; C's second argument, a message, may be left out. */
#define static_assert(x, ...)   _Static_assert(x, #x)
