/* mkdir: make directories.

     mkdir DIRECTORY...

   Each must be in a directory that is there, and its name must not be taken. */
#include <file.h>
#include <tool.h>
#include <ulib.h>

int main(int argc, char **argv)
{
    int code = 0;

    if (argc < 2)
        return tool_usage("mkdir DIRECTORY...");
    for (int i = 1; i < argc; i++) {
        int error = mkdir(argv[i]);

        if (error < 0)
            code = tool_error("mkdir", argv[i], error);
    }
    return code;
}
