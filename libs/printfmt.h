/* Formatted output to a function that takes one character, and to a buffer.

   The conversions are %d %i %u %x %X %o %p %c %s %%, with the flags - 0 #, width, precision, and
   the lengths hh h l ll z t j; and ucore's %e, the name of an error code. + and blank are accepted
   and have no effect. There are no floating-point numbers: the kernel does not use them. A
   conversion that is not known is printed as it stands.

   All may be called from anywhere: they take no lock and allocate nothing. */
#pragma once

#include <defs.h>
#include <stdarg.h>

/* Print: call putch(character, putdat) for each character, in order. */
void vprintfmt(void (*putch)(int, void *), void *putdat, const char *fmt, va_list ap);

/* Print into buf, at most size bytes with the closing zero, which is always there unless size is 0.
   Returns the length of the whole text without the zero, whether it fitted or not: the text was cut
   if that is size or more. */
int snprintf(char *buf, size_t size, const char *fmt, ...);
/* The same, with the arguments in a list. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
