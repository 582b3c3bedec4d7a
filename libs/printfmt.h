/* Formatted output to a function that takes one character. The conversions are %d %i %u %x %X %o %p
   %c %s %% with flags - 0 #, width, precision, and the lengths hh h l ll z t, and ucore's %e, the
   name of an error code. */
#pragma once

#include <defs.h>
#include <stdarg.h>

void vprintfmt(void (*putch)(int, void *), void *putdat, const char *fmt, va_list ap);

/* Print into buf, at most size bytes with the closing zero. They return the length that the whole
   text has, whether it fitted or not. */
int snprintf(char *buf, size_t size, const char *fmt, ...);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
