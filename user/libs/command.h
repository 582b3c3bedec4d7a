/* Cutting a shell's command line into commands and words. Only the shell uses it.

   Commands end with ; or & or with the line. Words are parted by blanks; "double" and 'single'
   quotes keep what is between them together, and may begin and end inside of a word; # at the
   beginning of a word starts a comment. There are no variables and no patterns, and a backslash is
   a character like others. Nothing is allocated: see command.c. */
#pragma once

#include <defs.h>
#include <unistd.h>

/* A command. Its words are in the memory of the line, and last as long as that. */
struct command {
    int argc;
    const char *argv[EXEC_MAX_ARG_NUM + 1];     /* ends with NULL */
    bool background;                            /* ended with & */
};

/* Cut the first command off *line and move *line behind it. The line's memory is changed. Returns
   NULL if all is well; argc is 0 then if the command is empty, as at the end of the line. Otherwise
   returns a message that says what is wrong with the line, whose rest is not to be used. */
const char *command_next(char **line, struct command *cmd);
