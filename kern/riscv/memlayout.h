/* The virtual address space, drawn, and the functions that turn addresses into one another. An
   address of Sv39 has 39 bits, which its upper bits repeat: so there is a lower half, which each
   process has of its own, and an upper half, the kernel's, which is the same in every page table.
   How a table translates an address is told in sv39.h.

   "Linear" in the drawing means: physical address p is at p + KERNEL_OFFSET. The kernel is linked
   inside of that map, so the same constant turns each address of its code and data into a physical
   one. ucore's KERNBASE leaves only 1 GiB above it; with the offset here 68 GiB fit below the
   stacks. Types: a physical address is a paddr_t, an address that code may use is a pointer or a
   uintptr_t. */
#pragma once

/* The address space of a process:

     0xffffffff_ffffffff +---------------------------------+
                         |             unused              |
     KSTACK_END          +---------------------------------+
                         | kernel stacks, each over a      |  read, write
                         | guard of two unmapped pages     |
     KSTACK_BASE         +---------------------------------+ 0xffffffe0_00000000
                         |             unused              |
     KERNEL_OFFSET       | all of physical memory, linear: |  kernel text r-x, its constants
          + physical     | RAM begins at ..c0_80000000     |  r--, all other memory and the
                         | and may have 64 GiB             |  devices rw-
     KERNEL_OFFSET       +---------------------------------+ 0xffffffc0_00000000
                         :    no address: not canonical    :
     USERTOP, USTACKTOP  +---------------------------------+ 0x00000040_00000000
                         | user stack, 256 pages at most   |
                         +---------------------------------+
                         | mmap areas, placed downwards    |
                         |               ...               |
                         | heap, grows upwards by brk      |
                         | program: text, data             |
     UTEXT               +---------------------------------+ 0x00000000_00800000
     USERBASE            +---------------------------------+ 0x00000000_00200000
                         | never mapped: NULL pointers     |
                         +---------------------------------+ 0 */

#define PGSIZE          4096
#define PGSHIFT         12

#define KERNEL_OFFSET   0xffffffc000000000
#define PHYS_MAX        0x1100000000            /* physical addresses end below this: 68 GiB */

#define KSTACKPAGE      2
#define KSTACKSIZE      (KSTACKPAGE * PGSIZE)
#define KSTACK_SLOT     (2 * KSTACKSIZE)        /* guard below, stack above */
#define KSTACK_BASE     0xffffffe000000000
#define KSTACK_END      0xffffffe100000000      /* 4 GiB: 262,144 stacks */
#define KSTACK_SHIFT    13                      /* bit of an address: 1 in a stack, 0 in a guard */

#define USERBASE        0x0000000000200000
#define UTEXT           0x0000000000800000
#define USERTOP         0x0000004000000000
#define USTACKTOP       USERTOP
#define USTACKPAGE      256
#define USTACKSIZE      (USTACKPAGE * PGSIZE)
#define USTACKBASE      (USTACKTOP - USTACKSIZE - PGSIZE)       /* other areas end a page below */

#ifndef __ASSEMBLER__
#include <defs.h>

typedef uint64_t paddr_t;                       /* a physical address */
typedef uint64_t ppn_t;                         /* a physical page number */

_Static_assert(1 << KSTACK_SHIFT == KSTACKSIZE, "trap entry tests this bit for an overflow");

/* The kernel's own address of physical memory or of a device's registers. The address must be below
   PHYS_MAX; what lies there may be used if the kernel's map has it. */
static inline void *kva(paddr_t pa)
{
    return (void *)(pa + KERNEL_OFFSET);
}

/* The physical address of memory in the linear map. Not for an address on a kernel stack or of user
   memory: these are mapped page by page, and only their page tables know. kva2page() and
   block_transfer() assert that it is none of them. */
static inline paddr_t paddr(const void *kva)
{
    return (uintptr_t)kva - KERNEL_OFFSET;
}

/* Does [start, end) lie in what a user program may map, and is it not empty? An end that wrapped
   around is below the start, so the answer is no. */
static inline bool user_range_ok(uintptr_t start, uintptr_t end)
{
    return USERBASE <= start && start < end && end <= USERTOP;
}
#endif /* !__ASSEMBLER__ */
