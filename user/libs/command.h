/* Cutting a shell's command line into pipelines, commands and words. Only the shell uses it.

   A line is pipelines, parted by ; & && or || ; a pipeline is commands, parted by | ; a command is
   words and redirections. Words are parted by blanks; "double" and 'single' quotes keep what is
   between them together, and may begin and end inside of a word; \ takes the meaning from the next
   character; # at the beginning of a word starts a comment. Outside of single quotes $NAME,
   ${NAME}, $?, $$, $# and $0 to $9 become what variables.h says; outside of all quotes * and ?
   become the names of the files that fit (glob.h), and ~ at the beginning is $HOME. What this shell
   has not, as if, $(...) or <<, is an error that says so. */
#pragma once

#include <defs.h>
#include <unistd.h>

#define MAX_COMMANDS    8                       /* in a pipeline */
#define MAX_REDIRECTS   4                       /* of a command */
#define PIPELINE_TEXT   8192                    /* room for the words of a pipeline, in bytes */

/* N> FILE and the like: descriptor `fd` is to be another file. */
struct redirect {
    int fd;
    const char *path;                           /* NULL: what descriptor `from` is, as in 2>&1 */
    uint32_t flags;                             /* for open */
    int from;
};

/* A command. Its words are in the text of the pipeline. */
struct command {
    int argc;
    const char *argv[EXEC_MAX_ARG_NUM + 1];     /* ends with NULL */
    int assignments;                            /* so many words at the beginning are NAME=value */
    int redirect_count;
    struct redirect redirects[MAX_REDIRECTS];
};

/* What stands behind a pipeline. */
enum separator { SEPARATOR_SEQUENCE, SEPARATOR_BACKGROUND, SEPARATOR_AND, SEPARATOR_OR };

struct pipeline {
    int count;                                  /* 0: there is none, as at the end of a line */
    struct command commands[MAX_COMMANDS];
    enum separator end;                         /* of the line: SEPARATOR_SEQUENCE */
    size_t used;                                /* bytes of text */
    char text[PIPELINE_TEXT];
};

/* Read the first pipeline of *line, and move *line behind it. With `expand` variables and patterns
   become what they stand for now; without it words are only looked at, to find mistakes. Returns
   NULL if all is well; else a message that says what is wrong with the line, whose rest is not to
   be used. */
const char *pipeline_next(const char **line, struct pipeline *pipeline, bool expand);
