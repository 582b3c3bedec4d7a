/* Patterns of file names, for the shell: * stands for any characters, ? for one. In a pattern the
   two are the bytes GLOB_ANY and GLOB_ONE, so that a quoted * is only itself. Only the last name of
   a path may have them; a name that begins with a dot fits only a pattern that does.

   The memory of the names is from malloc, and the caller's until glob_close(). One thread. Brackets
   are no pattern here: [ab] is a name of four characters. */
#pragma once

#include <defs.h>

#define GLOB_ANY        '\1'
#define GLOB_ONE        '\2'
#define GLOB_MAX        32              /* names that a pattern may stand for */
#define GLOB_TOO_MANY   (-1)

struct glob {
    int count;
    char *names[GLOB_MAX];              /* paths, in order */
};

/* Has the word no pattern in it? */
bool glob_is_plain(const char *word);
/* The same text with * and ? for the two bytes, in place; returns it. */
char *glob_plain(char *pattern);
/* Does the name fit the pattern, which has no / ? */
bool glob_fits(const char *pattern, const char *name);
/* Find what fits: how many names, 0 also if the directory cannot be read, or GLOB_TOO_MANY. To be
   closed in any case. */
int glob_open(struct glob *glob, const char *pattern);
/* Free the names. */
void glob_close(struct glob *glob);
