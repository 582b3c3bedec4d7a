/* Cutting command lines: see command.h. Words are written over the line they are read from. */
#include <command.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Read one word from *from and write it to *to, closed with a zero. *from is left on the character
   behind the word, which *end gets: the zero may overwrite it. */
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

/* Skip blanks and a comment; true where another word begins. `c` stands for the first character. */
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
