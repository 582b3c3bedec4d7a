/* A line editor for a raw terminal, which the console is. It echoes what is typed and understands
   backspace, ctrl-U (empty the line), ctrl-C (give the line up), ctrl-D (end of the input, on an
   empty line), and the up and down keys for earlier lines.

   The shell uses it, and getline() of stdio.h does. It keeps the last lines for the whole process,
   so only one thread may edit at a time. */
#pragma once

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
