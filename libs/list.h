/* Circular doubly linked lists. A list_entry_t stands inside the struct that it links; to_struct()
   leads back to it. The head is an entry of its own. */
#pragma once

#include <defs.h>

typedef struct list_entry {
    struct list_entry *prev, *next;
} list_entry_t;

/* Make an entry a list of its own: an empty head, or an unlinked member. */
static inline void list_init(list_entry_t *elm)
{
    elm->prev = elm->next = elm;
}

static inline void list_add_after(list_entry_t *listelm, list_entry_t *elm)
{
    elm->prev = listelm;
    elm->next = listelm->next;
    listelm->next->prev = elm;
    listelm->next = elm;
}

static inline void list_add_before(list_entry_t *listelm, list_entry_t *elm)
{
    list_add_after(listelm->prev, elm);
}

static inline void list_add(list_entry_t *listelm, list_entry_t *elm)
{
    list_add_after(listelm, elm);
}

/* Unlink an entry; its own pointers stay as they were. */
static inline void list_del(list_entry_t *listelm)
{
    listelm->prev->next = listelm->next;
    listelm->next->prev = listelm->prev;
}

static inline void list_del_init(list_entry_t *listelm)
{
    list_del(listelm);
    list_init(listelm);
}

static inline bool list_empty(const list_entry_t *list)
{
    return list->next == list;
}

static inline list_entry_t *list_next(list_entry_t *listelm)
{
    return listelm->next;
}

static inline list_entry_t *list_prev(list_entry_t *listelm)
{
    return listelm->prev;
}

/* Walk a list; the loop body must not unlink `pos`. */
#define list_for_each(pos, head) \
    for (list_entry_t *pos = (head)->next; pos != (head); pos = pos->next)
