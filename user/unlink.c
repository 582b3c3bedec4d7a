/* unlink: remove a name of a file.

     unlink FILE...

   The file goes with its last name, when nobody has it open any more. */
#include <file.h>
#include <tool.h>
#include <ulib.h>

int main(int argc, char **argv)
{
    int code = 0;

    if (argc < 2)
        return tool_usage("unlink FILE...");
    for (int i = 1; i < argc; i++) {
        int error = unlink(argv[i]);

        if (error < 0)
            code = tool_error("unlink", argv[i], error);
    }
    return code;
}
