/* Directories: blocks full of entries, each as long as it says, the last one of a block to its end.

   An entry never moves. A new one is made of the end of another one that is longer than its name
   needs; one that is removed becomes a part of the one before it, or is free if it is the first of
   its block. So a place in a directory, once given to a program, stays good: what begins there or
   behind is told next.

   What is read here was checked by entry_valid() first, which all walks use: so no length leads out
   of the block, or nowhere. Look-up is by comparing all names, of which the lengths come first. */
#include <error.h>
#include <fs/sfs.h>
#include <string.h>

/* What becomes of a block with three names, each with the length of its entry:

     at first                 | "a" 12 | "bc" 12 | "d" 4072                                    |
     "bc" is removed          | "a" 24           | "d" 4072                                    |
     "e" is made              | "a" 12 | "e" 12  | "d" 4072                                    |
     "a", the first, goes     | free 12| "e" 12  | "d" 4072                                    |

   The bytes of "bc" stay where they are, in the room behind "a": only lengths lead to an entry. */

#define ENTRY_HEAD      sizeof(struct sfs_dirent)

/* How long an entry must be for a name of this many bytes. */
static uint32_t entry_size(uint32_t name_length)
{
    return ROUNDUP(ENTRY_HEAD + name_length, 4);
}

/* The part of an entry that is in use. */
static uint32_t entry_used(const struct sfs_dirent *entry)
{
    return entry->ino != 0 ? entry_size(entry->name_length) : 0;
}

/* The entry that begins so many bytes behind a place in a block. */
static inline struct sfs_dirent *entry_at(void *place, uint32_t offset)
{
    return (struct sfs_dirent *)((uint8_t *)place + offset);
}

/* Is this, at that offset of its block, what an entry can be? */
static inline bool entry_valid(const struct sfs_dirent *entry, uint32_t offset)
{
    return likely(offset <= BLOCK_SIZE - ENTRY_HEAD && entry->length >= ENTRY_HEAD &&
                  entry->length % 4 == 0 && entry->length <= BLOCK_SIZE - offset &&
                  entry_used(entry) <= entry->length);
}

/* What the walks return if not. */
static int bad_entry(struct inode *dir, uint32_t offset)
{
    return sfs_damaged(dir->ino, "has a bad entry at byte", offset);
}

/* A block of the directory, with a reference. */
static struct cached_block *dir_block(struct inode *dir, uint32_t index, int *error)
{
    struct cached_block *block = sfs_bmap_load_nolock(fsop_info(dir->in_fs), vop_info(dir), index,
                                                      SFS_LOOK, error);

    if (block == NULL && *error == 0)
        *error = sfs_damaged(dir->ino, "is a directory without its block", index);
    return block;
}

void sfs_slot_put(struct sfs_slot *slot)
{
    if (slot->block != NULL)
        cache_put(slot->block);
    slot->block = NULL;
}

/* Look for a name in one block: 0, and *slot has the caller's reference to it. If room is not NULL,
   and has no block yet, it gets the first place that is long enough, and a reference. Names often
   begin alike (file1, file2), so the last byte is compared first. */
static int search_block(struct inode *dir, struct cached_block *block, const char *name,
                        struct sfs_slot *slot, struct sfs_slot *room)
{
    uint32_t length = strlen(name), need = entry_size(length);
    struct sfs_dirent *entry;
    void *data = cache_data(block);
    char last = name[length - 1];

    for (uint32_t offset = 0; offset < BLOCK_SIZE; offset += entry->length) {
        entry = entry_at(data, offset);
        if (!entry_valid(entry, offset))
            return bad_entry(dir, offset);
        if (entry->name_length == length && entry->name[length - 1] == last && entry->ino != 0 &&
            memcmp(entry->name, name, length) == 0) {
            *slot = (struct sfs_slot){ block, entry };
            return 0;
        }
        if (room != NULL && room->block == NULL && entry->length - entry_used(entry) >= need) {
            cache_ref(block);
            *room = (struct sfs_slot){ block, entry };
        }
    }
    return -E_NOENT;
}

/* Block by block. The reference to the block in which the name is goes over to the slot. */
int sfs_dirent_search_nolock(struct inode *dir, const char *name, struct sfs_slot *slot,
                             struct sfs_slot *room)
{
    int error = -E_NOENT;

    slot->block = NULL;
    if (room != NULL)
        room->block = NULL;
    for (uint32_t i = 0; error == -E_NOENT && i < vop_info(dir)->din->size / BLOCK_SIZE; i++) {
        struct cached_block *block = dir_block(dir, i, &error);

        if (block == NULL)
            break;
        error = search_block(dir, block, name, slot, room);
        if (error != 0)
            cache_put(block);
    }
    if (room != NULL && error != -E_NOENT)
        sfs_slot_put(room);
    return error;
}

/* The first entry of a block, from an offset on, that is in use. */
static int read_block(struct inode *dir, struct cached_block *block, uint32_t from,
                      struct sfs_dirent **entry)
{
    for (uint32_t offset = 0; offset < BLOCK_SIZE; offset += (*entry)->length) {
        *entry = entry_at(cache_data(block), offset);
        if (!entry_valid(*entry, offset))
            return bad_entry(dir, offset);
        if (offset >= from && (*entry)->ino != 0)
            return 0;
    }
    return -E_NOENT;
}

