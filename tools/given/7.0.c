/* What handouts have in the regions of exercise 7.0, in user/libs/boxoffice.c: code that is
   complete, that does all it should when one thread calls it, and that has two races.

   Between the markers stands the text of the region, word for word. It is compiled only there: with
   it the tree builds without a warning, and each test of the exercise fails, which
   tools/exercise/check_handouts.py checks. A student has this file too, for `make grade` puts the
   given text back if what the student wrote does not compile. */

/* EXERCISE 7.0 begin given: the box office */
bool sell(struct show *show, int count)
{
    bool enough;

    lock(&show->lock);
    enough = show->free >= count;
    unlock(&show->lock);
    if (!enough)
        return false;
    lock(&show->lock);
    show->free -= count;
    unlock(&show->lock);
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
    till.tickets -= count;
    till.money -= count * PRICE;
    unlock(&show->lock);
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
