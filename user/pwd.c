/* pwd: print the current directory.

   The shell has it too, as its own command; the program is for those who start it otherwise, and
   shows that a child has its parent's directory. */
#include <file.h>
#include <stdio.h>
#include <tool.h>
#include <ulib.h>

int main(void)
{
    char path[FS_MAX_FPATH_LEN + 1];
    int error = getcwd(path, sizeof(path));

    if (error < 0)
        return tool_error("pwd", NULL, error);
    printf("%s\n", path);
    return 0;
}
