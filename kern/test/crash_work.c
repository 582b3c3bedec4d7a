/* Workloads: scripts of calls, done on a disk that keeps a record; see crash.h.

   A script is words: "make a; write a 0 5000 1; sync". Each of these steps is one transaction at
   most, or its tree is the same after each of its transactions: so a crash in a step leaves the
   tree before it, or the one behind it. What a step does is in crash_calls.c. One with a '!' before
   it must fail, and with that be done. Three words are series of steps:

       many NAME N             make NAME0; make NAME1; ...
       crowd NAME N            the same by "long"
       fill NAME AT N SEED     write N bytes, and again behind them, until there is no room

   The marks of the record: a step has begun, and what a step did is on the disk. The first come
   before the call, the second behind an fsync or sync, for all steps that were over when that was
   called, of both threads. */
#include <error.h>
#include <mm/shrink.h>
#include <printfmt.h>
#include <sched/sched.h>
#include <string.h>
#include <test/crash_calls.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define RECORD_LIMIT    3000
#define JOURNAL_BLOCKS  24              /* the fewest that the kernel takes */
#define INODES          40              /* so the table has two blocks */

/* Both threads work in one file system. */
struct crash_stage crash_stage;

/* The next step of a script, as words; where the one behind it begins. NULL: there was none. */
static const char *next_step(struct worker *w, const char *script)
{
    int word = 0;
    size_t length = 0;

    /* What was left of the last step must not be taken for words of this one. */
    memset(w->words, 0, sizeof(w->words));
    while (*script == ' ')
        script++;
    if (*script == '\0')
        return NULL;
    /* One blank ends a word; there is none behind the last word of a step. */
    for (; *script != ';' && *script != '\0'; script++)
        if (*script == ' ') {
            word++;
            length = 0;
        } else {
            assert(word < CRASH_WORDS && length < CRASH_WORD_LENGTH - 1);
            w->words[word][length++] = *script;
        }
    return *script == ';' ? script + 1 : script;
}

/* Do it with its mark, and note the tree behind it. */
static int note_step(struct worker *w)
{
    struct history *history = w->history;
    bool shared = history->workload->script[1] != NULL;
    uint32_t step = ++history->steps[w->number];

    assert(step <= CRASH_STEPS);
    /* From here on the disk may have what the step does: at the next commit, whoever asks for
       it. */
    test_disk_mark(&history->disk, CRASH_BEGUN(w->number, step));
    /* What is read again in the midst of a call lets the other thread go on. */
    if (shared)
        shrink_memory();
    int error = crash_call(w);
    crash_stage.ended[w->number] = step;
    struct tree tree = tree_of_files(crash_stage.root, w->parts, shared);
    history->tree[w->number][step] = tree.part[w->number];
    if (shared)
        schedule();                     /* now a step of the other thread */
    return error;
}

/* A step that must do what it says. */
static void do_step(struct worker *w)
{
    int error = note_step(w);

    if ((error != 0) != (w->words[0][0] == '!'))
        panic("a step of a workload, %s %s: %s", w->words[0], w->words[1], error_name(error));
}

/* Make words[i] the word in which these are in a row, and a number behind. */
static void set_word(struct worker *w, int i, const char *word, uint64_t number)
{
    snprintf(w->words[i], CRASH_WORD_LENGTH, "%s%lu", word, number);
}

/* A series of calls, for a name with a number behind it. */
static void do_many(struct worker *w, const char *call)
{
    uint64_t n = crash_number(w, 2);
    char name[CRASH_WORD_LENGTH];

    /* words[] is needed for the steps. */
    memcpy(name, w->words[1], CRASH_WORD_LENGTH);
    memcpy(w->words[0], call, strlen(call) + 1);
    for (uint64_t i = 0; i < n; i++) {
        set_word(w, 1, name, i);
        do_step(w);
    }
}

/* The series "fill". Its last step is the one for which there was no room, or not for all of it. */
static void do_fill(struct worker *w)
{
    int error = 0;

    /* name, length and seed stand where "write" wants them; the place goes on. */
    memcpy(w->words[0], "write", 6);
    for (uint64_t at = crash_number(w, 2); error == 0; at += crash_number(w, 3)) {
        set_word(w, 2, "", at);
        error = note_step(w);
    }
    /* Any other error would be one of the kernel's. */
    assert_eq(error, -E_NO_SPACE);
}

