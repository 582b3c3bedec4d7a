/* mv: give files other names, or put them into another directory.

     mv FILE NEW            mv FILE... DIRECTORY

   What has the new name already is replaced, in one step. */
#include <error.h>
#include <file.h>
#include <stdlib.h>
#include <tool.h>
#include <ulib.h>

int main(int argc, char **argv)
{
    int code = 0;

    if (argc < 3)
        return tool_usage("mv FILE... NEW");
    const char *to = argv[argc - 1];
    bool into = is_directory(to);
    if (argc > 3 && !into)
        return tool_error("mv", to, -E_NOTDIR);
    for (int i = 1; i + 1 < argc; i++) {
        char *path = into ? join_path(to, base_name(argv[i])) : NULL;
        int error = rename(argv[i], path != NULL ? path : to);

        if (error != 0)
            code = tool_error("mv", argv[i], error);
        free(path);
    }
    return code;
}
