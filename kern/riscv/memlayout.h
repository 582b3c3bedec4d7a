/* The virtual address space, Sv39: 39 bits, the upper half is the kernel's.

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
                         +---------------------------------+ 0

   The kernel is linked inside the linear map, so that one constant turns each of its addresses into
   a physical one. ucore's KERNBASE leaves only 1 GiB above it; the offset here keeps 68 GiB clear
   below the stacks. */
#pragma once

#define PGSIZE          4096
#define PGSHIFT         12

#define KERNEL_OFFSET   0xffffffc000000000
#define PHYS_MAX        0x1100000000            /* physical addresses end below this: 68 GiB */

#define KSTACKPAGE      2
#define KSTACKSIZE      (KSTACKPAGE * PGSIZE)
#define KSTACK_SLOT     (2 * KSTACKSIZE)        /* guard below, stack above */
#define KSTACK_BASE     0xffffffe000000000
#define KSTACK_END      0xffffffe100000000      /* 4 GiB: 262,144 stacks */
#define KSTACK_SHIFT    13                      /* this bit of an address: stack, not guard */

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

/* The kernel's own address of physical memory or of a device's registers. */
static inline void *kva(paddr_t pa)
{
    return (void *)(pa + KERNEL_OFFSET);
}

/* Physical address of memory in the linear map: not of a kernel stack, not of user memory. */
static inline paddr_t paddr(const void *kva)
{
    return (uintptr_t)kva - KERNEL_OFFSET;
}

/* Does [start, end) lie in what a user program may map? Holds for wrapping ends too. */
static inline bool user_range_ok(uintptr_t start, uintptr_t end)
{
    return USERBASE <= start && start < end && end <= USERTOP;
}
#endif /* !__ASSEMBLER__ */
