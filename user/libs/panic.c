/* What panic, warn and assert of assert.h do: print one message, and for a panic exit.

   The message is formatted on the stack and printed with one call. A call is one write if it is not
   longer than 256 bytes, so lines of other processes do not get into it. malloc is not used: its
   lock may be what is wrong. Nothing is kept between two calls, so threads may panic at the same
   time. */
#include <assert.h>
#include <error.h>
#include <printfmt.h>
#include <stdio.h>
#include <ulib.h>

/* Print what happened, where, and the message, in one piece. A message that is longer than the
   buffer is cut: a panic must work when there is little stack left. */
static void print_message(const char *kind, const char *file, int line, const char *fmt, va_list ap)
{
    char message[512];

    vsnprintf(message, sizeof(message), fmt, ap);
    cprintf("user %s at %s:%d:\n    %s\n", kind, file, line, message);
}

/* The program goes on, so the warning is the only trace of what happened. */
void __warn(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    print_message("warning", file, line, fmt, ap);
    va_end(ap);
}

/* exit() is called in any case, so nothing runs after it; what other threads do is their own
   matter. */
void __panic(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    print_message("panic", file, line, fmt, ap);
    va_end(ap);
    exit(-E_PANIC);
}

/* It takes more arguments than it looks at: see not_written() in assert.h. */
void __not_written(const char *file, int line, const char *exercise, const char *part, ...)
{
    __panic(file, line, "exercise %s (%s) is not written yet, at %s:%d; labcodes.md tells what to "
            "write there", exercise, part, file, line);
}
