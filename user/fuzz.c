/* fuzz SEED ROUNDS CALLS [WORD ...]: random system calls. A test, and a tool: tools/fuzz.py.

   In each round six lanes make CALLS calls each, side by side: good, bad, and at a limit. What a
   lane calls follows from the seed (user/libs/fuzz.h). Other words:

       first=N         begin with round N; ROUNDS is how many then
       keep=0.3-9,4.7  only these calls: of lane 0 the calls 3 to 9, of lane 4 call 7
       groups=pmfs     calls of processes, memory, files, synchronisation; without it all
       print           each call in words, before and after it is made
       count           at the end a table: how often each call gave which result

   This process is the supervisor. It makes the files that lanes work on, and the leaders; it makes
   no random call itself, and no lane can choose to kill it. A round ends when all other processes
   have ended. Without a disk that can be written to, a lane that was ended by its own call is not
   begun again. */
#include <error.h>
#include <file.h>
#include <fuzz.h>
#include <report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sync.h>
#include <syscall.h>
#include <testing.h>
#include <ulib.h>

#define DIRECTORY       "/w"
#define PRINTED_ON      120
#define STALLED         400             /* ticks without a call of any lane of a team */
#define STATE_SIZE      ROUNDUP(sizeof(struct fuzz_shared), PGSIZE)

struct fuzz_options fuzz_options = { .groups = "pmfs", .first = 1 };
struct fuzz_shared *fuzz;

/* A number at the start of a text, which moves behind it. */
static uint32_t number_at(const char **text)
{
    uint32_t number = 0;

    for (; **text >= '0' && **text <= '9'; ++*text)
        number = 10 * number + (**text - '0');
    return number;
}

/* LANE.FROM-TO,LANE.CALL,... */
static void read_kept(const char *text)
{
    while (*text != '\0') {
        struct fuzz_kept *kept = &fuzz_options.kept[fuzz_options.kept_count++];

        if (fuzz_options.kept_count > MAX_KEPT)
            panic("keep= takes %d ranges of calls", MAX_KEPT);
        kept->lane = number_at(&text);
        if (*text++ != '.')
            panic("keep= takes LANE.CALL and LANE.FROM-TO, with commas between them");
        kept->from = kept->to = number_at(&text);
        if (*text == '-') {
            text++;
            kept->to = number_at(&text);
        }
        if (*text == ',')
            text++;
    }
}

static void read_word(const char *word)
{
    if (strncmp(word, "first=", 6) == 0) {
        word += 6;
        fuzz_options.first = number_at(&word);
    } else if (strncmp(word, "keep=", 5) == 0) {
        read_kept(word + 5);
    } else if (strncmp(word, "groups=", 7) == 0) {
        fuzz_options.groups = word + 7;
    } else if (strcmp(word, "print") == 0) {
        fuzz_options.print = true;
    } else if (strcmp(word, "count") == 0) {
        fuzz_options.statistics = true;
    } else {
        panic("%s: words are first=, keep=, groups=, print and count", word);
    }
}

/* What all processes share: a file without a name, or if there is none memory, of which each
   process has its own. */
static void make_state(void)
{
    uintptr_t address = 0;
    int fd = open("/fuzz-state", O_RDWR | O_CREAT | O_TRUNC);
    bool shared = fd >= 0 && ftruncate(fd, STATE_SIZE) == 0
        && mmap_file(&address, STATE_SIZE, MMAP_FILE | MMAP_SHARED | MMAP_WRITE, fd, 0) == 0;

    if (fd >= 0) {
        close(fd);
        unlink("/fuzz-state");
    }
    if (!shared && mmap(&address, STATE_SIZE, MMAP_WRITE) != 0)
        panic("no memory to begin with");
    fuzz = (struct fuzz_shared *)address;
    fuzz->shared = shared;
    fuzz->supervisor = getpid();
}

/* Remove what a round has left, as far as that can be: two floors of names are enough. */
static void clean(const char *folder, int floors)
{
    static const char names[] = "abcdefghklmnox";
    char path[32];

    for (const char *name = names; *name != '\0'; name++) {
        snprintf(path, sizeof(path), "%s/%c", folder, *name);
        if (unlink(path) == -E_ISDIR) {
            if (floors > 0)
                clean(path, floors - 1);
            rmdir(path);
        }
    }
}

/* The files that a round begins with. If the disk is full some are missing. */
static void make_files(void)
{
    static char data[3 * PGSIZE];

    clean(DIRECTORY, 3);
    clean("", 3);
    mkdir(DIRECTORY);
    chdir(DIRECTORY);
    mkdir("d");
    mkdir("d/e");
    memset(data, 'f', sizeof(data));
    for (const char *name = "abc"; *name != '\0'; name++) {
        char path[2] = { *name, '\0' };
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC);

        if (fd >= 0) {
            write(fd, data, (*name - 'a' + 1) * (PGSIZE - 10));
            close(fd);
        }
    }
    symlink("d", "k");
    symlink("a", "l");
    symlink("m", "m");
    symlink("nothing", "n");
    link("a", "d/a");
}

