/* Groups of processes, and which of them has the console: libs/unistd.h tells of them at JOB_.

   A process is born into the group of its parent. One of the first program's group, which has the
   number 0, may found a group of its own, whose number is its pid. A group lives as long as it has
   members; its founder may end before. So a pid that is still the number of a group is not given to
   a new process.

   All of it is guarded by proc_lock. */
#pragma once

#include <process/proc.h>

/* Once at boot. */
void group_init(void);

/* A member of a group, any one, or NULL if it has none. proc_lock is held. */
struct proc_struct *find_group(int group);
/* Put a process into the group proc->group, or take it out of it. proc_lock is held. */
void join_group(struct proc_struct *proc);
void leave_group(struct proc_struct *proc);

/* Make all members of a group end, as do_kill() one. 0, or -E_INVAL if there are none that can. No
   lock is held; may be called from an interrupt. */
int kill_group(int group);

/* Take or give up the console, for the current process: `what` is a JOB_. 0, or -E_INVAL if the
   caller is not of the first program's group or there is no such thing to do. */
int do_job(int what);
