/* Failures on purpose: what may fail now and then fails when it is told to, an allocation because
   there is no memory, a disk because it is worn. So each way on which the kernel gives up, and
   undoes what it has begun, can be gone at will, and not only when memory is really short.

   A plan names kinds of places, and which of these fail: the K-th that is asked for, counted from
   the moment that the plan begins; or one in N, by chance, which a seed fixes. The boot argument
   fail= is such a plan; it begins with initproc, because nothing before it can do without. Self
   tests begin plans of their own, one after the other.

   As long as no plan runs a place costs a load, and a branch that is never taken. With one hart,
   and time that is counted in instructions, the same plan is the same run, to the byte. */
#pragma once

#include <defs.h>

/* What may fail. A bit each, so that a plan can have several. */
enum fail_kind {
    FAIL_PAGE = 1,              /* alloc_pages(), for whatever it is */
    FAIL_SLAB = 2,              /* an object of a kmem_cache, of kmalloc() too */
    FAIL_READ = 4,              /* one request of a disk: see driver/block.h; then WRITE, FLUSH */
    FAIL_LOUD = 32,             /* print each failure, with the call stack */
};
#define FAIL_ALLOC      (FAIL_PAGE | FAIL_SLAB)
#define FAIL_DISK       (7 * FAIL_READ)

/* The plan that runs. It is begun by a plain assignment, while no other hart can ask, and ended by
   kinds = 0. */
extern struct fail_plan {
    uint32_t kinds;             /* of enum fail_kind; 0: none runs */
    uint32_t number;            /* which one fails, from 1 on; or the seed */
    uint32_t one_in;            /* by chance; 0: only the one of that number */
    uint32_t asked, failed;     /* atomic: how often since it began, and how many of them failed */
} fail_plan;

/* The rare part of fail_now(): a plan runs that has this kind. */
bool fail_asked(enum fail_kind kind);

/* Should the place where this is called fail, now? It is asked once for each allocation or request,
   before anything of it is done. In any context, with any lock held. */
static inline bool fail_now(enum fail_kind kind)
{
    return unlikely(fail_plan.kinds & kind) && fail_asked(kind);
}
