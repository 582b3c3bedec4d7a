/* wc: count lines, words and bytes.

     wc [-lwc] [FILE]...

   Without files it counts what the standard input has; with -l, -w or -c it tells only those. Of
   several files it tells the sum too. */
#include <file.h>
#include <stdio.h>
#include <tool.h>
#include <ulib.h>

enum { LINES, WORDS, BYTES, COUNTS };

static bool wanted[COUNTS];

static void print(const size_t counts[COUNTS], const char *name)
{
    for (int i = 0; i < COUNTS; i++)
        if (wanted[i])
            printf("%7lu", counts[i]);
    printf("%s%s\n", *name != '\0' ? " " : "", name);
}

/* Count what is left in a file, and add it to the sum. 0 or an error. */
static int count(int fd, const char *name, size_t sum[COUNTS])
{
    static char buf[TOOL_BUFFER];
    size_t counts[COUNTS] = { 0 };
    bool in_word = false;
    int n;

    while ((n = read_input(fd, buf, sizeof(buf))) > 0) {
        counts[BYTES] += n;
        for (int i = 0; i < n; i++) {
            bool blank = buf[i] == ' ' || (buf[i] >= '\t' && buf[i] <= '\r');

            counts[LINES] += buf[i] == '\n';
            counts[WORDS] += !blank && !in_word;
            in_word = !blank;
        }
    }
    if (n < 0)
        return n;
    print(counts, name);
    for (int i = 0; i < COUNTS; i++)
        sum[i] += counts[i];
    return 0;
}

int main(int argc, char **argv)
{
    size_t sum[COUNTS] = { 0 };
    int first = 1, code = 0;

    for (; first < argc && argv[first][0] == '-' && argv[first][1] != '\0'; first++) {
        for (const char *c = argv[first] + 1; *c != '\0'; c++) {
            if (*c != 'l' && *c != 'w' && *c != 'c')
                return tool_usage("wc [-lwc] [FILE]...");
            wanted[*c == 'l' ? LINES : *c == 'w' ? WORDS : BYTES] = true;
        }
    }
    if (first == 1)
        wanted[LINES] = wanted[WORDS] = wanted[BYTES] = true;
    if (first == argc)
        return count(0, "", sum) != 0 ? 1 : 0;
    for (int i = first; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        int error = fd < 0 ? fd : count(fd, argv[i], sum);

        if (error < 0)
            code = tool_error("wc", argv[i], error);
        if (fd >= 0)
            close(fd);
    }
    if (argc - first > 1)
        print(sum, "total");
    return code;
}
