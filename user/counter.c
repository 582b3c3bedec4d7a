/* counter: threads count together, first without a mutex and then with one.

   To add one is to read, to add and to write. If another thread comes in between, what it has added
   is lost. How often that happens is chance: with one hart hardly ever, with several, or with the
   boot argument chaos=, nearly always. With the word "loss" the program fails unless it does. With
   the mutex nothing is lost. */
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <testing.h>
#include <ulib.h>

#define THREADS         4
#define COUNTS          20000

static int mutex;
static volatile int counter;            /* volatile: it is read and written each time */

static int count(void *unused)
{
    (void)unused;
    for (int i = 0; i < COUNTS; i++)
        counter = counter + 1;
    return 0;
}

static int count_with_mutex(void *unused)
{
    (void)unused;
    for (int i = 0; i < COUNTS; i++) {
        assert(mutex_lock(mutex) == 0);
        counter = counter + 1;
        assert(mutex_unlock(mutex) == 0);
    }
    return 0;
}

int main(int argc, char **argv)
{
    mutex = mutex_create();
    assert(mutex > 0);
    run_together(THREADS, true, count);
    int lost = THREADS * COUNTS - counter;

    cprintf("without a mutex %d of %d are lost\n", lost, THREADS * COUNTS);
    if (argc > 1 && strcmp(argv[1], "loss") == 0)
        check("without a mutex some are lost", lost > 0);
    counter = 0;
    run_together(THREADS, true, count_with_mutex);
    check_eq("with a mutex none is lost", counter, THREADS * COUNTS);
    return check_done();
}
