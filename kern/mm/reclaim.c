/* Getting memory back: see reclaim.h for when, and what the watermarks are.

   A round takes pages that the policy chooses, and brings each out (swap_out.c). A page may be
   busy: somebody has the lock of an mm that maps it, and what he does must not be waited for,
   because he may wait for memory himself. But he will not hold it for long: he waits for the disk
   at most, or his turn. So a round that found nothing but busy pages is tried again a little later,
   and only if there is nothing at all, or it stays so, has memory run out.

   Who waits for the mutex of the reclaimer waits for memory: another task is bringing some. So when
   he has the mutex he looks first whether there is enough by now. */
#include <lock/spinlock.h>
#include <mm/pmm.h>
#include <mm/reclaim.h>
#include <mm/rmap.h>
#include <mm/shrink.h>
#include <mm/swap_out.h>
#include <sync/mutex.h>
#include <sync/wait.h>

#define RECLAIM_BATCH   32              /* pages that a task brings out before it goes on */
#define KEPT_MOST       8               /* so many without a slot, and the round ends */
#define ENROL_ROUNDS    16              /* after so many new processes are looked for */
#define PATIENCE        1024            /* rounds with nothing but busy pages */
#define YIELDS          16              /* of these so many follow at once: then one a tick */

struct watermarks watermarks;

static struct mutex reclaim_lock;       /* by who reclaims */

/* Of the rank of the free pages, because it is taken where those become few; they are never held
   together. In `asleep` the pager waits. */
static struct spinlock pager_lock = SPINLOCK_INIT("the pager", RANK_PMM);
static struct wait_queue asleep = WAIT_QUEUE_INIT(asleep, &pager_lock);
/* In this one nobody is woken. */
static struct spinlock patient_lock = SPINLOCK_INIT("the patient", RANK_WAIT);
static struct wait_queue patient = WAIT_QUEUE_INIT(patient, &patient_lock);
static bool pager_wanted, is_open;      /* by pager_lock */

/* In between `min` is 1.5 % of memory. */
void reclaim_open(void)
{
    size_t min = nr_total_pages() / 64;

    min = min < 32 ? 32 : min > 256 ? 256 : min;
    mutex_init(&reclaim_lock, "the reclaimer", MUTEX_RECLAIM, 0);
    pager_wanted = false;
    is_open = true;
    watermarks = (struct watermarks){ .min = min, .low = 2 * min, .high = 3 * min };
}

/* Who reclaims just now is waited for: then nobody uses the policy any more. */
void reclaim_close(void)
{
    mutex_lock(&reclaim_lock);
    watermarks = (struct watermarks){ 0 };
    spin_lock(&pager_lock);
    is_open = false;
    wait_wake_all(&asleep);
    spin_unlock(&pager_lock);
    mutex_unlock(&reclaim_lock);
}

/* How many pages must stay free when the current task takes some: see reclaim.h. Interrupts that
   were off before the first lock mean an interrupt handler, which is as one with a lock.

   The reclaimer itself keeps nothing back: it needs a page now and then to write others out, and
   if it waited for memory it would wait for itself. A transaction is the same: until it ends,
   nothing that is dirty can be written home. */
static size_t reserve(void)
{
    uint32_t held = this_cpu->locks_held & ~RANK_PMM;

    if (this_cpu->task == NULL || mutex_holds_rank(MUTEX_RECLAIM)
        || mutex_holds_rank(MUTEX_TRANSACTION))
        return 0;
    if (held >= RANK_PROC || !(held & HELD_WAS_ON))
        return watermarks.min / 4;
    return mutex_holds_rank(MUTEX_MM) ? watermarks.min : watermarks.min / 2;
}

bool reclaim_allows(size_t n, size_t free)
{
    return free >= reserve() + n;
}

/* Called often while free pages are few: so most calls find the flag set, and wake nobody. The
   pager clears it behind its work and not before: what it allocates itself must not wake it. */
