/* What a semaphore costs where nobody waits: up() and down(), in instructions, for `make bench`.

   With -icount the result is the same in each run. The loop is counted too, without the two calls,
   and subtracted. A timer interrupt would be counted as well, so interrupts are off; nobody else
   wants the semaphore, so down() never sleeps.

   Alone: make grade GRADE=--all TEST=sem-cost. */
#include <debug/printk.h>
#include <report.h>
#include <riscv/csr.h>
#include <sync/sem.h>
#include <test/testlib.h>

#define ROUNDS  64

static semaphore_t sem;

static void up_and_down(void)
{
    up(&sem);
    down(&sem);
}

static void nothing(void)
{
}

/* The instructions of so many rounds. The function is called by a pointer that the compiler does
   not know, so that both loops are alike. */
static uint64_t count(void (*volatile what)(void))
{
    uint64_t begin = csr_read(instret);

    for (int i = 0; i < ROUNDS; i++)
        what();
    return csr_read(instret) - begin;
}

/* Once before, so that nothing is done for the first time. */
static void test_sem_cost(void)
{
    sem_init(&sem, 0);
    irq_push();
    count(up_and_down);
    uint64_t cost = (count(up_and_down) - count(nothing)) / ROUNDS;
    irq_pop();
    cprintf("bench: %-14s %9lu instructions\n", "up-down", cost);
    check_eq("no unit was lost", sem.value, 0);
}

SELFTEST("sem-cost", test_sem_cost);
