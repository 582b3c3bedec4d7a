/* sh: the shell, which is the first program if no other one is named.

   A command runs in a child. If it is in the foreground the shell waits for it and tells how it
   ended; jobs in the background (&) are told before the next prompt. Each job is a group of its
   own, so that ctrl-C and kill reach all of its processes. `sh -c "line"` runs one line and ends
   with its code.

   user/libs/command.c takes a line apart, user/libs/line.c reads and edits it. A line with a
   mistake is not run at all. When the shell ends it ends its jobs. */
#include <command.h>
#include <error.h>
#include <line.h>
#include <stdio.h>
#include <string.h>
#include <ulib.h>

#define NOT_STARTED     127             /* exit code of a child whose exec failed */
#define MAX_JOBS        16
#define NAME_SIZE       32

/* A background job. */
struct job {
    int pid;                            /* 0 if the slot is free */
    char name[NAME_SIZE];
};

static struct job jobs[MAX_JOBS];
static int last_code;

/* What the child does: it begins a group of its own, and becomes the program. */
static __never_returns void run_program(const struct command *cmd, int group)
{
    job(group);                         /* refused if this shell is itself a job */
    int error = __exec(NULL, (const char **)cmd->argv);

    if (error == -E_NOENT)
        cprintf("sh: %s: no such program; try help\n", cmd->argv[0]);
    else
        cprintf("sh: %s: could not be started: %e\n", cmd->argv[0], error);
    exit(NOT_STARTED);
}

/* A blank and the name of an error, if an exit code is the number of one; else an empty text. */
static const char *code_name(int code)
{
    static char text[NAME_SIZE];

    text[0] = '\0';
    if (code < 0 && code >= -MAXERROR)
        snprintf(text, sizeof(text), " %e", code);
    return text;
}

static void run_foreground(const struct command *cmd)
{
    int pid = fork();

    if (pid == 0)
        run_program(cmd, JOB_FOREGROUND);
    if (pid < 0) {
        cprintf("sh: no new process: %e\n", pid);
        last_code = NOT_STARTED;
        return;
    }
    int error = waitpid(pid, &last_code);

    job(JOB_SHELL);
    if (error != 0)
        cprintf("sh: waiting for %d failed: %e\n", pid, error);
    else if (last_code != 0 && last_code != NOT_STARTED)    /* the child itself tells the latter */
        cprintf("[%s: exit code %d%s]\n", cmd->argv[0], last_code, code_name(last_code));
}

static void run_background(const struct command *cmd)
{
    struct job *j = jobs;

    while (j < jobs + MAX_JOBS && j->pid != 0)
        j++;
    if (j == jobs + MAX_JOBS) {
        cprintf("sh: there are %d background jobs already; wait for some\n", MAX_JOBS);
        return;
    }
    int pid = fork();

    if (pid == 0)
        run_program(cmd, JOB_BACKGROUND);
    if (pid < 0) {
        cprintf("sh: no new process: %e\n", pid);
        return;
    }
    j->pid = pid;
    snprintf(j->name, sizeof(j->name), "%s", cmd->argv[0]);
    cprintf("[%d] %s\n", pid, j->name);
}

/* Tell of a job that has ended, and free its slot. */
static void finish_job(struct job *j, int code)
{
    if (code == 0)
        cprintf("[%d] %s: done\n", j->pid, j->name);
    else if (code != NOT_STARTED)
        cprintf("[%d] %s: exit code %d%s\n", j->pid, j->name, code, code_name(code));
    j->pid = 0;
}

static void wait_job(struct job *j)
{
    int code = NOT_STARTED;

    waitpid(j->pid, &code);
    finish_job(j, code);
}

static void report_jobs(void)
{
    int code;

    for (struct job *j = jobs; j < jobs + MAX_JOBS; j++)
        if (j->pid != 0 && trywait(j->pid, &code) == 0)
            finish_job(j, code);
}

/* End a job with all the processes that it made. A process that leads no group is ended alone. */
static int kill_job(int pid)
{
    int error = pid > 0 ? kill(-pid) : -E_INVAL;

    return error != 0 ? kill(pid) : 0;
}

static void end_jobs(void)
{
    report_jobs();
    for (struct job *j = jobs; j < jobs + MAX_JOBS; j++) {
        if (j->pid == 0)
            continue;
        kill_job(j->pid);
        wait_job(j);
    }
}

/* Store the number that a word says. If it is none, print a message and return false. */
static bool number(const char *command, const char *word, int *value)
{
    bool fits = string_to_int(word, value);

    if (!fits)
        cprintf("sh: %s: '%s' is not a number that fits into 32 bits\n", command, word);
    return fits;
}

static int cmd_exit(int argc, const char **argv)
{
    int code = 0;

    if (argc > 1 && !number("exit", argv[1], &code))
        return 1;
    end_jobs();
    exit(code);
}

