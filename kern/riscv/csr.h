/* Supervisor control and status registers (CSRs): how to read and write them, the bits that the
   kernel uses, and small functions for interrupts and time. Numbers in brackets are sections of the
   Privileged spec 20211203, chapter 4 "Supervisor-Level ISA".

   Each hart has its own CSRs, so a value read here is about this hart, now. Each access tells the
   compiler that memory may have changed ("memory"): it moves no load or store across it. That is
   what keeps code inside of a section with interrupts off. */
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

/* Read a CSR, write it, set bits in it, clear bits. The name is written without quotes:
   csr_read(sstatus). In supervisor mode only; a CSR that the hart does not have traps. */
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

/* Turn interrupts of this hart off. Returns SSTATUS_SIE if they were on, else 0. */
static inline uint64_t irq_save(void)
{
    uint64_t status;

    asm volatile ("csrrci %0, sstatus, %1" : "=r" (status) : "i" (SSTATUS_SIE) : "memory");
    return status & SSTATUS_SIE;
}

#ifdef CHECK
/* A checked build measures how long they are off: they have just gone off; they come on next. Other
   code than this file's tells it so too, where interrupts change with a trap or at its end. In any
   context; kern/check/locks.c. */
void check_irq_off(void);
void check_irq_on(void);
#endif

/* The same as irq_save(); true if they were on, so that the caller can put back what it found.
   Calls that nest are irq_push() and irq_pop() of lock/spinlock.h. */
static inline bool irq_disable(void)
{
    return irq_save() != 0 IF_CHECK(&& (check_irq_off(), true));
}

/* Turn them on. A pending interrupt comes at once. */
static inline void irq_enable(void)
{
    IF_CHECK(check_irq_on());
    asm volatile ("csrsi sstatus, %0" : : "i" (SSTATUS_SIE) : "memory");
}

/* Are they on? In user mode they are in any case, whatever this bit says (4.1.3). */
static inline bool irq_enabled(void)
{
    return csr_read(sstatus) & SSTATUS_SIE;
}

/* Let the hart rest until an interrupt is pending that sie enables, even if interrupts are off:
   then it goes on here, without a trap (wfi: Privileged spec 20211203, 3.3.3). It may also return
   for no reason, so the caller must look for itself. Not inlined: wait.S says why. */
void wait_for_interrupt(void);

/* Time since power-on, the same on all harts, in units of the device tree's timebase-frequency:
   10 MHz on QEMU's virt machine. */
static inline uint64_t rdtime(void)
{
    return csr_read(time);
}
#endif /* !__ASSEMBLER__ */
