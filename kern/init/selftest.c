/* Finding and running a self test, at its stage: see init.h. The tests are in the section
   .selftests, as a table that the linker collects; the boot argument `selftest=` has the name of
   one. A test tells what it checks by libs/report.h, of which the kernel's side is defined here:
   its lines go to the console. The grader knows a line by the place that it was printed from, so
   the code of this file lies next to that of the tests (tools/kernel.ld).

   A test of STAGE_BOOT is checked for leaks at once, because nothing else runs; after one of
   STAGE_CHILD init_main() does it; and the threads of one of STAGE_INIT may still be there. */
#ifdef CHECK
#include <debug/check.h>
#endif
#include <debug/printk.h>
#include <error.h>
#include <init/init.h>
#include <report.h>
#include <riscv/power.h>
#include <string.h>

extern const struct selftest selftests_start[], selftests_end[];

struct report_side report_side = { .print = print_bytes };

/* The self test of a name, or NULL. */
static const struct selftest *find_selftest(const char *name)
{
    for (const struct selftest *test = selftests_start; test < selftests_end; test++)
        if (strcmp(test->name, name) == 0)
            return test;
    return NULL;
}

/* Run it. Returns how many of its checks failed. A test that panics does not come back; its [done]
   line is missing then, by which the grader knows. */
static int selftest_call(const struct selftest *test)
{
    report_side.subject = test->name;
    test->run();
    return check_done();
}

/* A name that is unknown is not told of here: no stage would be its own. selftest_thread() tells,
   when it is the turn of STAGE_CHILD. The exit status is 0 or 1: whether a check failed, or memory
   is lost. */
void selftest_run(const struct bootargs *args, enum selftest_stage stage)
{
    const struct selftest *test = args->selftest != NULL ? find_selftest(args->selftest) : NULL;

    if (test == NULL || test->stage != stage)
        return;
    struct inventory before = inventory_take();
    bool failed = selftest_call(test) != 0;
    if (stage == STAGE_BOOT)            /* later its threads are still there */
        failed |= !inventory_check(&before);
    IF_CHECK(if (stage != STAGE_BOOT) failed |= !check_races());
    power_off(failed);
}

/* A thread of initproc, so that the test is a process like others: it may have children and
   sleep. */
int selftest_thread(void *name)
{
    const struct selftest *test = find_selftest(name);

    if (test != NULL)
        return selftest_call(test);
    cprintf("there is no self test \"%s\"; there are:", (const char *)name);
    for (test = selftests_start; test < selftests_end; test++)
        cprintf(" %s", test->name);
    cprintf("\n");
    return -E_NOENT;
}
