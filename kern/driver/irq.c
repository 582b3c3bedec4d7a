/* Interrupt dispatch, software interrupts between harts, and the PLIC, which collects the devices'
   interrupts (RISC-V PLIC specification 1.0). */
#include <debug/monitor.h>
#include <debug/panic.h>
#include <driver/irq.h>
#include <machine/machine.h>
#include <riscv/atomic.h>
#include <riscv/csr.h>

#define LOCAL_IRQS          16
#define PLIC_SOURCES        128

#define PLIC_PRIORITY(irq)  (4 * (irq))
#define PLIC_ENABLE(ctx)    (0x2000 + 0x80 * (ctx))
#define PLIC_THRESHOLD(ctx) (0x200000 + 0x1000 * (ctx))
#define PLIC_CLAIM(ctx)     (PLIC_THRESHOLD(ctx) + 4)

/* Written at boot, before the interrupts are on. */
static void (*local_handlers[LOCAL_IRQS])(void);
static void (*device_handlers[PLIC_SOURCES])(void);

void irq_register(unsigned int number, void (*handler)(void))
{
    assert(number < LOCAL_IRQS);
    local_handlers[number] = handler;
}

bool irq_dispatch(unsigned int number)
{
    if (number >= LOCAL_IRQS || local_handlers[number] == NULL)
        return false;
    local_handlers[number]();
    return true;
}

/* Another hart has work for this one, which leaves wfi by that; or wants it to stop. */
static void soft_interrupt(void)
{
    csr_clear(sip, SIE_SOFT);
    while (monitor_active() && !panicked())
        cpu_relax();
    if (panicked())
        panic_stop();
}

static volatile uint32_t *plic_register_at(uintptr_t offset)
{
    return kva(machine.plic.start + offset);
}

static int this_plic_context(void)
{
    for (uint32_t i = 0; i < machine.hart_count; i++)
        if (machine.harts[i].hartid == this_cpu->hartid)
            return machine.harts[i].plic_context;
    return -1;
}

/* Claim until nothing is left. A claim of 0 is normal: another claim was faster. */
static void external_interrupt(void)
{
    volatile uint32_t *claim = plic_register_at(PLIC_CLAIM(this_plic_context()));
    uint32_t source;

    while ((source = *claim) != 0) {
        if (source < PLIC_SOURCES && device_handlers[source] != NULL)
            device_handlers[source]();
        *claim = source;
    }
}

void plic_register(unsigned int source, void (*handler)(void))
{
    int context = this_plic_context();

    if (machine.plic.start == 0 || context < 0 || source == 0 || source >= PLIC_SOURCES)
        return;
    device_handlers[source] = handler;
    *plic_register_at(PLIC_PRIORITY(source)) = 1;
    *plic_register_at(PLIC_ENABLE(context) + source / 32 * 4) |= 1U << source % 32;
    *plic_register_at(PLIC_THRESHOLD(context)) = 0;
    csr_set(sie, SIE_EXTERNAL);
}

void irq_init(void)
{
    irq_register(IRQ_S_SOFT, soft_interrupt);
    irq_register(IRQ_S_EXTERNAL, external_interrupt);
}

void irq_init_hart(void)
{
    csr_set(sie, SIE_SOFT | SIE_TIMER);
}
