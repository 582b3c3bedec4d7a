/* Address spaces as the hardware sees them, and flushing of translations that are out of date.

   A hart keeps translations that it found in page tables, in its TLB, and may use them until an
   sfence.vma. So a change of an entry that was valid is not over when the entry is stored: it must
   be flushed on each hart that may have the old one, before its page may serve anything else.

   An address space remembers which harts have it in satp. Only those can have translations of it,
   because addrspace_switch() flushes when a hart leaves one. tlb.c tells why that is safe without a
   lock, and why there are no address space numbers (ASIDs). */
#pragma once

#define AS_SATP     8

#ifndef __ASSEMBLER__
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>
#include <riscv/sv39.h>

struct addrspace {
    uint32_t harts;             /* atomic: a bit for each cpu that has it in satp */
    uint64_t satp;              /* what makes a hart use it; set once */
    pte_t *pgdir;               /* root page table; set once */
};

_Static_assert(offsetof(struct addrspace, satp) == AS_SATP, "AS_SATP");

/* The kernel's own: idle harts and kernel threads run on it. */
extern struct addrspace kernel_as;

/* Begin an address space with this root table, which has the kernel's half. No hart is on it
   yet. */
void addrspace_init(struct addrspace *as, pte_t *pgdir);

/* Forget all translations of this hart. Its walks after this see all stores that it saw before
   (Privileged spec 20211203, 4.2.1). */
static inline void sfence_all(void)
{
    asm volatile ("sfence.vma" : : : "memory"); /* pairs with set_pte() in pagetable.h */
}

/* This hart leaves `prev` and goes on in `next`; both have the same kernel half, so the kernel
   itself notices nothing. Flushes this hart's TLB, and its instruction fetch. Interrupts must be
   off, and `prev` must be what the hart is in. tlb_flush() in tlb.c says why the bits of `harts`
   change in this order.

   The fence.i lets this hart fetch what was stored as data, here or on another hart: the text of a
   program that was just loaded (Unprivileged spec, chapter 3 "Zifencei"). It works on the local
   hart only, as sfence.vma does; so each hart does it as it enters an address space. */
static inline void addrspace_switch(struct addrspace *prev, struct addrspace *next)
{
    uint32_t bit = this_cpu->bit;

    atomic_or(&next->harts, bit);   /* pairs with tlb_flush() in tlb.c */
    csr_write(satp, next->satp);
    sfence_all();   /* pairs with tlb_flush() in tlb.c */
    asm volatile ("fence.i" : : : "memory");    /* pairs with fetch_flush() in tlb.c */
    atomic_and(&prev->harts, ~bit); /* pairs with tlb_flush() in tlb.c */
}

/* Flush user addresses [start, start + size) on every hart that is in `as`, and wait until all have
   done it. The changed entries have been stored before the call. The caller keeps others from
   changing them again, by the mm's lock; no spinlock is needed, and one may be held. Does not
   sleep. */
void tlb_flush(struct addrspace *as, uintptr_t start, size_t size);

/* What was stored before the call can be fetched as instructions after it, on every hart that is in
   `as`. For a page of instructions that is to be mapped while threads run: call it before the entry
   is stored. As tlb_flush(). */
void fetch_flush(struct addrspace *as);

/* tlb_flush() for kernel addresses, on every hart that is up. */
void tlb_flush_kernel(uintptr_t start, size_t size);
#endif /* !__ASSEMBLER__ */
