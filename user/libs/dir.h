/* Reading directories, by the names of ucore's courses.

   A DIR is an open directory. readdir() gives one name after the other, "." and ".." among them, in
   the order of the disk. What is made or removed meanwhile may be told or not; every other name is
   told once. A DIR is one thread's.

   A directory that is removed while it is open has no more names. */
#pragma once

#include <dirent.h>
#include <file.h>

typedef struct {
    int fd;
    struct dirent dirent;               /* the name that was given last */
} DIR;

/* Open a directory; NULL if that cannot be, or there is no memory. */
DIR *opendir(const char *path);
/* The next name, good until the next call; NULL behind the last. */
struct dirent *readdir(DIR *dir);
/* The end; the DIR is freed. NULL is allowed. */
void closedir(DIR *dir);
