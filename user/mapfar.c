/* The last page that a file can have, in memory: its place in the file needs 32 bits, and that of
   the next page, which is behind the end, 33. What seek() returns there does not matter: the test
   is of maps, and that is lab 8's subject. */
#include <error.h>
#include <file.h>
#include <report.h>
#include <stat.h>
#include <testing.h>
#include <ulib.h>

#define SIZE        0xffffffffL             /* of the largest file */
#define LAST        (SIZE / PGSIZE * PGSIZE)
#define SHARED      (MMAP_FILE | MMAP_SHARED)

/* Map the last page, and one behind it. */
static char *map(int fd, uint32_t flags)
{
    uintptr_t addr = 0;

    check_eq("the end of a large file is mapped", mmap_file(&addr, 2 * PGSIZE, flags, fd, LAST), 0);
    return (char *)addr;
}

/* The byte that read() finds. */
static int byte_of(int fd, off_t at)
{
    unsigned char c;

    seek(fd, at, LSEEK_SET);
    return read(fd, &c, 1) == 1 ? c : -1;
}

static size_t blocks_of(int fd)
{
    struct stat st;

    assert(fstat(fd, &st) == 0 && st.st_size == SIZE);
    return st.st_blocks;
}

int main(void)
{
    int fd = open("far", O_RDWR | O_CREAT);

    assert(fd >= 0 && write(fd, "begin", 5) == 5 && ftruncate(fd, SIZE) == 0);
    char *s = map(fd, SHARED | MMAP_WRITE), *p = map(fd, MMAP_FILE | MMAP_WRITE);
    check_eq("it is a hole", s[0] | p[PGSIZE - 2], 0);
    s[0] = 's';
    check_eq("which is filled where it is", byte_of(fd, LAST), 's');
    check_eq("by a block of data, and two of numbers", blocks_of(fd), 1 + 3);
    check_eq("a private map of it shows that", p[0], 's');
    p[0] = 'p';
    check_eq("and has copies", byte_of(fd, LAST), 's');
    seek(fd, SIZE - 1, LSEEK_SET);
    check_eq("write() of the last byte", write(fd, "e", 1), 1);
    check_eq("is seen", s[PGSIZE - 2], 'e');
    expect_killed("the page behind", read_from, (uintptr_t)s + PGSIZE);
    expect_killed("a write to it", write_to, (uintptr_t)s + PGSIZE);
    check_eq("msync", msync((uintptr_t)s, PGSIZE), 0);
    assert(munmap((uintptr_t)s, 2 * PGSIZE) == 0);
    s = map(fd, SHARED);
    check_eq("what was written is found by a new map", s[0] == 's' && s[PGSIZE - 2] == 'e', true);
    check_eq("the begin of the file is what it was", byte_of(fd, 0), 'b');
    assert(ftruncate(fd, LAST) == 0);
    expect_killed("a page that was cut off", read_from, (uintptr_t)s);
    close(fd);
    return check_done();
}
