/* For the process layer's own use: a proc_struct with a kernel stack, not yet known to anyone. */
#ifndef KERN_PROCESS_FORK_H
#define KERN_PROCESS_FORK_H

#include <process/proc.h>

struct proc_struct *proc_create(void) must_check;

#endif /* KERN_PROCESS_FORK_H */
