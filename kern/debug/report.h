/* What a panic tells beside its reason. */
#pragma once

#include <riscv/csr.h>
#include <riscv/trapframe.h>

struct cpu;

void print_registers(const struct trapframe *tf);

/* Go on the line that a panic begins: which hart, running what. */
void report_current(void);
/* What each other hart was doing when it was stopped. */
void report_other_harts(void);

/* Who prints what a hart was running, in a few words: a layer above knows. */
void panic_set_describe(void (*describe)(const struct cpu *cpu));

/* The registers as they are where this is inlined, and the trap's CSRs. */
static __always_inlined void save_registers(struct trapframe *tf)
{
    asm volatile (".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,"
                  "26,27,28,29,30,31\n\tsd x\\n, 8*\\n(%0)\n\t.endr" : : "r" (tf) : "memory");
    tf->status = csr_read(sstatus);
    tf->cause = csr_read(scause);
    tf->tval = csr_read(stval);
}
