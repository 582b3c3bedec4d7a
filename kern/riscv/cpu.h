/* struct cpu: what the kernel keeps for each hart (the architecture's word for a hardware thread).

   Each hart finds its own by a register. While the hart runs the kernel, tp points to its struct
   cpu and sscratch is 0. While it runs a user program, tp is the program's and sscratch has the
   pointer. Trap entry swaps the two registers, and so tells where it came from: see
   trap/trapentry.S.

   A cpu number counts the harts that the kernel uses, from 0; the boot hart has 0. A hart number
   (hartid) is the machine's own, may be any, and is what the firmware wants to hear.

   The fields are grouped by who may touch them. A hart changes only its own; others may read what
   is marked as atomic, or set once. */
#pragma once

#define MAX_HARTS           8

/* Offsets for assembly, checked below. */
#define CPU_SCRATCH         0
#define CPU_USER_TF         16
#define CPU_EMERGENCY_SP    24

#ifndef __ASSEMBLER__
#include <defs.h>

struct page_cache;
struct run_queue;
struct task;
struct trapframe;

/* Aligned, so that its address has zeros in it (lock/spinlock.h); also no line of a cache has parts
   of two harts. */
struct cpu {
    /* Only touched by trap entry. */
    uint64_t scratch[2];
    struct trapframe *user_tf;          /* where a trap from user mode saves; set at a switch */
    uintptr_t emergency_sp;             /* the stack of a panic about a broken one; set once */

    /* Only touched by the hart itself, with interrupts off. */
    struct task *task;                  /* that runs here */
    uint32_t locks_held;                /* spinlocks, irq_push() calls: lock/spinlock.h */
    uint64_t timer_deadline;            /* when the timer interrupts next */
    bool tick_goes_on;                  /* timers are left of it: timer_leave_rest() */
    uint8_t tick_part;                  /* which part of it the next timer interrupt is, from 0 */
    struct trapframe *interrupted;      /* by the interrupt that is being handled */

    uintptr_t stopped_fp;               /* atomic: its stack, once a panic has stopped it */

    /* Set once at boot. */
    uint32_t id;                        /* 0 is the boot hart, others follow */
    uint32_t bit;                       /* 1 << id: its place in words with a bit for each cpu */
    uint64_t hartid;                    /* the machine's own number */
    struct run_queue *rq;               /* of the tasks that belong to this hart */
    struct page_cache *page_cache;      /* free pages that only this hart takes: mm/pmm.c */
} __attribute__((aligned(1 << MAX_HARTS)));

_Static_assert(offsetof(struct cpu, scratch) == CPU_SCRATCH, "CPU_SCRATCH");
_Static_assert(offsetof(struct cpu, user_tf) == CPU_USER_TF, "CPU_USER_TF");
_Static_assert(offsetof(struct cpu, emergency_sp) == CPU_EMERGENCY_SP, "CPU_EMERGENCY_SP");

extern struct cpu cpus[MAX_HARTS];
extern uint32_t cpu_count;              /* how many of them the machine has; set once at boot */
extern uint32_t cpus_online;            /* atomic: a bit for each cpu that runs */

/* The struct cpu of the hart that runs this code: the register tp. A task that sleeps may go on on
   another hart, so a value read from here lasts until the caller does something that may sleep. An
   interrupt in the kernel returns on the same hart. */
register struct cpu *this_cpu asm("tp");

/* Translate a mask of cpu numbers into a mask of hart numbers, which SBI calls take. May be called
   anywhere. */
uint64_t cpu_hart_mask(uint32_t cpu_mask);
#endif /* !__ASSEMBLER__ */
