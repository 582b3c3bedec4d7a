/* What the parts of the shell share: its last exit code, its messages, its own commands. Only the
   shell uses it; user/sh.c runs the rest by these.

   One thread; a child of the shell has copies. Messages go to stderr, so that they are seen also if
   a command writes into a file. What a command is called with is checked by the command: a builtin
   prints one line that says what it wanted, and returns 1. */
#pragma once

#include <defs.h>

#define BAD_LINE        2               /* exit code of a line that was not run */

/* The code of the last command, which is the variable $? too. */
int shell_code(void);
void shell_set_code(int code);
/* From now on messages name this file, and the line that shell_next_line() counts. */
void shell_set_script(const char *name);
void shell_next_line(void);
/* Print a message: "sh: ", of a script its file and line, and the text. */
void complain(const char *fmt, ...);

/* A command that the shell does itself, because a program could not: it changes the shell. */
struct builtin {
    const char *name;
    int (*run)(int argc, const char **argv);    /* returns the exit code */
    const char *help;
};

/* The command of this name, or NULL. */
const struct builtin *find_builtin(const char *name);
/* All their names, with a NULL behind them. */
const char *const *builtin_names(void);
