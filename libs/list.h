/* Circular doubly linked lists. A list_entry_t is a member of the struct that it links, and
   to_struct() of defs.h leads from it back to the struct. So an object can be in as many lists as
   it has such members, and to put it into one allocates nothing.

   The head is an entry of its own that belongs to no object: the first object is behind it and the
   last one before it, and in an empty list it is its own neighbour.

   Nothing here takes a lock: whoever uses a list holds the lock that guards it. */
#pragma once

#include <defs.h>

typedef struct list_entry {
    struct list_entry *prev, *next;
} list_entry_t;

#ifdef CHECK
/* For the kernel of a checked build: panic if `entry` cannot be put behind `before`; if it cannot
   be taken out; and mark it as one that was. In any context; kern/check/lists.c. */
void list_check_add(list_entry_t *before, list_entry_t *entry);
void list_check_del(list_entry_t *entry);
void list_check_gone(list_entry_t *entry);
#endif

/* Make an entry its own neighbour: a head then is an empty list, a member is in no list. */
static inline void list_init(list_entry_t *elm)
{
    elm->prev = elm->next = elm;
}

/* Put elm, which is in no list, right behind listelm, which is in one or is a head. */
static inline void list_add_after(list_entry_t *listelm, list_entry_t *elm)
{
    IF_CHECK(list_check_add(listelm, elm));
    elm->prev = listelm;
    elm->next = listelm->next;
    listelm->next->prev = elm;
    listelm->next = elm;
}

/* Put elm right before listelm; if that is the head, at the end of the list. */
static inline void list_add_before(list_entry_t *listelm, list_entry_t *elm)
{
    list_add_after(listelm->prev, elm);
}

/* The same as list_add_after(): if listelm is the head, at the beginning of the list. */
static inline void list_add(list_entry_t *listelm, list_entry_t *elm)
{
    list_add_after(listelm, elm);
}

/* Take an entry out of its list. Its own pointers stay as they were, so do not follow them
   later. */
static inline void list_del(list_entry_t *listelm)
{
    list_entry_t *prev = listelm->prev, *next = listelm->next;

    IF_CHECK(list_check_del(listelm));
    prev->next = next;
    next->prev = prev;
    IF_CHECK(list_check_gone(listelm));
}

/* The same, and make it its own neighbour, so that it can be taken out again without harm. */
static inline void list_del_init(list_entry_t *listelm)
{
    list_del(listelm);
    list_init(listelm);
}

/* Is this head alone? Of a member that list_init() or list_del_init() made: is it in no list? */
static inline bool list_empty(const list_entry_t *list)
{
    return list->next == list;
}

/* The neighbour behind an entry, or before it. Behind the last member, and before the first, is the
   head. */
static inline list_entry_t *list_next(list_entry_t *listelm)
{
    return listelm->next;
}

/* See list_next(). */
static inline list_entry_t *list_prev(list_entry_t *listelm)
{
    return listelm->prev;
}

/* Walk a list from its first member to its last. The body must not take `pos` out: the next one is
   found by it. */
#define list_for_each(pos, head) \
    for (list_entry_t *pos = (head)->next; pos != (head); pos = pos->next)
