/* cp: copy files.

     cp FILE NEW            cp FILE... DIRECTORY            -r copies directories with all in them

   A symbolic link is followed, but inside of a directory that is copied it is copied as a link. A
   file is never copied onto itself: the open of the copy would have emptied it. */
#include <dir.h>
#include <error.h>
#include <file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tool.h>
#include <ulib.h>

static bool recursive;

static int copy(const char *from, const char *to, bool follow);

static int copy_file(const char *from, const char *to)
{
    int in = open(from, O_RDONLY), out, error;

    if (in < 0)
        return tool_error("cp", from, in);
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC);
    error = out < 0 ? out : copy_all(in, out);
    close(in);
    if (out >= 0)
        close(out);
    return error != 0 ? tool_error("cp", to, error) : 0;
}

static int copy_link(const char *from, const char *to)
{
    char target[FS_MAX_FPATH_LEN + 1];
    int n = readlink(from, target, sizeof(target) - 1);

    if (n < 0)
        return tool_error("cp", from, n);
    target[n] = '\0';
    int error = symlink(target, to);
    return error != 0 ? tool_error("cp", to, error) : 0;
}

/* Copy all that is in a directory into another one, which is made if it is not there. */
static int copy_directory(const char *from, const char *to)
{
    struct dirent *entry;
    int error = mkdir(to), code = 0;
    DIR *dir;

    if (error != 0 && !is_directory(to))
        return tool_error("cp", to, error);
    dir = opendir(from);
    if (dir == NULL)
        return tool_error("cp", from, -E_NOENT);
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
            continue;
        char *old = join_path(from, entry->name), *new = join_path(to, entry->name);

        code |= old == NULL || new == NULL ? tool_error("cp", from, -E_NO_MEM)
                                           : copy(old, new, false);
        free(old);
        free(new);
    }
    closedir(dir);
    return code;
}

static int copy(const char *from, const char *to, bool follow)
{
    struct stat st, other;
    int error = follow ? stat(from, &st) : lstat(from, &st);

    if (error != 0)
        return tool_error("cp", from, error);
    if (strcmp(from, to) == 0 || (stat(to, &other) == 0 && same_file(&st, &other))) {
        fprintf(stderr, "cp: %s and %s are the same file\n", from, to);
        return 1;
    }
    if (S_ISLNK(st.st_mode))
        return copy_link(from, to);
    if (!S_ISDIR(st.st_mode))
        return copy_file(from, to);
    if (!recursive)
        return tool_error("cp", from, -E_ISDIR);
    if (strncmp(to, from, strlen(from)) == 0 && to[strlen(from)] == '/')
        return tool_error("cp", to, -E_INVAL);  /* it would never end */
    return copy_directory(from, to);
}

int main(int argc, char **argv)
{
    int first = 1, code = 0;

    if (first < argc && strcmp(argv[first], "-r") == 0) {
        recursive = true;
        first++;
    }
    if (argc - first < 2)
        return tool_usage("cp [-r] FILE... NEW");
    const char *to = argv[argc - 1];
    bool into = is_directory(to);
    if (argc - first > 2 && !into)
        return tool_error("cp", to, -E_NOTDIR);
    for (int i = first; i + 1 < argc; i++) {
        char *path = into ? join_path(to, base_name(argv[i])) : NULL;

        code |= copy(argv[i], path != NULL ? path : to, true);
        free(path);
    }
    return code;
}
