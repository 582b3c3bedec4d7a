/* Interrupts. Three kinds come to a hart in S mode, each with a number of its own in scause:
   software interrupts, by which another hart calls; the timer; and external interrupts, behind
   which stand all devices (Privileged spec 20211203, 4.1.3 and table 4.2). The trap layer gives
   each interrupt to irq_dispatch(). An interrupt controller, whose driver is found in the device
   tree, says which device an external one is from: devices are numbered as its inputs are, which
   the tree gives as device->irq.

   Handlers are registered at boot and stay. They run on the hart that was interrupted, with
   interrupts off and on the stack of whatever runs there. So they may not sleep, and may take only
   spinlocks, which are never held with interrupts on; what may take long is left to a task that
   they wake. */
#pragma once

#include <defs.h>

/* The driver of the interrupt controller. All are called with interrupts off, for the hart that
   calls. */
struct irq_controller {
    bool (*enable)(unsigned int input);         /* signal it here; false: there is no such input */
    unsigned int (*claim)(void);                /* an input that signals, taken; 0: none */
    void (*complete)(unsigned int input);       /* what was claimed has been handled */
};

/* Register the handlers of software and external interrupts. Once, by the boot hart. */
void irq_init(void);
/* Have this hart take software and timer interrupts. Each hart calls it as it comes up, with
   interrupts off. */
void irq_init_hart(void);

/* Call handler(arg) for the interrupt of this cause, the number that scause has (IRQ_S_), in place
   of the handler before. At boot, before the interrupt is enabled; self tests do it later, with the
   argument of the handler before, because another hart may take the interrupt meanwhile. In any
   context. */
void irq_register(unsigned int cause, void (*handler)(void *arg), void *arg);

/* Handle an interrupt of this cause; false if nobody registered a handler. From the trap layer,
   with interrupts off. */
bool irq_dispatch(unsigned int cause);

/* This controller is there. From its driver's probe, once; a second one is ignored. */
void irq_set_controller(const struct irq_controller *controller);
/* Has a driver found one? In any context. */
bool irq_has_controller(void);

/* Call handler(arg) when a device signals, and have the controller send the signal to the hart that
   calls this. Handlers of one input do not run at the same time. After irq_init_hart(), at boot, by
   one hart at a time. False if the controller has no such input. */
__must_check bool irq_register_device(unsigned int input, void (*handler)(void *arg), void *arg);
