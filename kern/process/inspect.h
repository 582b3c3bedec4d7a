/* Looking at processes from outside: for the kernel monitor, panics, and programs like ps. */
#pragma once

#include <mm/vmm.h>
#include <unistd.h>

/* Have panics say which process a hart runs. The monitor's commands need no set-up. */
void inspect_init(void);

/* Describe the process with the lowest pid that is not below `pid`, and its memory. May sleep.
   0, or -E_NOENT where there is none. */
int inspect_process(int pid, struct procinfo *info);

/* Describe the machine's memory. */
void inspect_memory(struct meminfo *info);

/* Print an address space: ranges of equal rights, under the tables that hold them. May sleep. */
void print_tables(struct mm_struct *mm);
