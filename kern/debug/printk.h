/* Printing on the console. Any code may print, in any context: with any lock held, with interrupts
   on or off, from an interrupt or a panic. The text of one call appears whole, without text of
   other harts in it. A hart that is interrupted while it prints, and prints in the handler, does
   not block; the inner text comes inside of the outer one.

   Printing spins while another hart prints. It is slow, and interrupts are off for that time, so it
   is nothing for a path that runs often. */
#pragma once

#include <defs.h>
#include <stdarg.h>

/* Print as C's printf does, with the conversions of libs/printfmt.h. */
void cprintf(const char *fmt, ...) __printf_like(1, 2);
/* The same, with the arguments in a list: for functions that have ... themselves. */
void vcprintf(const char *fmt, va_list ap);

/* Print n bytes as they are, in one piece; zeros too. */
void print_bytes(const char *s, size_t n);

/* Say where the output goes from now on: at first it is the firmware's console, until the console's
   driver calls this at boot. `output` is called with interrupts off, by one hart at a time. */
void print_set_output(void (*output)(const char *s, size_t n));

/* From here on nothing waits for the right to print: a hart may have stopped while it had it. Only
   for a panic. */
void print_break_lock(void);
