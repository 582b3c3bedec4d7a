/* Locks: held or waited for long, interrupts off for long, and sleeping with one held.

   Each hart has a list of the spinlocks that it holds, with the place that took each. It changes by
   the hart itself, with interrupts off. What was measured is kept by the name of the locks, in a
   row that changes by atomic operations. Two longest times that come at once may be mixed up.

   Times are those of rdtime(). Without -icount they have all that the host did meanwhile, so none
   is a panic, but if the boot argument hold=N asks for that: more than N microseconds with a
   spinlock, or with interrupts off; or bounds=N, see bounds.c. The boot argument `locks` prints the
   times at the end of a run, the monitor's command locks at any time.

   Interrupts are off from an instruction that turns them off, or a trap, until they come on, or the
   trap returns to where they were on. Left out is what keeps nobody waiting: wfi, the monitor, and
   the boot until they are on for the first time. */
#include <check/bounds.h>
#include <check/locks.h>
#include <check/stacks.h>
#include <debug/backtrace.h>
#include <debug/check.h>
#include <debug/monitor.h>
#include <machine/machine.h>
#include <riscv/trapframe.h>
#include <string.h>
#include <sync/mutex.h>

#define MAX_HELD        16
#define NAME_LENGTH     32              /* of a name that is not the kernel's constant */
#define ROWS            128

/* What a hart holds. */
static struct hart_locks {
    struct {
        const struct spinlock *lock;
        uintptr_t taken_at;
        uint64_t since;
        uint32_t number;            /* what `taken` was then */
    } held[MAX_HELD];
    uint32_t count, taken;          /* how many now, and how many were ever taken */
    uintptr_t off_at;               /* where interrupts went off */
    uint64_t off_since;             /* 0: they are on, or were never on */
} harts[MAX_HARTS];

/* The longest time of something, and its end. */
struct longest {
    uint64_t time;
    uint32_t stack;
};

const char *check_hold_limit;       /* the value of hold=; set once, at boot */

/* All locks of one name. A name may lie in an object that is freed while the row stays, so what is
   no constant of the kernel is copied, but for the number in it: "semaphore 7" has the row of all
   semaphores of programs, or there would be as many rows as there may be objects. */
static struct row {
    const char *name;               /* atomic; NULL: the row is free; or COPYING */
    char copy[NAME_LENGTH];
    uint32_t taken, waited;         /* atomic: how often */
    bool may_sleep;                 /* mutexes: they may be held for long */
    bool varies;                    /* its bound, with the locks taken meanwhile */
    uint64_t wait_sum;
    struct longest wait, hold;
} rows[ROWS];

static const char COPYING[] = "";

/* The grader reads it: used, or clang makes a variable of each of its members. */
static struct longest irq_off __attribute__((used));

extern const char kernel_text_end[], kernel_rodata_end[];

/* A time for people; on a machine that counts instructions it is how many there were. */
static uint64_t nanoseconds(uint64_t time)
{
    return time * (1000000000 / machine.timebase_hz);
}

/* How much of a name that is no constant is in its row: what is before its number. */
static uint32_t copied(const char *name)
{
    uint32_t length = 0;

    while (length < NAME_LENGTH - 1 && name[length] != '\0'
           && (name[length] < '0' || name[length] > '9'))
        length++;
    while (length > 1 && name[length - 1] == ' ')
        length--;
    return length;
}

/* Is this free row the caller's now, for this name? A hart that copies is waited for, so it does so
   with interrupts off. */
static bool claim(struct row *row, const char *name, bool constant)
{
    if (constant)
        return atomic_cas(&row->name, NULL, name);

    uint64_t was_on = irq_save();
    bool claimed = atomic_cas(&row->name, NULL, COPYING);

    if (claimed) {
        memcpy(row->copy, name, copied(name));
        atomic_store_release(&row->name, row->copy);
    }
    csr_set(sstatus, was_on);
    return claimed;
}

/* Is it the row of this name? */
static bool is_row_of(struct row *row, const char *name, bool constant)
{
    const char *has;

    while ((has = atomic_load_acquire(&row->name)) == COPYING)
        cpu_relax();
    return has == name || (!constant && has == row->copy
                           && strncmp(has, name, copied(name)) == 0
                           && has[copied(name)] == '\0');
}

/* The row of this name; rows are never given back. The last one takes all that have no row. The
   linker keeps each constant text once, so these are found by their address. */
