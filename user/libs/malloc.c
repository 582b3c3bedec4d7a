/* malloc and free over brk.

   Every block of the heap starts with a header. Free blocks are on a list, ordered by address, so
   that a block that is freed finds its neighbours and joins them; malloc takes the first that is
   big enough, and cuts off what it does not need. The heap grows and never shrinks.

   One lock guards the list and the headers. A child of fork gets a copy of it as it is: if another
   thread held it, nobody in the child gives it back. So a program that calls malloc in several
   threads should not fork in another. */
#include <lock.h>
#include <stdlib.h>
#include <string.h>
#include <ulib.h>

/* As much as any type needs; the header has the same size, so what is behind it is aligned too. */
#define ALIGNMENT       16
#define GROWTH          (16 * 4096UL)           /* ask the kernel for at least so much */

/* The header of a block; what malloc returns is behind it. Sizes are multiples of ALIGNMENT. */
struct block {
    size_t size;                /* of the whole block, with the header */
    struct block *next;         /* on the free list, or IN_USE */
};

static_assert(sizeof(struct block) == ALIGNMENT);

/* In `next` of a block that is not free: a word that is no address, so that a wrong free is
   seen. */
#define IN_USE          ((struct block *)0x5EDB10C5)

static struct block free_list;                  /* the list's head; its size is 0 */
static lock_t heap_lock = INIT_LOCK;

/* Put a block on the list, joined with the neighbours it touches. Expects the lock. The list is in
   the order of addresses, so the two possible neighbours are the entries before and behind. The end
   of the list is joined first: then the block before may swallow all three. */
static void release(struct block *b)
{
    struct block *prev = &free_list;

    while (prev->next != NULL && prev->next < b)
        prev = prev->next;
    b->next = prev->next;
    prev->next = b;
    if (b->next != NULL && (char *)b + b->size == (char *)b->next) {
        b->size += b->next->size;
        b->next = b->next->next;
    }
    if (prev != &free_list && (char *)prev + prev->size == (char *)b) {
        prev->size += b->size;
        prev->next = b->next;
    }
}

/* Get more memory from the kernel, and put it on the list; false if it has none. Others may have
   moved the end of the heap with brk, so the new memory need not follow the old; if it does,
   release() joins them. The first brk only asks where the end is. brk stores the end as it really
   is, so the last condition sees whether the kernel has given what was asked for. Expects the
   lock. */
static bool grow(size_t size)
{
    uintptr_t end = 0;

    if (brk(&end) != 0)
        return false;
    uintptr_t start = ROUNDUP(end, ALIGNMENT);

    size = ROUNDUP(size, GROWTH);
    end = start + size;
    if (end < start || brk(&end) != 0 || end < start + size)
        return false;
    struct block *b = (struct block *)start;

    b->size = size;
    release(b);
    return true;
}

/* Take the first block that is big enough off the list, or its first part; NULL if there is none. A
   rest that would have room for nothing but its header is not cut off. Expects the lock. */
static struct block *take(size_t size)
{
    struct block *prev = &free_list;

    while (prev->next != NULL && prev->next->size < size)
        prev = prev->next;
    struct block *b = prev->next;

    if (b == NULL)
        return NULL;
    if (b->size >= size + 2 * sizeof(*b)) {
        struct block *rest = (struct block *)((char *)b + size);

        rest->size = b->size - size;
        rest->next = b->next;
        prev->next = rest;
        b->size = size;
    } else {
        prev->next = b->next;
    }
    b->next = IN_USE;
    return b;
}

/* The block of memory that malloc returned. Panics if it is not that, as far as its header tells.
   It needs no lock: nobody else may look at a block that is the caller's. */
static struct block *block_of(void *ptr)
{
    struct block *b = (struct block *)ptr - 1;

    if ((uintptr_t)ptr % ALIGNMENT != 0 || b->next != IN_USE)
        panic("free or realloc of 0x%lx, which malloc did not return or which is free already",
              (unsigned long)ptr);
    return b;
}

/* A size that would wrap around when it is rounded is refused before. If no block is big enough the
   heap grows once, and the search is made again: it succeeds then. */
void *malloc(size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = ROUNDUP(size, ALIGNMENT) + sizeof(struct block);

    lock(&heap_lock);
    struct block *b = take(size);

    if (b == NULL && grow(size))
        b = take(size);
    unlock(&heap_lock);
    return b != NULL ? b + 1 : NULL;
}

/* The block is checked before the lock is taken: a panic must not leave it locked for other
   threads. */
void free(void *ptr)
{
    if (ptr == NULL)
        return;
    struct block *b = block_of(ptr);

    lock(&heap_lock);
    release(b);
    unlock(&heap_lock);
}

/* The division tells whether the product would wrap around. */
void *calloc(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    void *ptr = malloc(count * size);

    return ptr != NULL ? memset(ptr, 0, count * size) : NULL;
}

/* A block is never made smaller: it keeps its size, for a later realloc. If it is too small, the
   content moves to a new one, and only then the old one is freed. */
void *realloc(void *ptr, size_t size)
{
    if (ptr == NULL)
        return malloc(size);
    size_t old = block_of(ptr)->size - sizeof(struct block);

    if (size <= old)
        return ptr;
    void *bigger = malloc(size);

    if (bigger != NULL) {
        memcpy(bigger, ptr, old);
        free(ptr);
    }
    return bigger;
}
