/* tickets [WHAT]: sellers, who are threads, sell tickets; what the box office says must be true.

   The box office is boxoffice.h, which exercise 7.0 is about. No show is sold beyond its seats, no
   seat is lost, and the till has the money of the tickets that are sold, no more and no less.
   Each seller counts for itself what it has done, and all of that together must fit the numbers of
   the office. With WHAT, "seats" or "till", only that is judged. */
#include <boxoffice.h>
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define SELLERS         4
#define DEALS           12000          /* of each seller */
#define MOST            4               /* seats in one deal */
#define PATIENCE        100             /* yields in which a seller gets on who need not wait */

/* What a seller has done, and what is wrong. Only its own thread writes it. */
struct seller {
    uint32_t random;
    int sold[SHOWS];                    /* seats that are sold by it, and not cancelled */
    long beyond;                        /* how often a show had fewer than no free seats, or more
                                           than all */
};

/* A deal that another thread makes: a ticket of `show` is sold and cancelled or, with `other`,
   exchanged for one of that. */
struct deal {
    struct show *show, *other;
    volatile bool begun, done;
};

static int next_random(struct seller *seller, int below)
{
    seller->random = seller->random * 1664525 + 1013904223;
    return (int)((seller->random >> 16) % (unsigned int)below);
}

/* One deal of a seller, with counts of its own: sell, cancel what it has sold, or exchange that. */
static void deal(struct seller *seller)
{
    int which = next_random(seller, SHOWS), count = 1 + next_random(seller, MOST);
    int other = (which + 1 + next_random(seller, SHOWS - 1)) % SHOWS;
    int have = seller->sold[which];

    if (have < count) {
        if (sell(&shows[which], count))
            seller->sold[which] += count;
    } else if (next_random(seller, 2) == 0) {
        seller->sold[which] -= count;
        cancel(&shows[which], count);
    } else if (exchange(&shows[which], &shows[other], count)) {
        seller->sold[which] -= count;
        seller->sold[other] += count;
    }
    lock(&shows[which].lock);
    seller->beyond += shows[which].free < 0 || shows[which].free > SEATS;
    unlock(&shows[which].lock);
}

static int work(void *arg)
{
    struct seller *seller = arg;

    for (int i = 0; i < DEALS; i++)
        deal(seller);
    return 0;
}

static void open_the_office(void)
{
    for (int i = 0; i < SHOWS; i++)
        shows[i].free = SEATS;
    till.tickets = till.money = 0;
}

static bool all_locks_are_free(void)
{
    bool are_free = till.lock == INIT_LOCK;

    for (int i = 0; i < SHOWS; i++)
        are_free &= shows[i].lock == INIT_LOCK;
    return are_free;
}

/* One seller alone: what each function does. */
static void check_alone(bool seats, bool money)
{
    bool last, beyond;

    open_the_office();
    last = sell(&shows[0], SEATS - 1) && sell(&shows[0], 1);
    beyond = sell(&shows[0], 1) || !sell(&shows[1], 2) || exchange(&shows[1], &shows[0], 1);
    if (seats) {
        check("a show is sold to its last seat, and no further", last && !beyond);
        check_eq("what is refused changes nothing", shows[0].free, 0);
    }
    if (money)
        check_eq("the till has the money of each ticket", till.money, (SEATS + 2) * PRICE);
    cancel(&shows[0], 2);
    last = exchange(&shows[1], &shows[0], 2) && exchange(&shows[0], &shows[2], 3);
    if (seats)
        check("seats are given back, and exchanged", last && shows[0].free == 3
              && shows[1].free == SEATS && shows[2].free == SEATS - 3);
    if (money)
        check("the till gives the money back", till.tickets == SEATS
              && till.money == SEATS * PRICE);
    check("no lock is left taken", all_locks_are_free());
}

/* All sellers at once. What they count for themselves must fit what the shows and the till have. */
static void check_together(bool seats, bool money)
{
    struct seller sellers[SELLERS];
    int tids[SELLERS], code;
    long beyond = 0, lost = 0, sold = 0;

    open_the_office();
    memset(sellers, 0, sizeof(sellers));
    for (int i = 0; i < SELLERS; i++) {
        sellers[i].random = i + 1;
        assert((tids[i] = thread_create(work, &sellers[i])) > 0);
    }
    for (int i = 0; i < SELLERS; i++) {
        assert(thread_join(tids[i], &code) == 0 && code == 0);
        beyond += sellers[i].beyond;
    }
    for (int show = 0; show < SHOWS; show++) {
        int of_show = 0;

        for (int i = 0; i < SELLERS; i++)
            of_show += sellers[i].sold[show];
        lost += SEATS - of_show - shows[show].free;
        sold += of_show;
    }
    if (seats) {
        check_eq("no show is ever sold beyond its seats", beyond, 0);
        check_eq("no seat is lost, and none is sold twice", lost, 0);
    }
    if (money) {
        check_eq("the till has as many tickets as are sold", till.tickets, sold);
        check_eq("the till has the money of these tickets", till.money, sold * PRICE);
    }
}

static int deal_once(void *arg)
{
    struct deal *deal = arg;

    deal->begun = true;
    if (deal->other != NULL)
        exchange(deal->show, deal->other, 1);
    else if (sell(deal->show, 1))
        cancel(deal->show, 1);
    deal->done = true;
    return 0;
}

/* Let a thread make a deal, and others run for a while: its pid. */
static int begin_deal(struct deal *deal, struct show *show, struct show *other)
{
    int tid;

    deal->show = show;
    deal->other = other;
    deal->begun = deal->done = false;
    tid = thread_create(deal_once, deal);
    assert(tid > 0);
    while (!deal->begun)
        yield();
    yield_often(PATIENCE);
    return tid;
}

/* With the lock of one show, does an exchange with another one wait, in both directions? */
static bool exchanges_wait(struct show *locked, struct show *other)
{
    struct deal deals[2];
    bool wait;

    assert(sell(locked, 1) && sell(other, 1));
    lock(&locked->lock);
    int to = begin_deal(&deals[0], locked, other), from = begin_deal(&deals[1], other, locked);

    wait = !deals[0].done && !deals[1].done;
    unlock(&locked->lock);
    assert(thread_join(to, NULL) == 0 && thread_join(from, NULL) == 0);
    return wait;
}

/* Who holds a lock, here the judge, keeps out those who need it, and nobody else. */
static void check_waiting(void)
{
    struct deal first, second;
    int tids[2];

    open_the_office();
    lock(&shows[0].lock);
    tids[0] = begin_deal(&first, &shows[0], NULL);
    tids[1] = begin_deal(&second, &shows[1], NULL);
    check("nobody sells seats of a show whose lock is taken", !first.done);
    check("meanwhile other shows are sold", second.done);
    unlock(&shows[0].lock);
    assert(thread_join(tids[0], NULL) == 0 && thread_join(tids[1], NULL) == 0);
    lock(&till.lock);
    tids[0] = begin_deal(&first, &shows[0], NULL);
    check("nobody uses the till while its lock is taken", !first.done && till.tickets == 0);
    unlock(&till.lock);
    assert(thread_join(tids[0], NULL) == 0);
    check("an exchange needs the locks of both shows", exchanges_wait(&shows[0], &shows[1])
          && exchanges_wait(&shows[2], &shows[1]));
}

int main(int argc, char **argv)
{
    bool all = argc < 2;

    check_alone(all || strcmp(argv[1], "seats") == 0, all || strcmp(argv[1], "till") == 0);
    check_waiting();
    check_together(all || strcmp(argv[1], "seats") == 0, all || strcmp(argv[1], "till") == 0);
    return check_done();
}
