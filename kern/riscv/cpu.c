/* The table of harts, and what they can do. */
#include <riscv/context.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>

struct cpu cpus[MAX_HARTS];
uint32_t cpu_count;
uint32_t cpus_online;
bool fpu_missing;

uint64_t cpu_hart_mask(uint32_t cpu_mask)
{
    uint64_t mask = 0;

    for (uint32_t i = 0; i < cpu_count; i++)
        if (cpu_mask & 1U << i)
            mask |= 1UL << cpus[i].hartid;
    return mask;
}

/* FS stays 0 without F, and under Zfinx; it can be set without D, where a double cannot be loaded.
   Programs begin with FS off: what they use is then seen. */
void fpu_init_hart(void)
{
    csr_set(sstatus, SSTATUS_FS);
    if ((csr_read(sstatus) & SSTATUS_FS) == 0 || !fpu_try())
        fpu_missing = true;
    csr_clear(sstatus, SSTATUS_FS);
}
