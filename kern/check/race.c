/* Data races, found as KCSAN finds them in Linux: a build with CHECK=race does so.

   Before each access to memory the compiler puts a call of one of the functions at the end of this
   file, by the names of -fsanitize=thread. Some plain accesses are watched: the hart writes down
   what it is about to do, and waits a moment before it does it. Each other access looks at what
   other harts have written down. One that touches the same bytes is a race, if one of the two
   writes: no lock keeps them apart. So both call stacks are known. An access that is marked, by
   atomic.h or as volatile, looks but is never watched: two that are marked are no race.

   Accesses in assembly, in libs/string.c, and in the folders check, debug, riscv and test are not
   seen, nor are those of devices and programs. But if one of them changes what is watched, the
   value afterwards is another one: then one call stack is known at least. So it is if an access
   that is seen had looked just before this hart wrote down what it watches.

   Nothing is printed before the end, because a race may be in what prints. That no race is told
   does not mean that there is none. */
#include <debug/check.h>
#ifdef CHECK_RACE
#include <check/shared.h>
#include <check/stacks.h>
#include <debug/backtrace.h>
#include <debug/printk.h>
#include <machine/machine.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>
#include <riscv/memlayout.h>
#include <sched/timer.h>

#define DEPTH       10              /* return addresses of each side */
#define RACES       32              /* different ones that are kept */
#define MOMENT      40              /* microseconds that a hart waits, at least */
#define LONG        32
#define EVERY       100
#define OTHERS      32
#define PLACES      (1U << 13)      /* a power of 2 */

/* While a hart watches, its interrupts are off: so it watches one access at most, and what it
   watches is known by its number. The word `state` of a watch says who may touch the rest:

     IDLE       the hart itself
     SET        nobody: it is watched
     CLAIMED    the hart that has seen a race, and writes down its side of it
     SEEN       the hart itself again; the other side is complete */
enum state { IDLE, SET, CLAIMED, SEEN };

/* One side of a race. */
struct side {
    uintptr_t address;
    uint32_t size;
    uint32_t hart;
    bool writes, is_marked;
    uint32_t pc[DEPTH];             /* from the beginning of the kernel's code */
};

/* What a hart watches. The rest after `other` is the hart's own. */
static struct watch {
    uint32_t state;                 /* atomic: enum state */
    struct side watched, other;
    uint32_t countdown;             /* accesses up to the next that is watched in any case */
    uint32_t random;
    uint64_t count;                 /* accesses that were watched */
} watches[MAX_HARTS];

static uint32_t watching;           /* atomic: a bit for each hart that watches */

/* Nearly all accesses are in a few loops, and of memory that one hart alone uses, or a lock guards:
   chance alone would watch little else. So shared.c tells which are worth it. A place in the code
   is watched whenever it makes such an access, at first; the more often nothing was seen there, the
   more rarely, down to one of EVERY. Of all other accesses one of EVERY * OTHERS is watched.

   This is how often a place was watched in vain, by its address. Two may have the same word, and a
   count may be lost; both only make it less fair. */
static uint32_t in_vain[PLACES];    /* atomic */

static uint32_t every = EVERY, seed = 1;    /* set once, at boot */

static struct race {
    struct side first, second;
    uint32_t times;
} races[RACES];
static uint32_t race_count;         /* with the lock */
static uint32_t dropped;            /* that had no room; with the lock */
static uint32_t races_lock;         /* atomic: 1 while a hart has it, with its interrupts off */

extern const char kernel_text_start[];

/* See frames.S. */
int frames_of(uintptr_t fp, uint32_t pc[], int room, const struct stack_bounds *stack);

