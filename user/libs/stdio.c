/* Output: text is collected in a buffer on the caller's stack and written with one system call when
   the format is done, or each time the buffer is full. So there is nothing to flush at exit, and
   nothing that threads share: each may print, and lines of up to 256 bytes stay whole.

   Input: single bytes, and lines by the editor of line.h. What formats a text is libs/printfmt.c,
   which the kernel has too. */
#include <error.h>
#include <file.h>
#include <line.h>
#include <stdio.h>
#include <stdlib.h>
#include <syscall.h>

/* What one call prints. */
/* It is on the stack of the function that prints, so each call has its own. 256 bytes are what a
   write prints in one piece. */
struct outbuf {
    int fd;
    int used;                   /* bytes in text */
    int total;                  /* bytes printed so far */
    char text[256];
};

/* Write what has been collected. If nobody will read it any more the program has no more to do, and
   ends, as in any pipeline. Another error ends it silently: there is nowhere to print it. */
static void flush(struct outbuf *b)
{
    for (int done = 0; done < b->used;) {
        int n = write(b->fd, b->text + done, b->used - done);

        if (n == -E_PIPE)
            exit(n);
        if (n <= 0)
            break;
        done += n;
    }
    b->used = 0;
}

/* What vprintfmt() calls for each character. */
static void put(int c, void *arg)
{
    struct outbuf *b = arg;

    if (b->used == (int)sizeof(b->text))
        flush(b);
    b->text[b->used++] = c;
    b->total++;
}

/* The one function that prints; all others lead to it. The fields are set one by one, so that the
   text is not filled with zeros for nothing. */
int vfprintf(int fd, const char *fmt, va_list ap)
{
    struct outbuf b;

    b.fd = fd;
    b.used = b.total = 0;
    vprintfmt(put, &b, fmt, ap);
    flush(&b);
    return b.total;
}

/* ucore's name for vprintf. */
int vcprintf(const char *fmt, va_list ap)
{
    return vfprintf(stdout, fmt, ap);
}

/* ucore's name for printf. */
int cprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int count = vfprintf(stdout, fmt, ap);
    va_end(ap);
    return count;
}

/* The same again: a function with ... cannot hand its arguments on to another one with .... */
int printf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int count = vfprintf(stdout, fmt, ap);
    va_end(ap);
    return count;
}

/* To one of the two outputs; both are the console here. */
int fprintf(int fd, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int count = vfprintf(fd, fmt, ap);
    va_end(ap);
    return count;
}

/* ucore's puts prints a newline too. */
int cputs(const char *s)
{
    return cprintf("%s\n", s);
}

/* C's name for it. */
int puts(const char *s)
{
    return cputs(s);
}

/* One system call for one character: for programs of ucore's that print so. */
void cputchar(int c)
{
    syscall1(SYS_putc, c);
}

/* C's putchar returns what it has printed. */
int putchar(int c)
{
    cputchar(c);
    return (unsigned char)c;
}

/* No byte is read ahead: what this program does not read is there for the next one. */
int getchar(void)
{
    unsigned char c;

    return read(stdin, &c, 1) == 1 ? c : EOF;
}

/* The line is edited on the stack first, so that *line is changed only if there is one. Room is
   needed for its newline and the closing zero, beside the text; it is asked for anew only if what
   the caller has does not do. A line that was too long is told of, and its beginning is what is
   returned. */
ssize_t getline(char **line, size_t *size, int fd)
{
    char text[LINE_SIZE];

    if (fd != stdin)
        return -1;
    int length = line_edit("", text);

    if (length == LINE_TOO_LONG)
        fprintf(stderr, "The line was cut to %d characters.\n", LINE_SIZE - 1);
    if (length < 0 && length != LINE_TOO_LONG)
        return -1;
    length = strlen(text);
    if (*line == NULL || *size < (size_t)length + 2) {
        char *bigger = realloc(*line, length + 2);

        if (bigger == NULL)
            return -1;
        *line = bigger;
        *size = length + 2;
    }
    strcpy(*line, text);
    strcpy(*line + length, "\n");
    return length + 1;
}

/* ucore's; the format goes to a function of the caller's. */
void printfmt(void (*putch)(int, void *), void *putdat, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintfmt(putch, putdat, fmt, ap);
    va_end(ap);
}
