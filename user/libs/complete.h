/* Completing what is typed in a shell: programs and the shell's own commands as the first word of a
   command, files else. The shell gives it to the line editor, which calls it for the tab key.

   Names come from the directories, at the moment of the key. A name with a blank in it is completed
   as it is, without quotes: the shell would take it for two words. One thread.

   A directory that cannot be read has no names, and so a mistake in the path shows in that nothing
   is completed. */
#pragma once

#include <defs.h>
#include <line.h>

/* For line_set_completer(). */
extern const struct line_completer shell_completer;

/* The names of the shell's own commands, with a NULL at the end. Once, before the first key. */
void complete_set_commands(const char *const *names);
