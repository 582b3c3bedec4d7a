/* The PLIC, which collects the interrupts of the devices and sends each to one hart (RISC-V PLIC
   specification 1.0.0). Its inputs, called sources there, are numbered from 1.

   It has outputs, called contexts: one for each mode of each hart that can take interrupts. Which
   context is the S mode of which hart is in the device tree: the n-th pair of the PLIC's list of
   outputs names the interrupt controller of the hart, and there the number of the supervisor's
   external interrupt. An output that is not used counts too.

   A source has a priority, and is signalled to a context in which it is enabled if its priority is
   above the context's threshold. The hart claims it, which also stops the signal, and completes it
   when the device has been served; only then can the source signal again. So a source that is
   enabled in one context, as here, is never handled on two harts at a time. */
#include <driver/driver.h>
#include <driver/irq.h>
#include <driver/mmio.h>
#include <riscv/csr.h>

#define SOURCES             1024

/* Registers, of 32 bits each. */
#define PRIORITY(source)    (4 * (source))
#define ENABLE(context)     (0x2000 + 0x80 * (size_t)(context))         /* one bit a source */
#define THRESHOLD(context)  (0x200000 + 0x1000 * (size_t)(context))
#define CLAIM(context)      (THRESHOLD(context) + 4)    /* read: claim; write: complete */

static const struct device *plic;       /* set once at boot */
static int contexts[MAX_HARTS];         /* by cpu; set when the hart enables its first source */

/* The context of a hart's S mode, or -1 if it has none. */
static int find_context(const struct device *device, uint64_t hartid)
{
    uint32_t phandle, irq, intc = 0;

    for (uint32_t i = 0; i < machine.hart_count; i++)
        if (machine.harts[i].hartid == hartid)
            intc = machine.harts[i].intc_phandle;
    for (uint32_t n = 0; device_output(device, n, &phandle, &irq); n++)
        if (phandle == intc && irq == IRQ_S_EXTERNAL && CLAIM(n) + 4 <= device_size(device))
            return n;
    return -1;
}

/* Enable a source for the hart that calls. The threshold is what the firmware has left there, and
   may be the highest one; 0 lets all pass. */
static bool plic_enable(unsigned int source)
{
    int context = find_context(plic, this_cpu->hartid);
    uintptr_t base = device_registers(plic), enable = base + ENABLE(context) + source / 32 * 4;

    if (context < 0 || source == 0 || source >= SOURCES)
        return false;
    contexts[this_cpu->id] = context;
    mmio_write32(base + PRIORITY(source), 1);
    mmio_write32(enable, mmio_read32(enable) | 1U << source % 32);
    mmio_write32(base + THRESHOLD(context), 0);
    return true;
}

/* A read claims the source with the highest priority that signals, and 0 if there is none. The
   claim is of the context that reads, so each hart reads its own register. */
static unsigned int plic_claim(void)
{
    return mmio_read32(device_registers(plic) + CLAIM(contexts[this_cpu->id]));
}

/* The same register, written. The PLIC ignores a source that is not enabled in this context. */
static void plic_complete(unsigned int source)
{
    mmio_write32(device_registers(plic) + CLAIM(contexts[this_cpu->id]), source);
}

/* The hart that boots will take the devices' interrupts. */
static const char *plic_probe(struct device *device)
{
    static const struct irq_controller controller = { plic_enable, plic_claim, plic_complete };

    if (plic != NULL)
        return "the kernel uses one PLIC, and there is another one";
    if (find_context(device, this_cpu->hartid) < 0)
        return "it sends no interrupt to the hart that boots";
    plic = device;
    irq_set_controller(&controller);
    return NULL;
}

DRIVER(plic, "riscv,plic0", DRIVER_EARLY, plic_probe);
DRIVER(plic_sifive, "sifive,plic-1.0.0", DRIVER_EARLY, plic_probe);
