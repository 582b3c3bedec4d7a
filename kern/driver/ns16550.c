/* The UART: a 16550, or one of its many descendants, with registers of a byte in a row. It sends
   and receives characters over a serial line, and has a queue (FIFO) of 16 in each direction. The
   rate of the line is left as the firmware has set it.

   Sending waits until there is room: all of the kernel's output goes this way, a panic's too, so it
   must not depend on interrupts. Receiving is by interrupt, if the console listens. While it does
   not, what comes stays in the UART, which makes the other side wait (if it heeds that, as QEMU
   does).

   The console calls these functions with a lock of its own: output under the lock of
   kern/debug/printk.c, the others under that of the console's input. */
#include <driver/console.h>
#include <driver/driver.h>
#include <driver/irq.h>
#include <driver/mmio.h>

/* Registers, by their distance from the first. */
#define DATA            0       /* read: received; written: to send */
#define IER             1       /* which events interrupt */
#define FCR             2       /* the queues' control */
#define LSR             5       /* the state of the line */

#define IER_RECEIVE     0x01
#define FCR_ENABLE      0x07    /* use the queues, and empty them */
#define LSR_READY       0x01    /* a character was received */
#define LSR_EMPTY       0x20    /* another may be sent */

static const struct device *uart;       /* set once at boot */
static uintptr_t registers;             /* its registers' address */

/* Wait until there is room, for each character. LSR_EMPTY says that the queue for sending is
   empty. */
static void uart_output(const char *s, size_t n)
{
    while (n-- > 0) {
        while (!(mmio_read8(registers + LSR) & LSR_EMPTY))
            ;
        mmio_write8(registers + DATA, *s++);
    }
}

/* Reading DATA takes the character out of the queue; reading LSR before says whether there is
   one. */
static int uart_receive(void)
{
    return mmio_read8(registers + LSR) & LSR_READY ? mmio_read8(registers + DATA) : -1;
}

/* Only receiving interrupts. An interrupt for "another may be sent" is never enabled: the line
   would stay high as long as nothing is sent. */
static void uart_listen(bool on)
{
    mmio_write8(registers + IER, on ? IER_RECEIVE : 0);
}

/* The interrupt ends by itself, as soon as the queue has been read empty. */
static void uart_interrupt(__not_used void *arg)
{
    console_interrupt();
}

static bool uart_start(void)
{
    return irq_register_device(uart->irq, uart_interrupt, NULL);
}

/* The first UART that the tree names is taken. The queues are emptied, so that what was typed at
   the firmware is not the shell's first line. */
static const char *probe(struct device *device)
{
    static const struct console_device console = {
        uart_output, uart_receive, uart_listen, uart_start
    };

    if (uart != NULL)
        return "the console is the UART that the tree names first";
    uart = device;
    registers = device_registers(device);
    mmio_write8(registers + IER, 0);
    mmio_write8(registers + FCR, FCR_ENABLE);
    console_attach(&console);
    return NULL;
}

DRIVER(ns16550, "ns16550a", DRIVER_EARLY, probe);
