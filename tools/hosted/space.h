/* An address space for the loader of programs: areas and pages are noted, and compared afterwards
   with what the file says. It stands for kern/mm/vma.c and pagetable.c, whose headers say what its
   functions promise. */
#pragma once

#include <elf.h>
#include <mm/vmm.h>

/* A new one, empty; one is used at a time. */
struct mm_struct *space_begin(void);
/* Give back what is in it. */
void space_end(void);
/* Is each byte of each segment of this file, whose program_load() has succeeded, in memory or to be
   had from the pager, with zeros around, and with the rights of the segment? Else it panics. */
void space_compare(const uint8_t *file, size_t size);
