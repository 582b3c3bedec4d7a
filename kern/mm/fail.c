/* Failures on purpose: see fail.h for what they are for, and who begins a plan.

   Nothing here takes a lock, because places that may fail hold any of them. Their numbers are drawn
   by an atomic addition, so that of several harts exactly one has the K-th. Which of them that is
   may differ from run to run; with one hart it does not.

   The numbers of a plan by chance are no sequence that somebody has to keep: whether the n-th fails
   follows from n and the seed alone. */
#include <debug/backtrace.h>
#include <debug/printk.h>
#include <mm/fail.h>
#include <riscv/atomic.h>

struct fail_plan fail_plan;

/* A number that looks random, from two that may be near each other: the last steps of splitmix64
   (Steele, Lea and Flood, 2014). */
static uint32_t mix(uint64_t seed, uint32_t n)
{
    uint64_t x = (seed << 32 ^ n) * 0x9e3779b97f4a7c15;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    return (x ^ x >> 27) * 0x94d049bb133111eb >> 32;
}

/* The call stack tells which kind it was, and for whom. */
bool fail_asked(enum fail_kind kind)
{
    struct fail_plan *plan = &fail_plan;
    uint32_t n = atomic_add(&plan->asked, 1) + 1;   /* no pair: a count */

    if (plan->one_in == 0 ? n != plan->number : mix(plan->number, n) % plan->one_in != 0)
        return false;
    atomic_add(&plan->failed, 1);   /* no pair: a count */
    if (plan->kinds & FAIL_LOUD) {
        cprintf("fail: %s number %u fails\n", kind & FAIL_DISK ? "request" : "allocation", n);
        backtrace((uintptr_t)__builtin_frame_address(0));
    }
    return true;
}
