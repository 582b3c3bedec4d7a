/* A box office: sellers, who are threads, sell the seats of some shows, and all use one till.

   boxoffice.h says what each function does, and which lock guards what. Nothing else changes the
   shows and the till while sellers are at work. The program tickets opens the office, lets sellers
   work, and judges; it is a file of its own, so that what stands here cannot judge itself.

   Exercise 7.0: a handout has two races here. */
#include <boxoffice.h>
#include <stdio.h>
#include <ulib.h>

struct show shows[SHOWS];
struct till till;

/* EXERCISE 7.0 begin given: the box office */
bool sell(struct show *show, int count)
{
    bool enough;

    lock(&show->lock);
    enough = show->free >= count;
    if (enough)
        show->free -= count;
    unlock(&show->lock);
    if (!enough)
        return false;
    lock(&till.lock);
    till.tickets += count;
    till.money += count * PRICE;
    unlock(&till.lock);
    return true;
}

void cancel(struct show *show, int count)
{
    lock(&show->lock);
    show->free += count;
    unlock(&show->lock);
    lock(&till.lock);
    till.tickets -= count;
    till.money -= count * PRICE;
    unlock(&till.lock);
}

bool exchange(struct show *from, struct show *to, int count)
{
    struct show *first = from < to ? from : to, *second = from < to ? to : from;
    bool enough;

    lock(&first->lock);
    lock(&second->lock);
    enough = to->free >= count;
    if (enough) {
        to->free -= count;
        from->free += count;
    }
    unlock(&second->lock);
    unlock(&first->lock);
    return enough;
}
/* EXERCISE 7.0 end */
