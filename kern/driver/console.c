/* The console: what was typed waits here until somebody reads it. The device behind it is a
   driver's, which attaches itself: see console.h. Output is not here; the driver's function for it
   is given to kern/debug/printk.c.

   The object is `input`: a ring of characters, raw, as they were typed, and the group of processes
   that has the console. It is guarded by input_lock, which the interrupt handler takes too; the
   device's functions for receiving are called with it held. Readers sleep on input.readers.

   A read is in two steps, because the copy to user memory may fail or sleep, which it must not do
   under the lock. console_peek() copies characters out and leaves them in the ring; console_take()
   says whether they have arrived. In between `peeking` keeps other readers away.

   Group 0, the shell, loses nothing: if the ring is full, the rest is left in the device. While
   another group has the console, everything is looked at, because a ctrl-C may come at any time,
   and lines for which there is no room are dropped whole. */
#include <debug/monitor.h>
#include <debug/panic.h>
#include <debug/printk.h>
#include <driver/console.h>
#include <error.h>
#include <sync/wait.h>

/* The buffer holds more than anybody types ahead, and a page that is pasted. */
#define CTRL_C          3
#define CTRL_BACKSLASH  28
#define BUFFER_SIZE     16384

static const struct console_device *device;     /* set once at boot */
static int (*interrupt_handler)(int group);     /* the same */

static struct spinlock input_lock = SPINLOCK_INIT("console input", RANK_CONSOLE);

/* Guarded by input_lock. Positions grow for ever, and wrap; their difference is what the buffer
   holds. */
static struct {
    char buffer[BUFFER_SIZE];
    uint32_t read, write;
    uint32_t peeked;            /* a reader has copied what is before, and will take it or not */
    bool peeking;               /* there is such a reader, and others wait */
    bool losing;                /* the rest of a line is dropped, because it does not fit */
    bool told;                  /* a loss was told since the console was given away last */
    struct wait_queue readers;
    int group;                  /* that has the console; read without the lock too */
} input;

/* From here on all that the kernel prints goes to the device, and the monitor reads from it. */
void console_attach(const struct console_device *found)
{
    device = found;
    print_set_output(device->output);
    monitor_set_input(console_poll);
}

bool console_attached(void)
{
    return device != NULL;
}

/* Expects input_lock, as all functions here that look at `input` do. */
static bool buffer_full(void)
{
    return input.write - input.read == BUFFER_SIZE;
}

/* Terminals send CR for the return key; a text that is pasted may have LF. */
static bool ends_line(char c)
{
    return c == '\n' || c == '\r';
}

/* The buffer is full: its last line, which has not ended, is taken back, and what follows of it
   will be dropped, so that no two lines are joined. A reader that may have read the beginning of
   the line gets a ctrl-C, which gives a line up. */
static void lose_line(void)
{
    uint32_t first = input.peeking ? input.peeked : input.read;

    input.losing = true;
    while (input.write != first && !ends_line(input.buffer[(input.write - 1) % BUFFER_SIZE]))
        input.write--;
    if (input.write == first)
        input.buffer[input.write++ % BUFFER_SIZE] = CTRL_C;
}

/* Put a character into the buffer, or drop it with its line if there is no room. A loss is told
   once for each group that gets the console: *tell_loss says that it is to be done now. */
static void take_character(char c, bool *tell_loss)
{
    if (!input.losing && !buffer_full()) {
        input.buffer[input.write++ % BUFFER_SIZE] = c;
        return;
    }
    if (!input.losing)
        lose_line();
    input.losing = !ends_line(c);
    *tell_loss |= !input.told;
    input.told = true;
}

/* Move what the device has received into the buffer. If that is full, the rest stays in the device,
   which makes the sender wait: a page pasted to the shell loses nothing. But while a job has the
   console, all is looked at, for its ctrl-C, and lines that do not fit are lost. Who sends faster
   than this reads must not keep the hart here for ever: after 64 characters it returns, and the
   device, which has more, interrupts again. Returns the group that a ctrl-C is for, or 0. */
