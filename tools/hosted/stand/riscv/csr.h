/* Stands for kern/riscv/csr.h on the host. There are no interrupts and no registers of a hart; the
   time, which the journal looks at, goes on by one with each look, so that it is the same in each
   run. */
#pragma once

#include <defs.h>

#define SSTATUS_SIE             0x00000002UL

/* Address spaces are not switched. */
#define csr_write(csr, value)   ((void)(value))

/* A clock that counts the calls. */
uint64_t rdtime(void);