static struct row *row_of(const char *name)
{
    bool constant = name >= kernel_text_end && name < kernel_rodata_end;
    uint32_t place = constant ? ((uintptr_t)name >> 3) * 0x9e3779b1U >> 8 : 0;

    for (uint32_t i = 0; i < ROWS - 1; i++) {
        struct row *row = &rows[(place + i) % (ROWS - 1)];

        if (is_row_of(row, name, constant)
            || (atomic_load(&row->name) == NULL && claim(row, name, constant))
            || is_row_of(row, name, constant))
            return row;
    }
    atomic_store(&rows[ROWS - 1].name, "all others");
    return &rows[ROWS - 1];
}

/* Keep it, and who is here, if it is the longest so far: then this is true. */
static bool note(struct longest *longest, uint64_t time)
{
    if (likely(time <= longest->time))
        return false;
    longest->time = time;
    longest->stack = stack_here();
    return true;
}

/* The limit of hold=, in units of rdtime(); no limit without that. A text that is no number is 0,
   which the first lock tells. */
static uint64_t hold_limit(void)
{
    uint64_t n = 0;

    if (check_hold_limit == NULL)
        return UINT64_MAX;
    for (const char *s = check_hold_limit; *s >= '0' && *s <= '9' && n < UINT32_MAX; s++)
        n = 10 * n + *s - '0';
    return n * machine.timebase_hz / 1000000;
}

/* This took too long, since it began there. What was so for long is over by now: `longest` is no
   longer what anybody needs, and the limit is, so it is told but once. */
static __never_returns void too_long(const char *what, const char *name, uint64_t time,
                                     uintptr_t since)
{
    char place[SYMBOL_LENGTH];

    check_hold_limit = NULL;
    symbol_format(place, sizeof(place), since - 1);
    panic("%s%s for %lu ns, since %s; hold= allows less", what, name, nanoseconds(time), place);
}

/* Interrupts of this hart have just gone off. */
static void note_irq_off(uintptr_t here)
{
    harts[this_cpu->id].off_at = here;
    harts[this_cpu->id].off_since = rdtime();
}

void check_spin_taken(const struct spinlock *lock, bool irq_was_on)
{
    struct hart_locks *hart = &harts[this_cpu->id];
    uintptr_t here = (uintptr_t)__builtin_return_address(0);

    if (irq_was_on)
        note_irq_off(here);
    if (hart->count == MAX_HELD)
        panic("a hart holds %u spinlocks", MAX_HELD);
    atomic_add(&row_of(lock->name)->taken, 1);
    hart->held[hart->count].lock = lock;
    hart->held[hart->count].taken_at = here;
    hart->held[hart->count].number = ++hart->taken;
    /* Last: a name that is not the kernel's constant has been looked for in all rows. */
    hart->held[hart->count++].since = rdtime();
}

/* It need not be the last one taken. One that is not there is told by spin_unlock() itself. */
void check_spin_released(const struct spinlock *lock)
{
    struct hart_locks *hart = &harts[this_cpu->id];
    uint32_t i = hart->count;

    while (i > 0 && hart->held[i - 1].lock != lock)
        i--;
    if (i == 0)
        return;

    uint64_t time = rdtime() - hart->held[i - 1].since;
    uintptr_t taken_at = hart->held[i - 1].taken_at;
    uint32_t inner = hart->taken - hart->held[i - 1].number;

    for (hart->count--; i <= hart->count; i++)
        hart->held[i - 1] = hart->held[i];
    if (monitor_active())
        return;

    struct row *row = row_of(lock->name);
    bool is_longest = note(&row->hold, time);

    if (is_longest && time > hold_limit())
        too_long("a spinlock was held: ", lock->name, time, taken_at);
    if (is_longest || row->varies)
        row->varies = check_bound(lock->name, time, inner, taken_at);
}

void check_waited(const char *name, uint64_t since)
{
    struct row *row = row_of(name);
    uint64_t time = rdtime() - since;

    atomic_add(&row->waited, 1);
    row->wait_sum += time;
    note(&row->wait, time);
}

void check_mutex_taken(struct mutex_hold *hold)
{
    struct row *row = row_of(hold->name);

    hold->since = rdtime();
    row->may_sleep = true;
    atomic_add(&row->taken, 1);
}

void check_mutex_released(const struct mutex_hold *hold)
{
    note(&row_of(hold->name)->hold, rdtime() - hold->since);
}

