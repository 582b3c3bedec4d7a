/* The words of a program's mutexes: where programs see them, and what happens to them when a
   program ends.

   The kernel reaches a word by its own map of all memory. Programs see the words in an area of
   their memory, page after page in the order of the chunks, whose pages come by this file's pager
   when they are touched. The area has room for all chunks from the start, which costs nothing. A
   program that unmaps it, or writes into it what it likes, harms only those who share the words
   with it: a mutex may then have two holders, or one that does not exist, and who waits for that
   one waits until he is killed. */
#include <error.h>
#include <process/sync.h>
#include <sched/timer.h>

/* No word is a mutex's: so the kernel is asked, which knows that there is none. */
struct Page *sync_words_create(void)
{
    struct Page *page = alloc_page();

    if (page == NULL)
        return NULL;
    page->ref = 1;
    uint32_t *words = page2kva(page);
    for (size_t i = 0; i < SYNC_CHUNK_IDS; i++)
        words[i] = SYNC_NO_MUTEX;
    return page;
}

/* The area may have been cut by munmap, so its place is counted from where it was. */
static int words_page(struct vma_struct *vma, uintptr_t la, __not_used uint32_t access,
                      struct Page **page)
{
    struct sync_table *table = sync_table_of(vma->vm_mm);
    size_t index = table != NULL ? (la - table->words) / PGSIZE : SYNC_CHUNKS;

    if (table == NULL || index >= table->chunk_count)
        return -E_FAULT;
    *page = table->chunks[index]->words;
    page_ref_inc(*page);
    return 0;
}

static const struct pager words_pager = { .page = words_page };

/* The area is looked for each time: the program may have unmapped it, and a child of a fork may
   have a table without one, because the table was made while the memory was being copied. */
int sync_words_map(struct mm_struct *mm, struct sync_table *table)
{
    struct vma_struct *vma = table->words != 0 ? find_vma(mm, table->words) : NULL;
    size_t len = SYNC_CHUNKS * PGSIZE;

    if (vma != NULL && vma->pager == &words_pager)
        return 0;
    const uint32_t flags = VM_READ | VM_WRITE | VM_SHARED;
    uintptr_t addr = mm_find_room(mm, len, flags);
    if (addr == 0 || mm_map_pager(mm, addr, len, flags, &words_pager, NULL, 0) != 0)
        return -E_NO_MEM;
    table->words = addr;
    return 0;
}

/* By the words, because that is all there is to tell who holds a mutex. A word may be rubbish: the
   object is asked again, with its lock. */
void sync_give_up_all(struct sync_table *table)
{
    uint32_t count = atomic_load(&table->chunk_count), self = current->pid;

    for (uint32_t i = 0; i < count; i++) {
        struct sync_chunk *chunk = atomic_load(&table->chunks[i]);
        uint32_t *words = page2kva(chunk->words);

        for (uint32_t word = 0; word < SYNC_CHUNK_IDS; word++)
            if (unlikely((atomic_load(&words[word]) & SYNC_PID) == self)) {
                struct sync_object *mutex = sync_at(table, i * SYNC_CHUNK_IDS + word, SYNC_MUTEX);

                if (mutex != NULL)
                    sync_mutex_give_up(mutex);
            }
        sched_give_way();
    }
    sync_member_leave(current);
}

uint64_t sync_deadline_in(uint64_t milliseconds)
{
    if (milliseconds > UINT32_MAX)
        milliseconds = UINT32_MAX;          /* 49 days */
    return rdtime() + milliseconds * timer_tick_length() * TICKS_PER_SECOND / 1000;
}
