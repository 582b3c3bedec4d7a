/* The commands that the shell does itself, and what all its parts share: see shell.h.

   A builtin is a function in the table below. It gets the words of the command, its own name the
   first, and returns the exit code. It runs in the shell itself, or in a child where a pipeline or
   a job needs one: there cd and NAME=VALUE change only the child, as in any shell. Messages say
   "sh:", because that is what the user typed into, and of a script its line, because a script is
   mended with an editor. */
#include <error.h>
#include <file.h>
#include <jobs.h>
#include <line.h>
#include <shell.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tool.h>
#include <ulib.h>
#include <variables.h>

static int last_code;
static const char *script;              /* its file; NULL: none */
static int line_number;                 /* in it */

int shell_code(void)
{
    return last_code;
}

void shell_set_code(int code)
{
    char text[16];

    last_code = code;
    snprintf(text, sizeof(text), "%d", code);
    variable_set("?", text);
}

void shell_set_script(const char *name)
{
    script = name;
}

void shell_next_line(void)
{
    line_number++;
}

void complain(const char *fmt, ...)
{
    char text[LINE_SIZE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (script != NULL)
        fprintf(stderr, "sh: %s:%d: %s\n", script, line_number, text);
    else
        fprintf(stderr, "sh: %s\n", text);
}

/* Store the number that a word says. If it is none, print a message and return false. */
static bool number(const char *command, const char *word, int *value)
{
    bool fits = string_to_int(word, value);

    if (!fits)
        complain("%s: '%s' is not a number that fits into 32 bits", command, word);
    return fits;
}

static int cmd_exit(int argc, const char **argv)
{
    int code = shell_code();

    if (argc > 1 && !number("exit", argv[1], &code))
        return 1;
    jobs_end();
    exit(code);
}

static int cmd_jobs(__not_used int argc, __not_used const char **argv)
{
    jobs_report();
    jobs_list();
    return 0;
}

/* kill PID: the job of that process, or the process. */
static int cmd_kill(int argc, const char **argv)
{
    int pid, error;

    if (argc != 2) {
        complain("say which process: kill PID");
        return 1;
    }
    if (!number("kill", argv[1], &pid))
        return 1;
    error = job_kill(pid);
    if (error != 0)
        complain("kill %d: %e", pid, error);
    return error;
}

static int cmd_wait(int argc, const char **argv)
{
    int pid = 0;

    if (argc > 1 && !number("wait", argv[1], &pid))
        return 1;
    if (jobs_wait(pid))
        return 0;
    complain("%d is not a background job of this shell", pid);
    return 1;
}

static int cmd_pwd(__not_used int argc, __not_used const char **argv)
{
    char path[FS_MAX_FPATH_LEN + 1];
    int error = getcwd(path, sizeof(path));

    if (error < 0)
        complain("pwd: %s", error_words(error));
    else
        printf("%s\n", path);
    return error < 0;
}

/* cd is home, cd - is where one was before. */
static int cmd_cd(int argc, const char **argv)
{
    char old[FS_MAX_FPATH_LEN + 1];
    const char *to = argc > 1 ? argv[1] : variable_get("HOME");
    bool back = strcmp(to, "-") == 0;

    if (argc > 2 || (back && *variable_get("OLDPWD") == '\0')) {
        complain(argc > 2 ? "cd: one directory, please" : "cd: there was no other directory yet");
        return 1;
    }
    if (back)
        to = variable_get("OLDPWD");
    bool known = getcwd(old, sizeof(old)) >= 0;
    int error = chdir(to);
    if (error != 0) {
        complain("cd: %s: %s", to, error_words(error));
        return 1;
    }
    if (back)
        printf("%s\n", to);
    if (known)
        variable_set("OLDPWD", old);
    return 0;
}

static int cmd_set(__not_used int argc, __not_used const char **argv)
{
    const char *name, *value;

    for (size_t i = 0; variable_list(i, &name, &value); i++)
        printf("%s=%s\n", name, value);
    return 0;
}

static int cmd_help(int argc, const char **argv);

static const struct builtin builtins[] = {
    { "help", cmd_help, "help         this list" },
    { "jobs", cmd_jobs, "jobs         list the background jobs" },
    { "wait", cmd_wait, "wait [PID]   wait for a background job, or for all" },
    { "kill", cmd_kill, "kill PID     end a process" },
    { "cd", cmd_cd, "cd [DIR]     go to a directory; cd - back" },
    { "pwd", cmd_pwd, "pwd          where one is" },
    { "set", cmd_set, "set          list the variables; NAME=VALUE sets one" },
    { "exit", cmd_exit, "exit [CODE]  leave the shell, as ctrl-D does" },
};

const struct builtin *find_builtin(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(builtins); i++)
        if (strcmp(name, builtins[i].name) == 0)
            return &builtins[i];
    return NULL;
}

const char *const *builtin_names(void)
{
    static const char *names[ARRAY_SIZE(builtins) + 1];

    for (size_t i = 0; i < ARRAY_SIZE(builtins); i++)
        names[i] = builtins[i].name;
    return names;
}

/* The list of all commands: those of the table above, and the programs of the image in columns. */
static int cmd_help(__not_used int argc, __not_used const char **argv)
{
    char name[32];
    int width = 0, column = 0;

    printf("Commands of the shell:\n");
    for (size_t i = 0; i < ARRAY_SIZE(builtins); i++)
        printf("  %s\n", builtins[i].help);
    printf("  a; b         one after the other      a &          in the background\n"
           "  a && b       b if a succeeds          a || b       b if a fails\n"
           "  a | b        b reads what a writes    a < f > g    from file f, to file g\n"
           "  \"a b\" 'a b'  one word                 # a          a comment\n"
           "  $NAME $?     a variable, the code     *.c ?        files that fit\n"
           "  ctrl-C       ends the program in the foreground; tab completes a name\n"
           "Programs:\n");
    for (int i = 0; progname(i, name, sizeof(name)) >= 0; i++)
        if ((int)strlen(name) > width)
            width = strlen(name);
    for (int i = 0; progname(i, name, sizeof(name)) >= 0; i++) {
        bool last = (column += width + 2) + width + 2 > 78;

        printf("  %-*s%s", width, name, last ? "\n" : "");
        if (last)
            column = 0;
    }
    printf(column != 0 ? "\n" : "");
    return 0;
}
