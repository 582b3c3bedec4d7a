/* pageout MIB: what programs do with pages that are out of memory.

   Each part begins with an area of so many MiB, which is more than there is memory, filled with
   what a formula says, so most of it is out. Then it is forked, copied on write, read, unmapped,
   given to the kernel, and left behind by processes that end or are killed while their pages are on
   their way. What is left behind, pages or slots of the disk, the leak check finds. */
#include <error.h>
#include <file.h>
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define KILLS           12
#define THREADS         3

static uint64_t *memory;
static size_t pages;

static uint64_t value(uint64_t owner, size_t page)
{
    return (owner << 32 | page) * 0x9e3779b97f4a7c15UL;
}

static uint64_t *word_of(size_t page)
{
    return &memory[page * (PGSIZE / 8) + page % (PGSIZE / 8)];
}

/* Each step-th page, from the first on. */
static void fill(uint64_t owner, size_t first, size_t step)
{
    for (size_t page = first; page < pages; page += step)
        *word_of(page) = value(owner, page);
}

/* How many of them are not as the owner has filled them. */
static int wrong(uint64_t owner, size_t first, size_t step)
{
    int n = 0;

    for (size_t page = first; page < pages; page += step)
        n += *word_of(page) != value(owner, page);
    return n;
}

/* Two generations, each of which writes to a part of the pages that it shares. */
static void grandchild(uintptr_t unused)
{
    (void)unused;
    assert(wrong(1, 0, 2) == 0 && wrong(2, 1, 2) == 0);
    fill(3, 0, 3);
    assert(wrong(3, 0, 3) == 0);
}

static void child(uintptr_t unused)
{
    (void)unused;
    assert(wrong(1, 0, 1) == 0);
    fill(2, 1, 2);
    assert(child_code(grandchild, 0) == 0);
    assert(wrong(1, 0, 2) == 0 && wrong(2, 1, 2) == 0);
}

static void check_fork(void)
{
    fill(1, 0, 1);
    check_eq("a child, and its child, have their own pages", child_code(child, 0), 0);
    check_eq("the parent's pages are as they were", wrong(1, 0, 1), 0);
}

/* A part goes while it is out; what is mapped there again is zeros, and its neighbours are whole.
   */
static void check_unmap(void)
{
    uintptr_t start = (uintptr_t)memory + pages / 4 * PGSIZE;
    size_t n = pages / 4;
    int other = 0;

    fill(4, 0, 1);
    check_eq("pages that are out are unmapped", munmap(start, n * PGSIZE), 0);
    check_eq("and mapped again", mmap(&start, n * PGSIZE, MMAP_WRITE), 0);
    for (size_t page = pages / 4; page < pages / 4 + n; page++)
        other += *word_of(page) != 0;
    check_eq("new pages are zeros", other, 0);
    check_eq("the other pages are as they were", wrong(4, 0, 1), (long)n);
}

/* The kernel reads and writes pages that are out, and pages that are shared. */
static void check_kernel(void)
{
    int fd[2], bad = 0;

    fill(5, 0, 1);
    assert(pipe(fd) == 0);
    for (size_t page = 0; page + 1 < pages; page += 2) {
        bad += write(fd[1], word_of(page), 8) != 8;
        bad += read(fd[0], word_of(page + 1), 8) != 8;
        bad += *word_of(page + 1) != value(5, page);
    }
    close(fd[0]);
    close(fd[1]);
    check_eq("the kernel moves what is out", bad, 0);
}

/* Until somebody ends it. */
static void run_about(uintptr_t owner)
{
    for (;;) {
        fill(owner, owner % 7, 3);
        if (wrong(owner, owner % 7, 3) != 0)
            exit(1);
    }
}

/* Children whose pages come and go are killed after a while that is a little longer each time; some
   end by themselves in the middle. */
static void check_kill(void)
{
    int code, bad = 0;

    fill(6, 0, 1);
    for (int i = 0; i < KILLS; i++) {
        int pid = fork();

        assert(pid >= 0);
        if (pid == 0) {
            fill(10 + i, 0, 2);
            if (i % 3 == 0)
                exit(-E_KILLED);
            run_about(10 + i);
        }
        yield_often(1 + i);
        kill(pid);
        assert(waitpid(pid, &code) == 0);
        bad += code != -E_KILLED;
    }
    check_eq("who is killed while pages come and go ends", bad, 0);
    check_eq("its parent's pages are as they were", wrong(6, 0, 1), 0);
}

/* Threads share what is out: each writes to pages of its own, and reads those of the others. */
static int thread_main(void *arg)
{
    uint64_t me = (uintptr_t)arg;

    for (int round = 0; round < 2; round++) {
        fill(20 + me, me, THREADS);
        if (wrong(20 + me, me, THREADS) != 0)
            return 1;
    }
    return 0;
}

/* It becomes another program with its pages out. */
static void become_true(uintptr_t unused)
{
    (void)unused;
    fill(8, 0, 1);
    exec("true");
    exit(1);
}

int main(int argc, char **argv)
{
    uintptr_t area = 0;
    int bad = 0;

    pages = (size_t)number_argument(argc, argv, 1, 1) * 256;
    assert(mmap(&area, pages * PGSIZE, MMAP_WRITE) == 0);
    memory = (uint64_t *)area;
    check_fork();
    check_unmap();
    check_kernel();
    run_together(THREADS, true, thread_main);
    for (int i = 0; i < THREADS; i++)
        bad += wrong(20 + i, i, THREADS);
    check_eq("threads share pages that are out", bad, 0);
    check_eq("a process with pages that are out becomes another program",
             child_code(become_true, 0), 0);
    check_kill();
    return check_done();
}
