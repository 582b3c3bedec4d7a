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

/* The hart that prints, as its cpu number + 1. Not a spinlock of kern/lock, whose assertions print.
   The owner may print again, from a trap. */
static uint32_t printing;
static bool lock_broken;

/* What to undo at the end of printing. */
struct print_state {
    bool irq_was_on, locked;
};

static struct print_state print_begin(void)
{
    struct print_state state = { .irq_was_on = irq_disable() };
    uint32_t self = this_cpu->id + 1;

    if (atomic_load(&printing) == self || atomic_load(&lock_broken))
        return state;
    while (!atomic_cas(&printing, 0, self) && !atomic_load(&lock_broken))
        cpu_relax();
    state.locked = true;
    return state;
}

static void print_end(struct print_state state)
{
    if (state.locked)
        atomic_store_release(&printing, 0);
    if (state.irq_was_on)
        irq_enable();
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
    struct print_state state = print_begin();

    console_output(s, n);
    print_end(state);
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
    struct print_state state = print_begin();
    struct line line;

    line.length = 0;
    vprintfmt(line_put, &line, fmt, ap);
    line_flush(&line);
    print_end(state);
}

void cprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vcprintf(fmt, ap);
    va_end(ap);
}
