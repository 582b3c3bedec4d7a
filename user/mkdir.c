/* mkdir: make directories.

     mkdir DIRECTORY...

   Each must be in a directory that is there, and its name must not be taken. */
#include <file.h>
#include <tool.h>

int main(int argc, char **argv)
{
    return tool_each("DIRECTORY...", argc, argv, mkdir);
}
