/* Target: a disk, all of kern/fs/sfs_*.c with the journal and the block cache.

   The disk is a good one with one of everything, to which the input does damage; then it is mounted
   and used as the input says. So an input is short: four bytes of what fails (read-only or not, a
   request of the disk, an allocation in two bytes), then steps of 12 bytes (struct step).

   Each call may give an error. None may panic, touch memory that is not its own, wait for ever, or
   lose memory; the disk can always be unmounted. Without damage and without a failure each disk is
   mounted. */
#include "sound.h"
#include <error.h>
#include <fs/sfs.h>
#include <fs/vfs.h>
#include <string.h>

#define STEPS_MAX   64

const char *const target_name = "sfs";
const char *const target_counts[] = { "disks mounted", "disks refused", "calls done",
                                      "calls with an error", NULL };

/* kind < DAMAGE: an amount of `width` bytes at a place of the disk is written over. Else a call. */
#define DAMAGE      128
struct step {
    uint16_t block, offset;             /* of the damage; else which names */
    uint8_t kind, width;                /* a call: which one, 0 */
    uint16_t length;                    /* of a read, or a write */
    uint32_t value;                     /* what is written there; or the place in a file */
};

static struct memory_disk disk;
static uint8_t *sound;
static const char *const names[] = {
    "small", "large", "far", "dir", "link", "hard", "none", ".", "..", "new",
};

/* Make the good disk, and keep what it is. */
static void make_sound(void)
{
    sound_create(&disk);
    sound = memcpy(host_alloc(BLOCKS * BLOCK_SIZE), disk.bytes, BLOCKS * BLOCK_SIZE);
}

/* Undo what the last run has written. */
static void restore(void)
{
    for (uint32_t block = 0; block < BLOCKS; block++)
        if (disk.written[block])
            memcpy(disk.bytes + block * BLOCK_SIZE, sound + block * BLOCK_SIZE, BLOCK_SIZE);
    memset(disk.written, 0, BLOCKS);
    disk.device.blocks = BLOCKS;
}

static bool take_step(struct input *input, struct step *step)
{
    if (input->left == 0)
        return false;
    *step = (struct step){
        .block = input_take(input, 2), .offset = input_take(input, 2),
        .kind = input_take(input, 1), .width = input_take(input, 1),
        .length = input_take(input, 2), .value = input_take(input, 4),
    };
    return true;
}

/* Write over a place; of the disk's size nothing else knows. */
static void do_damage(const struct step *step)
{
    uint32_t width = 1 << step->width % 4, block = step->block % BLOCKS;
    uint64_t value = step->value;

    memcpy(disk.bytes + block * BLOCK_SIZE + step->offset % BLOCK_SIZE / width * width, &value,
           width);
    disk.written[block] = 1;
}

/* All entries of a directory, as a program that lists it. */
static int list(struct inode *dir)
{
    char name[SFS_NAME_MAX + 1];
    uint32_t ino, n = 0;
    off_t offset = 0;
    int error;

    do {
        off_t before = offset;

        error = vop_names(dir, vop_getdirentry, &offset, name, &ino);
        assert(error != 0 || (offset > before && strnlen(name, sizeof(name)) < sizeof(name)));
    } while (error == 0 && ++n < 5000);
    return error == -E_NOENT ? 0 : error;
}

/* What a mapped page of a file is. */
static int look_at_page(struct inode *node, uint64_t index)
{
    struct Page *page;
    int error = vop_data(node, vop_page, index, &page);

    if (error == 0 && page != NULL)
        page_ref_dec(page);
    return error;
}

/* A call that makes something new, which is given back at once. */
static int create(struct inode *dir, const char *name, bool exclusive)
{
    struct inode *node;
    int error = vop_names(dir, vop_create, name, exclusive, &node);

    if (error == 0)
        inode_put(node);
    return error;
}

/* One call on a directory, or on a file in it. */
static int call(const struct step *step, struct filesystem *fs, struct inode *dir,
                struct inode *node)
{
    static uint8_t bytes[SFS_WRITE_MAX];
    const char *name = names[step->block % ARRAY_SIZE(names)];
    const char *other = names[step->offset % ARRAY_SIZE(names)];
    struct iobuf iob = iobuf_kernel(bytes, step->length, step->value);
    struct stat stat;
    uint32_t usage[4];

    switch (step->kind % 19) {
    case 0: return vop_data(node, vop_read, &iob);
    case 1: return vop_data(node, vop_write, &iob);
    case 2: return vop_data(node, vop_truncate, step->value);
    case 3: return vop_data(node, vop_readlink, &iob);
    case 4: return vop_names(dir, vop_unlink, name);
    case 5: return vop_names(dir, vop_rmdir, name);
    case 6: return vop_names(dir, vop_rename, name, dir, other);
    case 7: return vop_names(dir, vop_mkdir, other);
    case 8: return vop_names(dir, vop_link, other, node);
    case 9: return vop_names(dir, vop_rename, name, node, other);
    case 10: return create(dir, other, step->value & 1);
    case 11: return list(node);
    case 12: return vop_data(node, vop_fsync);
    case 13: return look_at_page(node, step->value);
    case 14: return vop_data(node, vop_fstat, &stat);
    case 15: return vop_names(dir, vop_symlink, other, "dir/../small");
    case 16: return fs->sync(fs);
    case 17: fs->usage(fs, usage); return 0;
    default: iob.append = true; return vop_data(node, vop_write, &iob);
    }
}

/* Do it in the root, or in what "dir" is, to what the name leads to; that is the directory itself
   if the name leads nowhere. */