/* An entry that begins before the place, and reaches over it, was told before. */
int sfs_dirent_read_nolock(struct inode *dir, off_t *offset, char name[SFS_NAME_MAX + 1],
                           uint32_t *ino)
{
    struct sfs_dirent *entry;
    int error = -E_NOENT;

    while (error == -E_NOENT && *offset < (off_t)vop_info(dir)->din->size) {
        uint32_t from = *offset % BLOCK_SIZE;
        struct cached_block *block = dir_block(dir, *offset / BLOCK_SIZE, &error);

        if (block == NULL)
            break;
        error = read_block(dir, block, from, &entry);
        if (error == 0) {
            memcpy(name, entry->name, entry->name_length);
            name[entry->name_length] = '\0';
            *ino = entry->ino;
            /* Behind this entry: where the next one begins, whatever becomes of this one. */
            *offset += (void *)entry - cache_data(block) + entry->length - from;
        } else if (error == -E_NOENT) {
            *offset += BLOCK_SIZE - from;
        }
        cache_put(block);
    }
    return error;
}

/* The directory grows by a block that is one free entry. */
static int append_block(struct inode *dir, struct sfs_slot *room)
{
    struct sfs_fs *sfs = fsop_info(dir->in_fs);
    struct sfs_inode *sin = vop_info(dir);
    int error;

    /* The size comes last: if there is no block, the directory is as it was. */
    room->block = sfs_bmap_load_nolock(sfs, sin, sin->din->size / BLOCK_SIZE, SFS_CREATE, &error);
    if (room->block == NULL)
        return error;
    room->entry = cache_data(room->block);
    *room->entry = (struct sfs_dirent){ .length = BLOCK_SIZE };
    sin->din->size += BLOCK_SIZE;
    journal_write(sin->table);
    return 0;
}

/* Is there still room for a name of this many bytes? On a damaged disk the block may be another
   one's too, which has changed it since the search. */
static bool has_room(const struct sfs_slot *room, size_t name_length)
{
    const struct sfs_dirent *entry = room->entry;

    return entry_valid(entry, (void *)entry - cache_data(room->block))
        && entry->length - entry_used(entry) >= entry_size(name_length);
}

/* The new entry takes what the one in the room does not need. */
int sfs_dirent_add(struct inode *dir, struct sfs_slot *room, const char *name,
                   const struct inode *node)
{
    int error = 0;

    mutex_lock(&dir->lock);
    if (room->block == NULL)
        error = append_block(dir, room);
    else if (!has_room(room, strlen(name)))
        error = bad_entry(dir, (void *)room->entry - cache_data(room->block));
    if (error == 0) {
        uint32_t used = entry_used(room->entry), length = room->entry->length - used;
        struct sfs_dirent *entry = entry_at(room->entry, used);

        if (used > 0)
            room->entry->length = used;
        *entry = (struct sfs_dirent){ node->ino, length, strlen(name), SFS_TYPE(node->type) };
        memcpy(entry->name, name, entry->name_length);
        journal_write(room->block);
    }
    mutex_unlock(&dir->lock);
    return error;
}

/* The entry before is found by a walk: entries have no way back. The entries on the way were valid
   at the search. They are looked at again, because on a damaged disk the block may have become
   another one's meanwhile: then nothing is changed. */
void sfs_dirent_set(struct inode *dir, struct sfs_slot *slot, const struct inode *node)
{
    struct sfs_dirent *entry = slot->entry, *next = cache_data(slot->block), *before = NULL;

    mutex_lock(&dir->lock);
    for (; next != entry; next = entry_at(next, next->length)) {
        uint32_t offset = (void *)next - cache_data(slot->block);

        if (!entry_valid(next, offset)) {
            bad_entry(dir, offset);
            mutex_unlock(&dir->lock);
            return;
        }
        before = next;
    }
    /* Removed: the one before it takes its room. Without one before it in the block it stays, with
       the inode 0: free room that has a length. */
    if (node == NULL && before != NULL)
        before->length += entry->length;
    entry->ino = node != NULL ? node->ino : 0;
    entry->type = node != NULL ? SFS_TYPE(node->type) : SFS_TYPE_FREE;
    journal_write(slot->block);
    mutex_unlock(&dir->lock);
}

/* An entry and the inode that it leads to. The directory is locked until that is in memory: else it
   could lose its last name meanwhile, and its number be given to another file. */
int sfs_lookup(struct inode *dir, const char *name, struct inode **result)
{
    struct sfs_slot slot;
    int error = -E_NOENT;

    mutex_lock(&dir->lock);
    if (vop_info(dir)->din->nlinks > 0)
        error = sfs_dirent_search_nolock(dir, name, &slot, NULL);
    if (error == 0) {
        error = sfs_load_inode(fsop_info(dir->in_fs), slot.entry->ino, result);
        sfs_slot_put(&slot);
    }
    mutex_unlock(&dir->lock);
    return error;
}

/* A directory that is removed has no entries any more, not even its dots. */
int sfs_getdirentry(struct inode *dir, off_t *offset, char name[SFS_NAME_MAX + 1], uint32_t *ino)
{
    int error = *offset < 0 ? -E_INVAL : -E_NOENT;

    mutex_lock(&dir->lock);
    if (*offset >= 0 && vop_info(dir)->din->nlinks > 0)
        error = sfs_dirent_read_nolock(dir, offset, name, ino);
    mutex_unlock(&dir->lock);
    return error;
}
