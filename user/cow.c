/* cow: copy-on-write as programs see it.

   After fork each process has its own memory, whoever writes first and however many share a page,
   and memory that was read-only stays so. At the checkpoint "shared" the grader looks at the page
   tables itself: both processes must have the page of `memory` without W and with the mark. */
#include <report.h>
#include <testing.h>
#include <ulib.h>

#define PAGES           32
#define DEPTH           4
#define SHARING_TICKS   10

/* The grader looks for it by this name at the checkpoint, so it is not static. */
volatile int memory[PAGES][PGSIZE / sizeof(int)] __attribute__((aligned(PGSIZE)));
static const int constant = 7;

static void fill(int value)
{
    for (int i = 0; i < PAGES; i++)
        memory[i][i] = value + i;
}

static void check_pages(int value)
{
    for (int i = 0; i < PAGES; i++)
        if (memory[i][i] != value + i)
            panic("process %d reads %d in page %d, not its own %d", getpid(), memory[i][i], i,
                  value + i);
}

static void read_page(uintptr_t unused)
{
    (void)unused;
    exit(memory[0][0]);
}

static void write_page(uintptr_t value)
{
    fill(value);
    check_pages(value);
}

/* The child sleeps until its parent has reached the checkpoint and has written. At the checkpoint
   both still share all pages of `memory`. */
static void check_pair(void)
{
    int code = -1, pid;

    fill(10);
    check_eq("a child reads what its parent wrote", child_code(read_page, 0), 10);
    check_eq("a child reads what it wrote itself", child_code(write_page, 20), 0);
    check_eq("the parent's page keeps its value when the child writes", memory[0][0], 10);
    pid = fork();
    assert(pid >= 0);
    if (pid == 0) {
        sleep(SHARING_TICKS);
        exit(memory[0][0]);
    }
    checkpoint("shared");
    fill(30);
    assert(waitpid(pid, &code) == 0);
    check_eq("the child's page keeps its value when the parent writes", code, 10);
    check_eq("the parent reads what it wrote itself", memory[0][0], 30);
}

/* The parent writes right before and right after the fork. So the TLB still has the page as
   writable if the fork did not flush it, and the second write would reach the child. */
static void check_flush(void)
{
    int code = -1, pid;

    memory[0][0] = 40;
    pid = fork();
    if (pid == 0)
        exit(memory[0][0]);
    memory[0][0] = 41;
    assert(pid > 0 && waitpid(pid, &code) == 0);
    check_eq("the child does not see what its parent writes at once after the fork", code, 40);
}

static void check_readonly(void)
{
    expect_killed("write into the text", write_to, (uintptr_t)check_readonly);
    expect_killed("write into a constant", write_to, (uintptr_t)&constant);
}

/* A chain of processes with memory on the stack and in data. Processes of an even depth write
   before their child has looked, the others after it has ended. */
static void family(int depth)
{
    volatile int local = depth;
    int code;

    check_readonly();
    if (depth == DEPTH)
        return;
    int pid = fork();

    assert(pid >= 0);
    if (pid == 0) {
        yield_often(10);
        check_pages(100 * depth);
        assert(local == depth);
        fill(100 * (depth + 1));
        family(depth + 1);
        check_pages(100 * (depth + 1));
        exit(0);
    }
    if (depth % 2 == 0) {
        fill(-100 * depth - 50);
        local = -1;
        check_pages(-100 * depth - 50);
    }
    assert(waitpid(pid, &code) == 0 && code == 0);
    if (depth % 2 == 0)
        check_pages(-100 * depth - 50);
    else
        check_pages(100 * depth);
    fill(100 * depth);                          /* no other process has these now */
    check_pages(100 * depth);
}

/* Many children share the same pages, and every second one writes. */
static void siblings(void)
{
    int pids[8], code = -1, good = 0;

    fill(5000);
    for (int i = 0; i < 8; i++) {
        pids[i] = fork();
        assert(pids[i] >= 0);
        if (pids[i] == 0) {
            check_pages(5000);
            if (i % 2 == 0) {
                fill(6000 + i);
                yield_often(5);
                check_pages(6000 + i);
            }
            exit(0);
        }
    }
    for (int i = 0; i < 8; i++)
        if (waitpid(pids[i], &code) == 0 && code == 0)
            good++;
    check_eq("each of 8 children that share pages finds its own values", good, 8);
    check_pages(5000);
}

int main(void)
{
    check_pair();
    check_flush();
    fill(0);
    family(0);
    siblings();
    check_eq("a constant keeps its value", *(const volatile int *)&constant, 7);
    return check_done();
}
