/* Files in memory, as a program sees them: what mmap, msync, read, write and truncate promise of a
   file that is mapped.

       mapfile             all checks of one or two processes
       mapfile keep NAME   change a file by a map, msync, and never end: for who stops the machine */
#include <error.h>
#include <file.h>
#include <report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

static char buf[3 * PGSIZE];

static void smoke(void)
{
    int fd = open("f", O_RDWR | O_CREAT);
    uintptr_t a = 0;

    check("a file can be made", fd >= 0);
    memset(buf, 'x', sizeof(buf));
    check_eq("three pages are written", write(fd, buf, sizeof(buf)), sizeof(buf));
    check_eq("a file can be mapped shared",
             mmap_file(&a, 3 * PGSIZE, MMAP_FILE | MMAP_SHARED | MMAP_WRITE, fd, 0), 0);
    char *p = (char *)a;
    check_eq("shows bytes", p[PGSIZE], 'x');
    p[PGSIZE] = 'y';
    seek(fd, PGSIZE, LSEEK_SET);
    check_eq("read", read(fd, buf, 1), 1);
    check_eq("sees what was written to memory", buf[0], 'y');
    seek(fd, PGSIZE + 1, LSEEK_SET);
    check_eq("write", write(fd, "z", 1), 1);
    check_eq("memory sees what was written", p[PGSIZE + 1], 'z');
    p[PGSIZE] = 'w';
    check_eq("msync", msync(a, 3 * PGSIZE), 0);
    p[PGSIZE] = 'v';
    check_eq("munmap", munmap(a, 3 * PGSIZE), 0);
    seek(fd, PGSIZE, LSEEK_SET);
    check_eq("read", read(fd, buf, 1), 1);
    check_eq("sees what was written to memory", buf[0], 'v');
    close(fd);
}

int main(void)
{
    smoke();
    check_done();
    return 0;
}
