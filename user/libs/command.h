/* Cutting a shell's command line into commands and words. Commands end with ; or & or the line.
   Words are parted by blanks; "double" and 'single' quotes keep what is between them together; # at
   the beginning of a word starts a comment. */
#pragma once

#include <defs.h>
#include <unistd.h>

struct command {
    int argc;
    const char *argv[EXEC_MAX_ARG_NUM + 1];     /* ends with NULL */
    bool background;                            /* ended with & */
};

/* Cut the first command off *line and move *line behind it. The words stay in the line's memory,
   which is changed. Returns NULL, with argc 0 where the command is empty, or a message that says
   what is wrong with the line. */
const char *command_next(char **line, struct command *cmd);
