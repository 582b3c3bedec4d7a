/* The background jobs of a shell: processes that it started and does not wait for yet. Only the
   shell uses this. A job is known by the pid of its first process, which leads a group of its own,
   so that kill reaches all processes of the job.

   Each function that finds a job ended tells so on the console, in one line. There is room for some
   jobs only; a list that is longer would not be read. One thread. */
#pragma once

#include <defs.h>

#define NOT_STARTED     127             /* exit code of a child that could not become a program */

/* Is there room for one more? If not, says so. */
bool jobs_room(void);
/* This child is a job now; its name is for messages, and is cut. There was room. */
void jobs_add(int pid, const char *name);
/* Tell of those that have ended since. */
void jobs_report(void);
/* List those that run. */
void jobs_list(void);
/* Wait for one, or with pid 0 for all. False if there is no such job. */
bool jobs_wait(int pid);
/* End them all, and wait for that. */
void jobs_end(void);
/* Forget them: a child of the shell has none of its parent's jobs. */
void jobs_forget(void);

/* End the group that this process leads, or the process alone if it leads none. 0 or an error. */
int job_kill(int pid);
/* A blank and the name of an error, if an exit code is the number of one; else an empty text. It
   lasts until the next call. */
const char *code_name(int code);