/* Two sides of a race were seen: keep them, once for each pair of places. */
static void keep(const struct side *first, const struct side *second)
{
    uint32_t i = 0;

    while (!atomic_cas(&races_lock, 0, 1))  /* pairs with the release below */
        cpu_relax();
    while (i < race_count && !(races[i].first.pc[0] == first->pc[0]
                               && races[i].second.pc[0] == second->pc[0])
           && !(races[i].first.pc[0] == second->pc[0] && races[i].second.pc[0] == first->pc[0]))
        i++;
    if (i < RACES) {
        if (i == race_count) {
            races[race_count].first = *first;
            races[race_count++].second = *second;
        }
        races[i].times++;
    } else {
        dropped++;
    }
    atomic_store_release(&races_lock, 0);   /* pairs with atomic_cas() above */
}

/* Fill the call stack of a side: `fp` is the frame of the function that the compiler calls, and
   `from` is where it returns to, which is in the function that has the access. */
static void fill_stack(struct side *side, uintptr_t fp, uintptr_t from)
{
    struct stack_bounds bounds = stack_of(fp);
    uint32_t place = from - (uintptr_t)kernel_text_start, pc[DEPTH + 1] = { 0 };
    int n = frames_of(fp, pc, DEPTH + 1, &bounds), skip = n > 0 && pc[0] == place;

    side->pc[0] = place;
    for (int i = 1; i < DEPTH; i++)
        side->pc[i] = skip + i - 1 < n ? pc[skip + i - 1] : 0;
}

/* A plain store of a whole word, and a load of it that is marked? The compilers make one
   instruction of the store, and who loads is ready for any value. Linux does not tell it either. */
static bool is_harmless(const struct side *store, const struct side *load)
{
    return store->writes && !load->writes && load->is_marked && store->size <= 8
           && store->address % store->size == 0;
}

/* Do the two touch a common byte, so that it is a race? */
static bool is_race(const struct side *a, const struct side *b)
{
    return a->address < b->address + b->size && b->address < a->address + a->size
           && (a->writes || b->writes) && !is_harmless(a, b) && !is_harmless(b, a);
}

/* Does a hart watch what this one is about to touch? What is read may be of two watches. */
static bool is_watched(const struct watch *watch, const struct side *mine)
{
    return watch != &watches[this_cpu->id] && atomic_load_acquire(&watch->state) == SET
           && is_race(&watch->watched, mine);               /* pairs with watch_access() */
}

/* Other harts watch: look whether it is what this hart is about to touch. That is looked at again
   after the claim, because before it may have been of two watches. */
static __never_inlined void look(const struct side *mine, uintptr_t fp, uintptr_t from)
{
    for (struct watch *watch = watches; watch < watches + MAX_HARTS; watch++) {
        if (likely(!is_watched(watch, mine)))
            continue;

        bool irq_was_on = irq_disable();

        if (is_watched(watch, mine) && atomic_cas(&watch->state, SET, CLAIMED)) {
            bool is_real = is_race(&watch->watched, mine);  /* pairs with watch_access() */

            if (is_real) {
                watch->other = *mine;
                watch->other.hart = this_cpu->id;
                fill_stack(&watch->other, fp, from);
            }
            /* pairs with watch_access() */
            atomic_store_release(&watch->state, is_real ? SEEN : SET);
        }
        if (irq_was_on)
            irq_enable();
    }
}

/* The next of a hart's random numbers (xorshift). */
static uint32_t next_random(struct watch *watch)
{
    uint32_t x = watch->random;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return watch->random = x;
}

/* What lies there, if it is one word that is aligned; else 0. */
static uint64_t value_of(const struct side *side)
{
    if (side->address % side->size != 0)
        return 0;
    switch (side->size) {
    case 1:
        return atomic_load((uint8_t *)side->address);
    case 2:
        return atomic_load((uint16_t *)side->address);
    case 4:
        return atomic_load((uint32_t *)side->address);
    case 8:
        return atomic_load((uint64_t *)side->address);
    default:
        return 0;
    }
}

/* Wait until another hart touches what this one watches, or a moment is over. One moment of LONG is
   all of the time up to the next tick. Then this hart sleeps, so that a host with fewer processors
   than the machine has lets the others run: else they stand still while this one waits. */
