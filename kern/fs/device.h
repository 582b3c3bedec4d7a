/* Devices as files: the console, and one that is empty and takes everything. Their inodes are
   constant: they belong to no file system, are always there, and are found by names that end with a
   colon, as ucore's are, whatever the current directory is.

   "stdin:" and "stdout:" are the console's two directions, "null:" the third. A read of the console
   gives what was typed, as it was typed, one byte at least, and waits for that; see
   driver/console.h for what a process finds that has not the console. */
#pragma once

#include <fs/inode.h>

enum device { DEVICE_STDIN, DEVICE_STDOUT, DEVICE_NULL, DEVICES };

extern struct inode device_inodes[DEVICES];

/* The device of this name, with a reference, or NULL. From anywhere. */
struct inode *device_find(const char *name);
