/* Address spaces that a self test fills and looks into by itself. */
#pragma once

#include <mm/pagetable.h>

#define RIGHTS_RW   (PTE_R | PTE_W | PTE_U)
#define RIGHTS_RO   (PTE_R | PTE_U)
#define RIGHTS_RX   (PTE_R | PTE_X | PTE_U)

void as_create(struct addrspace *as);
/* Everything that is mapped goes, too. */
void as_destroy(struct addrspace *as);

/* Map a new page full of this byte; the page table has its only reference. */
struct Page *as_put(struct addrspace *as, uintptr_t la, uint8_t byte, pte_t rights);
/* The entry for an address; 0 where there is not even a table. */
pte_t as_entry(struct addrspace *as, uintptr_t la);
/* Its rights, with the mark of copy-on-write: what is left of the entry without V, A, D. */
pte_t as_rights(struct addrspace *as, uintptr_t la);
/* The page mapped at an address, or NULL; its first byte, or -1. */
struct Page *as_page(struct addrspace *as, uintptr_t la);
int as_byte(struct addrspace *as, uintptr_t la);
