/* Crash tests: what is there after the power has failed, at each write of each workload, and in
   each recovery; see crash.h.

   A workload is one check. What is wrong is told by lines before it: which crash it was, and what
   the checker says. The numbers behind it are those of the crashes, of the different disks that
   they left, of mounts, and of those mounts that had something to do.

   The first test is of all workloads, the second of those with files that are mapped. In the third
   the test recovers, in the fourth it commits: so these are of the kernel's commit, and of its
   recovery, alone.
   All of them: make grade GRADE=--all TEST="crash*" */
#include <report.h>
#include <riscv/sbi.h>
#include <string.h>
#include <test/crash.h>
#include <test/testlib.h>

/* Of the workload that is looked at. It is too large for a stack. */
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

/* Look at one workload; add what was counted. False: it cannot be looked at in this way. */
static bool look_at(const struct workload *workload, const struct crash_way *way,
                    struct crash_count *sum)
{
    struct inventory before = inventory_take();
    struct crash_count count = { 0 };
    bool suitable = true, well = history_make(&history, workload);

    if (well)
        suitable = !way->own_commit || (workload->script[1] == NULL && own_record(&history));
    /* What is wrong without any crash needs none. */
    if (well && suitable)
        crash_explore(&history, way, &count);
    if (suitable) {
        check(workload->title, well && count.wrong == 0);
        cprintf("%lu states, %lu different, %lu mounts, %lu finished\n", count.states,
                count.different, count.mounted, count.finished);
    }
    /* Each workload gives back all that it took. */
    history_end(&history);
    inventory_same(&before, "a workload");
    sum->states += count.states;
    sum->different += count.different;
    sum->mounted += count.mounted;
    sum->finished += count.finished;
    return suitable;
}

/* How many workloads a test must look at, and how many states; that is at least what it does with
   any compiler. A test that looks at nothing would never fail. */
struct least {
    size_t workloads, states, different;
};

/* Look at these workloads in this way. */
static void look_at_all(const struct workload *workloads, size_t n, const struct crash_way *way,
                        struct least least)
{
    struct crash_count sum = { 0 };
    size_t seen = 0;

    print_set_output(quiet_output);
    crash_samples_begin();
    for (size_t i = 0; i < n; i++)
        seen += look_at(&workloads[i], way, &sum);
    crash_samples_end();
    cprintf("%lu workloads, %lu states, %lu different, %lu mounts, %lu finished\n", seen,
            sum.states, sum.different, sum.mounted, sum.finished);
    check("there were enough of them", seen >= least.workloads && sum.states >= least.states
          && sum.different >= least.different);
}

/* A power failure, one in the recovery, and one in the recovery from that. */
static void test_crash(void)
{
    look_at_all(crash_workloads, crash_workload_count, &(struct crash_way){ .depth = 2 },
                (struct least){ 45, 500000, 15000 });
}
SELFTEST("crash", test_crash);

/* The same with files that are mapped. */
static void test_crash_maps(void)
{
    look_at_all(crash_maps, crash_map_count, &(struct crash_way){ .depth = 2 },
                (struct least){ 5, 25000, 900 });
}
SELFTEST("crash-maps", test_crash_maps);

/* One level: the recovery is the test's own, and it is right. */
static void test_crash_commit(void)
{
    look_at_all(crash_workloads, crash_workload_count, &(struct crash_way){ .own_recovery = true },
                (struct least){ 45, 8000, 4000 });
}
SELFTEST("crash-commit", test_crash_commit);

/* Not all workloads: some have transactions that are too large, or two threads. */
static void test_crash_recovery(void)
{
    look_at_all(crash_workloads, crash_workload_count,
                &(struct crash_way){ .depth = 2, .own_commit = true },
                (struct least){ 35, 150000, 6000 });
}
SELFTEST("crash-recovery", test_crash_recovery);
