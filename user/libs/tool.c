/* What the small tools share: see tool.h.

   Words for errors are in a table by their numbers: %e of printf gives their names, which a person
   who types `cat` need not know. What has no words here is told by its name.

   write() may write less than it was asked to, when a pipe is full or the disk is; so all output of
   the tools that matters goes through write_all(). One thread. */
#include <error.h>
#include <file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tool.h>
#include <ulib.h>

/* Keys of the console. */
#define CONSOLE_EOF     ('D' - '@')
#define DELETE          0x7f

static const char *const words[MAXERROR + 1] = {
    [E_INVAL] = "that cannot be done",
    [E_NO_MEM] = "no memory",
    [E_TOO_BIG] = "too long or too big",
    [E_BUSY] = "in use: it runs, or is written to",
    [E_NOENT] = "no such file or directory",
    [E_ISDIR] = "is a directory",
    [E_NOTDIR] = "is not a directory",
    [E_XDEV] = "not on the same disk",
    [E_SEEK] = "has no positions",
    [E_MAX_OPEN] = "too many open files",
    [E_EXISTS] = "exists already",
    [E_NOTEMPTY] = "is not empty",
    [E_IO] = "the disk has failed",
    [E_ROFS] = "the file system is read-only",
    [E_NO_SPACE] = "no room on the disk",
};

const char *error_words(int error)
{
    const char *text = error < 0 && error >= -MAXERROR ? words[-error] : NULL;

    return text != NULL ? text : error_name(error);
}

int tool_error(const char *tool, const char *what, int error)
{
    fprintf(stderr, "%s: %s%s%s\n", tool, what != NULL ? what : "", what != NULL ? ": " : "",
            error_words(error));
    return 1;
}

int tool_usage(const char *usage)
{
    fprintf(stderr, "usage: %s\n", usage);
    return 2;
}

int tool_each(const char *arguments, int argc, char **argv, int (*each)(const char *argument))
{
    const char *tool = base_name(argv[0]);
    int code = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: %s %s\n", tool, arguments);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        int error = each(argv[i]);

        if (error < 0)
            code = tool_error(tool, argv[i], error);
    }
    return code;
}

int write_all(int fd, const void *buf, size_t n)
{
    const char *at = buf;

    while (n > 0) {
        int written = write(fd, at, n);

        if (written == -E_PIPE)
            exit(written);              /* as all output of the C library does: nobody reads it */
        if (written <= 0)
            return written < 0 ? written : -E_IO;
        at += written;
        n -= written;
    }
    return 0;
}

/* A line from the console, which gives keys as they are typed: so they are echoed here, and not on
   the standard output, which may be a file. Backspace takes the last one away. Ctrl-D gives what
   there is of the line: nothing is the end. How many bytes, or an error. */
static int read_keys(int fd, char *buf, size_t size)
{
    size_t n = 0;

    while (n < size) {
        char *c = buf + n;
        int got = read(fd, c, 1);

        if (got <= 0 || *c == CONSOLE_EOF)
            return got < 0 ? got : (int)n;
        if (*c == '\b' || *c == DELETE) {
            if (n > 0)
                write(stderr, "\b \b", 3);
            n -= n > 0;
            continue;
        }
        if (*c == '\r')
            *c = '\n';
        write(stderr, c, 1);
        n++;
        if (*c == '\n')
            break;
    }
    return n;
}

int read_input(int fd, void *buf, size_t size)
{
    struct stat st;
    bool keys = fstat(fd, &st) == 0 && S_ISCHR(st.st_mode);

    return keys ? read_keys(fd, buf, size) : read(fd, buf, size);
}

int copy_all(int from, int to)
{
    static char buf[TOOL_BUFFER];
    int n, error = 0;

    while (error == 0 && (n = read_input(from, buf, sizeof(buf))) != 0)
        error = n < 0 ? n : write_all(to, buf, n);
    return error;
}

const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

char *join_path(const char *directory, const char *name)
{
    size_t n = strlen(directory);
    char *path = malloc(n + strlen(name) + 2);

    if (path == NULL)
        return NULL;
    strcpy(path, directory);
    if (n > 0 && directory[n - 1] != '/')
        strcat(path, "/");
    strcat(path, name);
    return path;
}

bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool same_file(const struct stat *one, const struct stat *other)
{
    return one->st_ino != 0 && one->st_ino == other->st_ino;
}

/* An output that was just emptied has nothing that could be read: then it is no harm. */
bool is_output(int fd)
{
    struct stat in, out;

    return fstat(fd, &in) == 0 && fstat(1, &out) == 0 && same_file(&in, &out)
        && S_ISREG(in.st_mode) && seek(fd, 0, LSEEK_CUR) < (long)in.st_size;
}

/* Read more behind what is there: first what was given away makes room, then the buffer grows.
   False at the end, and if there is no memory. */
static bool read_more(struct lines *lines)
{
    if (lines->start > 0) {
        memmove(lines->text, lines->text + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->start = 0;
    }
    if (lines->room - lines->end < 2) {
        size_t room = lines->room == 0 ? TOOL_BUFFER : lines->room * 2;
        char *text = realloc(lines->text, room);

        if (text == NULL) {
            lines->error = -E_NO_MEM;
            return false;
        }
        lines->text = text;
        lines->room = room;
    }
    int n = read_input(lines->fd, lines->text + lines->end, lines->room - lines->end - 1);
    if (n < 0)
        lines->error = n;
    else
        lines->end += n;
    return n > 0;
}

char *next_line(struct lines *lines, size_t *length)
{
    size_t at = 0;

    for (;;) {
        for (; lines->start + at < lines->end; at++) {
            char *line = lines->text + lines->start;

            if (line[at] != '\n')
                continue;
            line[at] = '\0';
            *length = at;
            lines->start += at + 1;
            return line;
        }
        if (!read_more(lines))
            break;
    }
    if (at > 0 && lines->error == 0) {          /* a last line without a newline */
        lines->text[lines->start + at] = '\0';
        *length = at;
        lines->start = lines->end;
        return lines->text + lines->end - at;
    }
    free(lines->text);
    lines->text = NULL;
    lines->start = lines->end = lines->room = 0;
    return NULL;
}
