/* What panic, warn and assert of assert.h do. */
#include <assert.h>
#include <error.h>
#include <printfmt.h>
#include <stdio.h>
#include <ulib.h>

/* The whole report is one cprintf, so that other processes' lines do not mix with it. */
static void report(const char *kind, const char *file, int line, const char *fmt, va_list ap)
{
    char message[512];

    vsnprintf(message, sizeof(message), fmt, ap);
    cprintf("user %s at %s:%d:\n    %s\n", kind, file, line, message);
}

void __warn(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report("warning", file, line, fmt, ap);
    va_end(ap);
}

void __panic(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report("panic", file, line, fmt, ap);
    va_end(ap);
    exit(-E_PANIC);
}