static void wait_a_moment(struct watch *watch)
{
    uint64_t moment = MOMENT + next_random(watch) % MOMENT, began = rdtime();

    if (next_random(watch) % LONG == 0 && this_cpu->timer_deadline > began
        && this_cpu->timer_deadline - began <= timer_tick_length()) {
        wait_for_interrupt();
        return;
    }
    while (atomic_load(&watch->state) == SET
           && rdtime() - began < moment * machine.timebase_hz / 1000000)
        for (int i = 0; i < 16; i++)
            cpu_relax();
}

/* Watch what this hart is about to do, with interrupts off. True if it is a race. */
static bool watch_access(struct watch *watch, const struct side *mine, uintptr_t fp, uintptr_t from)
{
    bool is_seen, is_changed;
    uint64_t before = value_of(mine);

    watch->watched = *mine;
    watch->watched.hart = this_cpu->id;
    watch->count++;
    atomic_store_release(&watch->state, SET);               /* pairs with is_watched() */
    atomic_or(&watching, this_cpu->bit);                    /* no pair: only says where to look */
    wait_a_moment(watch);
    atomic_and(&watching, ~this_cpu->bit);                  /* no pair: see above */
    while (!atomic_cas(&watch->state, SET, IDLE)            /* pairs with look() */
           && atomic_load_acquire(&watch->state) != SEEN)   /* pairs with look() */
        cpu_relax();
    is_seen = atomic_load(&watch->state) == SEEN;
    is_changed = !is_seen && value_of(mine) != before;
    if (is_changed)
        watch->other = (struct side){ .size = 0 };
    if (is_seen || is_changed) {
        fill_stack(&watch->watched, fp, from);
        keep(&watch->watched, &watch->other);
        atomic_store(&watch->state, IDLE);
    }
    return is_seen || is_changed;
}

/* This access is watched, if chance has it so: see the head of this file. */
static __never_inlined void may_watch(const struct side *mine, bool is_shared, uintptr_t fp,
                                      uintptr_t from)
{
    bool irq_was_on = irq_disable();
    struct watch *watch = &watches[this_cpu->id];
    uint32_t *vain = &in_vain[(from >> 1) % PLACES], times = atomic_load(vain);

    if (watch->random == 0)
        watch->random = seed * 0x9e3779b1U + this_cpu->id * 0x85ebca6bU + 1;
    if (!is_shared)
        watch->countdown = next_random(watch) % (2 * OTHERS * every) + 1;
    if ((cpus_online & ~this_cpu->bit) && watch->state == IDLE
        && (!is_shared || next_random(watch) % (times + 1) == 0)
        && !watch_access(watch, mine, fp, from) && is_shared) {
        if (times + 1 < every)
            atomic_store(vain, times + 1);
        forget_word(mine->address);
    }
    if (irq_was_on)
        irq_enable();
}

/* Is it on the stack whose frame is at fp? Others have nothing to do there. */
static inline bool is_on_stack(uintptr_t address, uintptr_t fp)
{
    return (address ^ fp) < KSTACKSIZE;
}

/* The compiler's functions come here. It is short as long as nobody watches. A task that goes to
   another hart in between counts down there, which does not matter. */
static __always_inlined void touched(const volatile void *address, uint32_t size, bool writes,
                                     bool is_marked, uintptr_t fp, uintptr_t from)
{
    struct side mine = { .address = (uintptr_t)address, .size = size, .writes = writes,
                         .is_marked = is_marked };
    bool is_shared;

    if (unlikely(atomic_load(&watching) & ~this_cpu->bit))
        look(&mine, fp, from);
    if (is_on_stack(mine.address, fp))
        return;
    is_shared = word_is_shared(mine.address, writes);
    if (!is_marked && unlikely(is_shared || watches[this_cpu->id].countdown-- == 0))
        may_watch(&mine, is_shared, fp, from);
}

