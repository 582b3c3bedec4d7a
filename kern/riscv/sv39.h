/* The format of Sv39: addresses of 39 bits, and page table entries (Privileged spec 20211203, 4.4).
   Both are drawn below, each with what its fields are for. The functions here take addresses and
   entries apart and put them together; they read and write no memory. Where tables are walked and
   changed is mm/pagetable.c, and what the kernel has at which address is memlayout.h. Sections in
   brackets are of that spec. An entry, a physical address and a page number are all words of 64
   bits: their types, pte_t, paddr_t and ppn_t, tell the reader which it is. */
#pragma once

/* A virtual address has five fields:

      63              39 38      30 29      21 20      12 11         0
     +------------------+----------+----------+----------+------------+
     |  copies of bit   |  VPN[2]  |  VPN[1]  |  VPN[0]  |   offset   |
     |        38        |  9 bits  |  9 bits  |  9 bits  |  12 bits   |
     +------------------+----------+----------+----------+------------+
       sign extension    index into the table of level      byte in
                            2          1          0         the page

   Bits 63 to 39 must be copies of bit 38, or the access faults. So an address that begins with 1s
   is in the upper half, the kernel's. VPN[i] is what pt_index(va, i) returns. The walk begins at
   the root, level 2: its entry number VPN[2] points to a table of level 1, there entry VPN[1]
   points to a table of level 0, there entry VPN[0] maps the page of 4 KiB. A table has 512 entries
   of 8 bytes.

   A page table entry:

      63    54 53                        10 9   8 7 6 5 4 3 2 1 0
     +--------+----------------------------+-----+-+-+-+-+-+-+-+-+
     |   0    |    physical page number    | RSW |D|A|G|U|X|W|R|V|
     +--------+----------------------------+-----+-+-+-+-+-+-+-+-+

   V: the entry is valid; the other bits mean nothing to the hardware if it is not. R, W, X: the
   page may be read, written, executed. If all three are 0 the entry points to the next table, and
   U, A and D must be 0 too; else it is a leaf and maps memory. W without R is reserved. U: user
   mode may use the page, and supervisor mode may not, unless sstatus.SUM is set. G: the kernel does
   not use it. A, D: the page was accessed, was written to. RSW: the software's; see PTE_COW. A leaf
   at level 1 or 2 maps a large page of 2 MiB or 1 GiB. */

#define PTE_V           0x001
#define PTE_R           0x002
#define PTE_W           0x004
#define PTE_X           0x008
#define PTE_U           0x010
#define PTE_A           0x040
#define PTE_D           0x080
#define PTE_COW         0x100           /* RSW: shared copy-on-write, the owner may write */

#define PTE_USER        (PTE_R | PTE_W | PTE_X | PTE_U)         /* the rights of a page */
#define PTE_FLAGS       0x3ff           /* all below the physical page number */

#define PTE_PPN_SHIFT   10
#define PT_ENTRIES      512
#define PT_LEVELS       3

/* In satp: the mode; the physical page number of the root is added (4.1.11). */
#define SATP_SV39       0x8000000000000000

#ifndef __ASSEMBLER__
#include <riscv/memlayout.h>

typedef uint64_t pte_t;

/* Which entry translates an address, in the table of this level: VPN[level]. */
static inline unsigned int pt_index(uintptr_t va, int level)
{
    return va >> (PGSHIFT + 9 * level) & (PT_ENTRIES - 1);
}

/* Bytes that one entry of a table at this level maps. */
static inline size_t pt_span(int level)
{
    return (size_t)PGSIZE << (9 * level);
}

/* An entry for physical memory at pa, a multiple of PGSIZE. The bits of the page number begin at 10
   in an entry and at 12 in an address, so a physical address is no entry as it stands. */
static inline pte_t pte_make(paddr_t pa, pte_t flags)
{
    return pa >> PGSHIFT << PTE_PPN_SHIFT | flags;
}

/* The physical address of the page that an entry maps, or of the table that it points to. */
static inline paddr_t pte_paddr(pte_t pte)
{
    return pte >> PTE_PPN_SHIFT << PGSHIFT;     /* bits 54 to 63 are 0 in all that we make */
}

/* Does a valid entry map memory? Else it points to a table. */
static inline bool pte_is_leaf(pte_t pte)
{
    return (pte & (PTE_R | PTE_W | PTE_X)) != 0;
}

/* Flags of a leaf with these rights (PTE_R, PTE_W, PTE_X, PTE_U, PTE_COW).

   A is set from the start, and D if the page may be written. Section 4.3.1 leaves two ways to the
   hardware. It may fault at an access to a page without A, and at a write to one without D, so that
   the kernel sets them: later specs call that extension Svade. Or it may set them itself in memory:
   Svadu, which the firmware can turn on. An entry that has its bits already is the same under both:
   there is no such fault, and the hardware never writes to a table. The kernel does not look at
   these bits. */
static inline pte_t pte_leaf_flags(pte_t rights)
{
    return rights | PTE_V | PTE_A | (rights & PTE_W ? PTE_D : 0);
}
#endif /* !__ASSEMBLER__ */
