/* Calls that may fail, and are made again. tries.h tells what for, and what a program of such calls
   looks like.

   What is printed begins with the step's name. "WRONG:" is in no line but those of results that no
   failure excuses, and "given up:" in those of calls that fail again and again: tools/faults.py
   looks for both. */
#include <error.h>
#include <stdio.h>
#include <tries.h>
#include <ulib.h>

#define TRIES   4               /* of a call, and of a step */

static const char *step_name = "main";
static bool something_wrong;

bool try_again(const char *call, long error, long tries)
{
    if (error != -E_NO_MEM && error != -E_IO && error != -E_ROFS && error != -E_SWAP_FAULT) {
        cprintf("%s: WRONG: %s gave %e\n", step_name, call, (int)error);
        exit(WRONG);
    }
    if (tries < TRIES)
        return true;
    cprintf("%s: given up: %s gave %e\n", step_name, call, (int)error);
    exit(GIVEN_UP);
}

void must(const char *what, bool is_true)
{
    if (is_true)
        return;
    cprintf("%s: WRONG: %s\n", step_name, what);
    exit(WRONG);
}

void must_end(int ended, int code)
{
    if (ended == GIVEN_UP || ended == WRONG || ended == -E_KILLED)
        exit(ended);
    if (ended == code)
        return;
    cprintf("%s: WRONG: a child ended with %d, not %d\n", step_name, ended, code);
    exit(WRONG);
}

void wait_for(int pid, int code)
{
    int ended = 0;

    TRY(waitpid(pid, &ended));          /* there may be no page where the code is to be stored */
    must_end(ended, code);
}

/* Each child begins with the name already set, and ends by exit(): it never runs on in its
   parent's code. */
bool step(const char *name, void (*body)(void))
{
    step_name = name;
    for (int tries = 1; tries <= TRIES; tries++) {
        int pid = TRY(fork()), code = 0;

        if (pid == 0) {
            body();
            exit(0);
        }
        TRY(waitpid(pid, &code));
        if (code == 0)
            return true;
        cprintf("%s: ended with %d\n", name, code);
        something_wrong |= code != GIVEN_UP && code != -E_KILLED;
        if (code != -E_KILLED)
            return false;
    }
    return false;
}

int steps_done(void)
{
    return something_wrong ? WRONG : 0;
}
