/* stat: tell what a file is.

     stat PATH...

   A symbolic link is told itself, with the path that it stands for. */
#include <file.h>
#include <stat.h>
#include <stdio.h>
#include <tool.h>
#include <ulib.h>

/* By st_mode >> 12. */
static const char *const types[] = {
    "unknown", "file", "directory", "symbolic link", "device of characters", "device of blocks",
    "pipe", "unknown"
};

int main(int argc, char **argv)
{
    int code = 0;

    if (argc < 2)
        return tool_usage("stat PATH...");
    for (int i = 1; i < argc; i++) {
        char target[FS_MAX_FPATH_LEN + 1] = "";
        struct stat st;
        int error = lstat(argv[i], &st);

        if (error != 0) {
            code = tool_error("stat", argv[i], error);
            continue;
        }
        if (S_ISLNK(st.st_mode)) {
            int n = readlink(argv[i], target, sizeof(target) - 1);

            target[n > 0 ? n : 0] = '\0';
        }
        printf("%s%s%s: %s, %lu bytes in %lu block%s of 4 KiB, %lu link%s\n", argv[i],
               *target != '\0' ? " -> " : "", target, types[(st.st_mode & S_IFMT) >> 12],
               st.st_size, st.st_blocks, st.st_blocks == 1 ? "" : "s", st.st_nlinks,
               st.st_nlinks == 1 ? "" : "s");
    }
    return code;
}
