/* cat: print files one after the other, or what the standard input has.

     cat [FILE]...      - is the standard input */
#include <file.h>
#include <string.h>
#include <tool.h>
#include <ulib.h>

int main(int argc, char **argv)
{
    int code = 0;

    for (int i = 1; i < argc || i == 1; i++) {
        bool standard = argc == 1 || strcmp(argv[i], "-") == 0;
        int fd = standard ? 0 : open(argv[i], O_RDONLY);
        int error = fd < 0 ? fd : copy_all(fd, 1);

        if (error < 0)
            code = tool_error("cat", standard ? "-" : argv[i], error);
        if (fd > 0)
            close(fd);
    }
    return code;
}
