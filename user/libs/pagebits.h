/* Fields of a number, by shifts and masks: exercise 0.3. The numbers are page table entries of Sv39
   and virtual addresses (privileged specification 20211203, 4.4.1), but nothing here needs a page
   table.

       a page table entry:  63      54 53                        10 9   8 7        0
                            | 0      | number of the physical page | SW  | D A G U X W R V |

       a virtual address:   63     39 38     30 29     21 20     12 11         0
                            |        | index 2 | index 1 | index 0 | offset   |

   A physical page has 4096 bytes, so the number of a page is its address divided by 4096. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BIT_V       0x001               /* valid */
#define BIT_R       0x002               /* may be read */
#define BIT_W       0x004               /* may be written */
#define BIT_X       0x008               /* may be executed */
#define BIT_SHARED  0x100               /* one of the two bits that hardware leaves to software */

/* The entry for the physical page at `address`, a multiple of 4096, with these of the bits 0 to 9.
   Other bits of `bits` have no effect. */
uint64_t entry_pack(uint64_t address, uint64_t bits);
/* The address of the page that an entry names. */
uint64_t entry_address(uint64_t entry);
/* The index, 0 to 511, of a virtual address in the table of this level, 0 to 2. */
unsigned int index_of(uint64_t address, int level);
/* The entry with BIT_W clear and BIT_SHARED set, if BIT_W was set; else the entry as it is. */
uint64_t entry_share(uint64_t entry);
