/* Text output and input on the console. Each call prints its text with one write where it has at
   most 256 bytes, so lines of different processes do not mix. There are no FILE objects: stdin,
   stdout and stderr are file descriptors. */
#pragma once

#include <defs.h>
#include <printfmt.h>
#include <stdarg.h>

#define EOF             (-1)

#define stdin           0
#define stdout          1
#define stderr          2

/* ucore's printing, which has %e for error codes. They return how many characters were printed. */
int cprintf(const char *fmt, ...);
int vcprintf(const char *fmt, va_list ap);
int cputs(const char *s);               /* with a newline after it, as puts */
void cputchar(int c);

/* C's printing; the compiler checks the arguments. */
void printfmt(void (*putch)(int, void *), void *putdat, const char *fmt, ...);
int printf(const char *fmt, ...) __printf_like(1, 2);
int fprintf(int fd, const char *fmt, ...);
int vfprintf(int fd, const char *fmt, va_list ap);
int puts(const char *s);
int putchar(int c);

/* The next byte of the console's input as it comes, without an echo; EOF at the end. */
int getchar(void);

/* Let the user type a line on the console and keep it in *line, newline included: memory from
   malloc that grows as needed, *size bytes of it. Returns its length, or -1 at the end of the
   input. fd must be stdin. */
ssize_t getline(char **line, size_t *size, int fd);
