/* What the tests of paging share: a swap area in memory that a test can look into and make fail,
   and address spaces whose pages are out.

   A test makes pages that are out by hand: it takes a slot, fills it, and writes the entry as the
   format has it. So the tests of a page's way in need nothing that pages out, and those that choose
   a page need neither. They call what a fault calls, mm_fault_locked() or swap_in(), and look at
   entries, pages and slots; no hart runs on these spaces, if nothing else is said.

   Nothing else may page meanwhile: they run while there is no program. Nothing here sleeps by
   itself. */
#pragma once

#include <mm/rmap.h>
#include <test/space.h>

#define TEST_SLOTS      1100            /* more than two chunks of the table have */

/* Areas of a paged_mm(), which are there from the start: pages of data on both sides of a table's
   end, constants, text. */
#define PAGES           8
#define DATA            (TABLE_END - 4 * PGSIZE)        /* read and write, PAGES of them */
#define CONSTANTS       (DATA + PAGES * PGSIZE)         /* read, one page */
#define TEXT            (CONSTANTS + PGSIZE)            /* read and execute, one page */
#define PAGES_END       (TEXT + PGSIZE)

/* The area, since test_swap_begin(). */
extern struct test_swap {
    struct swap_area area;
    uint8_t *memory;                    /* block n, from 0, is slot n + 1 */
    size_t reads, writes;               /* how many there were */
    size_t fail_at;                     /* the transfer that fails, counted from 1; 0: none */
    void (*before)(void);               /* called before each transfer, and may sleep; NULL: none */
} test_swap;

/* Use the area, of this many slots, with the policy of this name. Panics if there is none. */
void test_swap_begin(const char *policy, uint32_t slots);
/* No slot may be in use any more, which is checked; then the area goes. */
void test_swap_end(void);
/* The bytes of a slot on the "disk". */
uint8_t *test_slot(uint32_t slot);

/* A new address space, the first of a family, with the areas above and no page. */
struct mm_struct *paged_mm(void);
/* Another one of the same family, with the same areas, as after a fork. */
struct mm_struct *paged_relative(struct mm_struct *mm);
/* The page at la is out: a new slot is full of this byte, and the entry names it. Returns the
   slot. */
uint32_t put_out(struct mm_struct *mm, uintptr_t la, uint8_t byte);
/* The page at la in `to` is out as well, in the slot that the entry of `mm` names. */
void put_out_too(struct mm_struct *to, struct mm_struct *mm, uintptr_t la);

/* Lock an enrolled page, to which the caller has a reference: waits until it is free. */
void page_lock(struct Page *page);
/* Which page the policy chooses: its number in the area of data; -1: none. It is given back at
   once. */
int test_victim(void);
/* How many instructions a search takes that finds no page, which is asserted. */
uint64_t test_search_in_vain(void);
/* As many pages come to the beginning of the area of data, one after the other, and go again. The
   policy knows all that the mm has. */
void test_come_and_go(struct mm_struct *mm, int n);

/* This hart goes into the address space, as that of the thread that runs, and back. Meanwhile it
   reaches the data as a program does. QEMU flushes the TLB by itself when SUM changes, so that
   stays set. A machine that does not set A and D faults instead, which is repaired. */
void test_enter(struct mm_struct *mm);
void test_leave(struct mm_struct *mm);
