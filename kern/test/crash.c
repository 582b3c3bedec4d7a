/* Crash tests: what is there after the power has failed, at each write of each workload, and in
   each recovery; see crash.h.

   A workload is one check. What is wrong is told by lines before it: which crash it was, and what
   the checker says. The numbers behind it are those of the crashes, of the different disks that
   they left, and of those whose recovery had something to do.
   Alone: make grade GRADE=--all TEST=crash */
#include <report.h>
#include <riscv/sbi.h>
#include <string.h>
#include <test/crash.h>
#include <test/testlib.h>

static struct history history;

/* Mounting tells that it has finished a change. Here that would be the whole output. */
static void quiet_output(const char *s, size_t n)
{
    static const char end[] = "was finished\n";
    const size_t length = sizeof(end) - 1;

    if (n >= length && memcmp(s + n - length, end, length) == 0)
        return;
    while (n-- > 0)
        sbi_putchar(*s++);
}

/* Each workload is looked at twice at most: a recovery that fails, and one that fails again. */
static void test_crash(void)
{
    struct crash_count count, sum = { 0 };

    print_set_output(quiet_output);
    crash_samples_begin();
    for (size_t i = 0; i < crash_workload_count; i++) {
        struct inventory before = inventory_take();

        history_make(&history, &crash_workloads[i]);
        crash_explore(&history, 2, &count);
        check(crash_workloads[i].title, count.wrong == 0);
        cprintf("%lu states, %lu mounted, %lu finished\n", count.states, count.mounted,
                count.finished);
        sum.states += count.states;
        sum.mounted += count.mounted;
        sum.finished += count.finished;
        history_end(&history);
        inventory_same(&before, "a workload");
    }
    crash_samples_end();
    cprintf("%lu workloads, %lu states, %lu mounted, %lu finished\n", crash_workload_count,
            sum.states, sum.mounted, sum.finished);
}
SELFTEST("crash", test_crash);
