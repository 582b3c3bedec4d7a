/* ls: list directories, names in order.

     ls [-la] [PATH]...

   -l tells type, names (links), blocks of 4 KiB, size in bytes; -a also what begins with a dot.
   Without -l there are as many names in a line as fit; into a file or a pipe, one. */
#include <dir.h>
#include <error.h>
#include <file.h>
#include <stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tool.h>
#include <ulib.h>

#define WIDTH   78                      /* of the screen, in characters */

static bool long_form, all;
static size_t width_of_line;            /* 0: one name in a line */

/* What the types look like; by st_mode >> 12. */
static const char types[] = "?-dlcbp?";

static void print_long(const char *path, const char *name)
{
    char target[FS_MAX_FPATH_LEN + 1] = "";
    struct stat st;
    int error = lstat(path, &st);

    if (error != 0) {
        tool_error("ls", path, error);
        return;
    }
    if (S_ISLNK(st.st_mode)) {
        int n = readlink(path, target, sizeof(target) - 1);

        target[n > 0 ? n : 0] = '\0';
    }
    printf("%c %4lu %6lu %10lu  %s%s%s\n", types[(st.st_mode & S_IFMT) >> 12], st.st_nlinks,
           st.st_blocks, st.st_size, name, *target != '\0' ? " -> " : "", target);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Print the names of a directory, which are in order. */
static void print_names(const char *directory, char **names, size_t n)
{
    size_t width = 0, column = 0;

    for (size_t i = 0; i < n; i++)
        width = strlen(names[i]) > width ? strlen(names[i]) : width;
    for (size_t i = 0; i < n; i++) {
        char *path = join_path(directory, names[i]);

        if (long_form && path != NULL) {
            print_long(path, names[i]);
        } else {
            bool last = i + 1 == n || (column += width + 2) + width > width_of_line;

            printf("%-*s%s", last ? 0 : (int)width + 2, names[i], last ? "\n" : "");
            column = last ? 0 : column;
        }
        free(path);
    }
}

/* List a directory: read all names, sort them, print them. 0 or an error. */
static int list(const char *path)
{
    size_t n = 0, room = 0;
    char **names = NULL;
    struct dirent *entry;
    DIR *dir = opendir(path);
    int error = 0;

    if (dir == NULL)
        return -E_NOENT;
    while (error == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->name[0] == '.' && !all)
            continue;
        if (n == room) {
            char **more = realloc(names, (room = room * 2 + 64) * sizeof(*names));

            error = more == NULL ? -E_NO_MEM : 0;
            names = more != NULL ? more : names;
        }
        char *name = error == 0 ? join_path("", entry->name) : NULL;
        if (name != NULL)
            names[n++] = name;
        else
            error = -E_NO_MEM;
    }
    closedir(dir);
    qsort(names, n, sizeof(*names), compare);
    print_names(path, names, n);
    while (n > 0)
        free(names[--n]);
    free(names);
    return error;
}

/* One argument: a file is told itself, a directory by what is in it. */
static int list_path(const char *path, bool many)
{
    struct stat st;
    int error = stat(path, &st);

    if (error != 0 && lstat(path, &st) != 0)
        return tool_error("ls", path, error);
    if (!S_ISDIR(st.st_mode)) {
        if (long_form)
            print_long(path, path);
        else
            printf("%s\n", path);
        return 0;
    }
    if (many)
        printf("%s:\n", path);
    error = list(path);
    return error != 0 ? tool_error("ls", path, error) : 0;
}

int main(int argc, char **argv)
{
    int code = 0, i = 1;
    struct stat output;

    if (fstat(stdout, &output) == 0 && S_ISCHR(output.st_mode))
        width_of_line = WIDTH;
    for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        for (const char *c = argv[i] + 1; *c != '\0'; c++) {
            if (*c != 'l' && *c != 'a')
                return tool_usage("ls [-la] [PATH]...");
            long_form |= *c == 'l';
            all |= *c == 'a';
        }
    }
    if (i == argc)
        return list_path(".", false);
    for (bool many = i + 1 < argc; i < argc; i++)
        code |= list_path(argv[i], many);
    return code;
}
