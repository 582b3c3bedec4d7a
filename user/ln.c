/* ln: give a file one more name.

     ln FILE NEW            the same file under another name
     ln -s PATH NEW         a symbolic link: a name that stands for a path

   The path of a symbolic link need not be there, and is looked up when the link is used. */
#include <file.h>
#include <stdlib.h>
#include <string.h>
#include <tool.h>
#include <ulib.h>

int main(int argc, char **argv)
{
    bool symbolic = argc > 1 && strcmp(argv[1], "-s") == 0;

    if (argc - symbolic != 3)
        return tool_usage("ln [-s] FILE NEW");
    const char *from = argv[1 + symbolic], *to = argv[2 + symbolic];
    char *path = is_directory(to) ? join_path(to, base_name(from)) : NULL;
    const char *name = path != NULL ? path : to;
    int error = symbolic ? symlink(from, name) : link(from, name);

    free(path);
    return error != 0 ? tool_error("ln", to, error) : 0;
}
