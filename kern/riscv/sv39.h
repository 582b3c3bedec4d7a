/* Page table entries of Sv39 (Privileged spec 4.4).

      63    54 53                        10 9   8 7 6 5 4 3 2 1 0
     +--------+----------------------------+-----+-+-+-+-+-+-+-+-+
     |   0    |    physical page number    | RSW |D|A|G|U|X|W|R|V|
     +--------+----------------------------+-----+-+-+-+-+-+-+-+-+

   R = W = X = 0 points to the next table; such an entry has no other bit but V. A table has 512
   entries. The root is level 2, a 4 KiB page is mapped at level 0; a leaf at level 1 or 2 is a
   large page of 2 MiB or 1 GiB. */
#pragma once

#define PTE_V           0x001
#define PTE_R           0x002
#define PTE_W           0x004
#define PTE_X           0x008
#define PTE_U           0x010
#define PTE_A           0x040
#define PTE_D           0x080
#define PTE_COW         0x100           /* RSW: shared copy-on-write, the owner may write */

#define PTE_USER        (PTE_R | PTE_W | PTE_X | PTE_U)
#define PTE_FLAGS       0x3ff

#define PTE_PPN_SHIFT   10
#define PT_ENTRIES      512
#define PT_LEVELS       3

#define SATP_SV39       0x8000000000000000

#ifndef __ASSEMBLER__
#include <riscv/memlayout.h>

typedef uint64_t pte_t;

/* Index into the table of the given level that translates an address. */
static inline unsigned int pt_index(uintptr_t va, int level)
{
    return va >> (PGSHIFT + 9 * level) & (PT_ENTRIES - 1);
}

/* Bytes that one entry of a table at this level maps. */
static inline size_t pt_span(int level)
{
    return (size_t)PGSIZE << (9 * level);
}

static inline pte_t pte_make(paddr_t pa, pte_t flags)
{
    return pa >> PGSHIFT << PTE_PPN_SHIFT | flags;
}

static inline paddr_t pte_paddr(pte_t pte)
{
    return pte >> PTE_PPN_SHIFT << PGSHIFT;     /* bits 54 to 63 are 0 in all that we make */
}

/* A valid entry that maps memory, not one that points to a table. */
static inline bool pte_is_leaf(pte_t pte)
{
    return (pte & (PTE_R | PTE_W | PTE_X)) != 0;
}

/* Flags of a leaf with these rights. A and D are set from the start: hardware may set them itself
   or fault instead (4.3.1), and the kernel uses neither. */
static inline pte_t pte_leaf_flags(pte_t rights)
{
    return rights | PTE_V | PTE_A | (rights & PTE_W ? PTE_D : 0);
}
#endif /* !__ASSEMBLER__ */
