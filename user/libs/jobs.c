/* The background jobs of a shell: see jobs.h.

   They are in a table of MAX_JOBS places. A place is free if its pid is 0. Nobody but the shell's
   one thread touches it, so there is no lock. A child that was waited for is no job any more, and
   its pid may be another process's: so a place is freed in the same step in which its job is told
   to have ended. */
#include <error.h>
#include <jobs.h>
#include <stdio.h>
#include <ulib.h>

#define MAX_JOBS        16
#define NAME_SIZE       32

/* A background job. */
struct job {
    int pid;                            /* 0 if the place is free */
    char name[NAME_SIZE];
};

static struct job jobs[MAX_JOBS];

const char *code_name(int code)
{
    static char text[NAME_SIZE];

    text[0] = '\0';
    if (code < 0 && code >= -MAXERROR)
        snprintf(text, sizeof(text), " %e", code);
    return text;
}

/* A free place, or NULL. */
static struct job *free_job(void)
{
    for (struct job *j = jobs; j < jobs + MAX_JOBS; j++)
        if (j->pid == 0)
            return j;
    return NULL;
}

bool jobs_room(void)
{
    bool room = free_job() != NULL;

    if (!room)
        cprintf("sh: there are %d background jobs already; wait for some\n", MAX_JOBS);
    return room;
}

void jobs_add(int pid, const char *name)
{
    struct job *j = free_job();

    j->pid = pid;
    snprintf(j->name, sizeof(j->name), "%s", name);
    cprintf("[%d] %s\n", pid, j->name);
}

/* Tell of a job that has ended, and free its place. What could not be started has told so
   itself. */
static void finish_job(struct job *j, int code)
{
    if (code == 0)
        cprintf("[%d] %s: done\n", j->pid, j->name);
    else if (code != NOT_STARTED)
        cprintf("[%d] %s: exit code %d%s\n", j->pid, j->name, code, code_name(code));
    j->pid = 0;
}

void jobs_report(void)
{
    int code;

    for (struct job *j = jobs; j < jobs + MAX_JOBS; j++)
        if (j->pid != 0 && trywait(j->pid, &code) == 0)
            finish_job(j, code);
}

void jobs_list(void)
{
    for (struct job *j = jobs; j < jobs + MAX_JOBS; j++)
        if (j->pid != 0)
            cprintf("[%d] %s: running\n", j->pid, j->name);
}

bool jobs_wait(int pid)
{
    bool found = pid == 0;

    for (struct job *j = jobs; j < jobs + MAX_JOBS; j++) {
        int code = NOT_STARTED;

        if (j->pid == 0 || (pid != 0 && j->pid != pid))
            continue;
        found = true;
        waitpid(j->pid, &code);
        finish_job(j, code);
    }
    return found;
}

int job_kill(int pid)
{
    int error = pid > 0 ? kill(-pid) : -E_INVAL;

    return error != 0 ? kill(pid) : 0;
}

void jobs_end(void)
{
    jobs_report();
    for (struct job *j = jobs; j < jobs + MAX_JOBS; j++)
        if (j->pid != 0)
            job_kill(j->pid);
    jobs_wait(0);
}

void jobs_forget(void)
{
    for (struct job *j = jobs; j < jobs + MAX_JOBS; j++)
        j->pid = 0;
}
