/* The record of a family of processes that asked for detection of deadlocks: who belongs to it, and
   the ways by which its mutexes and semaphores are used. sync_detect.c judges the record.

   Who asks for nothing pays nothing. A watched mutex has SYNC_ASK in its word, so that each lock is
   a system call, and the detector is asked only by who is about to sleep, in sync_watch_mutex(). A
   watched semaphore has a type of its own: so the calls find it only when they have looked for a
   usual one, and then come here.

   The detector's lock is a mutex, because the search may take long. Nobody sleeps with it held, so
   the record is written first and the sleep comes after: a mutex or a unit may be given in between,
   which wait_for_grant() finds. Whoever has been on record as waiting takes the lock again before
   it goes on, whatever ended its sleep: so none of them does anything during a search. */
#include <error.h>
#include <mm/kmalloc.h>
#include <process/sync_detect.h>

/* A member for this process, which is the detector's; it is known at once. Its lock is not held.
   False if there is no memory. */
static bool member_create(struct detector *detector, struct proc_struct *proc)
{
    struct sync_member *member = kmalloc(sizeof(*member));

    if (member == NULL)
        return false;
    atomic_add(&detector->refs, 1); /* no pair: who counts up has one; see sync_member_leave() */
    *member = (struct sync_member){ .detector = detector, .proc = proc };
    list_init(&member->holdings);
    mutex_lock(&detector->lock);
    list_add_before(&detector->members, &member->link);
    detector->member_count++;
    mutex_unlock(&detector->lock);
    proc->sync_member = member;
    return true;
}

void holding_free(struct holding *holding)
{
    list_del(&holding->link);
    kfree(holding);
}

/* The units that it had are lost: nobody is on record for them. Another member may be in the last
   steps of mutex_unlock(), so the detector goes with the last reference, and not with the list. */
void sync_member_leave(struct proc_struct *proc)
{
    struct sync_member *member = proc->sync_member;

    if (member == NULL)
        return;
    struct detector *detector = member->detector;
    mutex_lock(&detector->lock);
    list_del(&member->link);
    detector->member_count--;
    mutex_unlock(&detector->lock);
    while (!list_empty(&member->holdings))
        holding_free(to_struct(list_next(&member->holdings), struct holding, link));
    kfree(member->spare);
    kfree(member);
    proc->sync_member = NULL;
    /* pairs with sync_member_leave() of others: the last one frees */
    if (atomic_add(&detector->refs, -1) == 1)
        kfree(detector);
}

int sync_member_fork(struct proc_struct *child)
{
    struct sync_member *parent = current->sync_member;

    return likely(parent == NULL) || member_create(parent->detector, child) ? 0 : -E_NO_MEM;
}

/* Call fn(object, on) for each object of the table that there ever was, until one says no. */
static bool for_each_object(struct sync_table *table, bool (*fn)(struct sync_object *, bool),
                            bool on)
{
    for (uint32_t i = 0; i < table->chunk_count; i++) {
        struct sync_chunk *chunk = table->chunks[i];

        /* pairs with chunk_put() in sync_table.c */
        if (atomic_load_acquire(&chunk->refs) > 1)
            return false;
        for (size_t k = 0; k < SYNC_CHUNK_IDS; k++)
            if (!fn(chunk->objects[k], on))
                return false;
        sched_give_way();
    }
    return true;
}

/* Is it no mutex that somebody has? */
static bool is_not_held(struct sync_object *object, __not_used bool on)
{
    return object->type != SYNC_MUTEX || (atomic_load(object->word) & SYNC_PID) == 0;
}

void sync_watch_object(struct sync_object *object, bool on)
{
    if (object->type == SYNC_SEM || object->type == SYNC_WATCHED_SEM) {
        object->type = on ? SYNC_WATCHED_SEM : SYNC_SEM;
        object->counts_events = object->sem.value == 0;
        if (on)
            atomic_store(&current->sync_member->detector->has_semaphores, true);
    } else if (object->type == SYNC_MUTEX) {
        object->ask = on ? SYNC_ASK : 0;
        if (on)
            /* pairs with mutex_lock() in user/libs/sync.h: one word */
            atomic_or(object->word, SYNC_ASK);
        else
            /* pairs with mutex_lock() in user/libs/sync.h: one word */
            atomic_and(object->word, ~SYNC_ASK);
    }
}

