/* The variables of a shell: names with texts. Only the shell uses them; a program that it starts
   does not see them, because this system has no environment.

   Names are letters, digits and _, and do not begin with a digit. What the shell sets itself has
   other names: "?" the last exit code, "$" the shell's pid, "#" how many arguments a script has,
   "0" to "9" the script and its arguments. */
#pragma once

#include <defs.h>

#define VARIABLE_NAME   31              /* characters in a name, at most */

/* Its value; an empty text if it has none. Lasts until the variable is set again. */
const char *variable_get(const char *name);
/* Give it a value, of which a copy is kept. False if there are too many, or no memory. */
bool variable_set(const char *name, const char *value);
/* The name and value number `index`, from 0, of those that a user has set; false behind the
   last. */
bool variable_list(size_t index, const char **name, const char **value);

/* May this character be in a name, where no digit may be if it is the `first`? A name that begins
   with a digit is that digit alone. */
bool variable_character(char c, bool first);
/* Does the text begin with NAME= ? */
bool variable_assignment(const char *text);
