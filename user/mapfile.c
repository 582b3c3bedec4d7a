/* Files in memory, as programs see them: what mmap with a descriptor, msync, read, write and
   truncate promise of a file that is mapped.

       mapfile             one and two processes, and what is on the disk afterwards: the files
                           "mapped" and "written" must be equal there
       mapfile errors      what is refused
       mapfile cut         truncate, and what is behind the end
       mapfile holes       holes, read and written
       mapfile many        more pages than the journal has room for
       mapfile full        no room on the disk for a hole
       mapfile large       a file that is larger than memory
       mapfile crowd       processes that do all of it at once */
#include <error.h>
#include <file.h>
#include <report.h>
#include <stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define SHARED      (MMAP_FILE | MMAP_SHARED)
#define SHARED_RW   (SHARED | MMAP_WRITE)
#define PRIVATE_RW  (MMAP_FILE | MMAP_WRITE)

static char buf[4 * PGSIZE];

/* A new file of n bytes, each of them c; its descriptor. */
static int make(const char *name, size_t n, char c)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC);

    memset(buf, c, sizeof(buf));
    assert(fd >= 0 && n <= sizeof(buf) && write(fd, buf, n) == (int)n);
    return fd;
}

/* Map n bytes of an open file, which must be possible. */
static char *map(int fd, size_t n, uint32_t flags, off_t offset)
{
    uintptr_t addr = 0;
    int error = mmap_file(&addr, n, flags, fd, offset);

    if (error != 0)
        panic("a file cannot be mapped: %e", error);
    return (char *)addr;
}

static void unmap(char *p, size_t n)
{
    assert(munmap((uintptr_t)p, n) == 0);
}

/* The byte of a file that read() finds. */
static char byte_of(int fd, off_t at)
{
    char c;

    assert(seek(fd, at, LSEEK_SET) == at && read(fd, &c, 1) == 1);
    return c;
}

/* Write one byte to a file by write(). */
static void put_byte(int fd, off_t at, char c)
{
    assert(seek(fd, at, LSEEK_SET) == at && write(fd, &c, 1) == 1);
}

/* Read and write against a map. */
static void one_process(void)
{
    int fd = make("f", 3 * PGSIZE, 'x');
    char *p = map(fd, 3 * PGSIZE, SHARED_RW, 0), *q = map(fd, PGSIZE, SHARED, PGSIZE);

    check_eq("a map shows the file", p[PGSIZE + 5], 'x');
    p[PGSIZE] = 'y';
    check_eq("read() sees what was written to memory", byte_of(fd, PGSIZE), 'y');
    check_eq("another map of the same page too", q[0], 'y');
    put_byte(fd, PGSIZE + 1, 'z');
    check_eq("memory shows what write() wrote", p[PGSIZE + 1], 'z');
    check_eq("and what was there before", p[PGSIZE], 'y');
    p[PGSIZE + 2] = 'w';
    check_eq("memory can be written to again", byte_of(fd, PGSIZE + 2), 'w');
    check_eq("a write whose bytes are of the same page",
             seek(fd, PGSIZE, LSEEK_SET) == PGSIZE ? write(fd, p + PGSIZE, PGSIZE) : -1, PGSIZE);
    check_eq("moves them where they are", p[PGSIZE + 2], 'w');
    seek(fd, 0, LSEEK_SET);
    check_eq("a read into a map of the same file", read(fd, p + PGSIZE, PGSIZE), PGSIZE);
    check_eq("changes the file", byte_of(fd, PGSIZE), 'x');
    close(fd);
    fd = open("f", O_RDONLY);
    p[0] = '0';
    check_eq("a map outlives the descriptor that it was made from", byte_of(fd, 0), '0');
    unmap(p, 3 * PGSIZE);
    unmap(q, PGSIZE);
    check_eq("what was written stays when the map has gone", byte_of(fd, 0), '0');
    close(fd);
}

static void private_map(void)
{
    int fd = make("g", 2 * PGSIZE, 'p');
    char *p = map(fd, 2 * PGSIZE, PRIVATE_RW, 0), *s = map(fd, 2 * PGSIZE, SHARED_RW, 0);

    p[0] = 'q';
    check_eq("what is written to a private map is there", p[0], 'q');
    check_eq("and not in the file", byte_of(fd, 0), 'p');
    check_eq("nor in a shared map", s[0], 'p');
    s[PGSIZE] = 'r';
    check_eq("a page that was not written to shows the file", p[PGSIZE], 'r');
    s[1] = 'r';
    check_eq("a copy does not", p[1], 'p');
    unmap(p, 2 * PGSIZE);
    unmap(s, 2 * PGSIZE);
    close(fd);
    unlink("g");
}

