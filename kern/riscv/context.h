/* What a context switch in the kernel saves: registers that a C call preserves. */
#pragma once

#include <defs.h>

struct context {
    uint64_t ra, sp;
    uint64_t s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
};

_Static_assert(sizeof(struct context) == 14 * 8, "switch.S goes through it word by word");

/* Save this context to `from`, go on with the one in `to`. Returns when something switches back,
   perhaps on another hart. Interrupts must be off. */
void switch_to(struct context *from, struct context *to);

/* Call a function that does not return on another stack. */
__never_returns void call_on_stack(uintptr_t stack_top, void (*fn)(void));

/* The floating-point registers of a user program. */
struct fpu_state {
    uint64_t f[32];
    uint64_t fcsr;
};

/* Is there a hart without these registers? That is one without the F and D extensions, or with
   numbers in the integer registers (Zfinx). Then programs have none on any hart: a process may run
   on each. Set at boot, before there is a program. */
extern bool fpu_missing;

/* For each hart as it comes up, interrupts off: find out. */
void fpu_init_hart(void);

/* For fpu_init_hart(), with sstatus.FS set if it can be. */
bool fpu_try(void);

/* Both need sstatus.FS other than off, and !fpu_missing. */
void fpu_save(struct fpu_state *state);
void fpu_restore(const struct fpu_state *state);
