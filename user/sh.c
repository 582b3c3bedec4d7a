/* sh: the shell, which is the first program if no other one is named.

     sh                 read commands from the console
     sh -c "line"       run one line, and end with its code
     sh FILE [ARGS]     run the lines of a file

   A command runs in a child. If it is in the foreground the shell waits for it and tells how it
   ended; jobs in the background (&) are told before the next prompt. Each job is a group of its
   own, so that ctrl-C and kill reach all of its processes: of a pipeline, or of a list in the
   background, that is a child of the shell which runs the rest.

   user/libs/command.c takes a line apart, line.c edits it, variables.c keeps the variables, jobs.c
   the jobs. A line with a mistake is not run at all. */
#include <command.h>
#include <complete.h>
#include <error.h>
#include <file.h>
#include <jobs.h>
#include <line.h>
#include <shell.h>
#include <stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tool.h>
#include <ulib.h>
#include <variables.h>

#define FIRST_FREE      10              /* descriptors of the shell's own are from here on */

static bool is_child;                   /* of a shell: it is in a job, and makes none */

/* Open the files that a command's < and > name, in their order. False, and a message, if one
   cannot be opened. */
static bool redirect(const struct command *cmd)
{
    for (const struct redirect *r = cmd->redirects; r < cmd->redirects + cmd->redirect_count; r++) {
        int fd = r->path != NULL ? open(r->path, r->flags) : r->from;
        int error = fd < 0 ? fd : fd == r->fd ? 0 : dup2(fd, r->fd);

        if (error < 0 && r->path != NULL)
            complain("%s: %s", r->path, error_words(error));
        else if (error < 0)
            complain("there is no descriptor %d", r->from);
        if (r->path != NULL && fd >= 0 && fd != r->fd)
            close(fd);
        if (error < 0)
            return false;
    }
    return true;
}

/* What a child does: it becomes the program, or runs the shell's own command. */
static __never_returns void run_child(const struct command *cmd)
{
    if (!redirect(cmd))
        exit(NOT_STARTED);
    if (cmd->argc == 0)
        exit(0);
    const struct builtin *builtin = find_builtin(cmd->argv[0]);
    if (builtin != NULL)
        exit(builtin->run(cmd->argc, (const char **)cmd->argv));
    int error = __exec(NULL, (const char **)cmd->argv);

    if (error == -E_NOENT)
        complain("%s: no such program; try help", cmd->argv[0]);
    else if (error == -E_INVAL_ELF)
        complain("%s: not a program; if it is a script: sh %s", cmd->argv[0], cmd->argv[0]);
    else
        complain("%s: could not be started: %e", cmd->argv[0], error);
    exit(NOT_STARTED);
}

/* A child of the shell, in a job of its own, or if this is a child already in the same one. It has
   none of the shell's jobs. Its pid; 0 in the child; negative, and told, if there is no room. */
static int make_child(int group)
{
    int pid = fork();

    if (pid == 0 && !is_child) {
        job(group);                     /* refused if this shell is itself a job */
        is_child = true;
        jobs_forget();
    }
    if (pid < 0)
        complain("no new process: %e", pid);
    return pid;
}

/* Wait for the child that is the foreground, and tell if it failed. Nothing is told where && or ||
   asks for the code, nor of a child that has told it itself. */
static void wait_foreground(int pid, const char *name, bool quiet)
{
    int code = NOT_STARTED, error = waitpid(pid, &code);

    if (!is_child)
        job(JOB_SHELL);
    shell_set_code(code);
    if (error != 0)
        complain("waiting for %d failed: %e", pid, error);
    else if (code != 0 && code != NOT_STARTED && !quiet)
        cprintf("[%s: exit code %d%s]\n", name, code, code_name(code));
}

/* In a child: move descriptor `from` to `to`; -1 is none. */
static void move_fd(int from, int to)
{
    if (from < 0 || from == to)
        return;
    dup2(from, to);
    close(from);
}

/* Start the commands of a pipeline, each reading what the one before writes, and wait for all of
   them. The code of the last one. A descriptor of a pipe that stayed open here would keep a reader
   waiting for ever. */
