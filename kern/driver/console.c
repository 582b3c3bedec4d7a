/* The UART, and the buffer of characters that nobody has read yet. */
#include <debug/monitor.h>
#include <debug/printk.h>
#include <driver/console.h>
#include <driver/irq.h>
#include <error.h>
#include <machine/machine.h>
#include <sync/wait.h>

/* Registers of a 16550, a byte each. */
#define UART_DATA       0       /* received, or to send */
#define UART_IER        1
#define UART_FCR        2       /* FIFO control */
#define UART_LSR        5

#define IER_RECEIVE     0x01
#define FCR_ENABLE      0x07    /* use the FIFOs, and empty them */
#define LSR_READY       0x01    /* a character was received */
#define LSR_EMPTY       0x20    /* another may be sent */

#define CTRL_C          3
#define CTRL_BACKSLASH  28
#define BUFFER_SIZE     16384

static volatile uint8_t *uart;          /* set once at boot */
static int (*interrupt_handler)(int group);

static struct spinlock input_lock = SPINLOCK_INIT("console input", RANK_CONSOLE);

/* Guarded by input_lock. Positions grow for ever; their difference is what the buffer holds. */
static struct {
    char buffer[BUFFER_SIZE];
    uint32_t read, write;
    uint32_t peeked;            /* a reader has copied what is before, and will take it or not */
    bool peeking;               /* there is such a reader: others wait */
    bool losing;                /* the rest of a line that does not fit is dropped */
    bool told;                  /* that something is lost, since the console was given away last */
    struct wait_queue readers;
    int group;
} input;

static void uart_output(const char *s, size_t n)
{
    while (n-- > 0) {
        while (!(uart[UART_LSR] & LSR_EMPTY))
            ;
        uart[UART_DATA] = *s++;
    }
}

void console_init(void)
{
    uart = kva(machine.uart.start);
    uart[UART_IER] = 0;
    uart[UART_FCR] = FCR_ENABLE;
    print_set_output(uart_output);
    monitor_set_input(console_poll);
}

static bool buffer_full(void)
{
    return input.write - input.read == BUFFER_SIZE;
}

static bool ends_line(char c)
{
    return c == '\n' || c == '\r';
}

/* The buffer is full: its last line, which has not ended, is taken back, and what follows of it
   will be dropped, so that no two lines are joined. Who may have read the beginning gets a ctrl-C,
   which gives a line up. */
static void lose_line(void)
{
    uint32_t first = input.peeking ? input.peeked : input.read;

    input.losing = true;
    while (input.write != first && !ends_line(input.buffer[(input.write - 1) % BUFFER_SIZE]))
        input.write--;
    if (input.write == first)
        input.buffer[input.write++ % BUFFER_SIZE] = CTRL_C;
}

/* A character for who reads. */
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

/* Move what the UART has received into the buffer. Where that is full, the rest stays in the UART,
   which makes the sender wait: a page pasted to the shell loses nothing. But while a job has the
   console, all is looked at, for its ctrl-C, and lines that do not fit are lost. Returns the group
   that a ctrl-C is for, or 0. */
static int drain_uart(bool *enter_monitor, bool *tell_loss)
{
    int interrupted = 0;

    while ((!buffer_full() || input.group != 0 || input.losing) && (uart[UART_LSR] & LSR_READY)) {
        char c = uart[UART_DATA];

        if (c == CTRL_BACKSLASH)
            *enter_monitor = true;
        else if (c == CTRL_C && input.group != 0)
            interrupted = input.group;
        else
            take_character(c, tell_loss);
    }
    uart[UART_IER] = buffer_full() && input.group == 0 && !input.losing ? 0 : IER_RECEIVE;
    return interrupted;
}

static void uart_interrupt(void)
{
    bool enter_monitor = false, tell_loss = false;

    spin_lock(&input_lock);
    int interrupted = drain_uart(&enter_monitor, &tell_loss);
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

/* All other harts have stopped: no lock. What came before the monitor was there is read first. */
int console_poll(void)
{
    if (input.read != input.write)
        return input.buffer[input.read++ % BUFFER_SIZE];
    return uart[UART_LSR] & LSR_READY ? uart[UART_DATA] : -1;
}

void console_init_input(void)
{
    wait_queue_init(&input.readers, &input_lock);
    plic_register(machine.uart_irq, uart_interrupt);
    uart[UART_IER] = IER_RECEIVE;
}

int console_peek(char *buf, size_t n, int group)
{
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

/* The monitor may have read some of it meanwhile. */
void console_take(bool all)
{
    spin_lock(&input_lock);
    if (all && (int32_t)(input.peeked - input.read) > 0)
        input.read = input.peeked;
    input.peeking = false;
    uart[UART_IER] = IER_RECEIVE;
    if (input.read != input.write)
        wait_wake_one(&input.readers);          /* the rest is another's */
    spin_unlock(&input_lock);
}

void console_set_interrupt(int (*interrupt)(int group))
{
    interrupt_handler = interrupt;
}

void console_set_group(int group)
{
    spin_lock(&input_lock);
    input.group = group;
    input.told = false;
    wait_wake_all(&input.readers);
    spin_unlock(&input_lock);
}

int console_group(void)
{
    return atomic_load(&input.group);
}
