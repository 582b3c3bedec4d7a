/* A line editor for a raw terminal, which the console is. It echoes what is typed and understands
   backspace, ctrl-U (empty the line), ctrl-C (give the line up), ctrl-D (end of the input, on an
   empty line), and the up and down keys for earlier lines.

   With a completer, the tab key completes the word that is typed, or lists what it could become.

   The shell uses it, and getline() of stdio.h does. It keeps the last lines for the whole process,
   so only one thread may edit at a time. */
#pragma once

#include <defs.h>

/* Room for a line: 1023 characters and the closing zero. */
#define LINE_SIZE       1024

enum {
    LINE_EOF = -1,              /* the input has ended */
    LINE_TOO_LONG = -2          /* the text was cut to LINE_SIZE - 1 characters */
};

/* Print the prompt and let the user edit a line in text, LINE_SIZE bytes big. Returns its length,
   without the newline, or one of the values above. A line that was given up is empty. Reads no byte
   past the line's end: the next program may want it. */
int line_edit(const char *prompt, char *text);

/* What the tab key asks. */
struct line_completer {
    /* How many words begin with the last word of the text. What all of them have behind it goes to
       `added`, of `size` bytes: nothing if they differ at once. */
    int (*complete)(const char *text, char *added, size_t size);
    /* Print them, with a newline at the end. */
    void (*list)(const char *text);
};

/* From now on lines are completed by this; without it a tab is a blank. */
void line_set_completer(const struct line_completer *completer);