/* The whole script of a thread. */
static void do_script(struct worker *w, const char *script)
{
    while ((script = next_step(w, script)) != NULL)
        if (strcmp(w->words[0], "many") == 0)
            do_many(w, "make");
        else if (strcmp(w->words[0], "crowd") == 0)
            do_many(w, "long");
        else if (strcmp(w->words[0], "fill") == 0)
            do_fill(w);
        else
            do_step(w);
    crash_let_go(w);
}

/* One for each thread; the first also prepares the disk. */
static struct worker workers[CRASH_THREADS];

/* A thread. */
static int work(void *arg)
{
    uintptr_t i = (uintptr_t)arg;

    do_script(&workers[i], workers[i].history->workload->script[i]);
    return 0;
}

/* The worker of this number, before its first step. */
static void worker_init(struct history *history, uint32_t number, bool shared)
{
    workers[number] = (struct worker){
        .history = history, .number = number, .parts = shared ? 1U << number : 3,
    };
    history->steps[number] = crash_stage.ended[number] = crash_stage.synced[number] = 0;
}

/* Unmount, and check. Orphans are gone, since nothing is held any more. */
static bool end_well(struct history *history)
{
    /* That checks nothing: what is wrong here is a check that fails, and no panic. */
    test_abandon(crash_stage.fs, crash_stage.root);
    return sfs_check(&history->disk, false) == 0;
}

/* The script of one thread, or of both. These are slowed down by the disk, so that each works while
   the other one waits. */
static void do_scripts(struct history *history)
{
    if (history->workload->script[1] == NULL) {
        work(NULL);
        return;
    }
    history->disk.delay = 1;
    test_threads(CRASH_THREADS, work);
    history->disk.delay = 0;
    /* Else the threads have worked one after the other. */
    assert(history->together > 0);
}

bool history_make(struct history *history, const struct workload *workload)
{
    bool shared = workload->script[1] != NULL, well;
    struct tree tree;

    history->workload = workload;
    history->together = 0;
    test_disk_create(&history->disk, workload->blocks);
    sfs_format(&history->disk, JOURNAL_BLOCKS, INODES, 0);
    crash_stage.fs = test_mount(&history->disk, &crash_stage.root);
    worker_init(history, 0, false);
    /* What is prepared is whole and on the disk, and not in the cache, when the record begins. */
    do_script(&workers[0], workload->prepare);
    if (!end_well(history))
        return false;
    test_disk_hash(&history->disk);
    test_disk_record(&history->disk, RECORD_LIMIT);
    crash_stage.fs = test_mount(&history->disk, &crash_stage.root);
    tree = tree_of_files(crash_stage.root, 3, shared);
    for (uint32_t i = 0; i < CRASH_THREADS; i++) {
        worker_init(history, i, shared);
        history->tree[i][0] = tree.part[i];
    }
    do_scripts(history);
    well = end_well(history);
    /* What the functions have told last is what is on the disk now. */
    if (well)
        tree = tree_of_disk(&history->disk, shared);
    for (uint32_t i = 0; i < CRASH_THREADS; i++) {
        test_disk_mark(&history->disk, CRASH_DURABLE(i, history->steps[i]));
        well &= tree.part[i] == history->tree[i][history->steps[i]];
    }
    return well;
}

void history_end(struct history *history)
{
    test_disk_destroy(&history->disk);
}

bool crash_mark_is_durable(uint32_t number)
{
    return (number & CRASH_DURABLE(0, 0)) != 0;
}

bool history_allows(const struct history *history, size_t length, const struct tree *tree)
{
    /* From the step that was on the disk for sure to the one that had begun, of each thread. */
    uint32_t first[CRASH_THREADS] = { 0 }, last[CRASH_THREADS] = { 0 };
    bool allowed = true;

    for (size_t i = 0; i < length; i++) {
        const struct record_entry *entry = &history->disk.record[i];
        uint32_t *bound = crash_mark_is_durable(entry->block) ? first : last;

        /* A mark may come late, when another thread's has come before. */
        if (entry->kind == RECORD_MARK && bound[entry->block >> 16 & 1] < (entry->block & 0xffff))
            bound[entry->block >> 16 & 1] = entry->block & 0xffff;
    }
    for (uint32_t i = 0; i < CRASH_THREADS; i++) {
        uint32_t step = first[i];

        /* A tree may come back: so there may be several steps that fit. */
        while (step <= last[i] && history->tree[i][step] != tree->part[i])
            step++;
        allowed &= step <= last[i];
    }
    return allowed;
}
