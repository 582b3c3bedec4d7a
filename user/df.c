/* df: tell how much room the disk has.

   It counts blocks of 4 KiB, and inodes, of which each file and directory has one. The image of the
   kernel, which is the root if there is no disk, is always full. */
#include <file.h>
#include <stdio.h>
#include <tool.h>
#include <ulib.h>

int main(void)
{
    struct fsinfo info;
    int error = fsinfo(&info);

    if (error != 0)
        return tool_error("df", NULL, error);
    printf("%-8s %10s %10s %10s\n", info.name, "all", "used", "free");
    printf("%-8s %10u %10u %10u\n", "KiB", info.blocks * 4, (info.blocks - info.free_blocks) * 4,
           info.free_blocks * 4);
    printf("%-8s %10u %10u %10u%s\n", "inodes", info.inodes, info.inodes - info.free_inodes,
           info.free_inodes, info.read_only ? "   read-only" : "");
    return 0;
}
