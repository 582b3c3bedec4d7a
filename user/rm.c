/* rm: remove files.

     rm [-rf] FILE...

   -r removes directories with all in them; -f says nothing of what is not there. A symbolic link is
   removed, and not what it stands for. */
#include <dir.h>
#include <error.h>
#include <file.h>
#include <stat.h>
#include <stdlib.h>
#include <string.h>
#include <tool.h>
#include <ulib.h>

static bool recursive, force;

static int remove_path(const char *path);

/* Remove all that is in a directory, from the front: after each removal the directory is read anew,
   because positions in it may have changed. What cannot be removed ends it. */
static int empty_directory(const char *path)
{
    int code = 0;
    bool more = true;

    while (more && code == 0) {
        DIR *dir = opendir(path);
        struct dirent *entry;

        if (dir == NULL)
            return tool_error("rm", path, -E_NOENT);
        do {
            entry = readdir(dir);
        } while (entry != NULL && (strcmp(entry->name, ".") == 0
                                   || strcmp(entry->name, "..") == 0));
        char *child = entry != NULL ? join_path(path, entry->name) : NULL;
        closedir(dir);
        more = child != NULL;
        if (more)
            code = remove_path(child);
        free(child);
    }
    return code;
}

static int remove_path(const char *path)
{
    struct stat st;
    int error = lstat(path, &st);

    if (error == -E_NOENT && force)
        return 0;
    if (error == 0 && S_ISDIR(st.st_mode)) {
        if (!recursive)
            return tool_error("rm", path, -E_ISDIR);
        if (empty_directory(path) != 0)
            return 1;
        error = rmdir(path);
    } else if (error == 0) {
        error = unlink(path);
    }
    return error != 0 ? tool_error("rm", path, error) : 0;
}

int main(int argc, char **argv)
{
    int i = 1, code = 0;

    for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        for (const char *c = argv[i] + 1; *c != '\0'; c++) {
            if (*c != 'r' && *c != 'f')
                return tool_usage("rm [-rf] FILE...");
            recursive |= *c == 'r';
            force |= *c == 'f';
        }
    }
    if (i == argc && !force)
        return tool_usage("rm [-rf] FILE...");
    for (; i < argc; i++)
        code |= remove_path(argv[i]);
    return code;
}
