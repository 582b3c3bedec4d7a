/* Printing on the console. Any code may print, in any context: a call's text appears whole, and a
   hart that is interrupted while printing does not block. */
#pragma once

#include <defs.h>
#include <stdarg.h>

/* Like C's printf, as far as libs/printfmt.h goes. */
void cprintf(const char *fmt, ...) __printf_like(1, 2);
void vcprintf(const char *fmt, va_list ap);

/* Print bytes as they are, uninterrupted by other harts. */
void print_bytes(const char *s, size_t n);

/* Where the output goes; the firmware's console until a driver says better. */
void print_set_output(void (*output)(const char *s, size_t n));

/* From here on nothing waits for the console: another hart may have stopped while it held it. */
void print_break_lock(void);
