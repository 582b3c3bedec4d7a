/* Copy on write as programs see it: after fork each process has its own memory, whoever writes
   first and however many share a page, and what was read-only stays so. */
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define PAGES           32
#define DEPTH           4

static volatile int memory[PAGES][PGSIZE / sizeof(int)];
static const int constant = 7;

static void fill(int value)
{
    for (int i = 0; i < PAGES; i++)
        memory[i][i] = value + i;
}

static void check(int value)
{
    for (int i = 0; i < PAGES; i++)
        if (memory[i][i] != value + i)
            panic("process %d reads %d in page %d, not its own %d", getpid(), memory[i][i], i,
                  value + i);
}

static void check_readonly(void)
{
    expect_killed("write into the text", write_to, (uintptr_t)check_readonly);
    expect_killed("write into a constant", write_to, (uintptr_t)&constant);
}

/* A chain of processes with memory on the stack and in data. Each writes before its child has
   looked, or after it has ended, by the parity of its depth. */
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
        check(100 * depth);
        assert(local == depth);
        fill(100 * (depth + 1));
        family(depth + 1);
        check(100 * (depth + 1));
        exit(0);
    }
    if (depth % 2 == 0) {
        fill(-100 * depth - 50);
        local = -1;
        check(-100 * depth - 50);
    }
    assert(waitpid(pid, &code) == 0 && code == 0);
    if (depth % 2 == 0)
        check(-100 * depth - 50);
    else
        check(100 * depth);
    fill(100 * depth);                          /* the last one who has these pages */
    check(100 * depth);
}

/* Many children share the same pages; every second writes. */
static void siblings(void)
{
    int pids[8], code;

    fill(5000);
    for (int i = 0; i < 8; i++) {
        pids[i] = fork();
        assert(pids[i] >= 0);
        if (pids[i] == 0) {
            check(5000);
            if (i % 2 == 0) {
                fill(6000 + i);
                yield_often(5);
                check(6000 + i);
            }
            exit(0);
        }
    }
    for (int i = 0; i < 8; i++)
        assert(waitpid(pids[i], &code) == 0 && code == 0);
    check(5000);
}

int main(void)
{
    fill(0);
    family(0);
    siblings();
    assert(*(const volatile int *)&constant == 7);
    cprintf("cow pass.\n");
    return 0;
}