static int run_pipe(const struct pipeline *pipeline)
{
    int in = -1, code = NOT_STARTED, pids[MAX_COMMANDS], started = 0;

    for (int i = 0; i < pipeline->count; i++) {
        int fd[2] = { -1, -1 };
        int error = i + 1 < pipeline->count ? pipe(fd) : 0;

        if (error != 0)
            complain("no new pipe: %e", error);
        int pid = error != 0 ? error : make_child(JOB_FOREGROUND);
        if (pid == 0) {
            close(fd[0]);
            move_fd(in, stdin);
            move_fd(fd[1], stdout);
            run_child(&pipeline->commands[i]);
        }
        close(in);
        close(fd[1]);
        in = fd[0];
        if (pid < 0)
            break;
        pids[started++] = pid;
    }
    close(in);
    for (int i = 0; i < started; i++)
        waitpid(pids[i], &code);
    return started == pipeline->count ? code : NOT_STARTED;
}

/* Set the variables of NAME=value words. */
static void assign(const struct command *cmd)
{
    for (int i = 0; i < cmd->assignments; i++) {
        char name[VARIABLE_NAME + 1];
        size_t length = strfind(cmd->argv[i], '=') - cmd->argv[i];

        memcpy(name, cmd->argv[i], length);
        name[length] = '\0';
        if (!variable_set(name, cmd->argv[i] + length + 1))
            complain("%s: no room for another variable", name);
    }
    shell_set_code(0);
}

/* Run one of the shell's own commands in the shell itself. Its < and > must not stay: the
   descriptors that they replace are kept meanwhile where no command looks for them. */
static void run_builtin(const struct builtin *builtin, const struct command *cmd)
{
    int kept[MAX_REDIRECTS];

    for (int i = 0; i < cmd->redirect_count; i++) {
        kept[i] = FIRST_FREE + i;
        if (dup2(cmd->redirects[i].fd, kept[i]) < 0)
            kept[i] = -1;
    }
    shell_set_code(redirect(cmd) ? builtin->run(cmd->argc, (const char **)cmd->argv) : BAD_LINE);
    for (int i = cmd->redirect_count - 1; i >= 0; i--) {
        if (kept[i] < 0)
            close(cmd->redirects[i].fd);
        else
            move_fd(kept[i], cmd->redirects[i].fd);
    }
}

/* Run a pipeline in the foreground. `quiet`: its code is asked for by && or ||. */
static void run_pipeline(const struct pipeline *pipeline, bool quiet)
{
    const struct command *cmd = pipeline->commands;
    const struct builtin *builtin = pipeline->count == 1 && cmd->argc > 0
        ? find_builtin(cmd->argv[0]) : NULL;
    const char *name = pipeline->commands[pipeline->count - 1].argv[0];

    for (int i = 0; i < pipeline->count; i++) {
        const struct command *c = &pipeline->commands[i];

        if (c->assignments > 0 && (c->argc > c->assignments || pipeline->count > 1)) {
            complain("%s: a program cannot be given a variable; set it first", c->argv[0]);
            shell_set_code(BAD_LINE);
            return;
        }
    }
    if (cmd->assignments > 0) {
        assign(cmd);
    } else if (builtin != NULL) {
        run_builtin(builtin, cmd);
    } else {
        int pid = make_child(JOB_FOREGROUND);

        if (pid == 0 && pipeline->count > 1)
            exit(run_pipe(pipeline));
        if (pid == 0)
            run_child(cmd);
        if (pid < 0)
            shell_set_code(NOT_STARTED);
        else
            wait_foreground(pid, name != NULL ? name : "> file", quiet);
    }
}

/* Run the pipelines from `line` to `end`, each if the code before it is what && or || wants. */
static void run_list(const char *line, const char *end)
{
    static struct pipeline pipeline;
    bool run = true;

    while (line < end) {
        const char *error = pipeline_next(&line, &pipeline, true);

        if (error != NULL) {            /* of what the variables and patterns became */
            complain("%s", error);
            shell_set_code(BAD_LINE);
            return;
        }
        if (run && pipeline.count > 0)
            run_pipeline(&pipeline, is_child || pipeline.end >= SEPARATOR_AND);
        run = pipeline.end < SEPARATOR_AND
            || (pipeline.end == SEPARATOR_AND) == (shell_code() == 0);
    }
}

/* Run the same in the background. If it is one command the child becomes that. */
static void run_background(const char *line, const char *end, const char *name)
{
    static struct pipeline pipeline;
    int pid = jobs_room() ? make_child(JOB_BACKGROUND) : -1;

    if (pid == 0) {
        const char *rest = line;

        if (pipeline_next(&rest, &pipeline, true) == NULL && rest == end && pipeline.count == 1)
            run_child(&pipeline.commands[0]);
        run_list(line, end);
        exit(shell_code());
    }
    if (pid > 0)
        jobs_add(pid, name);
    shell_set_code(pid > 0 ? 0 : NOT_STARTED);
}