/* For for_each_object(). Nobody else uses the object. */
static bool watch(struct sync_object *object, bool on)
{
    sync_watch_object(object, on);
    return true;
}

/* For for_each_proc(): count the processes of the current one's memory. */
static void count_users(struct proc_struct *proc, void *count)
{
    *(uint32_t *)count += proc->mm == current->mm;
}

/* Does nobody but the current process use its memory? Others that only look at it, as ps does, use
   it too by its own count; so if that is more than one the processes are counted. */
static bool is_alone(void)
{
    uint32_t count = 0;

    if (atomic_load(&current->mm->mm_count) == 1)
        return true;
    for_each_proc(count_users, &count);
    return count == 1;
}

/* Begin to watch the current process, the first of its family. False if there is no memory. */
static bool watch_first(void)
{
    struct detector *detector = kmalloc(sizeof(*detector));

    if (detector == NULL)
        return false;
    *detector = (struct detector){ .refs = 0 };
    mutex_init(&detector->lock, "a detector of deadlocks", MUTEX_SYNC_DETECT, 0);
    list_init(&detector->members);
    if (member_create(detector, current))
        return true;
    kfree(detector);
    return false;
}

/* With the mm's lock, so that the table stays as it is. */
static int set_detection_locked(struct mm_struct *mm, bool on)
{
    struct sync_member *self = current->sync_member;
    struct sync_table *table = sync_table_make(mm);

    if (table == NULL)
        return -E_NO_MEM;
    if ((self != NULL && self->detector->member_count > 1)
        || !for_each_object(table, is_not_held, on))
        return -E_INVAL;
    if (on && !watch_first())
        return -E_NO_MEM;
    for_each_object(table, watch, on);
    if (!on)
        sync_member_leave(current);
    return 0;
}

int sync_set_detection(bool on)
{
    struct mm_struct *mm = current->mm;

    if (on == (current->sync_member != NULL))
        return 0;
    if (!is_alone())
        return -E_INVAL;
    mutex_lock(&mm->lock);
    int result = set_detection_locked(mm, on);
    mutex_unlock(&mm->lock);
    return result;
}

/* The mutex's lock is let go of to take the detector's. If the mutex was given to the process
   meanwhile, whatever the detector thought of it, it has it. */
int sync_watch_mutex(struct sync_object *mutex, struct waiter *waiter)
{
    struct sync_member *self = current->sync_member;

    spin_unlock(&mutex->lock);
    mutex_lock(&self->detector->lock);
    int result = detector_request(self, mutex);
    mutex_unlock(&self->detector->lock);
    spin_lock(&mutex->lock);
    if (result == 0 || waiter->granted)
        return 0;
    list_del(&waiter->link);
    return result;
}

void sync_watch_mutex_end(struct sync_object *mutex)
{
    struct sync_member *self = current->sync_member;

    spin_unlock(&mutex->lock);
    mutex_lock(&self->detector->lock);
    self->waits_for = NULL;
    mutex_unlock(&self->detector->lock);
    spin_lock(&mutex->lock);
}

/* See to it that the member has a spare holding, because none can be made when a unit is given to a
   process that sleeps. */
static int prepare_holding(struct sync_member *self)
{
    if (self->spare == NULL)
        self->spare = kmalloc(sizeof(*self->spare));
    return self->spare != NULL ? 0 : -E_NO_MEM;
}

/* Take a unit if there is one: 0; -E_INVAL if the semaphore was freed. Else -E_BUSY, and the
   process waits for one, in the queue. The detector's lock is held. */
static int take_or_join(semaphore_t *sem, struct waiter *waiter)
{
    int result = sem->closed ? -E_INVAL : sem->value > 0 ? 0 : -E_BUSY;

    if (result == 0)
        sem->value--;
    else if (result == -E_BUSY)
        wait_join(&sem->wait_queue, waiter);
    return result;
}

