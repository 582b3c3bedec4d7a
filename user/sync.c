/* sync: have all that was written on the disk.

   What was written before is there when it ends, also if the power fails then. The kernel does the
   same by itself a second after a change. */
#include <file.h>
#include <tool.h>
#include <ulib.h>

int main(void)
{
    int error = sync();

    return error != 0 ? tool_error("sync", NULL, error) : 0;
}