/* The child writes, and ends without munmap. */
static void write_in_child(uintptr_t addr)
{
    ((char *)addr)[0] = 'c';
    ((char *)addr)[PGSIZE] = 'c';
}

static void two_processes(void)
{
    int fd = make("h", 2 * PGSIZE, 'h');
    char *s = map(fd, 2 * PGSIZE, SHARED_RW, 0), *p = map(fd, 2 * PGSIZE, PRIVATE_RW, 0);

    s[0] = 'i';
    check_eq("a child writes to a shared map", child_code(write_in_child, (uintptr_t)s), 0);
    check_eq("its parent sees that, on a page that both have touched", s[0], 'c');
    check_eq("and on one that only the child has", s[PGSIZE], 'c');
    p[0] = 'j';
    check_eq("a child writes to a private map", child_code(write_in_child, (uintptr_t)p), 0);
    check_eq("its parent does not see that", p[0], 'j');
    check_eq("nor is it in the file", byte_of(fd, 0), 'c');
    unlink("h");
    s[PGSIZE] = 'k';
    check_eq("a file without a name can be written to by a map", byte_of(fd, PGSIZE), 'k');
    close(fd);
    check_eq("and is there as long as the map", s[PGSIZE], 'k');
    unmap(s + PGSIZE, PGSIZE);
    check_eq("of which a part can go", s[0], 'c');
    unmap(s, PGSIZE);
    unmap(p, 2 * PGSIZE);
}

/* The same bytes by two ways: for the host, who compares the disk's files. Each change comes after
   the one before was written back, and must be noticed anew: a right to write that is left in an
   entry, or in a TLB, loses it. */
static void for_the_disk(void)
{
    int fd = make("mapped", 3 * PGSIZE, '-'), copy;
    char *s = map(fd, 3 * PGSIZE, SHARED_RW, 0);

    for (int i = 0; i < 6; i++) {
        s[i] = 'a' + i;
        s[PGSIZE + i] = 'A' + i;
        s[2 * PGSIZE] = '0' + i;
        switch (i % 3) {
        case 0: check_eq("msync", msync((uintptr_t)s, 3 * PGSIZE), 0); break;
        case 1: check_eq("fsync", fsync(fd), 0); break;
        case 2: check_eq("sync", sync(), 0);
        }
    }
    /* Nothing comes between that would make the TLB forget by itself, as a print does. */
    s[2 * PGSIZE + 100] = 'j';
    s[2 * PGSIZE + 101] = 'k';
    assert(msync((uintptr_t)s, PGSIZE) == 0);
    s[2 * PGSIZE + 102] = 'l';
    s[100] = 'm';
    assert(msync((uintptr_t)s, PGSIZE) == 0);
    s[101] = 'n';
    copy = make("written", 3 * PGSIZE, '-');
    seek(copy, 0, LSEEK_SET);
    check_eq("a write whose bytes are in a map", write(copy, s, 3 * PGSIZE), 3 * PGSIZE);
    s[102] = 'o';
    put_byte(copy, 102, 'o');
    close(fd);
    close(copy);
    check_eq("the flusher comes while a page is dirty", sleep(150), 0);
    /* The map goes by exit. */
}

/* mmap_file() and what it says. */
static int try_map(int fd, size_t n, uint32_t flags, off_t offset)
{
    uintptr_t addr = 0;
    int error = mmap_file(&addr, n, flags, fd, offset);

    if (error == 0)
        munmap(addr, n);
    return error;
}