void check_irq_off(void)
{
    note_irq_off((uintptr_t)__builtin_return_address(0));
}

void check_irq_on(void)
{
    struct hart_locks *hart = &harts[this_cpu->id];
    uint64_t since = hart->off_since, time = rdtime() - since;

    hart->off_since = 0;
    if (since == 0 || !note(&irq_off, time))
        return;
    if (time > hold_limit())
        too_long("interrupts of this hart were off", "", time, hart->off_at);
    check_bound("", time, 0, hart->off_at);
}

/* Were interrupts on before the trap that has this frame? In user mode they are always. */
static bool were_on(const struct trapframe *tf)
{
    return !(tf->status & SSTATUS_SPP) || (tf->status & SSTATUS_SPIE);
}

void check_trap_comes(const struct trapframe *tf)
{
    if (were_on(tf))
        note_irq_off((uintptr_t)__builtin_return_address(0));
}

void check_trap_ends(const struct trapframe *tf)
{
    if (were_on(tf))
        check_irq_on();
}

#ifdef CHECK_RACE
/* The bit of a lock. */
static uint64_t lock_bit(const void *lock)
{
    return 1UL << ((uintptr_t)lock / 8 * 0x9e3779b1U >> 8) % LOCK_BITS;
}

uint64_t locks_held(void)
{
    const struct hart_locks *hart = &harts[this_cpu->id];
    uint64_t bits = 0;

    for (uint32_t i = 0; i < hart->count; i++)
        bits |= lock_bit(hart->held[i].lock);
    if (this_cpu->task != NULL)
        for (const struct mutex_hold *hold = this_cpu->task->mutexes; hold; hold = hold->below)
            bits |= lock_bit(hold);
    return bits;
}
#endif

void check_tell_locks(void)
{
    const struct hart_locks *hart = &harts[this_cpu->id];
    char place[SYMBOL_LENGTH];

    for (uint32_t i = 0; i < hart->count; i++) {
        symbol_format(place, sizeof(place), hart->held[i].taken_at - 1);
        cprintf("\nthis hart holds the spinlock \"%s\", which was taken at %s",
                hart->held[i].lock->name, place);
    }
    if (hart->count == 0 && hart->off_since != 0) {
        symbol_format(place, sizeof(place), hart->off_at - 1);
        cprintf("\ninterrupts of this hart are off since %s", place);
    }
    cprintf("\n");
}

void check_may_sleep(void)
{
    if (likely(holds_no_lock()))
        return;
    check_tell_locks();
    panic("sleeping while atomic: a function that may sleep is called with a spinlock held, or "
          "between irq_push() and irq_pop()");
}

static void print_locks(void)
{
    cprintf("  %-24s %10s %8s %12s %10s %10s\n", "times in ns", "taken", "waited", "in all",
            "longest", "held");
    for (struct row *row = rows; row < rows + ROWS; row++)
        if (row->name != NULL)
            cprintf("  %-24s %10u %8u %12lu %10lu %10lu%s\n", row->name, row->taken, row->waited,
                    nanoseconds(row->wait_sum), nanoseconds(row->wait.time),
                    nanoseconds(row->hold.time), row->may_sleep ? " sleeps" : "");
}

static void command_locks(__not_used struct monitor_state *state, __not_used int argc,
                          __not_used char **argv)
{
    print_locks();
}

MONITOR_COMMAND("locks", "", "how long locks were held and waited for", command_locks);

/* Print the longest of its kind. */
static void print_longest(const char *what, const char *name, const struct longest *longest)
{
    cprintf("checked: %s%s%s%s for at most %lu ns\n", what, name[0] ? " \"" : "", name,
            name[0] ? "\"" : "", nanoseconds(longest->time));
}

void check_report_locks(void)
{
    const struct row *held = rows, *waited = rows;

    for (struct row *row = rows; row < rows + ROWS; row++) {
        if (row->hold.time > held->hold.time && !row->may_sleep)
            held = row;
        if (row->wait.time > waited->wait.time && !row->may_sleep)
            waited = row;
    }
    print_longest("interrupts off", "", &irq_off);
    stack_print("until", irq_off.stack);
    print_longest("spinlock held", held->name, &held->hold);
    stack_print("until", held->hold.stack);
    if (waited->name != NULL)
        print_longest("spinlock waited for", waited->name, &waited->wait);
    print_locks();
}
