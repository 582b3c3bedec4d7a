/* Interrupts: drivers register handlers here, and the trap layer calls them. Handlers run with
   interrupts off and may not sleep. */
#pragma once

#include <defs.h>

/* Set up, once; and for each hart, which then takes software and timer interrupts. */
void irq_init(void);
void irq_init_hart(void);

/* Call `handler` for the interrupt with this number in scause (IRQ_S_). */
void irq_register(unsigned int number, void (*handler)(void));

/* Handle an interrupt; false where nobody registered. From the trap layer. */
bool irq_dispatch(unsigned int number);

/* Have the PLIC send a device's interrupt to the hart that calls this. */
void plic_register(unsigned int source, void (*handler)(void));
