/* failfiles: each operation on files, where each allocation, or each transfer of the disk, may
   fail: see tries.h, and tools/faults.py, which runs it.

   Nothing of it is left on the disk, if the disk lets it be removed. */
#include <dir.h>
#include <error.h>
#include <file.h>
#include <stdio.h>
#include <string.h>
#include <testing.h>
#include <tries.h>
#include <ulib.h>

#define CHILD_CODE  77
#define BYTES       (6 * PGSIZE + 100)
#define FAR         (5 * 1024 * 1024)   /* a byte here needs a block of double-indirect ones */

static char data[BYTES], got[BYTES];

/* A step that is done again finds what was made before it was killed. */
static void clear(void)
{
    static const char *const files[] = { "one", "two", "three", "four", "five", "/dir/namea",
                                         "/dir/nameb", "/dir/namec", "/dir/named", "/dir/namee" };
    static const char *const directories[] = { "/dir/inner", "/moved", "/dir" };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        TRY_BUT(-E_NOENT, unlink(files[i]));
    for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
        TRY_BUT(-E_NOENT, rmdir(directories[i]));
}

static int make(const char *name)
{
    return TRY(open(name, O_RDWR | O_CREAT | O_TRUNC));
}

/* Read or write at a place, however many calls it takes. */
static void write_at(int fd, long at, const char *from, int n)
{
    TRY(seek(fd, at, LSEEK_SET));
    for (int done = 0; done < n; )
        done += TRY(write(fd, from + done, n - done));
}

static int read_at(int fd, long at, int n)
{
    int done = 0, more;

    TRY(seek(fd, at, LSEEK_SET));
    while ((more = TRY(read(fd, got + done, n - done))) > 0)
        done += more;
    return done;
}

static size_t size_of(int fd)
{
    struct stat st;

    TRY(fstat(fd, &st));
    return st.st_size;
}

static void step_write(void)
{
    int fd = make("file");

    write_at(fd, 0, data, BYTES);
    TRY(fsync(fd));
    must("what was written is read", read_at(fd, 0, BYTES) == BYTES
         && memcmp(data, got, BYTES) == 0);
    write_at(fd, FAR, "x", 1);
    must("a hole is zeros", read_at(fd, FAR - 3, 4) == 4 && memcmp(got, "\0\0\0x", 4) == 0);
    TRY(close(fd));
    TRY(unlink("file"));
}

static void step_truncate(void)
{
    int fd = make("file");

    write_at(fd, 0, data, BYTES);
    TRY(ftruncate(fd, PGSIZE + 1));
    TRY(ftruncate(fd, BYTES));
    must("a file is cut, and becomes longer", size_of(fd) == BYTES
         && read_at(fd, PGSIZE, 2) == 2 && got[0] == data[PGSIZE] && got[1] == 0);
    TRY(close(fd));
    TRY(truncate("file", 0));
    fd = TRY(open("file", O_RDONLY));
    must("a file is emptied", size_of(fd) == 0);
    TRY(unlink("file"));
    must("it lives on while it is open", read_at(fd, 0, 1) == 0);
}

/* An open that fails, be it for good, is not counted: nobody writes to the file, so it may be run.
   main() has made the file, as long as the disk could be written to. What reads it keeps its inode,
   where the count is. */
static void step_run(void)
{
    TRY(open("cut", O_RDONLY));
    int fd = open("cut", O_WRONLY | O_TRUNC);

    if (fd >= 0)
        TRY(close(fd));
    must("it is no program", TRY_BUT(-E_INVAL_ELF, exec("cut")) == -E_INVAL_ELF);
    TRY(unlink("cut"));
}

static bool is_gone(const char *path)
{
    return TRY_BUT(-E_NOENT, open(path, O_RDONLY)) == -E_NOENT;
}

static size_t links_of(const char *path)
{
    struct stat st;

    TRY(stat(path, &st));
    return st.st_nlinks;
}

static void step_names(void)
{
    struct stat st;
    char path[20];

    clear();
    close(make("one"));
    TRY(link("one", "two"));
    must("two names, one file", links_of("one") == 2);
    TRY(rename("two", "three"));
    must("no name more", links_of("three") == 2 && is_gone("two"));
    close(make("four"));
    TRY(rename("four", "three"));
    must("what had the name is gone", links_of("one") == 1);
    TRY(symlink("one", "five"));
    TRY(lstat("five", &st));
    must("a link is no file", S_ISLNK(st.st_mode));
    must("a link tells where to", TRY(readlink("five", path, sizeof(path))) == 3
         && memcmp(path, "one", 3) == 0 && links_of("five") == 1);
    TRY(unlink("five"));
    TRY(unlink("one"));
    TRY(unlink("three"));
}

