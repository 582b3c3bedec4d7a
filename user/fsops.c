/* Random operations on files, against a model. What to do, and what must come out, is a script that
   tools/grader/fsops.py has made from a seed and has put on the disk; its head tells what the lines
   mean.

   "fsops map FILE..." moves bytes by maps of the files where that can be done, and keeps the last
   maps while it goes on. "fsops FILE..." does the scripts one after the other; the descriptors that
   one leaves open are open in the next, as the model has it, and the last ones at the exit. A line
   that comes out in another way ends the test, because all that follows would be wrong too. What is
   on the disk afterwards, the host compares.

   A script is read whole before its first line is done, so it has no descriptor then. A child that
   does a line shares the positions of the files, and tells what came out by its memory, which is
   not shared: so it compares itself. */
#include <dir.h>
#include <error.h>
#include <file.h>
#include <report.h>
#include <stat.h>
#include <stdio.h>
#include <string.h>
#include <ulib.h>

#define SCRIPT_MOST     (256 << 10)
#define DATA_MOST       (72 << 10)
#define WORDS_MOST      16
#define MORE_MOST       4

static char script[SCRIPT_MOST + 1], line_copy[16 << 10];
static uint8_t data[DATA_MOST];
/* How many calls have found the disk full, those of children not counted. */
static int full;
/* What came with the result of the last call. */
static uint64_t more[MORE_MOST];

/* The 32-bit FNV-1a digest. */
static uint32_t digest(const void *bytes, size_t n)
{
    uint32_t value = 0x811c9dc5;

    for (size_t i = 0; i < n; i++)
        value = (value ^ ((const uint8_t *)bytes)[i]) * 0x01000193;
    return value;
}

/* A number of the script, which may be negative. */
static long number(const char *word)
{
    long sign = *word == '-' ? -1 : 1, value = 0;

    for (word += *word == '-'; *word >= '0' && *word <= '9'; word++)
        value = value * 10 + (*word - '0');
    return sign * value;
}

/* A path of the script: "~" is the empty one. */
static const char *path(const char *word)
{
    return strcmp(word, "~") == 0 ? "" : word;
}

#define DESCRIPTORS     128
#define KEPT            6

static bool use_maps;
static bool appends[DESCRIPTORS];       /* what is written there goes to the end */
static struct { uintptr_t addr; size_t len; } kept[KEPT];

/* Move n bytes, or as many as there are, between `data` and the file, from its position on, by a
   map. -1 if that cannot be done, or would not be what read() and write() do; then nothing has
   happened. */
static long move_by_map(int fd, size_t n, bool write)
{
    static int turn;
    struct stat st;
    long at = use_maps && fd >= 0 && fd < DESCRIPTORS ? seek(fd, 0, LSEEK_CUR) : -1;
    uintptr_t addr = 0;

    if (at < 0 || n == 0 || (write && appends[fd]) || fstat(fd, &st) != 0
        || at >= (long)st.st_size || (write && at + n > st.st_size))
        return -1;
    n = at + n > st.st_size ? st.st_size - at : n;
    long start = at / 4096 * 4096, len = at + n - start;
    uint32_t flags = write ? MMAP_FILE | MMAP_SHARED | MMAP_WRITE
        : MMAP_FILE | (turn % 2 ? MMAP_SHARED : MMAP_WRITE);
    if (mmap_file(&addr, len, flags, fd, start) != 0)
        return -1;
    if (write)
        memcpy((char *)addr + (at - start), data, n);
    else
        memcpy(data, (char *)addr + (at - start), n);
    turn = (turn + 1) % KEPT;
    if (kept[turn].len > 0)
        munmap(kept[turn].addr, kept[turn].len);
    kept[turn].addr = addr;
    kept[turn].len = len;
    return seek(fd, at + n, LSEEK_SET) < 0 ? -1 : (long)n;
}

/* A new descriptor, if it is one, appends or not. */
static long new_descriptor(long fd, bool append)
{
    if (fd >= 0 && fd < DESCRIPTORS)
        appends[fd] = append;
    return fd;
}

