/* Console output. A text is formatted into a small buffer on the stack, and goes out a buffer at a
   time, while this hart has the right to print.

   That right is a lock of its own kind. It is not one of kern/lock, because the assertions of those
   print; and the hart that has it may print again, from a trap that came meanwhile. Interrupts are
   off while it is held. After a panic it is ignored, so that the panic is printed in any case.
   Nobody sleeps here: a hart that waits, spins. */
#include <debug/printk.h>
#include <printfmt.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>
#include <riscv/sbi.h>

/* The output before a driver has said better. */
static void firmware_output(const char *s, size_t n)
{
    while (n-- > 0)
        sbi_putchar(*s++);
}

static void (*console_output)(const char *, size_t) = firmware_output;

static uint32_t printing;       /* atomic: the hart that prints, as its cpu number + 1; 0: none */
static bool lock_broken;        /* atomic: a panic has come, and nobody waits any more */

/* What to undo at the end of printing. */
struct print_state {
    bool irq_was_on, locked;
};

/* Turn interrupts off and wait for the right to print, unless this hart has it already. */
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

/* Undo what print_begin() did, and no more: an inner text leaves the right to the outer one. */
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

/* What is formatted and not printed yet. */
struct line {
    size_t length;
    char text[120];
};

/* Print what has been collected. */
static void line_flush(struct line *line)
{
    console_output(line->text, line->length);
    line->length = 0;
}

/* Collect a character: what vprintfmt() calls for each. */
static void line_put(int c, void *arg)
{
    struct line *line = arg;

    if (line->length == sizeof(line->text))
        line_flush(line);
    line->text[line->length++] = c;
}

/* A text longer than the buffer goes out in several parts, but still in one piece for others: this
   hart keeps the right to print all the time. */
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
