/* Measuring what an operation costs: see measure.h.

   A sample is one loop around a call through a pointer, so that what is called cannot become part
   of the loop. Between the two reads of the counter there is nothing else: no printing, and no
   system call of this file.

   The median is taken because what disturbs a sample, a timer tick for example, makes it longer,
   and few of them are disturbed. */
#include <measure.h>
#include <stdio.h>
#include <string.h>
#include <ulib.h>

#define SAMPLES     9
#define WARM_UP     2
#define NS_PER_TICK 100         /* a tick of rdtime: the timebase of QEMU's machine is 10 MHz */

bool measure_wall;

static uint64_t now(void)
{
    uint64_t value;

    if (measure_wall)
        asm volatile ("rdtime %0" : "=r" (value) : : "memory");
    else
        asm volatile ("rdinstret %0" : "=r" (value) : : "memory");
    return value;
}

/* The comments in the code make the two functions differ: the compiler would merge equal ones. */
__attribute__((noinline)) void profile_begin(void)
{
    asm volatile ("# begin" : : : "memory");
}

__attribute__((noinline)) void profile_end(void)
{
    asm volatile ("# end" : : : "memory");
}

void measure_nothing(void)
{
}

static uint64_t run_rounds(const struct operation *op)
{
    uint64_t start = now();

    for (int i = 0; i < op->rounds; i++)
        op->once();
    return now() - start;
}

static uint64_t empty_loop(int rounds)
{
    const struct operation empty = { .rounds = rounds, .once = measure_nothing };

    run_rounds(&empty);
    return run_rounds(&empty);
}

/* prepare() may have shared all pages by a fork. The next call writes to the stack, and would have
   a page copied in what is profiled: so there is one before. */
static uint64_t sample(const struct operation *op)
{
    op->prepare();
    empty_loop(1);
    profile_begin();
    uint64_t cost = run_rounds(op);
    profile_end();
    op->finish();
    return cost;
}

static void sort(uint64_t *values, int n)
{
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && values[j] < values[j - 1]; j--) {
            uint64_t swap = values[j];

            values[j] = values[j - 1];
            values[j - 1] = swap;
        }
}

/* The cost of all rounds in the usual sample. */
static uint64_t measure(const struct operation *op)
{
    uint64_t costs[SAMPLES];

    for (int i = -WARM_UP; i < SAMPLES; i++)
        costs[i < 0 ? 0 : i] = sample(op);
    sort(costs, SAMPLES);
    return costs[SAMPLES / 2];
}

void measure_report_share(const struct operation *op, int share)
{
    uint64_t cost = measure(op), empty = empty_loop(op->rounds);

    uint64_t rounds = (uint64_t)op->rounds * share;

    cost = cost > empty ? cost - empty : 0;
    if (measure_wall)
        cost *= NS_PER_TICK;
    cprintf("bench: %-14s %9lu %s\n", op->name, (cost + rounds / 2) / rounds,
            measure_wall ? "ns" : "instructions");
}

void measure_report(const struct operation *op)
{
    measure_report_share(op, 1);
}

int measure_named(const struct operation *list, size_t n, const char *name, bool all)
{
    int found = 0;

    for (size_t i = 0; i < n; i++)
        if (all || strcmp(name, list[i].name) == 0) {
            found++;
            measure_report(&list[i]);
        }
    return found;
}
