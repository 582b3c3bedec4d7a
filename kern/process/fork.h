/* For the process layer's own use: a proc_struct with a kernel stack, not yet known to anyone. */
#pragma once

#include <process/proc.h>

struct proc_struct *proc_create(void) __must_check;
