/* Reading directories: see dir.h. Where one is in a directory is kept in the dirent, which the
   kernel moves on; the descriptor's own position is not used.

   opendir() looks whether it is a directory at all: the first readdir() could not tell that from an
   empty one.

   The memory of a DIR is from malloc. */
#include <dir.h>
#include <stdlib.h>
#include <syscall.h>

DIR *opendir(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    DIR *dir = NULL;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        dir = malloc(sizeof(*dir));
    if (dir == NULL) {
        close(fd);
        return NULL;
    }
    dir->fd = fd;
    dir->dirent.offset = 0;
    return dir;
}

struct dirent *readdir(DIR *dir)
{
    if (syscall2(SYS_getdirentry, dir->fd, (uintptr_t)&dir->dirent) != 0)
        return NULL;
    return &dir->dirent;
}

void closedir(DIR *dir)
{
    if (dir == NULL)
        return;
    close(dir->fd);
    free(dir);
}
