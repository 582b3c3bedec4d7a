/* The table of harts: see cpu.h for what is in it. kern/init fills it in at boot, from the device
   tree, before it starts the other harts; from then on each hart changes only its own entry, so no
   lock guards it. cpu_count is set once. cpus_online is one word of bits, which harts set by
   atomic_or() as they come up.
   Nothing here sleeps, and all may be called with interrupts off. */
#include <riscv/cpu.h>

struct cpu cpus[MAX_HARTS] = { { .id = 0, .bit = 1 } };     /* the boot hart, from the start */
uint32_t cpu_count;
uint32_t cpus_online;

uint64_t cpu_hart_mask(uint32_t cpu_mask)
{
    uint64_t mask = 0;

    for (uint32_t i = 0; i < cpu_count; i++)
        if (cpu_mask & cpus[i].bit)
            mask |= 1UL << cpus[i].hartid;
    return mask;
}
