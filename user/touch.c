/* touch: make empty files.

     touch FILE...

   A file that is there stays as it is: this system keeps no times. */
#include <file.h>
#include <tool.h>
#include <ulib.h>

int main(int argc, char **argv)
{
    int code = 0;

    if (argc < 2)
        return tool_usage("touch FILE...");
    for (int i = 1; i < argc; i++) {
        int error = open(argv[i], O_WRONLY | O_CREAT);

        if (error < 0)
            code = tool_error("touch", argv[i], error);
        else
            close(error);
    }
    return code;
}