static void refused(void)
{
    int fd = make("e", PGSIZE, 'e'), ro = open("e", O_RDONLY), wo = open("e", O_WRONLY);
    int dir = open("/", O_RDONLY), runs = open("/bin/true", O_RDWR), p[2];
    uintptr_t addr;

    check_eq("no length", try_map(fd, 0, SHARED, 0), -E_INVAL);
    check_eq("an offset inside of a page", try_map(fd, PGSIZE, SHARED, 512), -E_INVAL);
    check_eq("an offset below 0", try_map(fd, PGSIZE, SHARED, -PGSIZE), -E_INVAL);
    check_eq("an offset that is too large", try_map(fd, 2 * PGSIZE, SHARED,
                                                    0x7ffffffffffff000), -E_INVAL);
    check_eq("a length that is too large", try_map(fd, 1UL << 50, SHARED, 0), -E_NO_MEM);
    check_eq("no descriptor", try_map(99, PGSIZE, SHARED, 0), -E_INVAL);
    check_eq("flags that are not known", try_map(fd, PGSIZE, SHARED | 1, 0), -E_INVAL);
    check_eq("a file as a stack", try_map(fd, PGSIZE, MMAP_FILE | MMAP_STACK, 0), -E_INVAL);
    check_eq("shared memory without a file", try_map(fd, PGSIZE, MMAP_SHARED, 0), -E_INVAL);
    check_eq("a file that is open only for reading, to write", try_map(ro, PGSIZE, SHARED_RW, 0),
             -E_INVAL);
    check_eq("the same, private", try_map(ro, PGSIZE, PRIVATE_RW, 0), 0);
    check_eq("the same, shared, to read", try_map(ro, PGSIZE, SHARED, 0), 0);
    check_eq("a file that is open only for writing", try_map(wo, PGSIZE, SHARED_RW, 0), -E_INVAL);
    check_eq("a directory", try_map(dir, PGSIZE, MMAP_FILE, 0), -E_ISDIR);
    check_eq("the console", try_map(0, PGSIZE, MMAP_FILE, 0), -E_INVAL);
    assert(pipe(p) == 0);
    check_eq("a pipe", try_map(p[0], PGSIZE, MMAP_FILE, 0), -E_INVAL);
    addr = (uintptr_t)map(fd, PGSIZE, SHARED_RW, 1L << 40);
    expect_killed("an access far behind the end", read_from, addr);
    check_eq("msync inside of a page", msync(addr + 8, PGSIZE), -E_INVAL);
    check_eq("msync of nothing", msync(addr, 0), 0);
    check_eq("msync where nothing is mapped", msync(addr + PGSIZE, PGSIZE), -E_FAULT);
    check_eq("msync of the kernel", msync(KERNEL_TEXT, PGSIZE), -E_FAULT);
    check_eq("msync of too much", msync(addr, (size_t)-1), -E_INVAL);
    check_eq("msync of memory that is no file's",
             msync((uintptr_t)buf / PGSIZE * PGSIZE, PGSIZE), 0);
    /* A program that is mapped to be written does not run, though it is not open any more. */
    addr = (uintptr_t)map(runs, PGSIZE, SHARED_RW, 0);
    close(runs);
    const char *argv[] = { "/bin/true", NULL };
    check_eq("a program that may be written to by a map does not run", __exec("/bin/true", argv),
             -E_BUSY);
    munmap(addr, PGSIZE);
    int pid = fork();
    if (pid == 0)
        exit(__exec("/bin/true", argv));
    int code = -1;
    assert(waitpid(pid, &code) == 0);
    check_eq("when the map has gone it does", code, 0);
}

/* Truncate, and what is behind the end. */
static void cut(void)
{
    int fd = make("t", 4 * PGSIZE, 't');
    char *s = map(fd, 5 * PGSIZE, SHARED_RW, 0), *p = map(fd, 4 * PGSIZE, PRIVATE_RW, 0);

    expect_killed("an access behind the end", read_from, (uintptr_t)s + 4 * PGSIZE);
    expect_killed("a write behind the end", write_to, (uintptr_t)s + 4 * PGSIZE);
    s[2 * PGSIZE] = s[3 * PGSIZE] = p[3 * PGSIZE] = 'u';
    check_eq("another page is read", p[2 * PGSIZE], 'u');
    assert(ftruncate(fd, 2 * PGSIZE + 10) == 0);
    expect_killed("an access behind a new end", read_from, (uintptr_t)s + 3 * PGSIZE);
    expect_killed("the same in a private map", read_from, (uintptr_t)p + 3 * PGSIZE);
    check_eq("what is before the end is there", s[2 * PGSIZE + 9], 't');
    check_eq("in the last page there are zeros behind it", s[2 * PGSIZE + 10], 0);
    s[2 * PGSIZE + 20] = 'v';
    assert(ftruncate(fd, 4 * PGSIZE) == 0);
    check_eq("the file grows by zeros, whatever was written behind its end",
             byte_of(fd, 2 * PGSIZE + 20), 0);
    check_eq("and memory too", s[3 * PGSIZE], 0);
    s[3 * PGSIZE] = 'w';
    check_eq("which can be written to", byte_of(fd, 3 * PGSIZE), 'w');
    /* What is freed is another file's soon: nobody may still have it mapped. */
    s[PGSIZE] = p[PGSIZE];
    assert(ftruncate(fd, 0) == 0);
    int other = make("o", 4 * PGSIZE, 'o');
    expect_killed("an access to a file without bytes", read_from, (uintptr_t)s + PGSIZE);
    assert(ftruncate(fd, 4 * PGSIZE) == 0);
    s[PGSIZE] = 'x';
    check_eq("blocks that were freed are not written to", byte_of(other, PGSIZE), 'o');
    check_eq("nor read", s[PGSIZE + 1], 0);
    check_eq("nor in a private map", p[PGSIZE + 1], 0);
    check_eq("msync of a part without bytes", msync((uintptr_t)s, 4 * PGSIZE), 0);
    close(other);
    close(fd);
}

