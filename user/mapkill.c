/* mapkill: a process is killed again and again while it changes a mapped file and writes it back.

   The child writes the number of a round to each page of "victim", from the first to the last, and
   calls msync(). Whenever it ends, what it has stored is in the file: so pages have the number of
   its last round up to some page, and that of the round before behind it. Nobody else has the file
   open then, so the end of the last area must not lose what msync() had not come to. The host
   compares the file on the disk with "copy", which is what read() has found; and the kernel's leak
   check sees blocks, pages and transactions that a killed call would keep. */
#include <file.h>
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define PAGES       24                  /* more than one transaction of a small journal takes */
#define KILLS       24

/* Words of the first page: the round that all pages have at least begun, and whether the process is
   in msync() for it. In the others the first word is the round. */
enum { ROUND, INSIDE };

static uint32_t words[PAGES][PGSIZE / 4];

static void write_rounds(void)
{
    volatile uint32_t (*page)[PGSIZE / 4];      /* in this order */
    int fd = open("victim", O_RDWR);
    uintptr_t addr = 0;

    assert(fd >= 0);
    assert(mmap_file(&addr, sizeof(words), MMAP_FILE | MMAP_SHARED | MMAP_WRITE, fd, 0) == 0);
    close(fd);
    page = (volatile uint32_t (*)[PGSIZE / 4])addr;
    for (uint32_t round = page[0][ROUND] + 1;; round++) {
        page[0][ROUND] = round;
        for (int i = 1; i < PAGES; i++)
            page[i][0] = round;
        page[0][INSIDE] = true;
        msync(addr, sizeof(words));
        page[0][INSIDE] = false;
    }
}

/* Read the first n pages of the file, which is open no longer than that. */
static void look(int n)
{
    int fd = open("victim", O_RDONLY);

    assert(fd >= 0 && read(fd, words, n * PGSIZE) == n * PGSIZE);
    close(fd);
}

/* Is each page of the last round, or, from some page on, of the one before? If the process was in
   msync() all were written. */
static bool whole(void)
{
    uint32_t last = words[0][ROUND];

    for (int i = 1; i < PAGES; i++) {
        if (words[i][0] != last && words[0][INSIDE])
            return false;
        if (words[i][0] + 1 == last)
            last--;
        if (words[i][0] != last || last + 1 < words[0][ROUND])
            return false;
    }
    return true;
}

/* Write what is in `words` to a file. */
static void put(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT);

    assert(fd >= 0 && write(fd, words, sizeof(words)) == sizeof(words));
    close(fd);
}

/* Kill a child `later` yields after it has begun, or at once if it is seen in msync(); the pages of
   its file are all of one round before. */
static void kill_one(uint32_t before, int later)
{
    int code, pid;

    for (int i = 0; i < PAGES; i++)
        words[i][0] = before;
    words[0][INSIDE] = false;
    put("victim");
    pid = fork();
    if (pid == 0)
        write_rounds();
    do {
        yield();
        look(1);
    } while (words[0][ROUND] == before || (later == 0 && !words[0][INSIDE]));
    yield_often(later);
    assert(kill(pid) == 0 && waitpid(pid, &code) == 0 && code != 0);
    look(PAGES);
}

int main(void)
{
    int torn = 0, inside = 0;

    for (int i = 0; i < KILLS; i++) {
        kill_one(words[0][ROUND], i % 4);
        torn += !whole();
        inside += words[0][INSIDE];
    }
    check_eq("what a killed process has stored is in the file", torn, 0);
    check("some were in msync", inside > 0);
    put("copy");
    return check_done();
}
