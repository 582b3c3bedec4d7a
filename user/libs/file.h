/* Reading and writing. 0 is the console's input: raw, without an echo; a read waits for at least
   one byte and returns 0 at the end of the file. 1 and 2 are the console's output. Both return how
   many bytes were moved, or -E_. */
#pragma once

#include <defs.h>

int read(int fd, void *buf, size_t len);
int write(int fd, const void *buf, size_t len);
