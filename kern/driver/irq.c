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

/* NULL: nobody has registered. Written at boot and by self tests. */
static void (*local_handlers[LOCAL_IRQS])(void);
/* By input, as above. The argument lets one driver serve several devices. */
static struct {
    void (*handler)(void *arg);
    void *arg;
} device_handlers[DEVICE_INPUTS];
static const struct irq_controller *controller;     /* set once at boot */

/* No lock: the pointer is one word, so a hart that takes such an interrupt meanwhile calls the old
   handler or the new one. */
void irq_register(unsigned int number, void (*handler)(void))
{
    assert(number < LOCAL_IRQS);
    local_handlers[number] = handler;
}

/* A number without a handler is a mistake of the kernel, which has enabled it: the caller
   panics. */
bool irq_dispatch(unsigned int number)
{
    if (number >= LOCAL_IRQS || local_handlers[number] == NULL)
        return false;
    local_handlers[number]();
    return true;
}

/* Another hart calls. It has work for this one, which leaves wfi by that and needs no more; or it
   is in the kernel monitor, and this one has to wait; or it panics, and this one has to stop. The
   pending bit is cleared first: a call that comes after that is a new one. */
static void soft_interrupt(void)
{
    csr_clear(sip, SIE_SOFT);
    while (monitor_active() && !panicked())
        cpu_relax();
    if (panicked())
        panic_stop();
}

/* Take what the devices signal, until nothing is left. That there is nothing at all is normal: what
   raised the interrupt may have been taken by a claim before. */
static void external_interrupt(void)
{
    unsigned int input;

    while ((input = controller->claim()) != 0) {
        if (input < DEVICE_INPUTS && device_handlers[input].handler != NULL)
            device_handlers[input].handler(device_handlers[input].arg);
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
    device_handlers[input].handler = handler;
    device_handlers[input].arg = arg;
    if (!controller->enable(input))
        return false;
    csr_set(sie, SIE_EXTERNAL);
    return true;
}

/* The timer's handler is not here: the clock registers it, for exercise 1.1 is there. */
void irq_init(void)
{
    irq_register(IRQ_S_SOFT, soft_interrupt);
    irq_register(IRQ_S_EXTERNAL, external_interrupt);
}

/* External interrupts are enabled by the first driver that registers one, on its hart only. What is
   enabled here comes when sstatus.SIE is set, not before. */
void irq_init_hart(void)
{
    csr_set(sie, SIE_SOFT | SIE_TIMER);
}
