/* barber: a barber who sleeps while there is no customer, and a shop with three chairs to wait.

   Customer and barber meet by semaphores: each tells the other one that he is ready, and both that
   they have done. Who finds all chairs taken goes away. One customer is served at a time, no more
   wait than there are chairs, and each visit ends in one of the two ways. They are threads, or with
   the word "processes" processes, so what all must know is kept in semaphores. */
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <testing.h>
#include <ulib.h>

#define CHAIRS          3
#define CUSTOMERS       6
#define VISITS          60              /* of each */

static int mutex;
static int waiting, visits_left;        /* changed with the mutex */
static int customer_ready, barber_ready, customer_done, barber_done;
static int served, sent_away, in_work;  /* for the judge */

/* Sit down on a chair; false if all are taken. */
static bool sit_down(void)
{
    assert(mutex_lock(mutex) == 0);
    bool room = sem_units(waiting) < CHAIRS;

    if (room)
        assert(sem_post(waiting) == 0);
    assert(mutex_unlock(mutex) == 0);
    return room;
}

/* Be served, by a barber who has no other customer. */
static void have_hair_cut(void)
{
    assert(sem_post(customer_ready) == 0 && sem_wait(barber_ready) == 0);
    assert(sem_post(in_work) == 0);
    if (sem_units(in_work) != 1)
        panic("the barber serves %d at once", sem_units(in_work));
    yield_often(2);
    assert(sem_wait(in_work) == 0);
    assert(sem_post(customer_done) == 0 && sem_wait(barber_done) == 0);
    assert(sem_post(served) == 0);
}

/* The last visit, whoever makes it, lets the barber go home: it wakes him without a customer. */
static void end_visit(void)
{
    assert(mutex_lock(mutex) == 0);
    assert(sem_wait(visits_left) == 0);
    if (sem_units(visits_left) == 0)
        assert(sem_post(customer_ready) == 0);
    assert(mutex_unlock(mutex) == 0);
}

static void visit_often(void)
{
    for (int i = 0; i < VISITS; i++) {
        if (sit_down())
            have_hair_cut();
        else
            assert(sem_post(sent_away) == 0);
        end_visit();
        yield_often(i % 4);
    }
}

static void work(void)
{
    for (;;) {
        assert(sem_wait(customer_ready) == 0);
        if (sem_units(visits_left) == 0)
            return;
        assert(mutex_lock(mutex) == 0);
        if (sem_units(waiting) > CHAIRS)
            panic("%d customers wait on %d chairs", sem_units(waiting), CHAIRS);
        assert(sem_wait(waiting) == 0);
        assert(mutex_unlock(mutex) == 0);
        assert(sem_post(barber_ready) == 0);
        assert(sem_wait(customer_done) == 0 && sem_post(barber_done) == 0);
    }
}

static int live(void *number)
{
    if ((uintptr_t)number == 0)
        work();
    else
        visit_often();
    return 0;
}

int main(int argc, char **argv)
{
    bool processes = argc > 1 && strcmp(argv[1], "processes") == 0;
    int *empty[] = { &waiting, &customer_ready, &barber_ready, &customer_done, &barber_done,
                     &served, &sent_away, &in_work };

    mutex = mutex_create();
    visits_left = sem_init(CUSTOMERS * VISITS);
    assert(mutex > 0 && visits_left > 0);
    for (size_t i = 0; i < ARRAY_SIZE(empty); i++)
        assert((*empty[i] = sem_init(0)) > 0);
    run_together(1 + CUSTOMERS, !processes, live);
    cprintf("%d were served, %d found no chair\n", sem_units(served), sem_units(sent_away));
    check("some were served", sem_units(served) > 0);
    check_eq("each was served or sent away", sem_units(served) + sem_units(sent_away),
             CUSTOMERS * VISITS);
    check("nobody is left in the shop", sem_units(waiting) == 0 && sem_units(in_work) == 0);
    return check_done();
}
