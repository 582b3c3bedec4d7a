/* What a trap saves: the registers of the code that was interrupted, and the CSRs that tell why.

   A trap from user mode puts its frame at the very top of the process's kernel stack, always at the
   same place, so current->task.tf is the program's registers as long as the process lives. A trap
   from the kernel pushes a frame where the stack is then; it is gone when the trap returns.

   What is changed in a frame, the code that trapped finds in its registers when it goes on: a
   system call returns its result in gpr.a0 so, and exec makes a new program of the frame.

   Assembly uses the TF_ offsets below; the compiler checks each of them against the struct. */
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

/* The general registers, x0 to x31 in order, by the names that the calling convention gives them.
   The place of x0, which is always 0, is not written. */
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

/* Leave a trap by a frame: to user mode, or to what was interrupted in the kernel, as SPP in the
   frame's status says. Interrupts must be off; they are what SPIE says afterwards. The frame may
   be on the current stack: what is below it is given up, so nothing there may be needed any more.
   See trapret.S. */
__never_returns void trap_return(struct trapframe *tf);
#endif /* !__ASSEMBLER__ */
