/* System calls of files: those in sysfile.c, for the table in syscall.c. What they do for programs
   is told in user/libs/file.h and dir.h.

   As all functions of that table they get the caller's argument registers, are called with
   interrupts on and no lock held, and may sleep. They return 0 or a positive result, or an error of
   fs/vfs.h or fs/file.h. */
#pragma once

#include <defs.h>

/* (fd, buf, length): how many bytes. */
long sys_read(uint64_t arg[]);
long sys_write(uint64_t arg[]);
