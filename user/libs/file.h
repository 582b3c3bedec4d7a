/* Reading and writing. There are three file descriptors. 0 is the console's input: raw, without an
   echo. 1 and 2 are the console's output.

   A read waits for at least one byte, and returns what there is, at most len; 0 is the end of the
   file: ctrl-D, or a process whose job has not the console. A write of up to 256 bytes appears in
   one piece. Both return how many bytes were moved, or a negative error: -E_INVAL for another
   descriptor, -E_FAULT for memory that the program has not. */
#pragma once

#include <defs.h>

/* Read at most len bytes to buf; the result is 0 at the end of the file. */
int read(int fd, void *buf, size_t len);
/* Write len bytes of buf. If the process is killed meanwhile, fewer may appear. */
int write(int fd, const void *buf, size_t len);
