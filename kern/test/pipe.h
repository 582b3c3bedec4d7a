/* For the tests of exercise 8.4: one pipe, which is read and written by the operations of its
   inode, and what threads are told to do with it. See actors.h for these.

   Which bytes go through it is known, each has its value: so get() tells whether what came is what
   had to come next. The functions may sleep, where a program that does the same would; so a test
   calls them itself only where it expects that nobody has to wait. */
#pragma once

#include <fs/file.h>
#include <test/actors.h>

#define ROOM        16384               /* of a pipe */
#define ATOMIC      4096                /* a write of so many bytes goes in whole */

extern struct inode *pipe;              /* one at a time, from pipe_begin() to pipe_end() */
/* Make it, with both ends open, and nothing in it. */
void pipe_begin(void);
/* Close both ends, and give the inode back: nobody may be in a call with it. */
void pipe_end(void);

/* Write n bytes, the next ones, at most 3 * ROOM: how many went in, or the error before the first.
   */
long put(size_t n);
/* Read up to n bytes: how many, or the error. Are they the next ones? */
long get(size_t n, bool *right);
/* How many bytes wait in the pipe, as fstat() tells. */
long waiting(void);

/* Close one of its ends. */
#define close_reader()  pipe->in_ops->vop_close(pipe, true, false)
#define close_writer()  pipe->in_ops->vop_close(pipe, false, true)

/* What the threads are told to do: read up to 100 bytes, got_right tells whether they are right;
   write a byte; write ATOMIC bytes. */
extern bool got_right;
int do_get(int number);
int do_put_byte(int number);
int do_put_atomic(int number);
