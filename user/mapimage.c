/* Files of the kernel's image in memory: nobody can change them, so they are mapped private, or
   shared by those who only read. What is seen must be what read() gives, and no program may change
   by it. There is no disk. */
#include <dir.h>
#include <error.h>
#include <file.h>
#include <report.h>
#include <stat.h>
#include <stdio.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define PRIVATE     MMAP_FILE
#define PRIVATE_RW  (MMAP_FILE | MMAP_WRITE)
#define SHARED      (MMAP_FILE | MMAP_SHARED)
#define FILE_NAME   "/bin/true"

static char page[PGSIZE];

/* Map the whole file, which must be possible. */
static char *map(int fd, size_t n, uint32_t flags)
{
    uintptr_t addr = 0;
    int error = mmap_file(&addr, n, flags, fd, 0);

    if (error != 0)
        panic("a file of the image cannot be mapped: %e", error);
    return (char *)addr;
}

/* How many bytes of the map are not the file's, or, behind its end, not zero. */
static size_t wrong_bytes(const char *map, int fd, size_t pages)
{
    size_t wrong = 0;

    assert(seek(fd, 0, LSEEK_SET) == 0);
    for (size_t i = 0; i < pages; i++) {
        memset(page, 0, PGSIZE);
        assert(read(fd, page, PGSIZE) > 0);
        for (size_t at = 0; at < PGSIZE; at++)
            wrong += map[i * PGSIZE + at] != page[at];
    }
    return wrong;
}

/* The last page of each program: what lies behind it in the image must not be seen. */
static void last_pages(void)
{
    DIR *dir = opendir("/bin");
    size_t wrong = 0, files = 0;
    struct dirent *entry;

    assert(dir != NULL && chdir("/bin") == 0);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->name[0] == '.')
            continue;
        int fd = open(entry->name, O_RDONLY);
        struct stat st;

        assert(fd >= 0 && fstat(fd, &st) == 0);
        char *p = map(fd, ROUNDUP(st.st_size, PGSIZE), PRIVATE);
        for (size_t at = st.st_size; at % PGSIZE != 0; at++)
            wrong += p[at] != 0;
        assert(munmap((uintptr_t)p, st.st_size) == 0);
        close(fd);
        files++;
    }
    closedir(dir);
    check_eq("there are other programs", files > 1, true);
    check_eq("behind the end of each there are zeros", wrong, 0);
}

/* A new process runs the file: its exit code. */
static int run(void)
{
    const char *argv[] = { FILE_NAME, NULL };
    int code = -1, pid = fork();

    if (pid == 0)
        exit(__exec(FILE_NAME, argv));
    assert(pid > 0 && waitpid(pid, &code) == 0);
    return code;
}

/* In a child: overwrite the first page of a private map; 0 if that is what is there then. */
static void overwrite(uintptr_t addr)
{
    memset((char *)addr, 'c', PGSIZE);
    exit(((char *)addr)[PGSIZE - 1] != 'c');
}

/* All pages are written to, and then each map but the writer's, and the program, are as before. */
static void private_writes(int fd, size_t n, const char *other)
{
    char *own = map(fd, n, PRIVATE_RW);
    const size_t pages = n / PGSIZE;

    check_eq("a private map that may be written shows the file", wrong_bytes(own, fd, pages), 0);
    for (size_t i = 0; i < pages; i++)
        own[i * PGSIZE] = 'w';
    check_eq("what is written to it is there", own[0] == 'w' && own[n - PGSIZE] == 'w', true);
    check_eq("beside what was there before", own[1], 'E');
    check_eq("and not in the file, nor in another map", wrong_bytes(other, fd, pages), 0);
    check_eq("the program runs as before", run(), 0);
    check_eq("a child writes to its copy", child_code(overwrite, (uintptr_t)own), 0);
    check_eq("which is not its parent's", own[1], 'E');
    assert(munmap((uintptr_t)own, n) == 0);
    own = map(fd, n, PRIVATE_RW);
    check_eq("a child writes first", child_code(overwrite, (uintptr_t)own), 0);
    check_eq("which its parent does not see", wrong_bytes(own, fd, pages), 0);
    /* The map goes by exit. */
}

int main(void)
{
    int fd = open(FILE_NAME, O_RDONLY), dir = open("/bin", O_RDONLY);
    struct stat st;
    uintptr_t addr = 0;

    assert(fd >= 0 && fstat(fd, &st) == 0);
    const size_t n = ROUNDUP(st.st_size, PGSIZE);
    check_eq("the file ends inside of a page", n > st.st_size, true);
    char *p = map(fd, n + PGSIZE, PRIVATE), *s = map(fd, n, SHARED), *second;
    check_eq("a private map shows the file, and zeros behind", wrong_bytes(p, fd, n / PGSIZE), 0);
    expect_killed("an access behind the file's last page", read_from, (uintptr_t)p + n);
    expect_killed("a write to what may only be read", write_to, (uintptr_t)p);
    private_writes(fd, n, p);
    check_eq("a shared map shows the file", wrong_bytes(s, fd, n / PGSIZE), 0);
    expect_killed("a write to a shared map", write_to, (uintptr_t)s);
    check_eq("a shared map to write", mmap_file(&addr, PGSIZE, SHARED | MMAP_WRITE, fd, 0),
             -E_INVAL);
    check_eq("a directory of the image", mmap_file(&addr, PGSIZE, PRIVATE, dir, 0), -E_ISDIR);
    check_eq("msync has nothing to do", msync((uintptr_t)s, n), 0);
    check_eq("from the second page on", mmap_file(&addr, PGSIZE, PRIVATE, fd, PGSIZE), 0);
    second = (char *)addr;
    check_eq("that page is shown", memcmp(second, s + PGSIZE, PGSIZE), 0);
    close(fd);
    assert(munmap((uintptr_t)p, n + PGSIZE) == 0);
    check_eq("a map outlives the descriptor, and other maps", s[1], 'E');
    check_eq("and the program runs", run(), 0);
    last_pages();
    return check_done();
}
