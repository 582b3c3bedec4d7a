/* Interrupt dispatch: two tables of handlers. The first has those of the hart's own interrupts, by
   their number in scause. The second has those of the devices, by the input of the interrupt
   controller that they are wired to; external_interrupt() is what connects the two.

   Both tables are written at boot, each entry before its interrupt is enabled, and only read later:
   so handlers are found without a lock. This file has two handlers of its own. soft_interrupt()
   answers the call of another hart, and the one for external interrupts asks the controller, which
   is one file with a table of functions: see plic.c. */
#include <debug/monitor.h>
#include <debug/panic.h>
#include <driver/irq.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>

/* Numbers of a hart's own interrupts are below 16 (Privileged spec 20211203, table 4.2; from 16 on
   they are for platforms). QEMU's PLIC has 96 inputs. */
#define LOCAL_IRQS          16
#define DEVICE_INPUTS       128

/* What to call. The argument lets one driver serve several devices. NULL as the handler: nobody has
   registered. */
struct irq_entry {
    void (*handler)(void *arg);
    void *arg;
};

static struct irq_entry local_entries[LOCAL_IRQS];      /* by cause; self tests change some later */
static struct irq_entry device_entries[DEVICE_INPUTS];  /* by input */
static const struct irq_controller *controller;     /* set once at boot */

/* No lock, and the two words of an entry are not written as one. At boot that does not matter,
   because the interrupt is not enabled yet. A hart that takes one while a self test replaces its
   handler calls the old one or the new one, but maybe with the argument of the other: hence the
   rule in irq.h that it may not differ then. */
void irq_register(unsigned int cause, void (*handler)(void *arg), void *arg)
{
    assert(cause < LOCAL_IRQS);
    assert(local_entries[cause].handler == NULL || local_entries[cause].arg == arg);
    local_entries[cause].arg = arg;
    local_entries[cause].handler = handler;
}

/* A cause without a handler is a mistake of the kernel, which has enabled it: the caller
   panics. */
bool irq_dispatch(unsigned int cause)
{
    if (cause >= LOCAL_IRQS || local_entries[cause].handler == NULL)
        return false;
    local_entries[cause].handler(local_entries[cause].arg);
    return true;
}

/* Another hart calls. It has work for this one, which leaves wfi by that and needs no more; or it
   is in the kernel monitor, and this one has to wait; or it panics, and this one has to stop. The
   pending bit is cleared first: a call that comes after that is a new one. */
static void soft_interrupt(__not_used void *arg)
{
    csr_clear(sip, SIE_SOFT);
    while (monitor_active() && !panicked())
        cpu_relax();
    if (panicked())
        panic_stop();
}

/* Take what the devices signal, until nothing is left. That there is nothing at all is normal: what
   raised the interrupt may have been taken by a claim before. */
static void external_interrupt(__not_used void *arg)
{
    unsigned int input;

    while ((input = controller->claim()) != 0) {
        if (input < DEVICE_INPUTS && device_entries[input].handler != NULL)
            device_entries[input].handler(device_entries[input].arg);
        controller->complete(input);
    }
}

/* The first one stays, because sources may be enabled there already. */
void irq_set_controller(const struct irq_controller *found)
{
    if (controller == NULL)
        controller = found;
}

/* Asked at boot, before anything is registered: a machine without one could not take a key. */
bool irq_has_controller(void)
{
    return controller != NULL;
}

/* The handler is in the table before the input is enabled, so the first interrupt finds it. */
bool irq_register_device(unsigned int input, void (*handler)(void *arg), void *arg)
{
    if (controller == NULL || input == 0 || input >= DEVICE_INPUTS)
        return false;
    device_entries[input].handler = handler;
    device_entries[input].arg = arg;
    if (!controller->enable(input))
        return false;
    csr_set(sie, SIE_EXTERNAL);
    return true;
}

/* The timer's handler is not here: the clock registers it, for exercise 1.1 is there. */
void irq_init(void)
{
    irq_register(IRQ_S_SOFT, soft_interrupt, NULL);
    irq_register(IRQ_S_EXTERNAL, external_interrupt, NULL);
}

/* External interrupts are enabled by the first driver that registers one, on its hart only. What is
   enabled here comes when sstatus.SIE is set, not before. */
void irq_init_hart(void)
{
    csr_set(sie, SIE_SOFT | SIE_TIMER);
}
