/* The table in which a program has its objects for synchronisation: see sync.h.

   A fork copies the table only: both have the chunks, and so the objects and their words, in
   common. A new object goes into a chunk that no other table has: so an id that was made after the
   fork is valid in its maker alone, and whoever forks later of it, and no two objects have one
   word. Chunks, groups and ids are added with the lock of the mm, and looked up without any: a
   pointer is stored last, and never changes.

   An object's memory stays with its chunk, so an id may be used again without anybody having to
   know who still looks at it. Whoever looks meanwhile finds the old object closed, or the new one,
   as if he had come later. */
#include <error.h>
#include <mm/kmalloc.h>
#include <process/sync.h>
#include <printfmt.h>

/* What belongs together:

       mm->attached --> sync_table --chunks[0]--> sync_chunk --objects[i]--> an object
                             |                        |
                             |                        +-------words-------> a page of 1,024 words
                             +---------chunks[1]--> ...

   The objects of 16 ids are allocated together. */

/* Stands for each object that was never made, so that who looks for one needs no question for
   that. */
static struct sync_object no_object = { .type = SYNC_FREE };

static const char *const type_names[] = {
    [SYNC_SEM] = "semaphore",
    [SYNC_MUTEX] = "mutex",
    [SYNC_CONDVAR] = "condition variable",
    [SYNC_WATCHED_SEM] = "semaphore",
};

/* Who holds a mutex, for reports: what its word says. */
static int word_holder(const struct wait_target *target)
{
    const struct sync_object *object = to_struct(target, struct sync_object, target);

    return atomic_load(object->word) & SYNC_PID;
}

/* A process that was killed while it waited for a unit, and was given one, never comes to use it,
   so others get it. A unit of a watched semaphore is on record as the process's: sync_watch.c has
   it posted. */
static bool give_back(struct wait_queue *queue)
{
    struct sync_object *object = to_struct(queue, struct sync_object, sem.wait_queue);

    if (object->type == SYNC_WATCHED_SEM)
        return false;
    if (!wait_give(queue, 0) && !object->sem.closed)
        object->sem.value++;
    return true;
}

void sync_object_init(struct sync_object *object, int id, uint32_t *word)
{
    *object = (struct sync_object){
        .id = id,
        .lock = SPINLOCK_INIT("an object of programs", RANK_WAIT), .type = SYNC_FREE,
        .word = word,
        .target = { .name = object->name, .holder = word_holder },
    };
    wait_queue_init(&object->queue, &object->lock);
    sem_init_named(&object->sem, 0, object->name);
    object->sem.wait_queue.give_back = give_back;
    sem_close(&object->sem);
}

/* Make the objects of 16 ids, which belong together. False if there is no memory. Each is set up
   before it can be found. */
static bool group_create(struct sync_chunk *chunk, int first_id)
{
    struct sync_object *group = kmalloc(SYNC_GROUP_IDS * sizeof(*group));
    uint32_t *words = page2kva(chunk->words);

    for (int i = 0; group != NULL && i < SYNC_GROUP_IDS; i++) {
        int index = (first_id + i) % SYNC_CHUNK_IDS;

        sync_object_init(&group[i], first_id + i, &words[index]);
        /* pairs with sync_at() in sync.h: the address needs the load */
        atomic_store_release(&chunk->objects[index], &group[i]);
    }
    return group != NULL;
}

/* A chunk without objects; NULL if there is no memory. */
static struct sync_chunk *chunk_create(void)
{
    struct sync_chunk *chunk = kmalloc(sizeof(*chunk));

    if (chunk == NULL)
        return NULL;
    *chunk = (struct sync_chunk){
        .refs = 1,
        .room = SYNC_CHUNK_IDS,
        .words = sync_words_create(),
    };
    for (size_t i = 0; i < SYNC_CHUNK_IDS; i++)
        chunk->objects[i] = &no_object;
    if (chunk->words != NULL)
        return chunk;
    kfree(chunk);
    return NULL;
}

/* A table lets go of a chunk. The last one frees it: nobody can wait in there, because who waits
   has a table. */
static void chunk_put(struct sync_chunk *chunk)
{
    /* pairs with chunk_put() of others: the last one frees what they are done with */
    if (atomic_add(&chunk->refs, -1) > 1)
        return;
    for (size_t i = 0; i < SYNC_CHUNK_IDS; i += SYNC_GROUP_IDS)
        if (chunk->objects[i] != &no_object)
            kfree(chunk->objects[i]);
    page_ref_dec(chunk->words);
    kfree(chunk);
}

/* The mm is going, and with it all that used this table. */
static void table_free(struct mm_attachment *attachment)
{
    struct sync_table *table = (struct sync_table *)attachment;

    for (uint32_t i = 0; i < table->chunk_count; i++) {
        chunk_put(table->chunks[i]);
        sched_give_way();
    }
    kfree(table);
}

struct sync_table *sync_table_make(struct mm_struct *mm)
{
    struct sync_table *table = sync_table_of(mm);

    if (table != NULL)
        return table;
    table = kmalloc(sizeof(*table));
    if (table == NULL)
        return NULL;
    *table = (struct sync_table){ .attachment = { .free = table_free } };
    /* pairs with sync_table_of() in sync.h: the address needs the load */
    atomic_store_release(&mm->attached, &table->attachment);
    return table;
}

/* Find an id in the chunk that has no object, and take it: its number there, or -1. An id that is
   freed meanwhile may be missed. The acquire is for what freed it: all of that is done. */
