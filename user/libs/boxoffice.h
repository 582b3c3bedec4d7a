/* A box office, which exercise 7.0 is about: sellers sell the seats of some shows.

   Any thread may call sell(), cancel() and exchange() at any time; `count` is at least 1. Who
   cancels or exchanges has bought so many tickets of that show before. A ticket costs PRICE,
   whatever the show.

   The rules of the locks, which are those of lock.h:
   - A show's lock guards the show's free seats, and the till's lock the numbers of the till.
   - The locks of two shows are taken in the order of their addresses, and the till's is the last.
   - Who waits for a show must not keep the sellers of other shows from their work. */
#pragma once

#include <defs.h>
#include <lock.h>

#define SHOWS           3
#define SEATS           12              /* of a show */
#define PRICE           7

struct show {
    lock_t lock;
    int free;                           /* seats that are not sold; guarded by lock */
};

struct till {
    lock_t lock;
    long money, tickets;                /* of all tickets that are sold; guarded by lock */
};

extern struct show shows[SHOWS];
extern struct till till;

/* Sell seats of a show, all or none: false if there are not enough free seats. */
bool sell(struct show *show, int count);
/* Take tickets of a show back; their money is given back. */
void cancel(struct show *show, int count);
/* Change tickets of one show for as many of another one, all or none: false if that has not enough
   free seats. */
bool exchange(struct show *from, struct show *to, int count);
