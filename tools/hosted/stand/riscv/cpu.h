/* Stands for kern/riscv/cpu.h on the host: one hart, whose struct is in machine.c, with the
   fields that the parsers and what they stand on look at. In the kernel a register has this
   pointer, which a host does not have. */
#pragma once

#include <defs.h>

#define MAX_HARTS           8

struct task;

struct cpu {
    struct task *task;                  /* that runs: the only one */
    uint32_t locks_held;                /* a bit for each rank of a spinlock that is held */
    uint32_t bit;                       /* 0 */
};

extern struct cpu *const this_cpu;