/* Find the end of the list that begins at `line`: behind the ; or & that ends it. NULL, and a
   message, if there is a mistake. The name of its first command is copied to `name`. */
static const char *list_end(const char *line, bool *background, char name[LINE_SIZE])
{
    static struct pipeline pipeline;

    *name = '\0';
    do {
        const char *error = pipeline_next(&line, &pipeline, false);

        if (error != NULL) {
            complain("%s", error);
            return NULL;
        }
        if (*name == '\0' && pipeline.count > 0 && pipeline.commands[0].argc > 0)
            snprintf(name, LINE_SIZE, "%s", pipeline.commands[0].argv[0]);
    } while (pipeline.end >= SEPARATOR_AND);
    *background = pipeline.end == SEPARATOR_BACKGROUND;
    return line;
}

/* Run all lists of a line, if there is no mistake in any of them. */
static void run_line(const char *line)
{
    char name[LINE_SIZE];
    bool background;

    for (const char *at = line; *at != '\0';) {
        at = list_end(at, &background, name);
        if (at == NULL) {
            shell_set_code(BAD_LINE);
            return;
        }
    }
    while (*line != '\0') {
        const char *end = list_end(line, &background, name);

        if (background)
            run_background(line, end, name);
        else
            run_list(line, end);
        line = end;
    }
}

/* Run all lines of an open file. It is read whole before the first one runs, and closed, so that no
   program finds it open. The last code. */
static int run_file(int fd, const char *name)
{
    size_t size = 0, room = 0;
    char *text = NULL;
    ssize_t n;

    do {
        if (size + 1 >= room)
            text = realloc(text, room += LINE_SIZE * 4);
        n = text == NULL ? -E_NO_MEM : read(fd, text + size, room - size - 1);
        size += n > 0 ? n : 0;
    } while (n > 0);
    shell_set_script(name);
    if (n < 0) {
        complain("%e", (int)n);
        return BAD_LINE;
    }
    text[size] = '\0';
    if (fd != stdin)
        close(fd);
    for (char *line = text, *next; *line != '\0'; line = next) {
        next = strfind(line, '\n');
        if (*next == '\n')
            *next++ = '\0';
        shell_next_line();
        jobs_report();
        if (strlen(line) >= LINE_SIZE)
            complain("nothing was run: the line is longer than %d characters", LINE_SIZE - 1);
        else
            run_line(line);
    }
    return shell_code();
}

/* Read and run lines from the console until it ends. */
static void run_console(void)
{
    static char line[LINE_SIZE];

    for (;;) {
        jobs_report();
        int length = line_edit("rvlab$ ", line);

        if (length == LINE_EOF)
            break;
        if (length == LINE_TOO_LONG)
            complain("nothing was run: the line is longer than %d characters", LINE_SIZE - 1);
        else
            run_line(line);
    }
    cprintf("\n");
}

/* The variables that a shell begins with. A script has its words as $0 to $9. */
static void set_variables(int argc, char **argv)
{
    char name[2] = "0", text[16];

    for (int i = 0; i < argc && i < 10; i++, name[0]++)
        variable_set(name, argv[i]);
    snprintf(text, sizeof(text), "%d", argc > 0 ? argc - 1 : 0);
    variable_set("#", text);
    snprintf(text, sizeof(text), "%d", getpid());
    variable_set("$", text);
    variable_set("HOME", "/home");
    shell_set_code(0);
}

/* Run what the arguments, or a standard input that is no console, say. */
int main(int argc, char **argv)
{
    struct stat stat;

    set_variables(argc - 1, argv + 1);
    if (argc == 3 && strcmp(argv[1], "-c") == 0) {
        if (strlen(argv[2]) >= LINE_SIZE) {
            complain("the line is longer than %d characters", LINE_SIZE - 1);
            return BAD_LINE;
        }
        run_line(argv[2]);
    } else if (argc > 1) {
        int fd = argv[1][0] != '-' ? open(argv[1], O_RDONLY) : -E_INVAL;

        if (argv[1][0] == '-')
            complain("usage: sh, or sh -c \"command line\", or sh FILE [WORDS]");
        else if (fd < 0)
            complain("%s: %s", argv[1], error_words(fd));
        if (fd < 0)
            return NOT_STARTED;
        run_file(fd, argv[1]);
    } else if (fstat(stdin, &stat) == 0 && !S_ISCHR(stat.st_mode)) {
        run_file(stdin, "standard input");
    } else {
        complete_set_commands(builtin_names());
        line_set_completer(&shell_completer);
        run_console();
        shell_set_code(0);
    }
    jobs_end();
    return shell_code();
}