static int names_in(const char *path)
{
    int n = 0;
    DIR *dir;

    for (int tries = 0; (dir = opendir(path)) == NULL; tries++)
        must("a directory is opened at last", tries < 3);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

static void step_directories(void)
{
    char cwd[20], name[20] = "name";

    clear();
    TRY(mkdir("dir"));
    TRY(chdir("dir"));
    TRY(mkdir("inner"));
    must("it is known where one is", TRY(getcwd(cwd, sizeof(cwd))) >= 0
         && strcmp(cwd, "/dir") == 0);
    for (name[4] = 'a'; name[4] <= 'e'; name[4]++)
        close(make(name));
    TRY(rename("inner", "/moved"));
    for (name[4] = 'a'; name[4] <= 'e'; name[4]++)
        TRY(unlink(name));
    TRY(chdir("/"));
    must("a name is there once", is_gone("/dir/inner"));
    names_in("/");
    TRY(rmdir("moved"));
    TRY(rmdir("dir"));
}

/* Shared and private, of a file and of its hole. */
static void step_map(void)
{
    uintptr_t shared = 0, private = 0;
    int fd = make("mapped");

    write_at(fd, 0, data, 2 * PGSIZE);
    TRY(ftruncate(fd, 4 * PGSIZE));
    TRY(mmap_file(&shared, 4 * PGSIZE, MMAP_FILE | MMAP_SHARED | MMAP_WRITE, fd, 0));
    TRY(mmap_file(&private, 2 * PGSIZE, MMAP_FILE | MMAP_WRITE, fd, PGSIZE));
    char *own = (char *)private, *file = (char *)shared;
    must("a map shows the file", memcmp(file, data, 2 * PGSIZE) == 0 && own[0] == data[PGSIZE]);
    file[0] = 'A';
    file[3 * PGSIZE] = 'B';
    own[1] = 'C';
    TRY(msync(shared, 4 * PGSIZE));
    must("what is written is in the file", read_at(fd, 0, 1) == 1 && got[0] == 'A'
         && read_at(fd, 3 * PGSIZE, 1) == 1 && got[0] == 'B');
    must("but not what is private", read_at(fd, PGSIZE + 1, 1) == 1
         && got[0] == data[PGSIZE + 1]);
    TRY(close(fd));
    TRY(munmap(shared, PGSIZE));
    TRY(unlink("mapped"));
}

/* A program of the disk, with its output in a pipe. */
static void step_exec(void)
{
    int fds[2];

    TRY(pipe(fds));
    int pid = TRY(fork());
    if (pid == 0) {
        TRY(dup2(fds[1], stdout));
        TRY(exec("/bin/echo", "word"));
    }
    TRY(close(fds[1]));
    wait_for(pid, 0);
    must("what it prints comes", TRY(read(fds[0], got, 5)) == 5 && memcmp(got, "word\n", 5) == 0);
}

static void step_whole(void)
{
    struct fsinfo info;

    TRY(sync());
    TRY(fsinfo(&info));
    must("the root has a name", info.name[0] != '\0');
}

/* Who ends while a child of his writes on. */
static void step_together(void)
{
    int fd = make("both"), pid = TRY(fork());

    if (pid == 0) {
        for (int i = 0; i < 4; i++) {
            while (TRY(write(fd, data, 100)) < 1)
                ;
            yield();
        }
        exit(CHILD_CODE);
    }
    for (int i = 0; i < 4; i++) {
        TRY(write(fd, data, 100));
        yield();
    }
    wait_for(pid, CHILD_CODE);
    must("each has written", size_of(fd) == 800);
    TRY(unlink("both"));
}

int main(void)
{
    struct fsinfo before, after;
    bool all = true;

    for (int i = 0; i < BYTES; i++)
        data[i] = i * 31 + i / 256;
    TRY(fsinfo(&before));
    int fd = make("cut");
    write_at(fd, 0, data, PGSIZE + 1);
    TRY(close(fd));
    all &= step("write", step_write);
    all &= step("truncate", step_truncate);
    all &= step("run", step_run);
    all &= step("names", step_names);
    all &= step("directories", step_directories);
    all &= step("map", step_map);
    all &= step("exec", step_exec);
    all &= step("together", step_together);
    all &= step("whole", step_whole);
    TRY(fsinfo(&after));
    if (all)
        must("no block and no inode is lost", before.free_blocks == after.free_blocks
             && before.free_inodes == after.free_inodes);
    return steps_done();
}
