/* Would this wait ever end? The judgement about a family of processes, by the record that
   sync_watch.c keeps of it.

   Mutexes have one holder, so whoever waits for one waits for its holder: a chain, and a deadlock
   is a circle in it. Units of a semaphore may be many, with many holders, any of whom may give one
   back: there it must be looked for an order in which all can come to their end.

   What is not known of a process counts in its favour: it goes on, unless it waits for a mutex or a
   semaphore without a limit of time. So whoever sleeps, reads, or waits for a condition or a child
   counts as going on; and a deadlock that needs such a one is not seen. */
#include <error.h>
#include <process/sync_detect.h>

/* What a member waits for; NULL if it can go on. One that was killed can, whatever it waits for. */
static const struct sync_object *target_of(const struct sync_member *member)
{
    return atomic_load(&member->proc->task.killed) ? NULL : member->waits_for;
}

static bool is_mutex(const struct sync_object *object)
{
    return object->type == SYNC_MUTEX;
}

/* The member that has the mutex, by its word; NULL if nobody has it, or the word is rubbish. */
static struct sync_member *holder_of(const struct detector *detector,
                                     const struct sync_object *mutex)
{
    int pid = atomic_load(mutex->word) & SYNC_PID;

    list_for_each(pos, &detector->members) {
        struct sync_member *member = to_struct(pos, struct sync_member, link);

        if (pid != 0 && member->proc->pid == pid)
            return member;
    }
    return NULL;
}

/* The semaphore has a unit for whoever comes, or an error. */
static bool has_unit(const struct sync_object *sem)
{
    return atomic_load(&sem->sem.value) > 0 || atomic_load(&sem->sem.closed);
}

struct holding *holding_of(struct sync_member *member, const struct sync_object *sem)
{
    list_for_each(pos, &member->holdings) {
        struct holding *holding = to_struct(pos, struct holding, link);

        if (holding->sem == sem)
            return holding;
    }
    return NULL;
}

/* Follow the chain from the mutex that the member is about to wait for: to its holder, to the mutex
   that this one waits for, and so on. Does it lead back to the member?

   One that was given a mutex, but has not run since, is on record as waiting for it: it has it, and
   waits for nobody. A program that writes into words can make a circle without the member: it must
   not keep the kernel here for ever. */
static bool closes_circle(const struct sync_member *self)
{
    /* EXERCISE 7.5 begin: closes_circle */
    const struct sync_object *mutex = self->waits_for;

    for (uint32_t steps = 0; steps < self->detector->member_count; steps++) {
        const struct sync_member *holder = holder_of(self->detector, mutex);

        if (holder == NULL)
            return false;
        if (holder == self)
            return true;
        mutex = target_of(holder);
        if (mutex == NULL || !is_mutex(mutex))
            return false;
    }
    return false;
    /* EXERCISE 7.5 end */
}

/* Begin a search: nobody is known to finish yet, and no unit to come back. */
static void begin_search(struct detector *detector)
{
    list_for_each(pos, &detector->members) {
        struct sync_member *member = to_struct(pos, struct sync_member, link);

        member->finishes = false;
        if (member->waits_for != NULL)
            member->waits_for->comes_back = false;
        list_for_each(held, &member->holdings)
            to_struct(held, struct holding, link)->sem->comes_back = false;
    }
}

/* A step of the search: can this member go on, now that those marked `finishes` have come to their
   end, and units of semaphores marked `comes_back` have come back? `any`: somebody is. */
static bool goes_on(const struct sync_member *member, bool any)
{
    /* EXERCISE 7.5 begin: goes_on */
    const struct sync_object *target = target_of(member);

    if (target == NULL)
        return true;
    if (is_mutex(target)) {
        const struct sync_member *holder = holder_of(member->detector, target);

        return holder == NULL || holder == member || holder->finishes;
    }
    return has_unit(target) || target->comes_back || (target->counts_events && any);
    /* EXERCISE 7.5 end */
}

/* Is there an order in which members come to their ends one after the other, and `self` is among
   them? It is on record with what it is about to wait for. */
static bool can_finish(const struct sync_member *self)
{
    /* EXERCISE 7.5 begin: can_finish */
    bool any = false, more = true;

    begin_search(self->detector);
    while (more && !self->finishes) {
        more = false;
        list_for_each(pos, &self->detector->members) {
            struct sync_member *member = to_struct(pos, struct sync_member, link);

            if (member->finishes || !goes_on(member, any))
                continue;
            member->finishes = any = more = true;
            list_for_each(held, &member->holdings)
                to_struct(held, struct holding, link)->sem->comes_back = true;
        }
        sched_give_way();
    }
    return self->finishes;
    /* EXERCISE 7.5 end */
}

/* Others who have no order any more, because one ended with units that they need, are not the
   member's fault: only what becomes of itself is asked. With it all can finish who could before. */
int detector_request(struct sync_member *self, struct sync_object *object)
{
    /* EXERCISE 7.5 begin: detector_request */
    self->waits_for = object;
    if (is_mutex(object) && closes_circle(self))
        self->waits_for = NULL;
    else if (atomic_load(&self->detector->has_semaphores) && !can_finish(self))
        self->waits_for = NULL;
    return self->waits_for != NULL ? 0 : -E_DEADLOCK;
    /* EXERCISE 7.5 end */
}

/* The member's record of this semaphore, which is made of the spare one if there is none. */
static struct holding *holding_for(struct sync_member *member, struct sync_object *sem)
{
    struct holding *holding = holding_of(member, sem);

    if (holding != NULL)
        return holding;
    holding = member->spare;
    member->spare = NULL;
    *holding = (struct holding){ .sem = sem };
    list_add_before(&member->holdings, &holding->link);
    return holding;
}

/* The semaphores of which the member has units count events from now on. */
static void holdings_are_events(struct sync_member *member)
{
    list_for_each(pos, &member->holdings)
        to_struct(pos, struct holding, link)->sem->counts_events = true;
}

void detector_unit_taken(struct sync_member *member, struct sync_object *sem)
{
    /* EXERCISE 7.5 begin: detector_unit_taken */
    holding_for(member, sem)->units++;
    /* EXERCISE 7.5 end */
}

void detector_unit_given(struct sync_member *member, struct sync_object *sem)
{
    /* EXERCISE 7.5 begin: detector_unit_given */
    struct holding *holding = holding_of(member, sem);

    if (holding == NULL) {
        sem->counts_events = true;
        holdings_are_events(member);
    } else if (--holding->units == 0) {
        holding_free(holding);
    }
    /* EXERCISE 7.5 end */
}
