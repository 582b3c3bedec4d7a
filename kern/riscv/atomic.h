/* Atomic operations on words that several harts change.

   RISC-V orders memory weakly: unless something forbids it, a hart may see the loads and stores of
   another hart in an order other than the program's (RVWMO: Unprivileged spec 20191213, chapter
   14). So each function here says what it orders:

     - atomic_load and atomic_store order nothing. They only promise one access, which the compiler
       neither repeats nor leaves out.
     - atomic_store_release: what this hart did before is seen before the store (14.1, rule 4).
     - atomic_load_acquire: what this hart does after is done after the load.
     - the others are a full barrier, in both directions.

   An order on one hart is worth nothing alone, so each use says with which function it pairs, or
   why it needs none: tools/check_pairs.py checks that.

   All may be called in any context, and none waits. A plain access, without one of these, to a word
   that another hart may change at the same time is a mistake. */
#pragma once

#include <defs.h>

#define atomic_load(p)              (*(volatile const typeof(*(p)) *)(p))
#define atomic_store(p, v)          ((void)(*(volatile typeof(*(p)) *)(p) = (v)))
#define atomic_load_acquire(p)      __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define atomic_store_release(p, v) \
    (__atomic_thread_fence(__ATOMIC_RELEASE), atomic_store(p, v))

/* Change a word in one step; each returns what it was before. atomic_swap stores the value,
   atomic_add adds it, atomic_or sets its bits, atomic_and clears all bits but them, and atomic_xor
   changes its bits. A result of 32 bits is a long, because that is what the instruction gives: its
   bits 63 to 32 are what bit 31 is (8.4). The compiler does not know this, and would extend it once
   more.

   Each is one AMO instruction with the bits aq and rl, so that no other access of this hart moves
   across it (Unprivileged spec 20191213, 8.1 and 8.4). They are written in assembly because the
   compiler's builtins, as gcc 12 translates them, have a fence too, which is not needed here. */
#define ATOMIC_AMO(result, type, name, instruction) \
    static inline result name(type *word, type value) \
    { \
        result before; \
        asm volatile (instruction ".aqrl %0, %2, %1" \
                      : "=r" (before), "+A" (*word) : "r" (value) : "memory"); \
        return before; \
    }
/* long atomic_swap(uint32_t *word, uint32_t value): store the value. */
ATOMIC_AMO(long, uint32_t, atomic_swap, "amoswap.w")
/* long atomic_add(uint32_t *word, uint32_t value): add it; the sum may wrap around. */
ATOMIC_AMO(long, uint32_t, atomic_add, "amoadd.w")
#ifdef CHECK
/* In a checked build it must not: a count of references or users that comes below 0 is a panic, and
   so is one over INT32_MAX. One that is negative on purpose may be so. In any context; it is
   defined in kern/check/undefined.c. */
__never_returns void count_wraps(const uint32_t *count, uint32_t before, uint32_t change);

/* atomic_add() that looks at the sum. */
static inline uint32_t atomic_add_checked(uint32_t *count, uint32_t change)
{
    uint32_t before = atomic_add(count, change);

    if (unlikely((int32_t)before >= 0 && (int32_t)(before + change) < 0))
        count_wraps(count, before, change);
    return before;
}
#define atomic_add              atomic_add_checked
#endif
/* long atomic_or(uint32_t *word, uint32_t bits): set these bits. */
ATOMIC_AMO(long, uint32_t, atomic_or, "amoor.w")
/* long atomic_and(uint32_t *word, uint32_t bits): keep these bits, and clear all others. */
ATOMIC_AMO(long, uint32_t, atomic_and, "amoand.w")

/* uint64_t atomic_xor(uint64_t *word, uint64_t bits): change each of these bits. */
ATOMIC_AMO(uint64_t, uint64_t, atomic_xor, "amoxor.d")

/* If *p is `expected`, set it to v, in one step. True if it was set. A full barrier if it was; else
   it orders nothing.

   The bits are those of the sc, so that the store is behind all that comes before it and before all
   that comes after it. It is assembly too: of the builtin, with no order for the case that nothing
   is set, gcc 12 makes an lr without a bit and an sc with aq alone, so that earlier stores could be
   seen after it (tools/litmus: last-inode and publish-files). lr.w extends the sign, so `expected`
   comes extended too. t0 is given by hand, because an asm that jumps has no outputs. */
#define ATOMIC_CAS(type, name, size) \
    static inline bool name(type *word, type expected, type value) \
    { \
        asm goto ("0: lr." size " t0, %0\n\tbne t0, %z1, %l[other]\n\t" \
                  "sc." size ".aqrl t0, %z2, %0\n\tbnez t0, 0b" \
                  : : "A" (*word), "rJ" ((int64_t)expected), "rJ" (value) \
                  : "t0", "memory" : other); \
        return true; \
    other: \
        return false; \
    }
ATOMIC_CAS(int32_t, atomic_cas_w, "w")
ATOMIC_CAS(int64_t, atomic_cas_d, "d")
#define atomic_cas(p, expected, v) __builtin_choose_expr(sizeof(*(p)) == 8, \
    atomic_cas_d((int64_t *)(p), (int64_t)(expected), (int64_t)(v)), \
    atomic_cas_w((int32_t *)(p), (intptr_t)(expected), (intptr_t)(v)))

#ifdef __SANITIZE_THREAD__
/* In a build with CHECK=race what is done in assembly is told to kern/check/race.c too, as the
   compiler tells what is done in C; but not by the folders that are not looked at. */
void __tsan_volatile_write4(void *word);
void __tsan_volatile_write8(void *word);
#undef atomic_add
#define atomic_add(word, v)     (__tsan_volatile_write4(word), atomic_add_checked(word, v))
#define atomic_swap(word, v)    (__tsan_volatile_write4(word), atomic_swap(word, v))
#define atomic_or(word, v)      (__tsan_volatile_write4(word), atomic_or(word, v))
#define atomic_and(word, v)     (__tsan_volatile_write4(word), atomic_and(word, v))
#define atomic_xor(word, v)     (__tsan_volatile_write8(word), atomic_xor(word, v))
#define atomic_cas_w(p, old, v) (__tsan_volatile_write4(p), atomic_cas_w(p, old, v))
#define atomic_cas_d(p, old, v) (__tsan_volatile_write8(p), atomic_cas_d(p, old, v))
#endif

/* Count one more, unless the count is 0: then what it counts is just being freed, and the answer is
   false. */
static inline bool atomic_inc_unless_zero(uint32_t *count)
{
    uint32_t now = atomic_load(count);

    while (now != 0 && !atomic_cas(count, now, now + 1))
        now = atomic_load(count);
    return now != 0;
}

/* All loads and stores before this one are seen by every hart before all loads and stores after it
   (fence rw, rw). Only this forbids that a load is done before an earlier store: see tlb.c. */
#define memory_barrier()            __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* The body of a loop that waits for another hart. The compiler loads again after it.

   It is not the pause instruction: QEMU leaves its execution loop for that and takes its global
   lock, so a hart that spins would hold up the others at each of their accesses to a device. */
static inline void cpu_relax(void)
{
    asm volatile ("nop; nop; nop; nop" : : : "memory");
}