void reclaim_wake_pager(void)
{
    spin_lock(&pager_lock);
    if (!pager_wanted) {
        pager_wanted = true;
        wait_wake_all(&asleep);
    }
    spin_unlock(&pager_lock);
}

/* What nobody uses goes first, also what the round before has taken from all who mapped it. Then
   bring out a batch of pages that the policy chooses, of so many that are tried at most. How many
   went; *busy if there were some that may go later. Processes that are new are looked for now and
   then, and if `again`. The mutex is held. */
static size_t reclaim_round(size_t tries, bool again, bool *busy)
{
    size_t freed = shrink_memory(), kept = 0;
    static uint32_t rounds;             /* by the mutex */

    if (rounds++ % ENROL_ROUNDS == 0 || again)
        rmap_enrol_all();
    for (; freed < RECLAIM_BATCH && kept < KEPT_MOST && tries > 0; tries--) {
        struct Page *page = swap_manager()->swap_out_victim();

        if (page == NULL) {
            *busy |= rmap_enrolled() > 0;
            break;
        }
        enum page_out result = page_out(page);
        page_ref_dec(page);
        freed += result == PAGE_OUT;
        kept += result == PAGE_KEPT;
        *busy |= result == PAGE_BUSY;
        sched_give_way();
    }
    return freed;
}

/* Let those go on who have what is busy. At first at once; if that does not help they wait for the
   disk, so for a tick. */
static void wait_for_others(int round)
{
    struct waiter self;

    if (round < YIELDS) {
        schedule();
        return;
    }
    spin_lock(&patient_lock);
    wait_join(&patient, &self);
    wait_for_grant(&patient, &self, WT_MUTEX, "memory that others use",
                   rdtime() + timer_tick_length());
    spin_unlock(&patient_lock);
}

/* Rounds until something is free; each looks at all of memory. False: there is nothing to be had.
   Interrupts that are off without a lock are those of a handler, or of the boot. */
bool reclaim_when_short(void)
{
    size_t freed = 0;
    /* What is busy may be this task's own: then it must let go of it, and can try again. */
    const int patience = mutex_holds_rank(MUTEX_MM) ? YIELDS : PATIENCE;
    bool busy = true;

    if (watermarks.min == 0 || !holds_no_lock() || !(csr_read(sstatus) & SSTATUS_SIE)
        || mutex_holds_rank(MUTEX_RECLAIM))
        return false;
    IF_CHECK(check_may_sleep());
    for (int round = 0; freed == 0 && round < patience && (busy || round < 2); round++) {
        busy = false;
        mutex_lock(&reclaim_lock);
        if (pmm_free_pages() >= watermarks.low)
            freed = 1;                  /* by somebody else meanwhile */
        else
            freed = reclaim_round(nr_total_pages(), round > 0, &busy);
        mutex_unlock(&reclaim_lock);
        if (freed == 0 && busy)
            wait_for_others(round);
    }
    return freed > 0;
}

/* Until enough is free, or a look at some pages finds none that can go: it does not try hard,
   because nobody waits for it. */
static void reclaim_ahead(void)
{
    size_t freed;
    bool busy = false;

    do {
        mutex_lock(&reclaim_lock);
        freed = pmm_free_pages() >= watermarks.high
            ? 0 : reclaim_round(4 * RECLAIM_BATCH, false, &busy);
        mutex_unlock(&reclaim_lock);
    } while (freed > 0);
}

int reclaim_pager(__not_used void *arg)
{
    spin_lock(&pager_lock);
    while (is_open) {
        if (!pager_wanted) {
            wait_sleep(&asleep, WT_MUTEX, "memory to be short");
            continue;
        }
        spin_unlock(&pager_lock);
        reclaim_ahead();
        spin_lock(&pager_lock);
        pager_wanted = false;
    }
    spin_unlock(&pager_lock);
    return 0;
}
