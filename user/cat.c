/* cat: print files one after the other, or what the standard input has.

     cat [FILE]...      - is the standard input

   A file that is the output too would grow for as long as it is read, so it is refused. */
#include <file.h>
#include <stdio.h>
#include <string.h>
#include <tool.h>
#include <ulib.h>

int main(int argc, char **argv)
{
    int code = 0;

    for (int i = 1; i < argc || i == 1; i++) {
        bool standard = argc == 1 || strcmp(argv[i], "-") == 0;
        const char *name = standard ? "-" : argv[i];
        int fd = standard ? 0 : open(argv[i], O_RDONLY);
        bool same = fd >= 0 && is_output(fd);
        int error = fd < 0 ? fd : same ? 0 : copy_all(fd, 1);

        if (same) {
            fprintf(stderr, "cat: %s: input file is output file\n", name);
            code = 1;
        }
        if (error < 0)
            code = tool_error("cat", name, error);
        if (fd > 0)
            close(fd);
    }
    return code;
}
