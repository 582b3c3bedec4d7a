/* What a trap saves: the registers of the interrupted code. A trap from user mode puts its frame at
   the very top of the process's kernel stack, so current->task.tf is always there; a trap from the
   kernel pushes it where the stack is. Assembly uses the TF_ offsets below, which the compiler
   checks. */
#pragma once

#define TF_REG(n)       (8 * (n))       /* of register xn */
#define TF_SP           TF_REG(2)
#define TF_TP           TF_REG(4)
#define TF_STATUS       256
#define TF_EPC          264
#define TF_TVAL         272
#define TF_CAUSE        280
#define TF_SIZE         288

#ifndef __ASSEMBLER__
#include <defs.h>

struct pushregs {
    uint64_t zero;
    uint64_t ra, sp, gp, tp;
    uint64_t t0, t1, t2;
    uint64_t s0, s1;
    uint64_t a0, a1, a2, a3, a4, a5, a6, a7;
    uint64_t s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
    uint64_t t3, t4, t5, t6;
};

struct trapframe {
    struct pushregs gpr;
    uint64_t status;                    /* sstatus: SPP tells where the trap came from */
    uint64_t epc;                       /* the instruction that trapped or comes next */
    uint64_t tval;                      /* stval: for a fault, the address */
    uint64_t cause;                     /* scause */
};

_Static_assert(offsetof(struct trapframe, gpr.t6) == TF_REG(31), "registers in order");
_Static_assert(offsetof(struct trapframe, status) == TF_STATUS, "TF_STATUS");
_Static_assert(offsetof(struct trapframe, epc) == TF_EPC, "TF_EPC");
_Static_assert(offsetof(struct trapframe, tval) == TF_TVAL, "TF_TVAL");
_Static_assert(offsetof(struct trapframe, cause) == TF_CAUSE, "TF_CAUSE");
_Static_assert(sizeof(struct trapframe) == TF_SIZE && TF_SIZE % 16 == 0, "TF_SIZE");

/* Leave the kernel by a frame: to user mode or on in the kernel, as the frame's status says.
   Interrupts must be off. The stack may not be needed any more. */
__never_returns void trap_return(struct trapframe *tf);
#endif /* !__ASSEMBLER__ */
