/* What a panic tells beside its reason: a diagnosis for the person who looks for the mistake. Only
   panics and the kernel monitor use it; panic.c has the order in which a panic calls these.

   No file of this is named "report": that is for what tests make, by libs/report.h.

   All functions print, take no lock but that of printing, and may be called with interrupts off.
   They read what other harts may be changing, so what they show of a hart that still runs may be
   mixed. */
#pragma once

#include <riscv/csr.h>
#include <riscv/trapframe.h>

struct cpu;

/* Print all general registers of a frame, and its CSRs. */
void print_registers(const struct trapframe *tf);

/* Go on with the line that a panic has begun: which hart this is, and what it runs. */
void diagnose_current(void);
/* Print what each other hart was doing when it was stopped: its call stack. interrupt_others() has
   been called; this waits until they have stopped, or for a tenth of a second. */
void diagnose_other_harts(void);

/* Set the function that prints what a hart is running, in a few words. A layer above knows that,
   and calls this once at boot. It must not take a lock. */
void panic_set_describe(void (*describe)(const struct cpu *cpu));

/* Save the registers as they are where this is inlined, and the CSRs of the last trap. epc is left
   to the caller. */
static __always_inlined void save_registers(struct trapframe *tf)
{
    asm volatile (".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,"
                  "26,27,28,29,30,31\n\tsd x\\n, 8*\\n(%0)\n\t.endr" : : "r" (tf) : "memory");
    tf->status = csr_read(sstatus);
    tf->cause = csr_read(scause);
    tf->tval = csr_read(stval);
}
