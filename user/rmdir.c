/* rmdir: remove empty directories.

     rmdir DIRECTORY...

   One that has anything in it stays: rm -r removes that too. */
#include <file.h>
#include <tool.h>
#include <ulib.h>

int main(int argc, char **argv)
{
    int code = 0;

    if (argc < 2)
        return tool_usage("rmdir DIRECTORY...");
    for (int i = 1; i < argc; i++) {
        int error = rmdir(argv[i]);

        if (error < 0)
            code = tool_error("rmdir", argv[i], error);
    }
    return code;
}
