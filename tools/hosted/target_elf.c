/* Target: programs. The input is the file; it is checked, loaded, and asked for names of addresses,
   as kern/process/program.c and symbols.c do it for a file and for memory.

   A file that is taken is compared byte by byte with what is in memory then (space.c). It is read
   three times: as a file whose pages can be mapped, as one whose pages cannot, and as one that
   changes while it is read, where any answer is right that breaks nothing. */
#include "below.h"
#include <elf.h>
#include <error.h>
#include <fs/filemap.h>
#include <process/proc.h>
#include <string.h>
#include "space.h"

const char *const target_name = "elf";
const char *const target_counts[] = { "files loaded", "files refused", "names found", NULL };

/* A file: its bytes, and how many reads go by before one of its bytes changes. */
static struct file {
    struct inode inode;
    uint8_t *bytes;
    size_t size;
    uint32_t reads, change_at, fail_at;
    uint64_t seed;
} file;

/* A read of the next bytes, at most as long as a page, as a real file may give fewer. */
static int file_read(__not_used struct inode *node, struct iobuf *iob)
{
    size_t n = iob->io_resid < 4096 ? iob->io_resid : 4096;

    if (++file.reads == file.fail_at)
        return -E_IO;
    if (file.change_at != 0 && file.reads >= file.change_at && file.size > 0)
        file.bytes[random_next(&file.seed) % (file.size < 400 ? file.size : 400)] ^= 1 << file.reads
            % 8;
    assert(iob->io_offset >= 0);
    if ((size_t)iob->io_offset >= file.size)
        return 0;
    if (n > file.size - iob->io_offset)
        n = file.size - iob->io_offset;
    iobuf_move(iob, file.bytes + iob->io_offset, n, true);
    return 0;
}

static int file_stat(__not_used struct inode *node, struct stat *stat)
{
    *stat = (struct stat){ .st_mode = S_IFREG, .st_size = file.size };
    return 0;
}

/* A file's page is asked for by its pager only, which this target does not run. */
static int file_page(__not_used struct inode *node, __not_used uint64_t index,
                     __not_used struct Page **page)
{
    return -E_IO;
}

static const struct inode_ops mapped_ops = {
    .vop_read = file_read, .vop_fstat = file_stat, .vop_page = file_page,
};
static const struct inode_ops plain_ops = { .vop_read = file_read, .vop_fstat = file_stat };

/* Open, check and load it: 0 or the error. */
static int load(const struct inode_ops *ops, bool compare)
{
    static struct reader reader;
    struct mm_struct *mm = space_begin();
    struct elfhdr elf;

    file.reads = 0;
    file.inode.in_ops = ops;
    file.inode.type = S_IFREG;
    int error = inode_reader(&file.inode, &reader) ?: program_check(&reader, &elf)
                ?: program_load(&reader, &elf, mm);
    if (error == 0 && compare)
        space_compare(file.bytes, file.size);
    space_end();
    return error;
}

/* Names of addresses: where the program begins, and others. */
static void name_addresses(void)
{
    const struct user_program program = { "file", file.bytes, file.bytes + file.size };
    const uintptr_t addresses[] = { UTEXT, UTEXT + 0x20, UTEXT + 0x1000, 0, ~0UL };
    char name[100], *exact = host_alloc(20);
    struct task *task = this_cpu->task;

    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        program_symbol(&program, addresses[i], name, sizeof(name));
        assert(strnlen(name, sizeof(name)) < sizeof(name) && name[0] != '\0');
        host_counts[2] += strncmp(name, "0x", 2) != 0;
        program_symbol(i > 0 ? &program : NULL, addresses[i], exact, 20);
    }
    /* The same, as of a process that runs this file. */
    struct proc_struct *process = host_alloc(sizeof(*process));
    struct mm_struct mm = { .program = &file.inode.runs };
    memset(process, 0, sizeof(*process));
    process->mm = &mm;
    this_cpu->task = &process->task;
    current_symbol(UTEXT + 4, name, sizeof(name));
    this_cpu->task = task;
    host_free(process);
    host_free(exact);
}

