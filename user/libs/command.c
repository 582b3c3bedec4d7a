/* Cutting command lines: see command.h.

   The line is read once from left to right, and never changed. Words are written one behind the
   other into the text of the pipeline, and close with a zero. While a word is cut, * and ? that
   stand for patterns are written as the bytes of glob.h, so that quoted ones stay what they are.

   A `struct cutter` is what all functions here work on: the place in the line, the pipeline, and
   the message, which is NULL as long as all is well. Nothing is kept between two calls. */
#include <command.h>
#include <glob.h>
#include <string.h>
#include <variables.h>

struct cutter {
    const char *at;                     /* the next character of the line */
    struct pipeline *pipeline;
    bool expand;
    const char *error;                  /* what is wrong, or NULL */
};

static const char no_room[] = "the words of the line become too long";

/* Words at the beginning of a command that mean something in other shells only. */
static const char *const not_here[] = {
    "if", "then", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "function",
    "export", "alias", "source", ".", "[", "[[", "{", "!", NULL
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Does a word end before this character, if it is not quoted? */
static bool ends_word(char c)
{
    return c == '\0' || is_blank(c) || strchr(";&|<>", c) != NULL;
}

/* Append a byte to the text. */
static void put(struct cutter *cutter, char c)
{
    struct pipeline *pipeline = cutter->pipeline;

    if (pipeline->used < PIPELINE_TEXT)
        pipeline->text[pipeline->used++] = c;
    else
        cutter->error = no_room;
}

static void put_string(struct cutter *cutter, const char *s)
{
    while (*s != '\0')
        put(cutter, *s++);
}

/* A $ was found: put what it stands for, and go behind its name. A $ without a name is a
   character. */
static void cut_variable(struct cutter *cutter)
{
    char name[VARIABLE_NAME + 1];
    size_t n = 0;
    bool braces = *cutter->at == '{';

    if (*cutter->at == '(') {
        cutter->error = "the output of a command, $(...), cannot be a word in this shell";
        return;
    }
    cutter->at += braces;
    if (*cutter->at != '\0' && strchr("?$#0123456789", *cutter->at) != NULL)
        name[n++] = *cutter->at++;
    else
        while (n < VARIABLE_NAME && variable_character(*cutter->at, n == 0))
            name[n++] = *cutter->at++;
    name[n] = '\0';
    if (braces && (n == 0 || *cutter->at++ != '}'))
        cutter->error = "in ${ } there is the name of a variable, and nothing else in this shell";
    else if (n == 0)
        put(cutter, '$');
    else if (cutter->expand)
        put_string(cutter, variable_get(name));
}

/* A \ was found: the next character is only itself. In double quotes that is so for three of them,
   and before others the \ is a character. */
static void cut_escape(struct cutter *cutter, char quote)
{
    char c = *cutter->at;

    if (c == '\0' && quote == '\0')
        cutter->error = "the \\ at the end has nothing behind it; a line cannot go on in the next";
    else if (quote == '"' && c != '"' && c != '\\' && c != '$')
        put(cutter, '\\');
    else
        put(cutter, *cutter->at++);
}

/* A character outside of quotes that is no end of a word. */
static void cut_plain(struct cutter *cutter, char c, bool first)
{
    if (c == '(' || c == ')')
        cutter->error = "( and ) are not in this shell; put them into quotes to mean themselves";
    else if (c == '`')
        cutter->error = "the output of a command, `...`, cannot be a word in this shell";
    else if (c == '*' || c == '?')
        put(cutter, !cutter->expand ? c : c == '*' ? GLOB_ANY : GLOB_ONE);
    else if (c == '~' && first && (ends_word(*cutter->at) || *cutter->at == '/'))
        put_string(cutter, variable_get("HOME"));
    else
        put(cutter, c);
}

/* Cut a word, which begins here, off the line. Returns it; NULL if it is nothing at all: a variable
   without a value, and no quotes. *assignment: it is NAME=value, and the name is not quoted. */
static const char *cut_word(struct cutter *cutter, bool *assignment)
{
    const char *word = cutter->pipeline->text + cutter->pipeline->used;
    const char *start = cutter->at;
    bool quoted = false;
    char quote = '\0';

    *assignment = variable_assignment(start);
    while (cutter->error == NULL
           && (quote != '\0' ? *cutter->at != '\0' : !ends_word(*cutter->at))) {
        char c = *cutter->at++;

        if (quote != '\0' ? c == quote : c == '"' || c == '\'') {
            quote = quote != '\0' ? '\0' : c;
            quoted = true;
        } else if (c == '$' && quote != '\'') {
            cut_variable(cutter);
        } else if (c == '\\' && quote != '\'') {
            cut_escape(cutter, quote);
        } else if (quote == '\0') {
            cut_plain(cutter, c, cutter->at == start + 1);
        } else {
            put(cutter, c);
        }
    }
    if (quote != '\0')
        cutter->error = quote == '"' ? "a closing \" is missing" : "a closing ' is missing";
    bool nothing = !quoted && cutter->expand
        && word == cutter->pipeline->text + cutter->pipeline->used;
    put(cutter, '\0');
    return nothing ? NULL : word;
}

static void skip_blanks(struct cutter *cutter)
{
    while (is_blank(*cutter->at))
        cutter->at++;
    if (*cutter->at == '#')
        cutter->at += strlen(cutter->at);
}

/* Where a redirection begins: < or >, perhaps behind one digit. */
static bool at_redirect(const char *at)
{
    at += *at >= '0' && *at <= '9';
    return *at == '<' || *at == '>';
}

/* Cut a redirection off the line: N< FILE, N> FILE, N>> FILE, N>&M. */
static void cut_redirect(struct cutter *cutter, struct command *cmd)
{
    struct redirect *to = &cmd->redirects[cmd->redirect_count];
    int fd = *cutter->at >= '0' && *cutter->at <= '9' ? *cutter->at++ - '0' : -1;
    bool in = *cutter->at++ == '<', again = *cutter->at == (in ? '<' : '>'), ignored;

    if (in && again) {
        cutter->error = "<< is not in this shell; write the text into a file first, or pipe it";
        return;
    }
    if (cmd->redirect_count == MAX_REDIRECTS) {
        cutter->error = "too many < and > : a command can have 4";
        return;
    }
    cutter->at += again;
    *to = (struct redirect){
        .fd = fd >= 0 ? fd : in ? 0 : 1,
        .flags = in ? O_RDONLY : O_WRONLY | O_CREAT | (again ? O_APPEND : O_TRUNC),
        .from = -1,
    };
    if (*cutter->at == '&' && cutter->at[1] >= '0' && cutter->at[1] <= '9' && !again) {
        to->from = cutter->at[1] - '0';
        cutter->at += 2;
    } else {
        while (is_blank(*cutter->at))
            cutter->at++;
        to->path = ends_word(*cutter->at) ? NULL : cut_word(cutter, &ignored);
        if (to->path != NULL && !glob_is_plain(to->path))
            cutter->error = "behind < or > there must be one file, not a pattern";
        else if (to->path == NULL && cutter->error == NULL)
            cutter->error = "there is no file behind < or >";
    }
    cmd->redirect_count++;
}

/* One more word of the command. */
static void add_word(struct cutter *cutter, struct command *cmd, const char *word)
{
    if (cmd->argc == EXEC_MAX_ARG_NUM)
        cutter->error = "too many words: a command can have 32";
    else
        cmd->argv[cmd->argc++] = word;
}

/* Add the names that fit a pattern, or the pattern as it was typed if none does. */
static void add_names(struct cutter *cutter, struct command *cmd, char *pattern)
{
    struct pipeline *pipeline = cutter->pipeline;
    struct glob glob;
    int n = glob_open(&glob, pattern);

    for (int i = 0; i < n && cutter->error == NULL; i++) {
        const char *word = pipeline->text + pipeline->used;

        put_string(cutter, glob.names[i]);
        put(cutter, '\0');
        add_word(cutter, cmd, word);
    }
    glob_close(&glob);
    if (n == GLOB_TOO_MANY)
        cutter->error = "too many files fit the pattern: a command can have 32 words";
    else if (n <= 0)
        add_word(cutter, cmd, glob_plain(pattern));
}

/* Is it a word that other shells know, and this one does not? */
static bool is_not_here(const char *word)
{
    for (const char *const *w = not_here; *w != NULL; w++)
        if (strcmp(*w, word) == 0)
            return true;
    return false;
}

/* Cut a command off the line, up to the | ; & or end behind it. */
static void cut_command(struct cutter *cutter, struct command *cmd)
{
    bool assignment;

    cmd->argc = cmd->assignments = cmd->redirect_count = 0;
    for (skip_blanks(cutter); cutter->error == NULL; skip_blanks(cutter)) {
        if (at_redirect(cutter->at)) {
            cut_redirect(cutter, cmd);
            continue;
        }
        if (ends_word(*cutter->at))
            break;
        const char *word = cut_word(cutter, &assignment);
        if (word == NULL || cutter->error != NULL)
            continue;
        if (cmd->argc == 0 && !cutter->expand && is_not_here(word))
            cutter->error = "this shell has no if, for, while, functions, [ ], export or alias";
        if (assignment && cmd->argc == cmd->assignments)
            cmd->assignments++;
        if (cutter->expand && !glob_is_plain(word))
            add_names(cutter, cmd, (char *)word);
        else
            add_word(cutter, cmd, word);
    }
    cmd->argv[cmd->argc] = NULL;
}

/* Go behind what ends a pipeline, and say what it was. */
static enum separator cut_separator(struct cutter *cutter)
{
    char c = *cutter->at;

    if (c == '\0')
        return SEPARATOR_SEQUENCE;
    cutter->at++;
    if ((c == '&' || c == '|') && *cutter->at == c) {
        cutter->at++;
        return c == '&' ? SEPARATOR_AND : SEPARATOR_OR;
    }
    return c == '&' ? SEPARATOR_BACKGROUND : SEPARATOR_SEQUENCE;
}

/* What must stand on both sides of | && and ||, and in front of &. With variables that are empty a
   command may have no words, so this is looked at in the line as it was typed. */
static const char *missing(const struct pipeline *pipeline, const struct command *last, bool end)
{
    bool empty = last->argc == 0 && last->redirect_count == 0;

    if (empty && (pipeline->count > 1 || (!end && pipeline->end != SEPARATOR_SEQUENCE)))
        return pipeline->end == SEPARATOR_BACKGROUND && pipeline->count == 1
            ? "there is no command in front of &" : "a command is missing beside | or && or ||";
    return NULL;
}

const char *pipeline_next(const char **line, struct pipeline *pipeline, bool expand)
{
    struct cutter cutter = { .at = *line, .pipeline = pipeline, .expand = expand };
    struct command *cmd;

    pipeline->count = 0;
    pipeline->used = 0;
    for (;;) {
        if (pipeline->count == MAX_COMMANDS)
            return "too many commands between |: a pipeline can have 8";
        cmd = &pipeline->commands[pipeline->count++];
        cut_command(&cutter, cmd);
        if (cutter.error != NULL)
            return cutter.error;
        if (*cutter.at != '|' || cutter.at[1] == '|')
            break;
        if (cmd->argc == 0 && cmd->redirect_count == 0 && !expand)
            return "a command is missing beside | or && or ||";
        cutter.at++;
    }
    bool end = *cutter.at == '\0';
    pipeline->end = cut_separator(&cutter);
    if (pipeline->end >= SEPARATOR_AND) {       /* something must follow */
        struct cutter look = cutter;

        skip_blanks(&look);
        if (*look.at == '\0')
            return "a command is missing beside | or && or ||";
    }
    if (!expand && missing(pipeline, cmd, end) != NULL)
        return missing(pipeline, cmd, end);
    if (pipeline->count == 1 && cmd->argc == 0 && cmd->redirect_count == 0)
        pipeline->count = 0;
    *line = cutter.at;
    return NULL;
}
