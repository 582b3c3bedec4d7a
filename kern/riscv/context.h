/* What a switch between two tasks saves, and the floating-point registers of a program.

   A task that is not running has stopped inside of switch_to(), on its own kernel stack. Its struct
   context tells how to go on: where to return to, the stack, and the registers that a C function
   must leave as they are. The registers of the user program are not here: the trap saved them on
   the same stack, in a struct trapframe.

   Floating-point registers are not in a context either. The kernel does not use them, so they stay
   in the hart during a trap; they change only when another task runs that uses them, too. */
#pragma once

#include <defs.h>

struct context {
    uint64_t ra, sp;
    uint64_t s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
};

_Static_assert(sizeof(struct context) == 14 * 8, "switch.S goes through it word by word");

/* Save this context to `from`, and go on with the one in `to`. Interrupts must be off. It returns
   when another call switches to `from`: perhaps much later, and perhaps on another hart. */
void switch_to(struct context *from, struct context *to);

/* Call fn, which never returns, on another stack. `stack_top` is the address behind its last byte,
   a multiple of 16. What is on the old stack is given up. */
__never_returns void call_on_stack(uintptr_t stack_top, void (*fn)(void));

/* The floating-point registers of a user program. */
struct fpu_state {
    uint64_t f[32];
    uint64_t fcsr;
};

/* Does a hart lack these registers? Some have no F and D extensions; under Zfinx numbers are kept
   in the integer registers. A process may run on each hart, so if one lacks them, programs have
   none on any hart. Set at boot, before there is a program. */
extern bool fpu_missing;

/* Find out whether this hart has them, and set fpu_missing if it has not. Each hart calls it once
   as it comes up, with interrupts off. */
void fpu_init_hart(void);

/* Try to load a number of 64 bits: true if this hart can. Only for fpu_init_hart(), which has set
   sstatus.FS as far as it can be set. */
bool fpu_try(void);

/* Store all 32 registers and fcsr to memory: the other half of fpu_restore(). Both need sstatus.FS
   other than off and a hart that has the registers (!fpu_missing); else they are illegal
   instructions. Interrupts must be off, because the registers belong to the task that runs. */
void fpu_save(struct fpu_state *state);
/* Load all 32 registers and fcsr from memory. What was in the registers is lost: save it before. */
void fpu_restore(const struct fpu_state *state);

/* See riscv/trapframe.h; here only the floating-point state of its sstatus counts. */
struct trapframe;
/* For a switch of tasks, with interrupts off: save the registers of the task that stops, if its
   frame says that it has changed them, and load those of the task that goes on, if it uses any. The
   frame of the first is marked as clean then. May be left out if neither frame has FS on. */
void fpu_switch(struct fpu_state *from, struct trapframe *from_tf,
                const struct fpu_state *to, const struct trapframe *to_tf);
