/* A driver, by the one way that there is: this file, which no other one names, has an entry in the
   table of drivers. It drives the clock of QEMU's virt machine, a "goldfish" RTC, of which the
   kernel itself needs nothing. Its alarm, set to a time that has passed, signals at once.

   The probe runs at each boot, in kern_start(); it allocates memory, which no early driver may, and
   registers a handler. The test looks at what the probe found, and has the alarm signal: the
   handler must be called, with its argument, as often as it was set. On a machine with several
   harts the interrupt comes to the one that has booted, while the test runs on any. */
#include <driver/driver.h>
#include <driver/irq.h>
#include <driver/mmio.h>
#include <mm/kmalloc.h>
#include <sched/sched.h>
#include <sched/timer.h>
#include <test/testlib.h>

#define TIME_LOW        0x00            /* nanoseconds; reading it latches the upper half */
#define TIME_HIGH       0x04
#define ALARM_LOW       0x08            /* writing it sets the alarm */
#define ALARM_HIGH      0x0c
#define IRQ_ENABLED     0x10
#define CLEAR_INTERRUPT 0x1c

#define ALARMS          5
#define SECONDS         5               /* far more than a signal takes */

/* What the probe allocates, and the handler is given. */
struct rtc {
    uintptr_t registers;
    uint32_t alarms;                    /* atomic */
};

static struct rtc *rtc;

/* As a driver's handler should: first the device is told that its signal was seen, or it would
   signal again at once; then what is to be known later is noted. It runs with interrupts off. */
static void alarm_handler(void *arg)
{
    struct rtc *signalled = arg;

    mmio_write32(signalled->registers + CLEAR_INTERRUPT, 1);
    atomic_add(&signalled->alarms, 1);
}

/* The handler is registered before the device may signal. A problem is returned in words, which
   drivers_probe() prints: the kernel boots all the same. */
static const char *rtc_probe(struct device *device)
{
    rtc = kmalloc(sizeof(*rtc));
    if (rtc == NULL)
        return "out of memory";
    *rtc = (struct rtc){ .registers = device_registers(device) };
    if (!irq_register_device(device->irq, alarm_handler, rtc))
        return "it has no interrupt";
    mmio_write32(rtc->registers + IRQ_ENABLED, 1);
    return NULL;
}

DRIVER(test_rtc, "google,goldfish-rtc", DRIVER_NORMAL, rtc_probe);

/* The device keeps the upper half of the moment at which the lower one was read. */
static uint64_t read_time(void)
{
    uint64_t low = mmio_read32(rtc->registers + TIME_LOW);

    return (uint64_t)mmio_read32(rtc->registers + TIME_HIGH) << 32 | low;
}

/* Five alarms, one after the other. Each must be counted once: a handler that is called for a
   signal twice, or not at all, fails the comparison. An alarm that does not come ends the loop
   after some seconds. Alone: make grade GRADE=--all TEST=driver. */
static void test_driver(void)
{
    assert(rtc != NULL);                /* the probe was called */
    assert(read_time() > 0);            /* so its registers are mapped */
    for (uint32_t i = 0; i < ALARMS; i++) {
        uint64_t end = rdtime() + SECONDS * TICKS_PER_SECOND * timer_tick_length();

        assert_eq(atomic_load(&rtc->alarms), i);
        mmio_write32(rtc->registers + ALARM_HIGH, 0);
        mmio_write32(rtc->registers + ALARM_LOW, 1);
        while (atomic_load(&rtc->alarms) == i && rdtime() < end)
            schedule();
        assert_eq(atomic_load(&rtc->alarms), i + 1);
    }
}

SELFTEST("driver", test_driver);

/* Of causes that no interrupt of this machine has. */
#define NO_CAUSE        13
#define OTHER_NO_CAUSE  14

static void note_call(void *arg)
{
    atomic_add((uint32_t *)arg, 1);
}

/* The hart's own interrupts: each cause has its handler's argument. All that the kernel registers
   there have none, so a wrong one would be seen by nobody. */
static void test_local_handlers(void)
{
    uint32_t calls[2] = { 0, 0 };

    irq_register(NO_CAUSE, note_call, &calls[0]);
    irq_register(OTHER_NO_CAUSE, note_call, &calls[1]);
    irq_push();
    assert(irq_dispatch(OTHER_NO_CAUSE) && irq_dispatch(NO_CAUSE) && irq_dispatch(OTHER_NO_CAUSE));
    assert(!irq_dispatch(OTHER_NO_CAUSE + 1));
    irq_pop();
    assert_eq(calls[0], 1);
    assert_eq(calls[1], 2);
}
SELFTEST("local-handlers", test_local_handlers);
