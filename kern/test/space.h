/* Address spaces for the tests of page tables, of page faults and of copying. No hart runs on them,
   so each entry, page and reference can be counted; what the hardware makes of them is tried apart,
   by accesses that may fault.

   They are made of the same functions that processes use, get_pte() and page_insert() among them.
   So these must work before the tests of copy_range() and of page faults can say anything: do the
   exercises in their order.

   A lower half is all that a space has of its own. Nothing here takes a lock or sleeps; the caller
   has the space to itself. */
#pragma once

#include <mm/pagetable.h>
#include <test/testlib.h>

/* At TABLE_END the last entry of one table ends and the first of the next one begins, on each
   level: a range across it needs two tables of level 0 and two of level 1. A walk that takes a
   wrong step there misses a page. The others are the rights of a program's pages, as an entry has
   them. */
#define TABLE_END       0x40000000UL            /* where one table of each level ends */
#define URW             (PTE_R | PTE_W | PTE_U)
#define URO             (PTE_R | PTE_U)
#define URX             (PTE_R | PTE_X | PTE_U)

/* A new page with this byte all over it, and without references. Panics if there is none. */
struct Page *filled_page(uint8_t byte);

/* A space without any page of its own: its root table has the kernel's half, as each has. */
void space_create(struct addrspace *as);
/* Give back all that is mapped, and every table. Panics if an entry of the user half is left: then
   a table is lost. */
void space_destroy(struct addrspace *as);
/* The same, but the root table stays, and may be filled again. */
void space_empty(struct addrspace *as);

/* The entry for an address; 0 if there is no table for it. */
pte_t space_entry(struct addrspace *as, uintptr_t la);
/* Its rights, with the mark of copy-on-write: what is left of it without V, A, D. */
pte_t space_rights(struct addrspace *as, uintptr_t la);
/* Does the entry have A, and D if it allows writing? Hardware need not set these bits: it may fault
   if they are missing (Privileged spec 20211203, 4.3.1), and such a fault is never repaired
   here. */
bool space_touched(struct addrspace *as, uintptr_t la);
/* The page that is mapped at an address, or NULL; its first byte, or -1. */
struct Page *space_page(struct addrspace *as, uintptr_t la);
/* The first byte of that page; -1 if there is none. It is read by the kernel's own map. */
int space_byte(struct addrspace *as, uintptr_t la);
/* Insert a new page by page_insert(); the page table has its only reference. */
struct Page *space_put(struct addrspace *as, uintptr_t la, uint8_t byte, pte_t rights);
/* Copy a range by copy_range(), with no page left, one, two, ... until it succeeds: how many it
   needs. Each time before, it must say -E_NO_MEM, and lose nothing. */
size_t space_copy_needs(struct addrspace *from, uintptr_t start, uintptr_t end, bool share);

/* Leave junk in many free pages: those that are allocated next. */
void dirty_free_pages(void);

/* Access an address below USERTOP through the map that the hart is on, as the kernel accesses user
   memory: false if that is a fault that nobody repairs. */
bool can_read(uintptr_t la, uint64_t *value);
/* The same for writing a word. */
bool can_write(uintptr_t la, uint64_t value);
