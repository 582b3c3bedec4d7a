/* Locks: held or waited for long, interrupts off for long, and sleeping with one held.

   Each hart has a list of the spinlocks that it holds, with the place that took each. It changes by
   the hart itself, with interrupts off; other harts may read it in a panic. What was measured is
   kept by the name of the locks, so all locks of one name are one row of the table: how often they
   were taken and waited for, and the longest time they were waited for and held, with the call
   stack of that. The rows change by atomic operations. Two longest times that come at once may be
   mixed up; both are long.

   Times are those of rdtime(). Of a machine that counts instructions (-icount) they are exact; else
   they have all that the host did meanwhile, so nothing panics because of a time alone: the
   boot argument `locks` prints them at the end of a run, the monitor's command locks at any time.
   Interrupts are off in a trap's handler too, of which only the part with a lock is measured. */
#include <check/locks.h>
#include <check/stacks.h>
#include <debug/backtrace.h>
#include <debug/check.h>
#include <debug/monitor.h>
#include <machine/machine.h>
#include <sync/mutex.h>

#define MAX_HELD        16
#define ROWS            128

/* What a hart holds. */
static struct hart_locks {
    struct {
        const struct spinlock *lock;
        uintptr_t taken_at;
        uint64_t since;
    } held[MAX_HELD];
    uint32_t count;
    uintptr_t off_at;               /* where interrupts went off */
    uint64_t off_since;             /* 0: they are on, or went off by a trap */
} harts[MAX_HARTS];

/* The longest time of something, and its end. */
struct longest {
    uint64_t time;
    uint32_t stack;
};

/* All locks of one name. */
static struct row {
    const char *name;               /* atomic; NULL: the row is free */
    uint32_t taken, waited;         /* atomic: how often */
    bool may_sleep;                 /* mutexes: they may be held for long */
    uint64_t wait_sum;
    struct longest wait, hold;
} rows[ROWS];

static struct longest irq_off;

/* A time for people. */
static uint64_t microseconds(uint64_t time)
{
    return time * 1000000 / machine.timebase_hz;
}

/* The row of this name; rows are never given back. The last one takes all that have no row. */
static struct row *row_of(const char *name)
{
    uint32_t place = ((uintptr_t)name >> 3) * 0x9e3779b1U >> 8;

    for (uint32_t i = 0; i < ROWS; i++) {
        struct row *row = &rows[(place + i) % ROWS];

        if (atomic_load(&row->name) == name || atomic_cas(&row->name, NULL, name))
            return row;
    }
    return &rows[ROWS - 1];
}

/* Keep it, and who is here, if it is the longest so far. */
static void note(struct longest *longest, uint64_t time)
{
    if (likely(time <= longest->time))
        return;
    longest->time = time;
    longest->stack = stack_here();
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
    hart->held[hart->count].lock = lock;
    hart->held[hart->count].taken_at = here;
    hart->held[hart->count++].since = rdtime();
    atomic_add(&row_of(lock->name)->taken, 1);
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
    note(&row_of(lock->name)->hold, rdtime() - hart->held[i - 1].since);
    for (hart->count--; i <= hart->count; i++)
        hart->held[i - 1] = hart->held[i];
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

    if (hart->off_since != 0)
        note(&irq_off, rdtime() - hart->off_since);
    hart->off_since = 0;
}

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

/* Print a row. */
static void print_row(const struct row *row)
{
    cprintf("  %-24s %10u %8u %10lu %8lu %8lu\n", row->name, row->taken, row->waited,
            microseconds(row->wait_sum), microseconds(row->wait.time),
            microseconds(row->hold.time));
}

static void print_locks(void)
{
    cprintf("  %-24s %10s %8s %10s %8s %8s\n", "times in us", "taken", "waited", "in all",
            "longest", "held");
    for (struct row *row = rows; row < rows + ROWS; row++)
        if (row->name != NULL)
            print_row(row);
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
    cprintf("checked: %s%s%s%s for at most %lu us\n", what, name[0] ? " \"" : "", name,
            name[0] ? "\"" : "", microseconds(longest->time));
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
    print_longest("spinlock held", held->name, &held->hold);
    stack_print("until", held->hold.stack);
    if (waited->name != NULL)
        print_longest("spinlock waited for", waited->name, &waited->wait);
    print_locks();
}
