/* Page tables of user address spaces, and the kernel's own.

   A page that is mapped has a reference for each entry that maps it. The table pages of an address
   space have one reference each. An entry of a process is changed with the lock of its mm held.
   page_remove(), unmap_range() and exit_range() flush the TLBs; copy_range() leaves that to its
   caller; a new entry in place of an invalid one needs no flush. Why there are no address space
   numbers (ASIDs), which would save the flush at a switch, is told in riscv/tlb.c. */
#pragma once

#include <mm/pmm.h>
#include <riscv/tlb.h>

/* Store an entry. Every store to a table that a hart may walk goes this way.

   Harts walk tables without any lock: while this one changes them, another one may run a thread of
   the same mm. RVWMO lets it see two stores in the other order than they were made in (Unprivileged
   spec 20191213, 14), so it could find a new entry, and behind it what the page held before it was
   cleared or filled: data of another process, or in a table garbage that it takes for entries. A
   release makes all earlier stores visible before the entry. The walk needs nothing: what it reads
   next, it reads at an address that it found in the entry. sfence.vma would not do here: it orders
   this hart's own walks after its stores (Privileged spec 20211203, 4.2.1), not those of others.

   An entry that is not valid leads nowhere. Whether it is 0 or has another meaning for the kernel,
   it is read only with the lock held that guards it, and that orders enough.

   Hardware with Svadu may set A and D in an entry at any moment (4.3.1), so a store that overwrites
   a valid entry may lose them. New entries have both, as far as they allow to write: see
   pte_leaf_flags(). Where A was cleared, to see whether the page is used, a lost A only makes the
   page look old. Where D was cleared, to see whether the page is written to, an entry is changed by
   the three functions below, which lose nothing. */
static inline void set_pte(pte_t *entry, pte_t value)
{
    if (value & PTE_V)
        /* pairs with the processor: its walk goes where the entry leads */
        atomic_store_release(entry, value);
    else
        atomic_store(entry, value);
}

/* The same without an order, if none is needed: the entry leads where it led before, with other
   rights; or no hart can walk its table yet. */
static inline void set_pte_relaxed(pte_t *entry, pte_t value)
{
    atomic_store(entry, value);
}

/* Change an entry in one step, between two of the hardware: store a value, set bits, or keep only
   some. Each returns what was there before, with all that the hardware had set until then, and is a
   full barrier. If the entry was valid, the caller flushes what harts may have of it. */
ATOMIC_AMO(pte_t, pte_t, pte_exchange, "amoswap.d")
ATOMIC_AMO(pte_t, pte_t, pte_or, "amoor.d")
ATOMIC_AMO(pte_t, pte_t, pte_and, "amoand.d")

/* The page that a leaf entry maps, or the table that another points to. */
static inline struct Page *pte2page(pte_t pte)
{
    return page_frame(pte >> PTE_PPN_SHIFT);
}

/* Map the kernel: text, constants, all other memory and the devices, each with no more rights than
   it needs; then run on that map. Room for the kernel stacks' tables is made here, so that the
   upper half of every root stays the same. */
void kernel_map_init(void);
/* The kernel's entry for an address in a table of this level; tables above it are made. NULL: no
   memory for one. */
pte_t *kernel_pte(uintptr_t va, int wanted);

/* The kernel's root is as it stays; kernel_map_init() calls it. */
void pgdir_init(void);
/* A root table with the kernel's half filled in; NULL if there is no memory. */
pte_t *pgdir_create(void) __must_check;
/* Free a root table; its user half must be empty. */
void pgdir_destroy(pte_t *pgdir);

/* The entry of the last level for a virtual address (la is ucore's name for it), whatever is in it.
   Missing tables are made if `create` says so. NULL: no table, or no memory for one. */
pte_t *get_pte(pte_t *pgdir, uintptr_t la, bool create);

/* Map a page at la with these rights (PTE_R ...), and take a reference to it; what was mapped there
   is removed. 0 or -E_NO_MEM. */
int page_insert(struct addrspace *as, struct Page *page, uintptr_t la, pte_t rights) __must_check;
/* Remove the mapping at la, if there is one, and drop its reference. */
void page_remove(struct addrspace *as, uintptr_t la);

/* The end of the part of [start, end) that one table of the last level maps; if there is no table
   of level 1, of the part that one of those would map. For going through a range table by table. */
uintptr_t table_end(const pte_t *pgdir, uintptr_t start, uintptr_t end);

/* The functions below go through ranges of any size, and let others run meanwhile: no spinlock may
   be held. */

/* Remove all mappings in a range. */
void unmap_range(struct addrspace *as, uintptr_t start, uintptr_t end);
/* Free the tables on the way to an unmapped range, but for those that also map addresses below
   `floor` or from `ceiling` on, because the neighbouring areas are there. */
void exit_range(struct addrspace *as, uintptr_t start, uintptr_t end, uintptr_t floor,
                uintptr_t ceiling);

/* Map in `to` what `from` has mapped in a range. share: both have the same pages from here on, and
   writable ones become copy-on-write on both sides: the caller must flush `from` before anyone may
   write to it again. Else `to` gets copies. 0 or -E_NO_MEM: then `to` has a
   part of the range, and its owner removes that. */
int copy_range(struct addrspace *to, struct addrspace *from, uintptr_t start, uintptr_t end,
               bool share) __must_check;
