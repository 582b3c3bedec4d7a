/* struct cpu: what the kernel keeps for each hart. While a hart is in the kernel, tp points to its
   own; in user mode sscratch holds that pointer, and in the kernel sscratch is 0, which is how trap
   entry tells where it came from. */
#pragma once

#define MAX_HARTS           8

#define CPU_SCRATCH         0
#define CPU_USER_TF         16
#define CPU_EMERGENCY_SP    24

#ifndef __ASSEMBLER__
#include <defs.h>

struct task;
struct trapframe;

struct cpu {
    /* Only touched by trap entry. */
    uint64_t scratch[2];
    struct trapframe *user_tf;          /* where a trap from user mode saves; set at a switch */
    uintptr_t emergency_sp;             /* to report a broken stack on; set once */

    /* Only touched by the hart itself, with interrupts off. */
    struct task *task;                  /* that runs here */
    uint32_t irq_depth;                 /* spinlocks held and irq_push() calls open */
    bool irq_was_on;                    /* interrupts before the first of them */
    uint32_t held_ranks;                /* one bit for each rank of spinlock held */
    uint64_t timer_deadline;            /* when the timer interrupts next */
    struct trapframe *interrupted;      /* by the interrupt that is being handled */

    uintptr_t stopped_fp;               /* atomic: its stack, once a panic has stopped it */

    /* Set once at boot. */
    uint32_t id;                        /* 0 is the boot hart, others follow */
    uint64_t hartid;                    /* the machine's own number */
};

_Static_assert(offsetof(struct cpu, scratch) == CPU_SCRATCH, "CPU_SCRATCH");
_Static_assert(offsetof(struct cpu, user_tf) == CPU_USER_TF, "CPU_USER_TF");
_Static_assert(offsetof(struct cpu, emergency_sp) == CPU_EMERGENCY_SP, "CPU_EMERGENCY_SP");

extern struct cpu cpus[MAX_HARTS];
extern uint32_t cpu_count;              /* how many of them the machine has; set once at boot */
extern uint32_t cpus_online;            /* atomic: a bit for each cpu that runs */

/* The cpu that runs this. It may change whenever the caller can sleep. */
register struct cpu *this_cpu asm("tp");

/* Translate a mask of cpu numbers into one of hart numbers, as SBI calls take it. */
uint64_t cpu_hart_mask(uint32_t cpu_mask);
#endif /* !__ASSEMBLER__ */