#define TOUCHED(address, size, writes, is_marked) \
    touched(address, size, writes, is_marked, (uintptr_t)__builtin_frame_address(0), \
            (uintptr_t)__builtin_return_address(0))

/* By their names and arguments these are the interface of -fsanitize=thread. */
#define PLAIN(name, size, writes) \
    void __tsan_##name(void *address); \
    void __tsan_##name(void *address) { TOUCHED(address, size, writes, false); }
#define MARKED(name, size, writes) \
    void __tsan_volatile_##name(void *address); \
    void __tsan_volatile_##name(void *address) { TOUCHED(address, size, writes, true); }
#define OF_SIZE(size) \
    PLAIN(read##size, size, false) PLAIN(write##size, size, true) \
    PLAIN(unaligned_read##size, size, false) PLAIN(unaligned_write##size, size, true) \
    MARKED(read##size, size, false) MARKED(write##size, size, true)

OF_SIZE(1)
OF_SIZE(2)
OF_SIZE(4)
OF_SIZE(8)
OF_SIZE(16)

/* A struct that is copied or cleared. */
void __tsan_read_range(void *address, size_t size);
void __tsan_read_range(void *address, size_t size)
{
    TOUCHED(address, size, false, false);
}

void __tsan_write_range(void *address, size_t size);
void __tsan_write_range(void *address, size_t size)
{
    TOUCHED(address, size, true, false);
}

/* The builtins of atomic.h become calls of these. A load is an acquire, whatever the order asked
   for: no other is used. */
#define ATOMIC(bits) \
    uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *address, int order); \
    uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *address, __not_used int order) \
    { \
        TOUCHED(address, bits / 8, false, true); \
        return atomic_load_acquire(address);    /* pairs with what the caller says */ \
    }

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(__not_used int order)
{
    memory_barrier();   /* pairs with what the caller says */
}

/* The compiler has each object file call this once, where somebody calls constructors. */
void __tsan_init(void);
void __tsan_init(void)
{
}

bool check_race_argument(const char *text)
{
    uint32_t numbers[2] = { 0, 0 };
    int i = 0;

    for (; *text != '\0'; text++) {
        if (*text == '/' && i == 0)
            i++;
        else if (*text >= '0' && *text <= '9' && numbers[i] < 1000000)
            numbers[i] = 10 * numbers[i] + (*text - '0');
        else
            return false;
    }
    if (numbers[0] == 0 || (i == 1 && numbers[1] == 0))
        return false;
    seed = numbers[0];
    every = i == 1 ? numbers[1] : EVERY;
    return true;
}

/* Print one side of a race, and its call stack. */
static void print_side(const char *before, const struct side *side)
{
    char name[SYMBOL_LENGTH];

    if (side->size == 0) {
        cprintf("%sthe value changes there, and who does it was not seen\n", before);
        return;
    }
    cprintf("%shart %u %s %u bytes at %016lx%s\n", before, side->hart,
            side->writes ? "writes" : "reads", side->size, side->address,
            side->is_marked ? ", marked as atomic" : "");
    for (int i = 0; i < DEPTH && side->pc[i] != 0; i++) {
        uintptr_t pc = (uintptr_t)kernel_text_start + side->pc[i];

        symbol_format(name, sizeof(name), pc - 1);
        cprintf("  %016lx %s\n", pc, name);
    }
}

bool check_races(void)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < MAX_HARTS; i++)
        count += watches[i].count;
    for (uint32_t i = 0; i < race_count; i++) {
        print_side("data race: ", &races[i].first);
        print_side("  while ", &races[i].second);
        cprintf("  seen %u times\n", races[i].times);
    }
    cprintf("races: %lu accesses watched, %u data races%s\n", count, race_count,
            dropped > 0 ? ", and more" : "");
    return race_count == 0;
}
#else

bool check_race_argument(__not_used const char *text)
{
    return false;
}

bool check_races(void)
{
    return true;
}
#endif
