/* The table of harts. */
#include <riscv/cpu.h>

struct cpu cpus[MAX_HARTS];
uint32_t cpu_count;
uint32_t cpus_online;

uint64_t cpu_hart_mask(uint32_t cpu_mask)
{
    uint64_t mask = 0;

    for (uint32_t i = 0; i < cpu_count; i++)
        if (cpu_mask & 1U << i)
            mask |= 1UL << cpus[i].hartid;
    return mask;
}