static void do_call(const struct step *step, struct filesystem *fs, struct inode *root)
{
    struct inode *dir = root, *node;
    int error;

    if (!(step->block & 0x8000) || vop_names(root, vop_lookup, "dir", &dir) != 0)
        inode_get(dir = root);
    if (vop_names(dir, vop_lookup, names[step->block % ARRAY_SIZE(names)], &node) != 0)
        inode_get(node = dir);
    error = call(step, fs, dir, node);
    assert(error <= 0 && error >= -MAXERROR);
    host_counts[error != 0 ? 3 : 2]++;
    inode_put(node);
    inode_put(dir);
}

int LLVMFuzzerTestOneInput(const host_byte *data, unsigned long size)
{
    struct input input = { data, size };
    struct filesystem *fs;
    struct step step;
    const char *reason = NULL;
    bool harmless = true;
    int steps = 0;

    if (sound == NULL)
        make_sound();
    restore();
    disk.requests = 0;
    disk.device.read_only = input_take(&input, 1) == 1;
    disk.fail_at = input_take(&input, 1);
    uint32_t fail = input_take(&input, 2);
    harmless = disk.fail_at == 0 && fail == 0;
    for (struct input all = input; steps < STEPS_MAX && take_step(&all, &step); steps++)
        if (step.kind < DAMAGE) {
            do_damage(&step);
            harmless = false;
        }
    below_begin(fail);
    int error = sfs_mount(&disk.device, &fs, &reason);
    host_counts[error != 0]++;
    if (error != 0) {
        assert(!harmless && reason != NULL && reason[0] != '\0');
    } else {
        struct inode *root = fs->get_root(fs);

        for (steps = 0; steps < STEPS_MAX && take_step(&input, &step); steps++)
            if (step.kind >= DAMAGE)
                do_call(&step, fs, root);
        inode_put(root);
        error = fs->unmount(fs);
        assert(error == 0 || error == -E_IO);
    }
    below_end();
    return 0;
}

/* A number that something else on this disk has, or that nothing can have. */
static uint32_t odd_number(uint64_t *state)
{
    const uint32_t odd[] = {
        0, 1, 2, 3, 4, 5, 6, 8, 12, DATA, DATA + 1, BLOCKS - SWAP, BLOCKS - SWAP - 1, BLOCKS, MAP,
        TABLE, 4096, 4097, 0xffff, 0xffffffff, 0x80000000, INODES, INODES - 1, 0x0010000c, 0x7fff,
    };

    return random_next(state) % 4 ? odd[random_next(state) % ARRAY_SIZE(odd)]
        : random_next(state) % 2 ? DATA + random_next(state) % 60 : random_next(state);
}

/* A step that does damage where numbers are: superblock, journal, map, inodes, first blocks. */
static struct step new_damage(uint64_t *state)
{
    uint32_t where = random_next(state) % 16, width = random_next(state) % 8;
    struct step step = { .kind = 0, .width = width < 5 ? 2 : width % 4, .block = TABLE,
                         .offset = random_next(state) % (9 * 128), .value = odd_number(state) };

    if (where == 0)
        step.block = 0, step.offset = random_next(state) % 14 * 4;
    else if (where == 1)
        step.block = 1 + random_next(state) % 3, step.offset = random_next(state) % 4 * 4;
    else if (where == 2)
        step.block = MAP, step.offset = random_next(state) % (BLOCKS / 8);
    else if (where < 8)
        step.block = DATA + random_next(state) % 48, step.offset = random_next(state) % 128;
    return step;
}

/* A call; most positions in a file are near to a border of its block map. */
static struct step new_call(uint64_t *state)
{
    const uint32_t at[] = { 0, 4096, 4999, SFS_NDIRECT * 4096, 100000,
                            (SFS_NDIRECT + SFS_NPER) * 4096U,
                            (SFS_NDIRECT + SFS_NPER + 3) * 4096U, 0xffffffff };
    uint32_t place = at[random_next(state) % ARRAY_SIZE(at)];

    return (struct step){
        .kind = DAMAGE + random_next(state) % 114, .block = random_next(state),
        .offset = random_next(state), .length = random_next(state) % 3 ? 100 : random_next(state),
        .value = random_next(state) % 2 ? place : place + random_next(state) % 8192 - 4096,
    };
}

unsigned long LLVMFuzzerCustomMutator(host_byte *data, unsigned long size, unsigned long max,
                                      unsigned int seed)
{
    uint64_t state = random_begin(seed);
    uint32_t kind = random_next(&state) % 8;
    struct step step = random_next(&state) % 2 ? new_damage(&state) : new_call(&state);
    size_t steps = size > 4 ? (size - 4) / sizeof(step) : 0, place = random_next(&state)
        % (steps + 1);

    if (size < 4)
        memset(data, 0, size = 4);
    if (kind == 0)
        return LLVMFuzzerMutate(data, size, max);
    if (kind == 1) {
        data[random_next(&state) % 4] = random_next(&state) % 3 ? 0 : random_next(&state) % 64;
        return size;
    }
    size = 4 + steps * sizeof(step);
    if (kind < 5 && size + sizeof(step) <= max && steps < STEPS_MAX) {
        memmove(data + 4 + (place + 1) * sizeof(step), data + 4 + place * sizeof(step),
                (steps - place) * sizeof(step));
        size += sizeof(step);
    } else if (place == steps) {
        return size;
    }
    memcpy(data + 4 + place * sizeof(step), &step, sizeof(step));
    return size;
}