/* What lanes inherit: no console, two files, a directory, and two pipes. */
static void open_files(void)
{
    int fd[2];

    for (int i = 0; i < 3; i++)
        close(i);
    open("null:", O_RDONLY);
    open("null:", O_WRONLY);
    open("a", O_RDWR);
    pipe(fd);
    pipe(fd);
    open("d", O_RDONLY);
    open("b", O_RDWR);
}

static void start_leader(int team)
{
    static const uint32_t modes[] = { 0, CLONE_VM | CLONE_FS, CLONE_VM, CLONE_FS };
    uint32_t number = fuzz->round + team * (fuzz->round / ARRAY_SIZE(modes) + 1);

    int pid = fork();

    if (pid == 0) {
        open_files();
        fuzz_lead(team, modes[number % ARRAY_SIZE(modes)]);
    }
    if (pid < 0)
        sleep(1);
    fuzz->leaders[team] = pid > 0 ? pid : 0;
}

static bool team_is_done(int team)
{
    for (int lane = team * LANES; lane < (team + 1) * LANES; lane++)
        if (fuzz->next[lane] < fuzz_options.calls)
            return false;
    return true;
}

/* The lanes of a leader that has ended go on without one, if nobody ends them. */
static void end_team(int team)
{
    for (int lane = team * LANES; lane < (team + 1) * LANES; lane++)
        if (fuzz->pids[lane] > 0)
            kill(fuzz->pids[lane]);
}

static uint32_t calls_of(int team)
{
    uint32_t calls = 0;

    for (int lane = team * LANES; lane < (team + 1) * LANES; lane++)
        calls += fuzz->next[lane];
    return calls;
}

/* Look after a team: true while it has something to do. */
static bool watch(int team, uint32_t *seen, uint32_t *idle)
{
    uint32_t calls = calls_of(team);
    int code;

    if (fuzz->leaders[team] == 0 || trywait(fuzz->leaders[team], &code) != -E_BUSY) {
        if (fuzz->leaders[team] != 0)
            end_team(team);
        fuzz->leaders[team] = 0;
        if (team_is_done(team) || !fuzz->shared)
            return false;
        start_leader(team);
        return true;
    }
    *idle = calls == *seen ? *idle + 1 : 0;
    *seen = calls;
    if (*idle > STALLED)
        kill(fuzz->leaders[team]);
    return true;
}

static void run_round(void)
{
    uint32_t seen[TEAMS] = { 0 }, idle[TEAMS] = { 0 };
    bool busy;

    make_files();
    for (int lane = 0; lane < ALL_LANES; lane++)
        fuzz->next[lane] = fuzz->pids[lane] = 0;
    for (int team = 0; team < TEAMS; team++)
        start_leader(team);
    do {
        busy = false;
        sleep(1);
        for (int team = 0; team < TEAMS; team++)
            busy |= watch(team, &seen[team], &idle[team]);
    } while (busy);
    fuzz_sweep();
}

/* Objects that all lanes know: fuzz_values.c knows their ids. */
static void make_objects(void)
{
    sem_init(1);
    sem_init(0);
    mutex_create();
    mutex_create();
    condvar_create();
    condvar_create();
}

/* A line for each call: how often it succeeded, and each error. An error that it may have and never
   had has a 0. */
static void print_counts(void)
{
    for (int i = 0; i < fuzz_call_count; i++) {
        cprintf("count %s ok=%u", fuzz_calls[i].name, fuzz->made[i][0]);
        for (int error = 1; error <= MAXERROR; error++)
            if (fuzz->made[i][error] != 0 || (fuzz_calls[i].errors >> error & 1))
                cprintf(" %s=%u", error_name(error), fuzz->made[i][error]);
        cprintf("\n");
    }
}

static uint32_t calls_made(void)
{
    uint32_t calls = 0;

    for (int i = 0; i < fuzz_call_count; i++)
        for (int result = 0; result <= MAXERROR; result++)
            calls += fuzz->made[i][result];
    return calls;
}

int main(int argc, char **argv)
{
    fuzz_options.seed = number_argument(argc, argv, 1, 1);
    fuzz_options.rounds = number_argument(argc, argv, 2, 2);
    fuzz_options.calls = number_argument(argc, argv, 3, 300);
    for (int i = 4; i < argc; i++)
        read_word(argv[i]);
    dup2(1, PRINTED_ON);
    make_state();
    fuzz_values_init();
    make_objects();
    fuzz->round = fuzz_options.first;
    for (uint32_t i = 0; i < fuzz_options.rounds && fuzz->complaints == 0; i++) {
        run_round();
        fuzz->round++;
    }
    cprintf("\nfuzz: %u calls, %u lanes begun again, %u of them killed\n", calls_made(),
            fuzz->restarts, fuzz->kills);
    if (fuzz_options.statistics)
        print_counts();
    if (fuzz->complaints != 0)
        cprintf("fuzz: %s\n", fuzz->complaint);
    check_eq("all results are such as can be", fuzz->complaints, 0);
    return check_done();
}
