/* Flushing translations on this hart and on others, and the order against addrspace_switch().

   A hart reads page tables by itself, whenever it likes, also ahead of need, and keeps what it
   found in its TLB. sfence.vma orders that with the stores of the same hart. It has no effect on
   any other hart: another hart must run one itself, which the firmware has it do (SBI RFENCE).

   Which harts must be flushed is one word of bits in each address space; no lock guards it. All
   functions here run with interrupts off or with the mm's lock held, and none sleeps. Sections are
   of the Privileged spec 20211203 and of the Unprivileged spec 20191213. */
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>
#include <riscv/sbi.h>
#include <riscv/tlb.h>

struct addrspace kernel_as;

/* Why there are no ASIDs. satp could hold a number that marks the translations of each address
   space, so that a switch need not flush (4.1.11). But a hart may have no bits for it; translations
   would stay on harts that run something else by now, so that each change had to be flushed on all
   harts that ever ran the process; and when the numbers run out, all harts must agree to begin
   again. Here a switch between processes costs one flush, and the rules stay short.

   Which changes need no flush. An entry that becomes valid: set_pte() in mm/pagetable.h orders it
   after what it leads to, and a thread whose hart does not see it yet takes a page fault, for which
   do_pgfault() finds the page there. A and D bits: entries have both from the start, so they never
   change. Under Svade as under Svadu that is right: see pte_leaf_flags() in sv39.h. */

/* As sfence_all() of tlb.h, for the page of one address. */
static inline void sfence_page(uintptr_t va)
{
    /* pairs with set_pte() in pagetable.h, and the fence in tlb_flush() */
    asm volatile ("sfence.vma %0" : : "r" (va) : "memory");
}

void addrspace_init(struct addrspace *as, pte_t *pgdir)
{
    as->pgdir = pgdir;
    as->satp = SATP_SV39 | paddr(pgdir) >> PGSHIFT;
    as->harts = 0;
}

/* Flush a range on the harts of a mask of cpu numbers. On this hart, anything but a single page is
   flushed whole: to name the pages one by one costs more. The firmware decides so for others. */
static void flush_harts(uint32_t harts, uintptr_t start, size_t size)
{
    uint32_t self = this_cpu->bit;

    if (harts & self) {
        if (size == PGSIZE)
            sfence_page(start);     /* pairs with set_pte() in pagetable.h */
        else
            sfence_all();           /* pairs with set_pte() in pagetable.h */
    }
    if (harts & ~self)
        sbi_remote_sfence(cpu_hart_mask(harts & ~self), start, size);
}

/* The order matters against addrspace_switch() of tlb.h on another hart:

       tlb_flush()                         addrspace_switch()
       store the entry                     set the bit in next->harts   (AMO, aq and rl)
       memory_barrier()                    satp, sfence.vma
       load as->harts                      walk: load the entry

   Each stores one word and then loads the other's. Without a fence on both sides RVWMO allows that
   both loads miss both stores (14.1: a load may come before an earlier store), and a translation
   that nobody flushes would stay. With them one of the two sees the other: if tlb_flush() does not
   see the bit, its fence has put the entry before the bit in the global memory order (rule 4), the
   AMO comes after that, and sfence.vma lets no walk of `next` be older (4.2.1).

   The bit in prev->harts is cleared last, when this hart has forgotten what it walked there; the
   AMO's release keeps it last. So a flush that no longer sees the bit need not come here; and it
   loads the word with acquire, so that it also sees what was written by the old entry: its caller
   may go on to copy the page. */
void tlb_flush(struct addrspace *as, uintptr_t start, size_t size)
{
    /* pairs with addrspace_switch() in tlb.h */
    memory_barrier();           /* the changed entries first, then who may have read them */
    /* pairs with addrspace_switch() in tlb.h */
    flush_harts(atomic_load_acquire(&as->harts), start, size);
}

/* A page of instructions comes in by stores, of this hart or of one that it is ordered after, as it
   holds the page. Another hart may have fetched from the same memory when it held something else;
   it may go on with that until it does a fence.i after the stores are visible to it (Unprivileged
   spec 20191213, 3: a fence.i orders only the fetches of its own hart, and another hart's needs a
   fence here before it). Harts that enter the address space later do one then. That none is missed
   is shown by the same two fences as for tlb_flush(), with the stores to the page in place of the
   store of the entry. */
void fetch_flush(struct addrspace *as)
{
    uint32_t self = this_cpu->bit;

    memory_barrier();   /* pairs with addrspace_switch() in tlb.h */
    uint32_t harts = atomic_load(&as->harts);
    if (harts & self)
        asm volatile ("fence.i" : : : "memory");    /* no pair: the hart's own stores */
    if (harts & ~self)
        sbi_remote_fence_i(cpu_hart_mask(harts & ~self));
}

void tlb_flush_kernel(uintptr_t start, size_t size)
{
    memory_barrier();   /* pairs with secondary_init() in smp.c */
    flush_harts(atomic_load(&cpus_online), start, size);
}
