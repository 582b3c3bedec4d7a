/* Address spaces for the tests of page tables: no hart runs on them, so that each entry, page and
   reference can be counted; and accesses that may fault, to the kernel's own map. */
#pragma once

#include <mm/pagetable.h>
#include <test/testlib.h>

#define TABLE_END       0x40000000UL            /* where one table of each level ends */
#define URW             (PTE_R | PTE_W | PTE_U)
#define URO             (PTE_R | PTE_U)
#define URX             (PTE_R | PTE_X | PTE_U)

/* A page with this byte all over it, and without references. */
struct Page *filled_page(uint8_t byte);

void space_create(struct addrspace *as);
/* Give back all that is mapped, and every table; the user half must be empty then. */
void space_destroy(struct addrspace *as);
void space_empty(struct addrspace *as);

/* The entry for an address; 0 where there is no table for it. */
pte_t space_entry(struct addrspace *as, uintptr_t la);
/* Its rights, with the mark of copy-on-write: what is left of it without V, A, D. */
pte_t space_rights(struct addrspace *as, uintptr_t la);
/* Does the entry have A, and D if it allows writing? Hardware need not set these bits: it may fault
   where they are missing (Privileged spec 4.3.1), and such a fault is never repaired here. */
bool space_touched(struct addrspace *as, uintptr_t la);
/* The page that is mapped at an address, or NULL; its first byte, or -1. */
struct Page *space_page(struct addrspace *as, uintptr_t la);
int space_byte(struct addrspace *as, uintptr_t la);
/* Insert a new page by page_insert(); the page table has its only reference. */
struct Page *space_put(struct addrspace *as, uintptr_t la, uint8_t byte, pte_t rights);
/* Copy a range by copy_range(), with no page left, one, two, ... until it succeeds: how many it
   needs. Each time before, it must say -E_NO_MEM, and lose nothing. */
size_t space_copy_needs(struct addrspace *from, uintptr_t start, uintptr_t end, bool share);

/* Leave junk in many free pages: those that are allocated next. */
void dirty_free_pages(void);

/* Access an address below USERTOP through the map that the hart is on, as the kernel accesses user
   memory: false where that is a fault that nobody repairs. */
bool can_read(uintptr_t la, uint64_t *value);
bool can_write(uintptr_t la, uint64_t value);