/* The same as another descriptor. */
static long like(long fd, long other)
{
    return new_descriptor(fd, other >= 0 && other < DESCRIPTORS && appends[other]);
}

static long do_open(char **word)
{
    return new_descriptor(open(path(word[1]), number(word[2])), number(word[2]) & O_APPEND);
}

static long do_close(char **word)
{
    return close(number(word[1]));
}

/* Bytes from 0 to 255 that tell the seed and the place. */
static long do_write(char **word)
{
    size_t n = number(word[2]);
    uint32_t seed = number(word[3]);

    for (size_t i = 0; i < n; i++)
        data[i] = seed + i * 17 + (i >> 8) * 31;
    long moved = move_by_map(number(word[1]), n, true);
    return moved > 0 ? moved : write(number(word[1]), data, n);
}

static long do_read(char **word)
{
    long n;

    memset(data, 0xee, number(word[2]));
    n = move_by_map(number(word[1]), number(word[2]), false);
    if (n < 0)
        n = read(number(word[1]), data, number(word[2]));
    more[0] = digest(data, n > 0 ? n : 0);
    return n;
}

static long do_seek(char **word)
{
    return seek(number(word[1]), number(word[2]), number(word[3]));
}

static long do_ftruncate(char **word)
{
    return ftruncate(number(word[1]), number(word[2]));
}

static long do_truncate(char **word)
{
    return truncate(path(word[1]), number(word[2]));
}

static long do_fsync(char **word)
{
    return fsync(number(word[1]));
}

static long do_sync(char **word)
{
    (void)word;
    return sync();
}

static long do_dup(char **word)
{
    return like(dup(number(word[1])), number(word[1]));
}

static long do_dup2(char **word)
{
    return like(dup2(number(word[1]), number(word[2])), number(word[1]));
}

static long about(long result, const struct stat *stat)
{
    more[0] = stat->st_mode & S_IFMT;
    more[1] = stat->st_nlinks;
    more[2] = stat->st_size;
    more[3] = stat->st_blocks;
    return result;
}

static long do_fstat(char **word)
{
    struct stat stat = { 0 };

    return about(fstat(number(word[1]), &stat), &stat);
}

static long do_lstat(char **word)
{
    struct stat stat = { 0 };

    return about(lstat(path(word[1]), &stat), &stat);
}

/* How many names a directory has, and the sum of their digests, in which their order does not
   matter. The error of an open comes from another open, because opendir() tells none. */
static long do_list(char **word)
{
    DIR *dir = opendir(path(word[1]));
    struct dirent *entry;
    uint32_t sum = 0;
    long n = 0;

    if (dir == NULL) {
        int fd = open(path(word[1]), O_RDONLY);
        if (fd >= 0)
            close(fd);
        return fd < 0 ? fd : -E_NOTDIR;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
            continue;
        sum += digest(entry->name, strlen(entry->name));
        n++;
    }
    closedir(dir);
    more[0] = sum;
    return n;
}

static long do_readlink(char **word)
{
    long n = readlink(path(word[1]), (char *)data, number(word[2]));

    more[0] = digest(data, n > 0 ? n : 0);
    return n;
}

static long do_getcwd(char **word)
{
    int result = getcwd((char *)data, 4096);

    (void)word;
    more[0] = result < 0 ? 0 : digest(data, strlen((char *)data));
    return result < 0 ? result : 0;
}

static long do_chdir(char **word)
{
    return chdir(path(word[1]));
}

static long do_mkdir(char **word)
{
    return mkdir(path(word[1]));
}

static long do_rmdir(char **word)
{
    return rmdir(path(word[1]));
}

static long do_unlink(char **word)
{
    return unlink(path(word[1]));
}

static long do_link(char **word)
{
    return link(path(word[1]), path(word[2]));
}

static long do_symlink(char **word)
{
    return symlink(path(word[1]), path(word[2]));
}

static long do_rename(char **word)
{
    return rename(path(word[1]), path(word[2]));
}

