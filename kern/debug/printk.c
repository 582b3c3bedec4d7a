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

/* The output before a driver has said better: character by character, each by a call into the
   firmware. It is slow, but there is nothing else before the device tree has been read. */
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

/* Turn interrupts off and wait for the right to print, unless this hart has it already. That case
   is no mistake: an exception may come while this hart prints, and its handler prints too.
   Interrupts go off first, so that the task cannot change its hart between the question and the
   swap. */
static struct print_state print_begin(void)
{
    struct print_state state = { .irq_was_on = irq_disable() };
    uint32_t self = this_cpu->id + 1;

    if (atomic_load(&printing) == self || atomic_load(&lock_broken))
        return state;
    /* pairs with print_end() */
    while (!atomic_cas(&printing, 0, self) && !atomic_load(&lock_broken))
        cpu_relax();
    state.locked = true;
    return state;
}

/* Undo what print_begin() did, and no more: an inner text leaves the right to the outer one. The
   right is given back before interrupts go on, so that it is held no longer than the text takes. */
static void print_end(struct print_state state)
{
    if (state.locked)
        atomic_store_release(&printing, 0); /* pairs with print_begin() */
    if (state.irq_was_on)
        irq_enable();
}

/* At boot there is one hart, and it prints nothing at that moment: so the pointer needs no lock. */
void print_set_output(void (*output)(const char *s, size_t n))
{
    console_output = output;
}

/* A hart that waits in print_begin() looks at this word in its loop, and prints without the
   right. */
void print_break_lock(void)
{
    atomic_store(&lock_broken, true);
}

/* What goes by here is a program's text: not formatted, with whatever bytes it has. */
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

/* Print what has been collected. The buffer is emptied for what follows of the same text. */
static void line_flush(struct line *line)
{
    console_output(line->text, line->length);
    line->length = 0;
}

/* Collect a character: what vprintfmt() calls for each. The buffer keeps calls into the firmware or
   the driver few, and the stack that a print needs small. */
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

/* The usual way to print; the work is vcprintf()'s. */
void cprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vcprintf(fmt, ap);
    va_end(ap);
}