/* Blocks of a file. */
static size_t blocks_of(int fd)
{
    struct stat st;

    assert(fstat(fd, &st) == 0);
    return st.st_blocks;
}

static void holes(void)
{
    int fd = make("s", 0, 0);
    char *a, *b, *p;

    assert(ftruncate(fd, 40 * PGSIZE) == 0);
    a = map(fd, 40 * PGSIZE, SHARED_RW, 0);
    b = map(fd, 40 * PGSIZE, SHARED, 0);
    p = map(fd, 40 * PGSIZE, PRIVATE_RW, 0);
    check_eq("a hole is zeros", a[0] | b[0] | p[0] | b[PGSIZE] | p[PGSIZE], 0);
    check_eq("and stays one when it is read", blocks_of(fd), 0);
    p[2 * PGSIZE] = 'p';
    check_eq("a private write to a hole is there", p[2 * PGSIZE], 'p');
    check_eq("and fills none", blocks_of(fd), 0);
    a[0] = '1';
    check_eq("a write to a hole is seen where it was read before", b[0], '1');
    check_eq("in a private map too", p[0], '1');
    check_eq("and by read()", byte_of(fd, 0), '1');
    check_eq("the file has a block more", blocks_of(fd), 1);
    check_eq("the rest is zeros", a[1] | a[PGSIZE - 1], 0);
    put_byte(fd, PGSIZE, '2');
    check_eq("what write() puts into a hole is seen where it was read before", b[PGSIZE], '2');
    check_eq("by all", a[PGSIZE] == '2' && p[PGSIZE] == '2', true);
    for (int i = 12; i < 40; i++)
        a[i * PGSIZE] = i;
    check_eq("holes behind the direct blocks get theirs, and one of numbers", blocks_of(fd),
             2 + 28 + 1);
    check_eq("a write of a hole of the same file to another of its holes",
             seek(fd, 3 * PGSIZE, LSEEK_SET) > 0 ? write(fd, b + 4 * PGSIZE, PGSIZE) : -1, PGSIZE);
    check_eq("is zeros", b[3 * PGSIZE], 0);
    a[3 * PGSIZE] = '3';
    check_eq("and is seen", b[3 * PGSIZE], '3');
    __atomic_fetch_add((int *)(a + 5 * PGSIZE), 5, __ATOMIC_RELAXED);
    check_eq("one instruction that reads a hole and writes to it", b[5 * PGSIZE], 5);
    close(fd);
}

/* More pages than the journal has room for, and than may be dirty at a time. */
static void many(void)
{
    const int pages = 400;
    int fd = make("m", 0, 0), wrong = 0;
    char *a;

    assert(ftruncate(fd, pages * PGSIZE) == 0);
    a = map(fd, pages * PGSIZE, SHARED_RW, 0);
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < pages; i++)
            *(int *)(a + i * PGSIZE) = i * round;
        if (round < 3)
            check_eq("msync of many pages", msync((uintptr_t)a, pages * PGSIZE), 0);
    }
    for (int i = 0; i < pages; i++) {
        int value;

        seek(fd, i * PGSIZE, LSEEK_SET);
        assert(read(fd, &value, sizeof(value)) == sizeof(value));
        wrong += value != i * 3;
    }
    check_eq("all of them are in the file", wrong, 0);
    close(fd);
}

/* Write to page after page until that ends the process. */
static void fill(uintptr_t addr)
{
    for (int i = 0; i < 4000; i++)
        ((char *)addr)[i * PGSIZE] = 'f';
}

