/* pagerandom SEED PAGES STEPS: processes do to their memory what is left to chance, and compare it
   with what it must be.

   Each process has the same area, and for each page of it a tag: what the page must hold follows
   from its tag by a formula, and 0 stands for zeros. By chance it writes pages, reads them, unmaps
   a part and maps it anew, has the kernel copy a page through a pipe, forks children, waits for
   them or kills them, and ends. The seed also takes in the time at the start, which with -icount
   depends on the boot arguments alone: so each chaos=SEED is another run, which can be had again.
   */
#include <error.h>
#include <file.h>
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define AREA            0x40000000UL
#define DEPTH           3               /* generations */
#define CHILDREN        2               /* of one process at a time */
#define WORDS           (PGSIZE / 8)
#define LOOKS           8               /* words of a page that are looked at each time */

struct state {
    uint64_t random;
    int pages, steps, depth, count;
    struct child {
        int pid;
        bool killed;
    } children[CHILDREN];
};

static uint32_t *tags;
static struct state self;

static uint64_t *page_at(int page)
{
    return (uint64_t *)(AREA + (uintptr_t)page * PGSIZE);
}

/* By xorshift. */
static uint32_t random_below(uint32_t limit)
{
    self.random ^= self.random << 13;
    self.random ^= self.random >> 7;
    self.random ^= self.random << 17;
    return (self.random >> 16) % limit;
}

static uint64_t word_of(uint32_t tag, int word)
{
    return tag == 0 ? 0 : ((uint64_t)tag << 9 | word) * 0x9e3779b97f4a7c15UL;
}

/* All of it: any word of the page may be looked at later. */
static void write_page(int page)
{
    tags[page] = random_below(UINT32_MAX - 1) + 1;
    for (int i = 0; i < WORDS; i++)
        page_at(page)[i] = word_of(tags[page], i);
}

static void check_page(int page, const char *what)
{
    for (int i = 0; i < LOOKS; i++) {
        int word = random_below(WORDS);

        if (page_at(page)[word] != word_of(tags[page], word))
            panic("process %d, generation %d, %s: word %d of page %d is %lx, but must be %lx",
                  getpid(), self.depth, what, word, page, page_at(page)[word],
                  word_of(tags[page], word));
    }
}

/* A few pages go, and are zeros when they come again. */
static void map_anew(void)
{
    int first = random_below(self.pages), n = 1 + random_below(16);
    uintptr_t start = (uintptr_t)page_at(first);

    if (n > self.pages - first)
        n = self.pages - first;
    assert(munmap(start, n * PGSIZE) == 0);
    assert(mmap(&start, n * PGSIZE, MMAP_WRITE) == 0);
    for (int i = first; i < first + n; i++)
        tags[i] = 0;
}

/* The kernel reads one page and writes another. */
static void through_pipe(void)
{
    int from = random_below(self.pages), to = random_below(self.pages), fd[2];

    if (pipe(fd) != 0)
        return;                         /* no memory for it, in a row */
    assert(write(fd[1], page_at(from), PGSIZE) == PGSIZE);
    assert(read(fd[0], page_at(to), PGSIZE) == PGSIZE);
    close(fd[0]);
    close(fd[1]);
    tags[to] = tags[from];
    check_page(to, "through a pipe");
}

static void wait_for(int i)
{
    struct child *child = &self.children[i];
    int code;

    assert(waitpid(child->pid, &code) == 0);
    if (code != 0 && !(child->killed && code == -E_KILLED))
        panic("process %d: its child %d ended with %d", getpid(), child->pid, code);
    *child = self.children[--self.count];
}

static void make_child(void)
{
    int pid;

    if (self.depth == DEPTH || self.count == CHILDREN)
        return;
    pid = fork();
    if (pid == 0) {
        self.depth++;
        self.count = 0;
        self.steps /= 2;
        self.random += getpid() * 0x9e3779b97f4a7c15UL;
    } else if (pid > 0) {
        self.children[self.count++] = (struct child){ .pid = pid };
    } else if (pid != -E_NO_MEM) {
        panic("fork: %e", pid);
    }
}

static void end_child(bool killed)
{
    if (self.count == 0)
        return;
    int i = random_below(self.count);

    if (killed) {
        self.children[i].killed = true;
        kill(self.children[i].pid);
    }
    wait_for(i);
}

static void step(void)
{
    uint32_t what = random_below(100);

    if (what < 40)
        write_page(random_below(self.pages));
    else if (what < 80)
        check_page(random_below(self.pages), "a look");
    else if (what < 84)
        map_anew();
    else if (what < 90)
        through_pipe();
    else if (what < 92)
        make_child();
    else if (what < 93)
        end_child(true);
    else if (what < 94)
        end_child(false);
    else
        yield();
}

int main(int argc, char **argv)
{
    int seed = number_argument(argc, argv, 1, 1);
    uintptr_t area = AREA, table = 0;

    self.pages = number_argument(argc, argv, 2, 512);
    self.steps = number_argument(argc, argv, 3, 500);
    asm volatile ("rdtime %0" : "=r" (self.random));
    self.random = (self.random + 1) * (2 * (uint64_t)seed + 1);
    assert(mmap(&area, self.pages * PGSIZE, MMAP_WRITE) == 0);
    assert(mmap(&table, ROUNDUP(self.pages * sizeof(*tags), PGSIZE), MMAP_WRITE) == 0);
    tags = (uint32_t *)table;
    while (self.steps-- > 0)
        step();
    while (self.count > 0)
        wait_for(0);
    for (int i = 0; i < self.pages; i++)
        check_page(i, "at the end");
    if (self.depth > 0)
        exit(0);
    check("all processes had what they had written", true);
    return check_done();
}