int LLVMFuzzerTestOneInput(const host_byte *data, unsigned long size)
{
    uint64_t sum = size + 1;

    for (size_t i = 0; i < size && i < 256; i++)
        sum = sum * 31 + data[i];
    file.bytes = host_alloc(size);
    file.size = size;
    file.change_at = file.fail_at = 0;
    memcpy(file.bytes, data, size);
    below_begin(0);
    int error = load(&mapped_ops, true), plain = load(&plain_ops, true);
    assert(error <= 0 && error >= -MAXERROR && (error == plain || error == -E_NO_MEM
                                                || plain == -E_NO_MEM));
    host_counts[error != 0]++;
    uint32_t most = below_end();
    name_addresses();
    /* A page that is not to be had, a read that fails, and bytes that change. */
    below_begin(1 + sum % (most + 1));
    error = load(&plain_ops, false);
    below_end();
    file.fail_at = 1 + sum % 8;
    below_begin(0);
    error = load(&mapped_ops, false);
    file.fail_at = 0;
    file.seed = sum | 1;
    file.change_at = 1 + sum % 4;
    error = load(&mapped_ops, false);
    assert(error <= 0);
    below_end();
    host_free(file.bytes);
    return 0;
}

/* Write an odd number into a field. */
static void put_odd(host_byte *at, uint32_t size, uint64_t *state, uint64_t file_size)
{
    const uint64_t odd[] = { 0, 1, 2, 7, 8, PGSIZE, PGSIZE - 1, PGSIZE + 1, UTEXT, UTEXT + 0x800,
                             USERBASE, USERBASE - 1, USERTOP, USERTOP - 1, USTACKBASE, file_size,
                             file_size - 1, file_size + 1, ~0UL, ~0UL - PGSIZE, 1UL << 63,
                             1UL << 32, file_size / 2, 64, 120 };
    uint64_t value = odd[random_next(state) % ARRAY_SIZE(odd)];

    if (random_next(state) % 4 == 0) {
        uint64_t now = 0;

        memcpy(&now, at, size);
        value += now;
    }
    memcpy(at, &value, size);
}

unsigned long LLVMFuzzerCustomMutator(host_byte *data, unsigned long size, unsigned long max,
                                      unsigned int seed)
{
    static const struct { uint16_t offset, size; } header[] = {
        { 0, 4 }, { 4, 1 }, { 16, 2 }, { 18, 2 }, { 20, 4 }, { 24, 8 }, { 32, 8 }, { 40, 8 },
        { 54, 2 }, { 56, 2 }, { 58, 2 }, { 60, 2 },
    }, segment[] = { { 0, 4 }, { 4, 4 }, { 8, 8 }, { 16, 8 }, { 32, 8 }, { 40, 8 } },
    section[] = { { 4, 4 }, { 24, 8 }, { 32, 8 }, { 40, 4 } };
    uint64_t state = random_begin(seed), place;
    struct elfhdr elf;
    uint32_t kind = random_next(&state) % 8, n;

    if (size < sizeof(elf) || kind == 0)
        return LLVMFuzzerMutate(data, size, max);
    memcpy(&elf, data, sizeof(elf));
    if (kind == 1) {
        n = random_next(&state) % ARRAY_SIZE(header);
        put_odd(data + header[n].offset, header[n].size, &state, size);
    } else if (kind < 6) {
        n = random_next(&state) % ARRAY_SIZE(segment);
        place = elf.e_phoff + random_next(&state) % (elf.e_phnum + 1) * sizeof(struct proghdr)
            + segment[n].offset;
        if (place < size && size - place >= 8)
            put_odd(data + place, segment[n].size, &state, size);
    } else if (kind == 6) {
        n = random_next(&state) % ARRAY_SIZE(section);
        place = elf.e_shoff + random_next(&state) % (elf.e_shnum + 1) * sizeof(struct secthdr)
            + section[n].offset;
        if (place < size && size - place >= 8)
            put_odd(data + place, section[n].size, &state, size);
    } else {
        size -= random_next(&state) % (size / 2);
    }
    return size;
}
