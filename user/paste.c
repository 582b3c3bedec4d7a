/* paste [LINES]: more is typed than the console keeps while a program runs.

   Lines are lost then, and the user is told. But what comes is whole lines, in order. Like the
   shell, this program gives the console to a child now and then, and reads in between. The typed
   lines are "line NUMBER 000... end"; the argument says how many of them are typed. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define CTRL_C          3
#define LINE_LENGTH     43
#define KEPT            400             /* the console keeps less */
#define LINES           20              /* so many are read between two programs */
#define FIRST_MS        400             /* the first program runs until the buffer is full */
#define JOB_MS          20              /* the others run for so long at first */
#define QUIET_MS        500             /* if no line comes for so long, no more will come */

static volatile int lines;              /* so many were read */
static int last = -1;                   /* the number of the last one */

/* Let time pass without sleeping. If all processes sleep and time is counted in instructions, QEMU
   lets it pass at once, and no key could come meanwhile. */
static void pass_time(unsigned int ms)
{
    unsigned int start = gettime_msec();

    while (gettime_msec() - start < ms)
        yield();
}

/* Run a program that has the console. */
static void run_job(unsigned int ms)
{
    int pid = fork(), code;

    if (pid == 0) {
        job(JOB_FOREGROUND);
        pass_time(ms);
        exit(0);
    }
    assert(pid > 0 && waitpid(pid, &code) == 0 && code == 0);
    job(JOB_SHELL);
}

/* Read the next line as it is typed; one that was given up by ctrl-C is empty. */
static void read_line(char *text, size_t size)
{
    size_t length = 0;
    int c;

    while ((c = getchar()) != '\n') {
        assert(c != EOF && length < size - 1);
        text[length++] = c;
        if (c == CTRL_C)
            length = 0;
    }
    text[length] = '\0';
}

static void check_line(const char *text)
{
    char wanted[LINE_LENGTH + 1];
    int number;

    if (text[0] == '\0')
        return;
    number = strlen(text) > 5 ? strtol(text + 5, NULL, 10) : -1;
    snprintf(wanted, sizeof(wanted), "line %04d %029d end", number, 0);
    if (strcmp(text, wanted) != 0 || number <= last)
        panic("after line %d there comes '%s'", last, text);
    last = number;
    lines++;
}

/* The reader is a thread, because it waits for a key in the end, and is killed then. How fast keys
   come is the host's: if more lines came than the console keeps, and none was lost, each program
   runs longer than the one before. */
static int reader(void *unused)
{
    unsigned int ms = JOB_MS;
    char text[256];

    (void)unused;
    run_job(FIRST_MS);
    for (;;) {
        for (int i = 0; i < LINES; i++) {
            read_line(text, sizeof(text));
            check_line(text);
        }
        if (lines > KEPT && last == lines - 1 && 2 * ms < QUIET_MS)
            ms *= 2;
        run_job(ms);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int typed = number_argument(argc, argv, 1, 0);
    int tid = thread_create(reader, NULL), before, code;

    assert(tid > 0);
    pass_time(FIRST_MS);
    do {
        before = lines;
        pass_time(QUIET_MS);
    } while (lines != before);
    check_eq("the reader has met nothing but whole lines", trywait(tid, &code), -E_BUSY);
    kill(tid);
    waitpid(tid, &code);
    check("a buffer full of lines came", lines > 300);
    cprintf("%d of %d lines were read\n", lines, typed);
    check("some were lost", lines < typed);
    return check_done();
}