/* A unit that can be had is taken; else the detector is asked, if the wait would be without a
   limit, before the process joins the queue. The detector's lock is held, so no unit comes in
   between; if the semaphore is freed meanwhile, the wait ends at once. As take_or_join(). */
static int begin_wait(struct sync_member *self, struct sync_object *sem, struct waiter *waiter,
                      bool for_ever)
{
    int result = 0;

    if (for_ever && atomic_load(&sem->sem.value) == 0)
        result = detector_request(self, sem);
    if (result != 0)
        return result;
    spin_lock(&sem->sem.lock);
    result = take_or_join(&sem->sem, waiter);
    spin_unlock(&sem->sem.lock);
    if (result == 0)
        detector_unit_taken(self, sem);
    return result;
}

/* The unit that a sleeper is given has been put on record by its giver. */
long sync_watched_wait(uint64_t id, uint64_t milliseconds)
{
    uint64_t deadline = sync_deadline(milliseconds);
    struct sync_object *sem = sync_find(id, SYNC_WATCHED_SEM);
    struct sync_member *self = current->sync_member;
    struct waiter waiter;

    if (sem == NULL)
        return -E_INVAL;
    if (prepare_holding(self) != 0)
        return -E_NO_MEM;
    mutex_lock(&self->detector->lock);
    int result = begin_wait(self, sem, &waiter, deadline == TIMER_NEVER);
    mutex_unlock(&self->detector->lock);
    if (result == -E_BUSY) {
        spin_lock(&sem->sem.lock);
        result = wait_for_grant(&sem->sem.wait_queue, &waiter, WT_KSEM | WT_INTERRUPTED,
                                sem->name, deadline);
        spin_unlock(&sem->sem.lock);
    }
    mutex_lock(&self->detector->lock);
    self->waits_for = NULL;
    mutex_unlock(&self->detector->lock);
    if (unlikely(atomic_load(&current->task.killed)) && result == 0)
        sync_watched_post(id);
    return result;
}

/* Give a unit, to the first who waits: *receiver is its member then. -E_INVAL if the semaphore is
   full, or was freed. The detector's lock is held, and the receiver needs it to go on: so it is
   still there. */
static int give_unit(semaphore_t *sem, struct sync_member **receiver)
{
    list_entry_t *waiters = &sem->wait_queue.waiters;
    int result = 0;

    spin_lock(&sem->lock);
    if (sem->closed || sem->value == INT_MAX) {
        result = -E_INVAL;
    } else if (list_empty(waiters)) {
        sem->value++;
    } else {
        struct waiter *first = to_struct(list_next(waiters), struct waiter, link);

        *receiver = ((struct proc_struct *)first->task)->sync_member;
        wait_give(&sem->wait_queue, 0);
    }
    spin_unlock(&sem->lock);
    return result;
}

long sync_watched_post(uint64_t id)
{
    struct sync_object *sem = sync_find(id, SYNC_WATCHED_SEM);
    struct sync_member *self = current->sync_member, *receiver = NULL;

    if (sem == NULL)
        return -E_INVAL;
    mutex_lock(&self->detector->lock);
    int result = give_unit(&sem->sem, &receiver);
    if (result == 0)
        detector_unit_given(self, sem);
    if (receiver != NULL) {
        receiver->waits_for = NULL;
        detector_unit_taken(receiver, sem);
    }
    mutex_unlock(&self->detector->lock);
    return result;
}

/* Whoever takes a unit later finds the semaphore closed. */
void sync_watch_forget(struct sync_object *sem)
{
    struct detector *detector = current->sync_member->detector;

    mutex_lock(&detector->lock);
    list_for_each(pos, &detector->members) {
        struct holding *holding = holding_of(to_struct(pos, struct sync_member, link), sem);

        if (holding != NULL)
            holding_free(holding);
    }
    mutex_unlock(&detector->lock);
}
