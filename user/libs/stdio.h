/* Text output and input on the console. A call prints its text with one write if it has at most 256
   bytes, so lines of different processes do not mix.

   There are no FILE objects: stdin, stdout and stderr are file descriptors, and nothing is kept
   between two calls. The functions for output return how many characters they printed, whether
   these could be written or not. All but getline may be called by several threads at once. */
#pragma once

#include <defs.h>
#include <printfmt.h>
#include <stdarg.h>

#define EOF             (-1)

#define stdin           0
#define stdout          1
#define stderr          2

/* ucore's printing. %e prints the name of an error code; see libs/printfmt.h for all
   conversions. */
int cprintf(const char *fmt, ...);
/* The same with the arguments in a list. */
int vcprintf(const char *fmt, va_list ap);
/* Print a text and a newline. */
int cputs(const char *s);               /* with a newline after it, as puts */
/* Print one character, by a system call of its own. */
void cputchar(int c);

/* Print by calling putch(character, putdat) for each character. */
void printfmt(void (*putch)(int, void *), void *putdat, const char *fmt, ...);
/* C's printing, with the same conversions. The compiler checks the arguments of printf alone, so it
   cannot have %e, which is another thing in C. */
int printf(const char *fmt, ...) __printf_like(1, 2);
/* To file descriptor fd, stdout or stderr. */
int fprintf(int fd, const char *fmt, ...);
/* The same with the arguments in a list. */
int vfprintf(int fd, const char *fmt, va_list ap);
/* A text and a newline. */
int puts(const char *s);
/* One character; returns it. */
int putchar(int c);

/* The next byte of the console's input, without an echo; EOF at the end. Waits until there is
   one. */
int getchar(void);

/* Let the user type a line on the console and keep it in *line, newline included: memory from
   malloc that grows as needed, *size bytes of it. Returns its length, or -1 at the end of the
   input. fd must be stdin. */
ssize_t getline(char **line, size_t *size, int fd);
