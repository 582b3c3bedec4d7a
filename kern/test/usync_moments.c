/* The word of a mutex belongs to programs as much as to the kernel: at each moment of what the
   kernel does, a program on another hart may change it. Here that is done at every one of these
   moments, one after the other: before each access that the kernel makes to the word, which
   watched_word.h makes visible. So a fault for which two instructions of two harts must meet is
   found in each run, on one hart. It is about exercise 7.4.

   A round has a moment, the number of the access before which the program acts, from 1, and a
   locker, a thread that wants the mutex. A moment that does not come is the last one.

   Alone: make grade GRADE=--all TEST=usync-moments. */
#include <error.h>
#include <report.h>
#include <test/usync.h>
#include <test/watched_word.h>

#undef word                             /* the object's field is meant here */
#define true_word   (test_words[0])
#define STRANGER    77                  /* a pid that nobody has */
#define MOMENTS     50                  /* more than any way through the kernel has */

static uint32_t self;                   /* the test's own pid: it stands for a program */
static struct actor locker;
static int moment;
static bool came, changed;              /* did the moment come, did the program's step succeed */

/* The program's step, from one value of the word to another, while the locker is at it. */
static void act(int n, uint32_t from, uint32_t to)
{
    if (n != moment || locker.result != 1)
        return;
    came = true;
    changed = atomic_cas(&true_word, from, to);
}

static void program_unlocks(int n)
{
    act(n, self, 0);
}

static void program_locks(int n)
{
    act(n, 0, self);
}

static void stranger_locks(int n)
{
    act(n, 0, STRANGER);
}

/* From now on accesses are counted, and the program takes this step at moment n. */
static void begin(int n, void (*step)(int n))
{
    moment = n;
    came = changed = false;
    watch_word(&true_word, step);
}

/* A new mutex, held by this pid, or 0; and a locker that runs until it sleeps or has ended. It is
   true if it had the mutex by then. */
static bool locker_comes(int n, uint32_t holder, void (*step)(int n))
{
    usync_reset(0);
    true_word = holder;
    test_mutex.word = WATCHED_WORD;
    begin(n, step);
    start_locker(&locker);
    for (int i = 0; i < 20; i++)
        schedule();
    moment = 0;
    return locker.result != 1;
}

/* The program has the mutex still, and gives it back: by itself if it can. */
static void program_gives_back(void)
{
    if (!atomic_cas(&true_word, self, 0))
        sync_mutex_unlock(&test_mutex);
}

/* The end of a round: did the locker have the mutex, and was told this? One who was forgotten is
   helped to its end. */
static bool locker_ends(int told)
{
    for (int i = 0; i < 20; i++)
        schedule();
    bool good = locker.result == told && locker.unlocked == 0 && (true_word & SYNC_PID) == 0;
    if (locker.result == 1) {
        spin_lock(&test_mutex.lock);
        wait_give(&test_mutex.queue, -E_INVAL);
        spin_unlock(&test_mutex.lock);
    }
    end_actor(&locker);
    unwatch_word();
    return good;
}

/* The program has the mutex, and gives it back while the locker begins to wait for it. Either the
   program finds that somebody waits, or the locker that the mutex is free. */
static bool round_of_unlock(int n)
{
    bool had_it = locker_comes(n, self, program_unlocks);

    if (!changed)
        program_gives_back();
    return locker_ends(0) && had_it == changed;
}

/* The mutex is free, and the program takes it while the locker does. Only one of them has it. */
static bool round_of_lock(int n)
{
    bool had_it = locker_comes(n, 0, program_locks);

    if (changed)
        program_gives_back();
    return locker_ends(0) && had_it != changed;
}

/* The locker waits, and the kernel hands the mutex over. Nobody else gets it meanwhile. */
static bool hand_over(int n, void (*give)(struct sync_object *mutex), int told)
{
    bool had_it = locker_comes(0, self, stranger_locks);

    begin(n, stranger_locks);
    give(&test_mutex);
    moment = 0;
    return locker_ends(told) && !had_it && !changed;
}

static void unlock(struct sync_object *mutex)
{
    sync_mutex_unlock(mutex);
}

static bool round_of_hand_over(int n)
{
    return hand_over(n, unlock, 0);
}

/* The same when the holder ends. */
static bool round_of_end(int n)
{
    return hand_over(n, sync_mutex_give_up, -E_KILLED);
}

/* Try all moments: the first at which a round goes wrong, or 0. -1 if no moment ever came: then
   nothing was tried. */
static int first_wrong(bool (*round)(int n))
{
    for (int n = 1; n < MOMENTS; n++) {
        if (!round(n))
            return n;
        if (!came)
            return n > 1 ? 0 : -1;
    }
    return 0;
}

static void test_moments(void)
{
    self = current->pid;
    check_eq("one unlocks by itself while another one comes to wait: which access is wrong",
             first_wrong(round_of_unlock), 0);
    check_eq("one locks by itself while another one locks too: which access is wrong",
             first_wrong(round_of_lock), 0);
    check_eq("a mutex is handed over, and free at no moment: before which access it is",
             first_wrong(round_of_hand_over), 0);
    check_eq("so is the mutex of a holder that ends: before which access it is free",
             first_wrong(round_of_end), 0);
}
SELFTEST("usync-moments", test_moments);
