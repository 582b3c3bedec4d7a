/* touch: make empty files.

     touch FILE...

   A file that is there stays as it is: this system keeps no times. */
#include <file.h>
#include <tool.h>

static int touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT);

    return fd < 0 ? fd : close(fd);
}

int main(int argc, char **argv)
{
    return tool_each("FILE...", argc, argv, touch);
}
