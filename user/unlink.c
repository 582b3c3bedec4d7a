/* unlink: remove a name of a file.

     unlink FILE...

   The file goes with its last name, when nobody has it open any more. */
#include <file.h>
#include <tool.h>

int main(int argc, char **argv)
{
    return tool_each("FILE...", argc, argv, unlink);
}
