/* Stands before kern/riscv/memlayout.h on the host, and takes all of that but one thing: memory has
   the same address for the "machine" as for the code, because the host gives only that one. The
   kernel's image seems to lie where the firmware puts it, so that a device tree of a real machine
   names memory that holds it. */
#pragma once

#define kva     kernel_kva
#define paddr   kernel_paddr
#include_next <riscv/memlayout.h>
#undef kva
#undef paddr

#define IMAGE_AT    0x80200000UL        /* where OpenSBI of QEMU's virt machine puts the kernel */

extern const char kernel_start[], kernel_end[];

/* See the kernel's own. */
static inline void *kva(paddr_t pa)
{
    return (void *)pa;
}

static inline paddr_t paddr(const void *kva)
{
    const char *at = kva;

    return at >= kernel_start && at <= kernel_end ? IMAGE_AT + (at - kernel_start) : (paddr_t)kva;
}
