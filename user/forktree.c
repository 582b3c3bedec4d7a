/* forktree: a tree of processes.

   Each has two children, whose names are its own with 0 and with 1 behind it. The exit code of a
   process is the number of processes below it, and itself. */
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <ulib.h>

#define DEPTH   4

static int forktree(const char *name)
{
    char child_name[DEPTH + 1];
    int pids[2], code, count = 1;

    cprintf("%04x: I am '%s'\n", getpid(), name);
    if (strlen(name) == DEPTH)
        return count;
    for (int i = 0; i < 2; i++) {
        snprintf(child_name, sizeof(child_name), "%s%c", name, '0' + i);
        pids[i] = fork();
        if (pids[i] == 0)
            exit(forktree(child_name));
        assert(pids[i] > 0);
    }
    for (int i = 0; i < 2; i++) {
        assert(waitpid(pids[i], &code) == 0);
        count += code;
    }
    return count;
}

int main(void)
{
    int count = forktree("");

    if (count != (2 << DEPTH) - 1)
        panic("the tree has %d processes, not %d", count, (2 << DEPTH) - 1);
    cprintf("forktree pass.\n");
    return check_done();
}
