/* Monitors: see monitor.h for the rules.

   The monitor is one right, to be inside. It is in one of these places: a unit of `mutex` (nobody
   is inside), with the task that is inside, or on its way as a unit that was handed over, to a
   waiter of a condition, or to a signaller on `next`. Each function here moves it from one to
   another, and never makes a second one.

   A kill ends the wait for a condition, and no other wait here. */
#include <error.h>
#include <sync/monitor.h>

void monitor_init(monitor_t *mtp, size_t num_cv, condvar_t *cvs)
{
    sem_init_named(&mtp->mutex, 1, "a monitor");
    sem_init_named(&mtp->next, 0, "a monitor, after a signal");
    mtp->next_count = 0;
    mtp->cv = cvs;
    for (size_t i = 0; i < num_cv; i++) {
        sem_init_named(&cvs[i].sem, 0, "a condition");
        cvs[i].count = 0;
        cvs[i].owner = mtp;
    }
}

void monitor_enter(monitor_t *mtp)
{
    down(&mtp->mutex);
}

void monitor_leave(monitor_t *mtp)
{
    up(mtp->next_count > 0 ? &mtp->next : &mtp->mutex);
}

int cond_wait(condvar_t *cvp)
{
    /* EXERCISE 7.2 begin: cond_wait */
    monitor_t *mtp = cvp->owner;
    struct waiter self;

    cvp->count++;
    sem_join(&cvp->sem, &self);
    monitor_leave(mtp);
    int result = sem_wait_joined(&cvp->sem, &self);
    if (result != 0)
        monitor_enter(mtp);
    cvp->count--;
    return result;
    /* EXERCISE 7.2 end */
}

void cond_signal(condvar_t *cvp)
{
    /* EXERCISE 7.2 begin: cond_signal */
    monitor_t *mtp = cvp->owner;

    if (cvp->count == 0)
        return;
    mtp->next_count++;
    if (up_waiter(&cvp->sem))
        down(&mtp->next);
    mtp->next_count--;
    /* EXERCISE 7.2 end */
}
