/* rmdir: remove empty directories.

     rmdir DIRECTORY...

   One that has anything in it stays: rm -r removes that too. */
#include <file.h>
#include <tool.h>

int main(int argc, char **argv)
{
    return tool_each("DIRECTORY...", argc, argv, rmdir);
}