static const struct {
    const char *name;
    long (*call)(char **word);
} calls[] = {
    { "open", do_open }, { "close", do_close }, { "read", do_read }, { "write", do_write },
    { "seek", do_seek }, { "ftruncate", do_ftruncate }, { "truncate", do_truncate },
    { "fsync", do_fsync }, { "sync", do_sync }, { "dup", do_dup }, { "dup2", do_dup2 },
    { "fstat", do_fstat }, { "lstat", do_lstat }, { "list", do_list },
    { "readlink", do_readlink }, { "getcwd", do_getcwd }, { "chdir", do_chdir },
    { "mkdir", do_mkdir }, { "rmdir", do_rmdir }, { "unlink", do_unlink }, { "link", do_link },
    { "symlink", do_symlink }, { "rename", do_rename },
};

static long call(char **word)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (strcmp(calls[i].name, word[0]) == 0)
            return calls[i].call(word);
    panic("no call %s\n", word[0]);
}

/* Is this result one of those of "-17|-24"? All are of "?". */
static bool is_one_of(long result, const char *results)
{
    if (*results == '?')
        return true;
    for (; results != NULL; results = strchr(results, '|')) {
        results += *results == '|';
        if (number(results) == result)
            return true;
    }
    return false;
}

/* Does a call come out as the words from `want` on say? */
static bool as_predicted(char **word, char **want, int wanted)
{
    long result = call(word);

    full += result == -E_NO_SPACE;
    if (!is_one_of(result, want[0])) {
        cprintf("it returned %ld\n", result);
        return false;
    }
    for (int i = 1; i < wanted && result >= 0; i++) {
        if (strcmp(want[i], "-") != 0 && more[i - 1] != (uint64_t)number(want[i])) {
            cprintf("it returned %ld, but number %d with it is %lu\n", result, i, more[i - 1]);
            return false;
        }
    }
    return true;
}

/* Cut a line into its words, and do it: true if all is as predicted. */
static bool do_line(char *line)
{
    char *word[WORDS_MOST + 1], **first = word;
    int words = 0, equals = 0, code = -1, pid;

    for (char *at = line; *at != '\0' && words < WORDS_MOST; words++) {
        word[words] = at;
        while (*at != ' ' && *at != '\0')
            at++;
        if (*at == ' ')
            *at++ = '\0';
        if (strcmp(word[words], "=") == 0)
            equals = words;
    }
    assert(equals > 0 && words > equals + 1);
    if (strcmp(word[0], "child") != 0)
        return as_predicted(first, word + equals + 1, words - equals - 1);
    pid = fork();
    if (pid == 0)
        exit(as_predicted(first + 1, word + equals + 1, words - equals - 1) ? 0 : 1);
    return pid > 0 && waitpid(pid, &code) == 0 && code == 0;
}

/* Read a file whole; what it has is a string. */
static void read_script(const char *name)
{
    int fd = open(name, O_RDONLY);
    size_t length = 0;
    long n;

    if (fd < 0)
        panic("%s: %e\n", name, fd);
    while ((n = read(fd, script + length, SCRIPT_MOST - length)) > 0)
        length += n;
    assert(n == 0 && length < SCRIPT_MOST);
    script[length] = '\0';
    close(fd);
}

/* Do all lines of a script; false at the first one that comes out in another way. */
static bool do_script(const char *name)
{
    int count = 0;

    for (char *line = script, *next; *line != '\0'; line = next) {
        next = strchr(line, '\n');
        assert(next != NULL && next - line < (long)sizeof(line_copy));
        *next++ = '\0';
        count++;
        strcpy(line_copy, line);
        if (!do_line(line)) {
            cprintf("%s, line %d: %s\n", name, count, line_copy);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    use_maps = argc > 1 && strcmp(argv[1], "map") == 0;
    for (int i = 1 + use_maps; i < argc && all_passed(); i++) {
        read_script(argv[i]);
        check("each call comes out as the model predicts", do_script(argv[i]));
    }
    if (full > 0)
        cprintf("%d calls found the disk full\n", full);
    return check_done();
}
