/* What the small tools share: messages, copying, reading by lines, paths. cat, cp, grep and others
   are each a short program that does one thing; what two of them need is here.

   A message is one line on stderr: the tool, what it was about, and the error in words. A tool goes
   on with its next argument after an error, and ends with 1, as in any Unix. One that was called
   wrongly prints how it is called, and ends with 2. One thread. */
#pragma once

#include <defs.h>
#include <stat.h>

#define TOOL_BUFFER     16384           /* bytes that are read at a time */

/* What an error means, in words; its name if there are none. */
const char *error_words(int error);
/* Print "tool: what: error in words"; returns 1, the exit code of a tool that failed. `what` may be
   NULL. */
int tool_error(const char *tool, const char *what, int error);
/* Print how a tool is called, and return 2. */
int tool_usage(const char *usage);

/* The whole of a tool that does one thing with each of its arguments: `each` returns 0 or an error,
   which is told, and the next argument is tried. Returns the tool's exit code. */
int tool_each(const char *arguments, int argc, char **argv, int (*each)(const char *argument));

/* Write all n bytes: 0 or an error. */
int write_all(int fd, const void *buf, size_t n);
/* read() for a tool: of the console, one line, which is echoed, and ctrl-D at its beginning is the
   end. */
int read_input(int fd, void *buf, size_t size);
/* Copy what is left in one file to another: 0 or an error. */
int copy_all(int from, int to);

/* The last name of a path: "c" of "/a/b/c". */
const char *base_name(const char *path);
/* The path of `name` in `directory`, in memory from malloc; NULL if there is none. */
char *join_path(const char *directory, const char *name);
/* Is it a directory? */
bool is_directory(const char *path);
/* Is it one file of the disk, by two names? */
bool same_file(const struct stat *one, const struct stat *other);
/* Would the standard output write to what is left to be read here? Then reading has no end. */
bool is_output(int fd);

/* Reading a file by lines. Set fd, and all else to 0. */
struct lines {
    int fd;
    int error;                          /* why it ended, or 0: the end of the file */
    char *text;                         /* what was read and not yet given; from malloc */
    size_t start, end, room;
};

/* The next line, without its newline; NULL at the end, when the memory is free again. It is good
   until the next call. Its length is stored, because a line may hold zeros. */
char *next_line(struct lines *lines, size_t *length);