static int take_id(struct sync_chunk *chunk)
{
    for (size_t i = 0; atomic_load(&chunk->room) > 0 && i < ARRAY_SIZE(chunk->used); i++) {
        uint32_t used = atomic_load_acquire(&chunk->used[i]);   /* pairs with put_id() */

        for (int bit = 0; ~used != 0 && bit < 32; bit++) {
            if (used & 1U << bit)
                continue;
            atomic_or(&chunk->used[i], 1U << bit);  /* no pair: takers hold the lock of mm */
            atomic_add(&chunk->room, -1);   /* no pair: a count, and a hint only */
            return i * 32 + bit;
        }
    }
    return -1;
}

/* Give it back. */
static void put_id(struct sync_chunk *chunk, int id)
{
    atomic_add(&chunk->room, 1);    /* no pair: a count, and a hint only */
    /* pairs with take_id() */
    atomic_and(&chunk->used[id % SYNC_CHUNK_IDS / 32], ~(1U << id % 32));
}

/* A chunk that no other table has, and an id in it: *chunk, and the id, or -E_NO_MEM. That it is
   not shared stays so: a fork of this table would need the mm's lock, which is held. */
static int find_room(struct sync_table *table, struct sync_chunk **chunk)
{
    for (uint32_t i = 0; i < SYNC_CHUNKS; i++) {
        if (i == table->chunk_count) {
            struct sync_chunk *added = chunk_create();

            if (added == NULL)
                return -E_NO_MEM;
            if (i == 0)
                take_id(added);             /* 0: no object has it */
            /* pairs with sync_at() in sync.h: the address needs the load */
            atomic_store_release(&table->chunks[i], added);
            atomic_store(&table->chunk_count, i + 1);
        }
        *chunk = table->chunks[i];
        /* pairs with chunk_put() */
        int id = atomic_load_acquire(&(*chunk)->refs) == 1 ? take_id(*chunk) : -1;
        if (id >= 0)
            return i * SYNC_CHUNK_IDS + id;
    }
    return -E_NO_MEM;
}

/* The object of an id, which is made if that is needed. NULL if there is no memory. */
static struct sync_object *object_at(struct sync_chunk *chunk, int id)
{
    struct sync_object **object = &chunk->objects[id % SYNC_CHUNK_IDS];

    if (*object != &no_object || group_create(chunk, ROUNDDOWN(id, SYNC_GROUP_IDS)))
        return *object;
    return NULL;
}

/* Threads of the program may use it as soon as it has a type. */
void sync_object_open(struct sync_object *object, enum sync_type type, int value)
{
    snprintf(object->name, sizeof(object->name), "%s %d", type_names[type], object->id);
    if (type == SYNC_SEM) {
        spin_lock(&object->sem.lock);
        object->sem.value = value;
        object->sem.closed = false;
        spin_unlock(&object->sem.lock);
    }
    spin_lock(&object->lock);
    object->ask = 0;
    atomic_store(object->word, type == SYNC_MUTEX ? 0 : SYNC_NO_MUTEX);
    object->type = type;
    if (unlikely(current->sync_member != NULL))
        sync_watch_object(object, true);
    spin_unlock(&object->lock);
}

/* The parts of sync_create() that need the mm's lock. */
static int create_locked(struct mm_struct *mm, enum sync_type type, int value, uintptr_t *words)
{
    struct sync_table *table = sync_table_make(mm);
    struct sync_chunk *chunk;

    if (table == NULL || sync_words_map(mm, table) != 0)
        return -E_NO_MEM;
    int id = find_room(table, &chunk);
    if (id < 0)
        return id;
    struct sync_object *object = object_at(chunk, id);
    if (object == NULL) {
        put_id(chunk, id);
        return -E_NO_MEM;
    }
    sync_object_open(object, type, value);
    if (words != NULL)
        *words = table->words + table->chunk_count;
    return id;
}

int sync_create(enum sync_type type, int value, uintptr_t *words)
{
    struct mm_struct *mm = current->mm;

    mutex_lock(&mm->lock);
    int id = create_locked(mm, type, value, words);
    mutex_unlock(&mm->lock);
    return id;
}

/* Who comes first, of several that free it at once, changes the type, and does the rest. The id is
   given back last. The chunk is that of the caller's table. */
bool sync_destroy(struct sync_object *object, enum sync_type type)
{
    struct sync_table *table = sync_table_of(current->mm);

    spin_lock(&object->lock);
    bool first = object->type == type;
    if (first) {
        object->type = SYNC_FREE;
        atomic_store(object->word, SYNC_NO_MUTEX);
        while (wait_give(&object->queue, -E_INVAL))
            ;
    }
    spin_unlock(&object->lock);
    if (!first)
        return false;
    sem_close(&object->sem);
    if (type == SYNC_WATCHED_SEM)
        sync_watch_forget(object);
    put_id(table->chunks[object->id / SYNC_CHUNK_IDS], object->id);
    return true;
}

/* The table is copied after the memory, and by then other threads may have made objects that the
   child's memory knows nothing of: that is no harm. The other way round the child could know of a
   word that is not there. */
int sync_fork(struct mm_struct *child)
{
    struct mm_struct *mm = current->mm;
    struct sync_table *table = sync_table_of(mm), *copy;

    if (likely(table == NULL))
        return 0;
    copy = kmalloc(sizeof(*copy));
    if (copy == NULL)
        return -E_NO_MEM;
    mutex_lock(&mm->lock);
    *copy = *table;
    for (uint32_t i = 0; i < copy->chunk_count; i++)
        /* no pair: who counts up has one; see chunk_put() */
        atomic_add(&copy->chunks[i]->refs, 1);
    mutex_unlock(&mm->lock);
    child->attached = &copy->attachment;
    return 0;
}
