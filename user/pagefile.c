/* pagefile [CHILDREN]: pages of files when memory is short, a program's text among them.

   The file "/big" is this program with one more segment, of more functions than memory has room
   for beside other things: page i has a function that returns i. It is run with other memory in
   use, so its text goes and comes back; with CHILDREN each of so many processes does that. Then a
   file is mapped private, half of it written to. At last a few pages that are used all the time
   are beside many that are used once: the few must stay, whichever of the two are a file's. */
#include <elf.h>
#include <file.h>
#include <pressure.h>
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define HOT         256                 /* pages that are used all the time */
#define COLD        2048                /* and those that are used once */
#define BETWEEN     4                   /* so many cold ones, then all hot ones */

static uint32_t page[PGSIZE / 4];

/* addi a0, zero, i; ret (Unprivileged spec 20191213, 2.4 and 2.5). */
static void make_function(int i)
{
    page[0] = 0x00000513 | (uint32_t)i << 20;
    page[1] = 0x00008067;
}

/* Copy what is behind the headers as it is; the table of segments moves to the end. */
static void make_big(void)
{
    int from = open("/bin/pagetext", O_RDONLY), to = open("/big", O_RDWR | O_CREAT | O_TRUNC), n;
    struct proghdr segments[8];
    struct elfhdr header;
    long end = 0;

    assert(from >= 0 && to >= 0);
    for (; (n = read(from, page, PGSIZE)) > 0; end += PGSIZE) {
        memset((char *)page + n, 0, PGSIZE - n);
        assert(write(to, page, PGSIZE) == PGSIZE);
    }
    seek(from, 0, LSEEK_SET);
    assert(read(from, &header, sizeof(header)) == sizeof(header) && header.e_phnum < 8);
    seek(from, header.e_phoff, LSEEK_SET);
    n = header.e_phnum * sizeof(segments[0]);
    assert(read(from, segments, n) == n);
    segments[header.e_phnum++] = (struct proghdr){
        .p_type = ELF_PT_LOAD, .p_flags = ELF_PF_R | ELF_PF_X, .p_offset = end, .p_va = FILE_TEXT,
        .p_filesz = FILE_PAGES * PGSIZE, .p_memsz = FILE_PAGES * PGSIZE,
    };
    for (int i = 0; i < FILE_PAGES; i++) {
        make_function(i);
        assert(write(to, page, PGSIZE) == PGSIZE);
    }
    header.e_phoff = end + FILE_PAGES * PGSIZE;
    n = header.e_phnum * sizeof(segments[0]);
    assert(write(to, segments, n) == n && seek(to, 0, LSEEK_SET) == 0);
    assert(write(to, &header, sizeof(header)) == sizeof(header));
    close(from);
    close(to);
}

static void become_big(uintptr_t children)
{
    exit(exec("/big", children > 1 ? "several" : "one"));
}

/* A file of so many pages, each of which begins with its number; it is mapped private. */
static uint64_t *map_file(const char *name, size_t pages)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC);
    uintptr_t addr = 0;

    for (size_t i = 0; i < pages; i++) {
        *(uint64_t *)page = i;
        assert(write(fd, page, PGSIZE) == PGSIZE);
    }
    assert(mmap_file(&addr, pages * PGSIZE, MMAP_FILE | MMAP_WRITE, fd, 0) == 0);
    close(fd);
    return (uint64_t *)addr;
}

static void private_map(__not_used uintptr_t arg)
{
    uint64_t *map = map_file("/private", FILE_PAGES), *memory = new_memory(OTHER_PAGES);
    int wrong = 0;

    for (size_t i = 0; i < FILE_PAGES; i++) {
        wrong += map[i * PGSIZE / 8] != i;
        if (i % 2 == 0)
            map[i * PGSIZE / 8] = i + 1000;
    }
    use_memory(memory, 1);
    use_memory(memory, 2);
    long left = file_pages(OTHER_PAGES + FILE_PAGES / 2);
    if (left > FILE_PAGES / 4)
        panic("%ld pages of the file are in memory, of %d not used", left, FILE_PAGES / 2);
    for (size_t i = 0; i < FILE_PAGES; i++)
        wrong += map[i * PGSIZE / 8] != (i % 2 == 0 ? i + 1000 : i);
    exit(wrong != 0);
}

static uint64_t touch(uint64_t *memory, size_t first, size_t pages)
{
    uint64_t sum = 0;

    for (size_t i = first; i < first + pages; i++)
        sum += *(volatile uint64_t *)&memory[i * PGSIZE / 8];
    return sum;
}

/* Faults of pages that were out. */
static long faults(void)
{
    struct meminfo mem;

    assert(meminfo(&mem) == 0);
    return mem.swap_read + mem.swap_found;
}

/* The hot pages are memory, the cold ones a file's. */
static int hot_memory(void)
{
    uint64_t *file = map_file("/cold", COLD), *hot = new_memory(HOT);

    for (size_t i = 0; i < HOT; i++)
        hot[i * PGSIZE / 8] = i;
    long before = faults();
    for (size_t i = 0; i < COLD; i += BETWEEN) {
        touch(file, i, BETWEEN);
        touch(hot, 0, HOT);
    }
    return faults() - before;
}

/* The other way round: how many of the hot pages have gone each time is seen before they are
   touched. */
static int hot_file(void)
{
    uint64_t *hot = map_file("/hot", HOT), *cold = new_memory(COLD);
    long gone = 0;

    touch(hot, 0, HOT);
    for (size_t i = 0; i < COLD; i += BETWEEN) {
        for (size_t k = i; k < i + BETWEEN; k++)
            cold[k * PGSIZE / 8] = k;
        if (file_pages(i + BETWEEN) < HOT)
            gone += HOT - file_pages(i + BETWEEN);
        touch(hot, 0, HOT);
    }
    return gone;
}

int main(int argc, char **argv)
{
    int children = number_argument(argc, argv, 1, 1);

    make_big();
    check_eq("text goes and comes back", child_code(become_big, children), 0);
    check_eq("pages of a private map too", child_code(private_map, 0), 0);
    /* Each twice, of the 512 times that it is used. */
    check("memory that is used stays, and a file's pages go", hot_memory() <= 2 * HOT);
    check("a file's pages that are used stay, and memory goes", hot_file() <= 2 * HOT);
    return check_done();
}
