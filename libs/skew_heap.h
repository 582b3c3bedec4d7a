/* Skew heaps: priority queues in which insert, remove and merge take O(log n) steps, averaged over
   many calls. The stride scheduler keeps its tasks in one.

   A heap is a pointer to its least entry, or NULL if it is empty. An entry is a member of the
   struct that it orders. Whoever uses a heap holds the lock that guards it: nothing here takes one.

   Merging goes down the right edges of two heaps and swaps children on its way. It is a loop and
   not a recursion, so that a long edge cannot overflow a kernel stack. */
#pragma once

#include <defs.h>

/* An entry goes before its children; how the entries of different branches compare is not known.
   The parent is needed only to take an entry out that is not the least one. Two heaps, and the
   first step of their merge:

          3           4                    3        The lesser root stays. 5, its left branch,
         / \         / \     become       / \       goes to the right; 7, its right branch,
        5   7       6   9              7+4   5      is merged with the other heap, on the left. */
typedef struct skew_heap_entry {
    struct skew_heap_entry *parent, *left, *right;
} skew_heap_entry_t;

/* Compares two entries: negative, 0 or positive if a goes before, beside or after b. */
typedef int (*compare_f)(void *a, void *b);

/* Make an entry a heap of one. */
static inline void skew_heap_init(skew_heap_entry_t *a)
{
    a->parent = a->left = a->right = NULL;
}

/* Make one heap of two, which have no entry in common; either may be NULL. Returns it. At each step
   the lesser of the two roots takes the next place, its right child becomes its left one, and the
   walk goes on with what was its right child. Of two roots that are equal the one of a comes
   first. */
static inline skew_heap_entry_t *skew_heap_merge(skew_heap_entry_t *a, skew_heap_entry_t *b,
                                                 compare_f comp)
{
    skew_heap_entry_t *root = NULL, *parent = NULL, **link = &root;

    while (a != NULL && b != NULL) {
        if (comp(a, b) > 0) {
            skew_heap_entry_t *other = a;

            a = b;
            b = other;
        }
        skew_heap_entry_t *rest = a->right;

        *link = a;
        a->parent = parent;
        a->right = a->left;
        parent = a;
        link = &a->left;
        a = rest;
    }
    *link = a != NULL ? a : b;
    if (*link != NULL)
        (*link)->parent = parent;
    return root;
}

/* Put b, which is in no heap, into the heap a. Returns the heap as it is afterwards: store it. */
static inline skew_heap_entry_t *skew_heap_insert(skew_heap_entry_t *a, skew_heap_entry_t *b,
                                                  compare_f comp)
{
    skew_heap_init(b);
    return skew_heap_merge(a, b, comp);
}

/* Take b, which is in the heap a, out of it. Returns the heap as it is afterwards: store it. The
   two branches below b are merged, and take its place. b's own pointers stay as they were. */
static inline skew_heap_entry_t *skew_heap_remove(skew_heap_entry_t *a, skew_heap_entry_t *b,
                                                  compare_f comp)
{
    skew_heap_entry_t *parent = b->parent;
    skew_heap_entry_t *rest = skew_heap_merge(b->left, b->right, comp);

    if (rest != NULL)
        rest->parent = parent;
    if (parent == NULL)
        return rest;
    if (parent->left == b)
        parent->left = rest;
    else
        parent->right = rest;
    return a;
}
