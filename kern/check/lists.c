/* Lists whose links do not fit together, told where that is noticed: at the next change beside the
   damage. Whoever wrote over a link, or freed an object that was still in a list, did it earlier.

   libs/list.h calls these, with the lock held that guards the list. None waits. An entry that was
   taken out is marked by its own links; list_init() makes it one that may be put in again. So what
   is told is the second mistake, and the entry tells whose it is. */
#include <debug/panic.h>
#include <list.h>

/* What the links of an entry hold that was taken out: nothing is mapped there. */
#define TAKEN_OUT       ((list_entry_t *)0x6c697374)

void list_check_add(list_entry_t *before, list_entry_t *entry)
{
    list_entry_t *next = before->next;

    if (unlikely(before == TAKEN_OUT || next == TAKEN_OUT))
        panic("list: an entry is put behind %p, which was taken out of its list", before);
    if (unlikely(entry == before || entry == next))
        panic("list: %p is put into a list beside itself: it is in there already", entry);
    if (unlikely(next->prev != before))
        panic("list: it is damaged: behind %p is %p, but before that is %p", before, next,
              next->prev);
}

void list_check_del(list_entry_t *entry)
{
    if (unlikely(entry->next == TAKEN_OUT))
        panic("list: %p is taken out of its list once more", entry);
    if (unlikely(entry->prev->next != entry || entry->next->prev != entry))
        panic("list: %p is taken out, but it is not between its neighbours: behind the one before "
              "it is %p, and before the one behind it is %p", entry, entry->prev->next,
              entry->next->prev);
}

void list_check_gone(list_entry_t *entry)
{
    entry->prev = entry->next = TAKEN_OUT;
}
