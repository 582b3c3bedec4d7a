/* pagetext [several]: the program that user/pagefile.c makes large: see there. What is wrong is
   told by a message and an exit code that is not 0; its parent alone reports.

   Its functions are not in this file: pagefile writes a file "/big" that has this program and they
   are in its text too, a page each. With an argument three processes run it first. */
#include <pressure.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

/* The calls that do not return what they should. */
static int call_all(void)
{
    int wrong = 0;

    for (size_t i = 0; i < FILE_PAGES; i++)
        wrong += ((int (*)(void))(FILE_TEXT + i * PGSIZE))() != (int)i;
    return wrong;
}

/* All of it, in one process. */
static int run_functions(__not_used void *arg)
{
    uint64_t *memory = new_memory(OTHER_PAGES);

    for (int round = 0; round < 3; round++) {
        if (call_all() != 0)
            panic("round %d: a function is not what it was", round);
        use_memory(memory, round);
    }
    /* All that was not called since is cold: it goes before what was just written. */
    long left = file_pages(OTHER_PAGES);
    if (left > FILE_PAGES / 4)
        panic("%ld pages of text are in memory, of %d that were not used", left, FILE_PAGES);
    if (call_all() != 0)
        panic("a function has not come back");
    return 0;
}

int main(int argc, __not_used char **argv)
{
    if (argc > 1)
        run_together(3, false, run_functions);
    return run_functions(NULL);
}