static void full(void)
{
    int fd = make("big", 0, 0), other = make("small", PGSIZE, 's');
    struct fsinfo info;
    char *a, *s;

    assert(ftruncate(fd, 4000 * PGSIZE) == 0);
    a = map(fd, 4000 * PGSIZE, SHARED_RW, 0);
    s = map(other, PGSIZE, SHARED_RW, 0);
    expect_killed("a write to a hole on a full disk", fill, (uintptr_t)a);
    assert(fsinfo(&info) == 0);
    check_eq("no block is left", info.free_blocks, 0);
    check_eq("what has a block can be written to", a[0], 'f');
    a[1] = 'g';
    s[0] = 't';
    check_eq("also of other files", byte_of(other, 0), 't');
    check_eq("a hole can still be read", a[3999 * PGSIZE], 0);
    seek(other, 0, LSEEK_SET);
    check_eq("but nothing be read into it", read(other, a + 3999 * PGSIZE, 10), -E_NO_SPACE);
    assert(ftruncate(fd, PGSIZE) == 0 && ftruncate(fd, 4000 * PGSIZE) == 0);
    a[3999 * PGSIZE] = 'h';
    check_eq("with room it can", byte_of(fd, 3999 * PGSIZE), 'h');
    close(fd);
}

/* Every page is read, and some are written to, in a machine that has less memory than that. */
static void large(void)
{
    const int chunks = 1600;
    int fd = make("large", 0, 0), wrong = 0;

    for (int i = 0; i < chunks; i++) {
        memset(buf, i, sizeof(buf));
        assert(write(fd, buf, sizeof(buf)) == sizeof(buf));
    }
    char *a = map(fd, chunks * sizeof(buf), SHARED_RW, 0);
    for (size_t at = 0; at < chunks * sizeof(buf); at += PGSIZE) {
        wrong += a[at] != (char)(at / sizeof(buf));
        if (at % (16 * PGSIZE) == 0)
            a[at + 1] = 'L';
    }
    check_eq("a large file is read by a map", wrong, 0);
    for (size_t at = 0; at < chunks * sizeof(buf); at += 16 * PGSIZE)
        wrong += byte_of(fd, at + 1) != 'L';
    check_eq("and has what was written to it", wrong, 0);
    close(fd);
}

#define CROWD       6
#define TURNS       40

/* Of the file "crowd" each has a page for itself, which only it writes to, by turns in a map and by
   write(); the last page is cut off and given back by all. What one has written it must find. */
static int in_crowd(void *arg)
{
    int self = (intptr_t)arg, fd = open("crowd", O_RDWR);
    char *a = map(fd, (CROWD + 1) * PGSIZE, SHARED_RW, 0), *mine = a + self * PGSIZE;

    for (int i = 1; i <= TURNS; i++) {
        char c = i;

        if (i % 3 == 0) {
            put_byte(fd, self * PGSIZE, c);
        } else {
            mine[0] = c;
            mine[PGSIZE - 1] = c;
        }
        if (i % 8 == self)
            msync((uintptr_t)a, PGSIZE);
        if (i % 10 == self)
            ftruncate(fd, (CROWD + i % 2) * PGSIZE);
        if (mine[0] != c || byte_of(fd, self * PGSIZE) != c)
            return i;
        if (i % 16 == self) {
            unmap(a, (CROWD + 1) * PGSIZE);
            a = map(fd, (CROWD + 1) * PGSIZE, SHARED_RW, 0);
            mine = a + self * PGSIZE;
        }
    }
    for (int i = 0; i < CROWD; i++)
        if (a[i * PGSIZE] > TURNS)
            return -1;
    close(fd);
    return 0;
}

static void crowd(void)
{
    int fd = make("crowd", 0, 0);

    assert(ftruncate(fd, CROWD * PGSIZE) == 0);
    run_together(CROWD, false, in_crowd);
    for (int i = 0; i < CROWD; i++)
        check_eq("each page has what its writer wrote last", byte_of(fd, i * PGSIZE), TURNS);
    /* For the host, who compares the two files of the disk. */
    int copy = make("copy", 0, 0);
    assert(ftruncate(fd, CROWD * PGSIZE) == 0 && seek(fd, 0, LSEEK_SET) == 0);
    for (int i = 0; i < CROWD; i++)
        assert(read(fd, buf, PGSIZE) == PGSIZE && write(copy, buf, PGSIZE) == PGSIZE);
    close(copy);
    close(fd);
}

int main(int argc, char **argv)
{
    const struct { const char *name; void (*body)(void); } parts[] = {
        { "errors", refused }, { "cut", cut }, { "holes", holes }, { "many", many },
        { "full", full }, { "large", large }, { "crowd", crowd },
    };

    for (size_t i = 0; argc > 1 && i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strcmp(argv[1], parts[i].name) == 0) {
            parts[i].body();
            return check_done();
        }
    one_process();
    private_map();
    two_processes();
    for_the_disk();
    return check_done();
}
