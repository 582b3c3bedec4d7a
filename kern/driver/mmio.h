/* Access to the registers of devices. Drivers read and write registers by these functions alone,
   and tools/check_mmio.py checks that.

   Each access stands between two fences, and is in order with everything that this hart does before
   and after it:

   - What was written to memory, a request that the device will fetch for example, is there before
     the register that starts the device is written (w before o).
   - What a device has put into memory is read after the register that says so (i before r).
   - A lock that is taken for a register is held before the register is accessed (r before i and o),
     and is given back after that (i and o before w).
   - Two accesses to a device come in the program's order (i and o before i and o). */
#pragma once

/* Why a volatile pointer is not enough: it only stops the compiler. The hart may still let other
   harts and the device see its accesses in another order than that of the program. What orders
   accesses to memory, spinlocks included, does not help. The bits aq and rl of an atomic
   instruction order only the domain, memory or I/O, that the instruction itself accesses
   (Unprivileged spec 20191213, 8.1); the memory model speaks of main memory only (the same, chapter
   14); and whether a region of I/O is strongly ordered in itself is left to the platform
   (Privileged spec 20211203, 3.6). FENCE is the one instruction that orders across both domains:
   before the comma it names what must be done first, behind it what must wait (Unprivileged spec
   20191213, 2.7), as i and o for input from and output to devices, r and w for reads and writes of
   memory. */
#include <defs.h>

/* Before an access of this kind: all that is earlier, of both domains. */
/* pairs with the device: it does in its order what it is told */
#define FENCE_BEFORE(kind)      asm volatile ("fence iorw, " #kind : : : "memory")
/* After it: all that is later. */
/* pairs with the device, in the same way */
#define FENCE_AFTER(kind)       asm volatile ("fence " #kind ", iorw" : : : "memory")

/* Each function takes the kernel's own address of a register (device_registers() in driver.h),
   which must be aligned to its size, and mapped. They may be called in any context, and none waits.

   Read a register of 8 bits. A read may change the device: a UART's queue loses the character. */
static inline uint8_t mmio_read8(uintptr_t address)
{
    FENCE_BEFORE(i);
    uint8_t value = *(const volatile uint8_t *)address;
    FENCE_AFTER(i);
    return value;
}

/* Write a register of 8 bits. */
static inline void mmio_write8(uintptr_t address, uint8_t value)
{
    FENCE_BEFORE(o);
    *(volatile uint8_t *)address = value;
    FENCE_AFTER(o);
}

/* Read a register of 32 bits. */
static inline uint32_t mmio_read32(uintptr_t address)
{
    FENCE_BEFORE(i);
    uint32_t value = *(const volatile uint32_t *)address;
    FENCE_AFTER(i);
    return value;
}

/* Write a register of 32 bits. */
static inline void mmio_write32(uintptr_t address, uint32_t value)
{
    FENCE_BEFORE(o);
    *(volatile uint32_t *)address = value;
    FENCE_AFTER(o);
}
