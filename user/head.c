/* head: print the first lines of files.

     head [-n NUMBER] [FILE]...

   Ten lines, if no number is given; of the standard input, if no file is. */
#include <file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tool.h>
#include <ulib.h>

/* Print the first n lines of an open file. 0 or an error. */
static int head(int fd, int n)
{
    struct lines lines = { .fd = fd };
    size_t length;
    char *line;
    int error = 0;

    while (n-- > 0 && error == 0 && (line = next_line(&lines, &length)) != NULL) {
        line[length] = '\n';
        error = write_all(1, line, length + 1);
    }
    return error != 0 ? error : lines.error;
}

int main(int argc, char **argv)
{
    int n = 10, first = 1, code = 0;

    if (argc > 1 && strcmp(argv[1], "-n") == 0) {
        if (argc == 2 || !string_to_int(argv[2], &n) || n < 0)
            return tool_usage("head [-n NUMBER] [FILE]...");
        first = 3;
    }
    if (first == argc)
        return head(0, n) != 0;
    for (int i = first; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);

        if (argc - first > 1 && fd >= 0)
            printf("%s==> %s <==\n", i > first ? "\n" : "", argv[i]);
        int error = fd < 0 ? fd : head(fd, n);
        if (error < 0)
            code = tool_error("head", argv[i], error);
        if (fd >= 0)
            close(fd);
    }
    return code;
}
