/* Address spaces as the hardware sees them, and flushing stale translations.

   An address space remembers which harts have it in satp: only those can hold translations of it,
   because addrspace_switch() flushes when it leaves one. A page table entry that was valid before
   it changed must be flushed on all of them before the page may serve anything else. */
#pragma once

#define AS_SATP     8

#ifndef __ASSEMBLER__
#include <riscv/sv39.h>

struct addrspace {
    pte_t *pgdir;               /* root page table; set once */
    uint64_t satp;              /* what makes a hart use it; set once */
    uint32_t harts;             /* atomic: a bit for each cpu that has it in satp */
};

_Static_assert(offsetof(struct addrspace, satp) == AS_SATP, "AS_SATP");

/* The kernel's own: idle harts and kernel threads run on it. */
extern struct addrspace kernel_as;

/* Begin an address space with this root table; no hart runs on it yet. */
void addrspace_init(struct addrspace *as, pte_t *pgdir);

/* Run on `next` from here on, no longer on `prev`. Interrupts must be off. */
void addrspace_switch(struct addrspace *prev, struct addrspace *next);

/* Flush a range of user addresses on every hart that runs `as`. */
void tlb_flush(struct addrspace *as, uintptr_t start, size_t size);

/* Flush a range of kernel addresses on every hart. */
void tlb_flush_kernel(uintptr_t start, size_t size);
#endif /* !__ASSEMBLER__ */
