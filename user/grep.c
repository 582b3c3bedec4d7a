/* grep: print the lines that have a text in them.

     grep [-vnic] TEXT [FILE]...

   TEXT is compared as it is, but for ^ at its beginning and $ at its end, which are those of a
   line, and . which is any character. -v prints the lines that have it not, -n numbers too, -i
   takes capitals for small letters, -c only counts. The code is 1 if no line was found. */
#include <file.h>
#include <stdio.h>
#include <string.h>
#include <tool.h>
#include <ulib.h>

static bool opposite, numbers, any_case, count_only;

static char fold(char c)
{
    return any_case && c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* Does the text stand at this place of a line? */
static bool fits_here(const char *text, const char *line)
{
    for (; *text != '\0'; text++, line++) {
        if (*text == '$' && text[1] == '\0')
            return *line == '\0';
        if (*line == '\0' || (*text != '.' && fold(*text) != fold(*line)))
            return false;
    }
    return true;
}

static bool fits(const char *text, const char *line)
{
    if (*text == '^')
        return fits_here(text + 1, line);
    do {
        if (fits_here(text, line))
            return true;
    } while (*line++ != '\0');
    return false;
}

/* Look through a file; `name` is printed before each line if it is not NULL. How many lines were
   found, or an error. */
static int search(const char *text, int fd, const char *name)
{
    struct lines lines = { .fd = fd };
    size_t length;
    int number = 0, found = 0;
    char *line;

    while ((line = next_line(&lines, &length)) != NULL) {
        number++;
        if (fits(text, line) == opposite)
            continue;
        found++;
        if (count_only)
            continue;
        if (name != NULL)
            printf("%s:", name);
        if (numbers)
            printf("%d:", number);
        line[length] = '\n';
        write_all(1, line, length + 1);
    }
    if (count_only)
        printf("%s%s%d\n", name != NULL ? name : "", name != NULL ? ":" : "", found);
    return lines.error != 0 ? lines.error : found;
}

int main(int argc, char **argv)
{
    int first = 1, code = 1;

    for (; first < argc && argv[first][0] == '-' && argv[first][1] != '\0'; first++) {
        for (const char *c = argv[first] + 1; *c != '\0'; c++) {
            if (strchr("vnic", *c) == NULL)
                return tool_usage("grep [-vnic] TEXT [FILE]...");
            opposite |= *c == 'v';
            numbers |= *c == 'n';
            any_case |= *c == 'i';
            count_only |= *c == 'c';
        }
    }
    if (first == argc)
        return tool_usage("grep [-vnic] TEXT [FILE]...");
    const char *text = argv[first++];
    if (first == argc)
        return search(text, 0, NULL) > 0 ? 0 : 1;
    for (int i = first; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        bool same = fd >= 0 && is_output(fd);
        int found = fd < 0 ? fd : same ? 0 : search(text, fd, argc - first > 1 ? argv[i] : NULL);

        if (same)
            fprintf(stderr, "grep: %s: input file is output file\n", argv[i]);
        if (found < 0)
            tool_error("grep", argv[i], found);
        if (found > 0)
            code = 0;
        if (fd >= 0)
            close(fd);
    }
    return code;
}