static int cmd_jobs(int argc, const char **argv)
{
    (void)argc, (void)argv;
    report_jobs();
    for (struct job *j = jobs; j < jobs + MAX_JOBS; j++)
        if (j->pid != 0)
            cprintf("[%d] %s: running\n", j->pid, j->name);
    return 0;
}

static int cmd_kill(int argc, const char **argv)
{
    int pid;

    if (argc != 2) {
        cprintf("sh: say which process: kill PID\n");
        return 1;
    }
    if (!number("kill", argv[1], &pid))
        return 1;
    int error = kill_job(pid);

    if (error != 0)
        cprintf("sh: kill %d: %e\n", pid, error);
    return error;
}

static int cmd_wait(int argc, const char **argv)
{
    int pid = 0, found = 0;

    if (argc > 1 && !number("wait", argv[1], &pid))
        return 1;
    for (struct job *j = jobs; j < jobs + MAX_JOBS; j++) {
        if (j->pid == 0 || (pid != 0 && j->pid != pid))
            continue;
        found++;
        wait_job(j);
    }
    if (pid != 0 && found == 0) {
        cprintf("sh: %d is not a background job of this shell\n", pid);
        return 1;
    }
    return 0;
}

static int cmd_help(int argc, const char **argv);

static const struct builtin {
    const char *name;
    int (*run)(int argc, const char **argv);
    const char *help;
} builtins[] = {
    { "help", cmd_help, "help         this list" },
    { "jobs", cmd_jobs, "jobs         list the background jobs" },
    { "wait", cmd_wait, "wait [PID]   wait for a background job, or for all" },
    { "kill", cmd_kill, "kill PID     end a process" },
    { "exit", cmd_exit, "exit [CODE]  leave the shell, as ctrl-D does" },
};

static int cmd_help(int argc, const char **argv)
{
    char name[NAME_SIZE];
    int width = 0, column = 0;

    (void)argc, (void)argv;
    cprintf("Commands of the shell:\n");
    for (size_t i = 0; i < ARRAY_SIZE(builtins); i++)
        cprintf("  %s\n", builtins[i].help);
    cprintf("  a; b         one after the other      a &   in the background\n");
    cprintf("  \"a b\" 'a b'  one word                 # a   a comment\n");
    cprintf("  ctrl-C       ends the program in the foreground\n");
    cprintf("Programs:\n");
    for (int i = 0; progname(i, name, sizeof(name)) >= 0; i++)
        if ((int)strlen(name) > width)
            width = strlen(name);
    for (int i = 0; progname(i, name, sizeof(name)) >= 0; i++) {
        bool last = (column += width + 2) + width + 2 > 78;

        cprintf("  %-*s%s", width, name, last ? "\n" : "");
        if (last)
            column = 0;
    }
    cprintf(column != 0 ? "\n" : "");
    return 0;
}

static void run_command(const struct command *cmd)
{
    for (size_t i = 0; i < ARRAY_SIZE(builtins); i++) {
        if (strcmp(cmd->argv[0], builtins[i].name) == 0) {
            last_code = builtins[i].run(cmd->argc, (const char **)cmd->argv);
            return;
        }
    }
    if (cmd->background)
        run_background(cmd);
    else
        run_foreground(cmd);
}

/* Run all commands of a line. A line with a mistake is not run at all. */
static void run_line(char *line)
{
    char copy[LINE_SIZE], *rest = copy;
    struct command cmd;

    strcpy(copy, line);
    while (*rest != '\0') {
        const char *error = command_next(&rest, &cmd);

        if (error != NULL) {
            cprintf("sh: %s\n", error);
            last_code = 2;
            return;
        }
    }
    while (*line != '\0') {
        command_next(&line, &cmd);
        if (cmd.argc > 0)
            run_command(&cmd);
    }
}

int main(int argc, char **argv)
{
    static char line[LINE_SIZE];

    if (argc == 3 && strcmp(argv[1], "-c") == 0) {
        if (strlen(argv[2]) >= LINE_SIZE) {
            cprintf("sh: the line is longer than %d characters\n", LINE_SIZE - 1);
            return 2;
        }
        strcpy(line, argv[2]);
        run_line(line);
        end_jobs();
        return last_code;
    }
    if (argc > 1) {
        cprintf("usage: sh [-c \"command line\"]; there are no files to read commands from\n");
        return 2;
    }
    for (;;) {
        report_jobs();
        int length = line_edit("rvlab$ ", line);

        if (length == LINE_EOF)
            break;
        if (length == LINE_TOO_LONG)
            cprintf("sh: nothing was run: the line is longer than %d characters\n",
                    LINE_SIZE - 1);
        else
            run_line(line);
    }
    cprintf("\n");
    end_jobs();
    return 0;
}