static int drain_device(bool *enter_monitor, bool *tell_loss)
{
    int interrupted = 0, n = 0, c;

    while (n++ < 64 && (!buffer_full() || input.group != 0 || input.losing) &&
           (c = device->receive()) >= 0) {
        if (c == CTRL_C && input.group != 0)
            interrupted = input.group;
        else if (c != CTRL_BACKSLASH)
            take_character(c, tell_loss);
        *enter_monitor |= c == CTRL_BACKSLASH;
    }
    device->listen(!buffer_full() || input.group != 0 || input.losing);
    return interrupted;
}

/* What follows from the characters is done after the lock is given back: printing, killing and the
   monitor take locks of lower ranks, or a long time. One reader is woken, whatever has come: if
   something is left when it has read, it wakes the next one itself. */
void console_interrupt(void)
{
    bool enter_monitor = false, tell_loss = false;

    spin_lock(&input_lock);
    int interrupted = drain_device(&enter_monitor, &tell_loss);
    if (input.read != input.write)
        wait_wake_one(&input.readers);
    spin_unlock(&input_lock);
    if (tell_loss)
        cprintf("\nconsole: too much was typed while this program runs; lines of it are lost\n");
    if (interrupted != 0 && interrupt_handler != NULL)
        interrupt_handler(interrupted);
    if (enter_monitor)
        monitor(this_cpu->interrupted);
}

/* All other harts have stopped, one of them perhaps with the lock held: so it is not taken. What
   was typed before the monitor was entered is read first. That may take away what a reader has
   copied and not taken yet; console_take() knows. */
int console_poll(void)
{
    if (input.read != input.write)
        return input.buffer[input.read++ % BUFFER_SIZE];
    return device->receive();
}

/* The order matters: wait_queue_init() comes before the first interrupt, which wakes readers. The
   device listens even if its interrupt cannot be had: then the message above says why no key
   arrives. */
void console_init_input(void)
{
    wait_queue_init(&input.readers, &input_lock);
    if (!device->start())
        cprintf("console: its device has no interrupt that arrives, so no key does\n");
    spin_lock(&input_lock);
    device->listen(true);
    spin_unlock(&input_lock);
}

/* A reader waits while there is nothing to read or while another reader has not decided; but not if
   another group has, or gets, the console: then this one is at the end of its file. It looks at the
   reasons again after each sleep, because what woke it may have been taken by another reader. */
int console_peek(char *buf, size_t n)
{
    const int group = this_cpu->task->group;
    bool killed = false;
    size_t count = 0;

    spin_lock(&input_lock);
    while ((input.read == input.write || input.peeking) && group == input.group && !killed)
        killed = !wait_sleep(&input.readers, WT_KBD, "a key");
    if (group == input.group && !killed) {
        for (input.peeked = input.read; count < n && input.peeked != input.write; count++)
            buf[count] = input.buffer[input.peeked++ % BUFFER_SIZE];
        input.peeking = true;
    } else if (input.read != input.write && !input.peeking) {
        wait_wake_one(&input.readers);          /* what woke this one is another's */
    }
    spin_unlock(&input_lock);
    return killed ? -E_KILLED : (int)count;
}

/* The monitor may have read some of it in the meantime: then input.read is beyond input.peeked. Now
   there is room again, so the device may be listened to. */
void console_take(bool all)
{
    spin_lock(&input_lock);
    if (all && (int32_t)(input.peeked - input.read) > 0)
        input.read = input.peeked;
    input.peeking = false;
    device->listen(true);
    if (input.read != input.write)
        wait_wake_one(&input.readers);          /* the rest is another's */
    spin_unlock(&input_lock);
}

/* The layer of processes gives it at boot, before there is a program that could have the
   console. */
void console_set_interrupt(int (*interrupt)(int group))
{
    interrupt_handler = interrupt;
}

/* All readers are woken: those of the old group find the end of the file, those of the new one look
   for what was typed. */
void console_set_group(int group)
{
    spin_lock(&input_lock);
    input.group = group;
    input.told = false;
    wait_wake_all(&input.readers);
    spin_unlock(&input_lock);
}

/* Without the lock: the answer may be old as soon as it is given, with the lock too. */
int console_group(void)
{
    return atomic_load(&input.group);
}
