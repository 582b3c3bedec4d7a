/* Cutting command lines: see command.h.

   The words of a command are written over the line that they are read from. That is always
   possible, because a word is never longer than what it stands for: quotes go, and the closing zero
   takes the place of a blank or of what ends the command. Only that character must be remembered
   before the zero overwrites it. No memory is allocated, and nothing is kept between two calls. */
#include <command.h>
#include <string.h>

/* Does it part words? A command line has no other blanks: a newline ends it. */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Read one word from *from and write it to *to, closed with a zero; both are moved on. *from is
   left on the character behind the word, and *end gets that character, because the zero may
   overwrite it. Returns NULL, or a message that says what is wrong. */
static const char *cut_word(char **from, char **to, char *end)
{
    char quote = '\0';

    for (;; (*from)++) {
        char c = **from;

        if (quote != '\0' ? c == quote : c == '"' || c == '\'') {
            quote = quote != '\0' ? '\0' : c;
            continue;
        }
        if (quote == '\0' && c != '\0' && strchr("|<>", c) != NULL)
            return "pipes and files (| < >) are not there yet; "
                   "put the character into quotes to mean itself";
        if (c == '\0' || (quote == '\0' && (is_blank(c) || c == ';' || c == '&'))) {
            *end = c;
            break;
        }
        *(*to)++ = c;
    }
    if (quote == '"')
        return "a closing \" is missing";
    if (quote == '\'')
        return "a closing ' is missing";
    *(*to)++ = '\0';
    return NULL;
}

/* Skip blanks and a comment. True if another word begins at *from. *c is the character at *from,
   which may be overwritten in memory. */
static bool find_word(char **from, char *c)
{
    while (is_blank(*c))
        *c = *++*from;
    if (*c == '#') {
        *from += strlen(*from);
        *c = '\0';
    }
    return *c != '\0' && *c != ';' && *c != '&';
}

/* `to` never gets ahead of `from`. c is the character at `from`, also when a zero has been written
   over it: `to` may be one behind `from`, and then the closing zero of a word is there. The loop
   ends at ; or & or the end; only the end is not stepped over, so the next call finds it again. */
const char *command_next(char **line, struct command *cmd)
{
    char *from = *line, *to = *line, c = *from;

    cmd->argc = 0;
    cmd->background = false;
    while (find_word(&from, &c)) {
        if (cmd->argc == EXEC_MAX_ARG_NUM)
            return "too many words: a command can have 32";
        cmd->argv[cmd->argc++] = to;
        const char *error = cut_word(&from, &to, &c);

        if (error != NULL)
            return error;
    }
    cmd->argv[cmd->argc] = NULL;
    if (c == '&') {
        cmd->background = true;
        if (cmd->argc == 0)
            return "there is no command in front of &";
    }
    *line = c == '\0' ? from : from + 1;
    return NULL;
}
