/* Switching address spaces and flushing translations, on this hart and others. */
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>
#include <riscv/sbi.h>
#include <riscv/tlb.h>

struct addrspace kernel_as;

static inline void sfence_all(void)
{
    asm volatile ("sfence.vma" : : : "memory");
}

static inline void sfence_page(uintptr_t va)
{
    asm volatile ("sfence.vma %0" : : "r" (va) : "memory");
}

void addrspace_init(struct addrspace *as, pte_t *pgdir)
{
    as->pgdir = pgdir;
    as->satp = SATP_SV39 | paddr(pgdir) >> PGSHIFT;
    as->harts = 0;
}

/* The order matters against tlb_flush() on another hart. It writes page table entries, then reads
   `harts`; here the bit is set before anything is walked, and cleared only after this hart has
   forgotten what it walked. The fence.i makes programs visible that were loaded by stores, here or
   on another hart. */
void addrspace_switch(struct addrspace *prev, struct addrspace *next)
{
    uint32_t bit = 1U << this_cpu->id;

    atomic_or(&next->harts, bit);
    csr_write(satp, next->satp);
    sfence_all();
    asm volatile ("fence.i" : : : "memory");
    atomic_and(&prev->harts, ~bit);
}

static void flush_harts(uint32_t harts, uintptr_t start, size_t size)
{
    uint32_t self = 1U << this_cpu->id;

    if (harts & self) {
        if (size == PGSIZE)
            sfence_page(start);
        else
            sfence_all();
    }
    if (harts & ~self)
        sbi_remote_sfence(cpu_hart_mask(harts & ~self), start, size);
}

void tlb_flush(struct addrspace *as, uintptr_t start, size_t size)
{
    memory_barrier();           /* the changed entries first, then who may have read them */
    flush_harts(atomic_load(&as->harts), start, size);
}

void tlb_flush_kernel(uintptr_t start, size_t size)
{
    memory_barrier();
    flush_harts(atomic_load(&cpus_online), start, size);
}
