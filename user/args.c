/* args: what exec does with arguments.

   Without arguments it is a test: a new program finds its words, exec takes so many and no more,
   and refuses bad pointers. If exec fails the old program is still there, with its memory
   unchanged. With arguments it prints them, as in `args one "two words"`. The test starts itself
   with the words "sample", "count" and "length" to see what arrives. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <testing.h>
#include <syscall.h>
#include <ulib.h>

#define CHECKED         42              /* exit code of an args that found its arguments right */

static char big[EXEC_MAX_ARG_LEN + 2];
static volatile int untouched = 1234;

/* main() knows the sample by its first word, which is not the name of the program here. */
static const char *const sample[] = { "sample", "check", "two words", "", "\"'#;&", NULL };

static long exec_args(const void *name, long argc, const void *argv)
{
    return syscall3(SYS_exec, (uintptr_t)name, argc, (uintptr_t)argv);
}

static void exec_sample(uintptr_t arg)
{
    (void)arg;
    exit(__exec("args", (const char **)sample));
}

/* Become `args count` with this many words in all; it exits with how many came. */
static void exec_count(uintptr_t count)
{
    const char *argv[EXEC_MAX_ARG_NUM + 2];

    for (size_t i = 0; i < count; i++)
        argv[i] = "count";
    argv[0] = "args";
    argv[count] = NULL;
    exit(__exec(NULL, argv));
}

/* Become `args length LONG`; it exits with the length of the long word. */
static void exec_length(uintptr_t length)
{
    memset(big, 'x', length);
    big[length] = '\0';
    exit(exec("args", "length", big));
}

/* Each of these must fail and leave this program as it is. */
static void check_refusals(uintptr_t arg)
{
    const char *const no_memory = (const char *)0x20000000;
    const char *bad_word[] = { "args", no_memory, NULL };
    const char *kernel_word[] = { "args", (const char *)KERNEL_TEXT, NULL };
    const char *good[] = { "true", NULL };

    (void)arg;
    assert(exec("nosuchprogram") == -E_NOENT);
    assert(exec("") == -E_NOENT);
    assert(exec("tru") == -E_NOENT && exec("truee") == -E_NOENT);
    assert(exec_args(NULL, 1, good) == -E_FAULT);
    assert(exec_args(no_memory, 1, good) == -E_FAULT);
    assert(exec_args((void *)KERNEL_TEXT, 1, good) == -E_FAULT);
    assert(exec_args("true", 1, no_memory) == -E_FAULT);
    assert(exec_args("true", 1, (void *)KERNEL_TEXT) == -E_FAULT);
    assert(exec_args("args", 2, bad_word) == -E_FAULT);
    assert(exec_args("args", 2, kernel_word) == -E_FAULT);
    assert(exec_args("true", -1, good) < 0);
    assert(exec_args("true", 0x7FFFFFFFFFFFFFFF, good) < 0);
    memset(big, 'x', sizeof(big) - 1);
    assert(exec_args(big, 1, good) < 0);
    assert(untouched == 1234 && strcmp(good[0], "true") == 0);
    exit(CHECKED);
}

static int check_exec(void)
{
    if (!check_eq("a program finds the words that it was given", child_code(exec_sample, 0),
                  CHECKED))
        return check_done();            /* without its words args would begin from here again */
    check_eq("argc is the number of words", child_code(exec_count, 2), 2);
    check_eq("as many words as exec takes arrive", child_code(exec_count, EXEC_MAX_ARG_NUM),
             EXEC_MAX_ARG_NUM);
    check_eq("one word more is refused", child_code(exec_count, EXEC_MAX_ARG_NUM + 1),
             -E_TOO_BIG);
    check_eq("the longest word arrives whole", child_code(exec_length, EXEC_MAX_ARG_LEN),
             EXEC_MAX_ARG_LEN);
    check_eq("a longer word is refused", child_code(exec_length, EXEC_MAX_ARG_LEN + 1),
             -E_TOO_BIG);
    check_eq("the old program goes on after an exec that fails", child_code(check_refusals, 0),
             CHECKED);
    return check_done();
}

static int check_sample(int argc, char **argv)
{
    assert(argc == ARRAY_SIZE(sample) - 1);
    for (int i = 0; i < argc; i++)
        assert(strcmp(argv[i], sample[i]) == 0);
    assert(argv[argc] == NULL);
    assert((uintptr_t)argv % sizeof(*argv) == 0);
    assert(untouched == 1234);
    return CHECKED;
}

int main(int argc, char **argv)
{
    assert(argc > 0);
    if (strcmp(argv[0], sample[0]) == 0)
        return check_sample(argc, argv);
    if (argc <= 1)
        return check_exec();
    if (strcmp(argv[1], "count") == 0)
        return argc;
    if (strcmp(argv[1], "length") == 0 && argc == 3)
        return strlen(argv[2]);
    for (int i = 0; i < argc; i++)
        cprintf("argv[%d] = \"%s\"\n", i, argv[i]);
    return check_done();
}
