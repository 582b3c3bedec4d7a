/* The line editor of line.h. The cursor is always at the end of the line, so there is nothing to
   move.

   Keys send one byte, or a sequence that begins with ESC: ESC [ A is the up key. Sequences that are
   not known are skipped whole, so that their letters do not get into the line. All other bytes from
   blank on are taken as they come; a terminal sends UTF-8, of which only erase() must know.

   History, completer and after_cr are of the whole process: one thread edits lines. */
#include <defs.h>
#include <file.h>
#include <line.h>
#include <stdio.h>
#include <string.h>

/* The codes of keys: ctrl and a letter give 1 to 26. */
#define CTRL(letter)    ((letter) - '@')
#define ESCAPE          27
#define DELETE          127

/* Lines that the up key can bring back. */
#define HISTORY         16

/* A line that is being edited. */
struct line {
    const char *prompt;
    char *text;                 /* LINE_SIZE bytes, always closed with a zero */
    int length;
    int dropped;                /* characters typed beyond the end of the room */
    int shown;                  /* number of the history line shown; `entered`: none */
};

/* The last lines that were entered: number n is in history[n % HISTORY]. `entered` counts them
   all. */
static char history[HISTORY][LINE_SIZE];
static int entered;

/* What the tab key asks; NULL: nothing. */
static const struct line_completer *completer;

/* Did the last line end with CR? An LF right after it belongs to it, and is no line of its own. */
static bool after_cr;

void line_set_completer(const struct line_completer *wanted)
{
    completer = wanted;
}

/* Write prompt and text over the whole line; ESC [ K clears what was behind them. */
static void redraw(struct line *line)
{
    printf("\r%s%s\033[K", line->prompt, line->text);
}

/* Make another text the line. */
static void set_text(struct line *line, const char *text)
{
    strcpy(line->text, text);
    line->length = strlen(text);
    line->dropped = 0;
    redraw(line);
}

/* Append a character, and show it. If there is no room it is counted, so that as many keys of
   backspace take it away again: what is seen and what is in the line stay the same thing. */
static void insert(struct line *line, char c)
{
    if (line->length == LINE_SIZE - 1) {
        line->dropped++;
        return;
    }
    line->text[line->length++] = c;
    line->text[line->length] = '\0';
    write(stdout, &c, 1);
}

/* Take the last character away. In UTF-8 that is one byte and the continuation bytes, 10xxxxxx,
   that follow it. */
static void erase(struct line *line)
{
    if (line->dropped > 0) {
        line->dropped--;
        return;
    }
    if (line->length == 0)
        return;
    do {
        line->length--;
    } while (line->length > 0 && (line->text[line->length] & 0xC0) == 0x80);
    line->text[line->length] = '\0';
    write(stdout, "\b \b", 3);
}

/* Show an older (-1) or newer (+1) line; below the newest one is an empty line. Beyond the oldest
   one that is kept, and below the empty line, nothing happens. What was typed and not entered is
   lost. */
static void browse(struct line *line, int step)
{
    int wanted = line->shown + step;

    if (wanted < 0 || wanted < entered - HISTORY || wanted > entered)
        return;
    line->shown = wanted;
    set_text(line, wanted < entered ? history[wanted % HISTORY] : "");
}

/* Put a line into the history, unless it is empty or the same as the last one. It takes the place
   of the one that was entered HISTORY lines ago. */
static void remember(const char *text)
{
    if (*text == '\0' || (entered > 0 && strcmp(history[(entered - 1) % HISTORY], text) == 0))
        return;
    strcpy(history[entered++ % HISTORY], text);
}

/* Read the rest of an escape sequence (ECMA-48 5.4) and do what its key means: ESC, [ or O, then
   any number of parameters from blank to ?, then one character that says what it is. */
static void escape(struct line *line)
{
    int c = getchar();

    if (c != '[' && c != 'O')
        return;
    do {
        c = getchar();
    } while (c >= ' ' && c < '@');
    if (c == 'A')
        browse(line, -1);
    else if (c == 'B')
        browse(line, +1);
}

/* The tab key: add what is certain; if nothing is, show what there is to choose from. */
static void complete(struct line *line)
{
    char added[LINE_SIZE];
    int found = line->dropped > 0 ? 0 : completer->complete(line->text, added, sizeof(added));

    if (found > 1 && added[0] == '\0') {
        printf("\n");
        completer->list(line->text);
        redraw(line);
        return;
    }
    for (const char *c = added; found > 0 && *c != '\0'; c++)
        insert(line, *c);
}

/* A key that neither ends the line nor gives it up. */
static void edit_key(struct line *line, int c)
{
    if (c == '\b' || c == DELETE)
        erase(line);
    else if (c == CTRL('U'))
        set_text(line, "");
    else if (c == ESCAPE)
        escape(line);
    else if (c == '\t' && completer != NULL)
        complete(line);
    else if (c == '\t')
        insert(line, ' ');
    else if (c >= ' ')
        insert(line, c);
}

/* Each key is handled as it comes, and its echo is written at once. Of CR LF, which some terminals
   send for one key, the LF is left out; but only if it is the very next byte. Ctrl-D in a line that
   is not empty is a key without a meaning. */
int line_edit(const char *prompt, char *text)
{
    struct line line = { .prompt = prompt, .text = text, .shown = entered };

    text[0] = '\0';
    printf("%s", prompt);
    for (;;) {
        int c = getchar();
        bool lf_of_cr = c == '\n' && after_cr;

        after_cr = c == '\r';
        if (lf_of_cr)
            continue;
        if (c == EOF || (c == CTRL('D') && line.length == 0))
            return LINE_EOF;
        if (c == CTRL('C')) {
            printf("^C\n");
            text[0] = '\0';
            return 0;
        }
        if (c == '\r' || c == '\n')
            break;
        edit_key(&line, c);
    }
    printf("\n");
    remember(text);
    return line.dropped > 0 ? LINE_TOO_LONG : line.length;
}
