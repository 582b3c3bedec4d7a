/* Looking at processes from outside: for panics, the kernel monitor, and programs such as ps.

   What is told about others is a picture of one moment, and may be old when it arrives. Functions
   that a program calls take the locks that guard what they look at, and give way in long work. The
   commands of the monitor, which are in inspect.c and register themselves, take no mutex, because
   they run in an interrupt or a panic, where nothing may sleep: while other harts go on, what they
   print of an address space may be wrong. */
#pragma once

#include <mm/vmm.h>
#include <unistd.h>

/* Have panics say which process a hart runs. Once at boot. */
void inspect_init(void);

/* Describe the process with the lowest pid that is not below `pid`, and its memory. May sleep.
   0, or -E_NOENT if there is none. */
int inspect_process(int pid, struct procinfo *info);

/* Describe the machine's memory: its pages, the kernel's objects, processes. From anywhere. */
void inspect_memory(struct meminfo *info);
