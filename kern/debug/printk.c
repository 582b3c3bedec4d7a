/* Console output: formatting into a small buffer, one hart at a time. */
#include <debug/printk.h>
#include <printfmt.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>
#include <riscv/sbi.h>

static void firmware_output(const char *s, size_t n)
{
    while (n-- > 0)
        sbi_putchar(*s++);
}

static void (*console_output)(const char *, size_t) = firmware_output;

/*
 * The hart that prints, as its cpu number + 1. Not a spinlock of kern/lock,
 * whose assertions print. The owner may print again, from a trap.
 */
static uint32_t printing;
static bool lock_broken;

static bool print_lock(void)
{
    uint32_t self = this_cpu->id + 1;

    if (atomic_load(&printing) == self || atomic_load(&lock_broken))
        return false;
    while (!atomic_cas(&printing, 0, self) && !atomic_load(&lock_broken))
        cpu_relax();
    return true;
}

static void print_unlock(bool locked)
{
    if (locked)
        atomic_store_release(&printing, 0);
}

void print_set_output(void (*output)(const char *s, size_t n))
{
    console_output = output;
}

void print_break_lock(void)
{
    atomic_store(&lock_broken, true);
}

void print_bytes(const char *s, size_t n)
{
    bool irq = irq_disable();
    bool locked = print_lock();

    console_output(s, n);
    print_unlock(locked);
    if (irq)
        irq_enable();
}

struct line {
    size_t length;
    char text[120];
};

static void line_flush(struct line *line)
{
    console_output(line->text, line->length);
    line->length = 0;
}

static void line_put(int c, void *arg)
{
    struct line *line = arg;

    if (line->length == sizeof(line->text))
        line_flush(line);
    line->text[line->length++] = c;
}

void vcprintf(const char *fmt, va_list ap)
{
    struct line line;
    bool irq = irq_disable();
    bool locked = print_lock();

    line.length = 0;
    vprintfmt(line_put, &line, fmt, ap);
    line_flush(&line);
    print_unlock(locked);
    if (irq)
        irq_enable();
}

void cprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vcprintf(fmt, ap);
    va_end(ap);
}
