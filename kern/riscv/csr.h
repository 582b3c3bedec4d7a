/* Supervisor control and status registers: access, and the bits that the kernel uses (Privileged
   spec, chapter 4 "Supervisor-Level ISA"). */
#pragma once

/* sstatus (4.1.1) */
#define SSTATUS_SIE             0x00000002UL    /* interrupts on, in supervisor mode */
#define SSTATUS_SPIE            0x00000020UL    /* SIE before the trap; sret copies it to SIE */
#define SSTATUS_SPP             0x00000100UL    /* mode before the trap; sret goes there */
#define SSTATUS_FS              0x00006000UL    /* state of the floating-point registers: */
#define SSTATUS_FS_CLEAN        0x00004000UL
#define SSTATUS_FS_DIRTY        0x00006000UL
#define SSTATUS_SUM             0x00040000UL    /* supervisor may access user pages */

/* sie and sip (4.1.3) */
#define SIE_SOFT                (1UL << 1)
#define SIE_TIMER               (1UL << 5)
#define SIE_EXTERNAL            (1UL << 9)

/* scause (4.1.8) */
#define CAUSE_INTERRUPT         (1UL << 63)
#define IRQ_S_SOFT              1
#define IRQ_S_TIMER             5
#define IRQ_S_EXTERNAL          9

#define CAUSE_ILLEGAL           2
#define CAUSE_BREAKPOINT        3
#define CAUSE_USER_ECALL        8
#define CAUSE_FETCH_PAGE        12
#define CAUSE_LOAD_PAGE         13
#define CAUSE_STORE_PAGE        15

#ifndef __ASSEMBLER__
#include <defs.h>

#define csr_read(csr) ({ \
    uint64_t csr_; \
    asm volatile ("csrr %0, " #csr : "=r" (csr_) : : "memory"); \
    csr_; })
#define csr_write(csr, value) \
    asm volatile ("csrw " #csr ", %0" : : "rK" (value) : "memory")
#define csr_set(csr, bits) \
    asm volatile ("csrs " #csr ", %0" : : "rK" (bits) : "memory")
#define csr_clear(csr, bits) \
    asm volatile ("csrc " #csr ", %0" : : "rK" (bits) : "memory")

/* Turn interrupts of this hart off; true where they were on. */
static inline bool irq_disable(void)
{
    uint64_t status;

    asm volatile ("csrrci %0, sstatus, %1" : "=r" (status) : "i" (SSTATUS_SIE) : "memory");
    return status & SSTATUS_SIE;
}

static inline void irq_enable(void)
{
    asm volatile ("csrsi sstatus, %0" : : "i" (SSTATUS_SIE) : "memory");
}

static inline bool irq_enabled(void)
{
    return csr_read(sstatus) & SSTATUS_SIE;
}

static inline void wait_for_interrupt(void)
{
    asm volatile ("wfi" : : : "memory");
}

/* Time since power-on, in units of the device tree's timebase-frequency. */
static inline uint64_t rdtime(void)
{
    return csr_read(time);
}
#endif /* !__ASSEMBLER__ */
