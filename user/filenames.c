/* filenames: names, directories and links.

     filenames           each call by itself, with all that can be wrong
     filenames many [N]  a directory with N names, 10,000 if nothing is said

   Each test makes its own files and removes them, and at the end the disk has as many free blocks
   and inodes as before. The cases are those that xv6's and ucore's file tests name. */
#include <dir.h>
#include <error.h>
#include <file.h>
#include <report.h>
#include <stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define NESTED 50         /* directories in each other */

static char long_name[FS_MAX_FNAME_LEN + 2], long_path[FS_MAX_FPATH_LEN + 3];

static size_t links_of(const char *path)
{
    struct stat st = { .st_nlinks = 0 };

    return lstat(path, &st) == 0 ? st.st_nlinks : 0;
}

/* Make an empty file. */
static int make(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL);

    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : 0;
}

/* Make a file with a text. */
static void make_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC);

    write(fd, text, strlen(text));
    close(fd);
}

/* Is this the text of the file? */
static bool has_text(const char *path, const char *text)
{
    char got[64];
    int fd = open(path, O_RDONLY), n = fd < 0 ? -1 : read(fd, got, sizeof(got));

    if (fd >= 0)
        close(fd);
    return n == (int)strlen(text) && memcmp(got, text, n) == 0;
}

static void test_create(void)
{
    check_eq("a file is made", make("new"), 0);
    check_eq("with O_EXCL not twice", make("new"), -E_EXISTS);
    make_text("new", "text");
    int fd = open("new", O_RDWR | O_CREAT);
    check("O_CREAT opens what is there", fd >= 0 && has_text("new", "text"));
    close(fd);
    check_eq("a file is no directory", open("new/file", O_RDONLY), -E_NOTDIR);
    check_eq("nor with O_CREAT", open("new/file", O_WRONLY | O_CREAT), -E_NOTDIR);
    check_eq("nor with a slash behind it", open("new/", O_RDONLY), -E_NOTDIR);
    check_eq("no directory, no file", open("none/file", O_WRONLY | O_CREAT), -E_NOENT);
    check_eq("a path has characters", open("", O_RDONLY), -E_NOENT);
    check_eq("a directory is not written to", open(".", O_WRONLY), -E_ISDIR);
    check_eq("nor truncated", open(".", O_RDONLY | O_TRUNC) < 0, 1);
    check_eq("flags that are unknown are refused", open("new", 0x1000), -E_INVAL);
    unlink("new");
}

static void test_lengths(void)
{
    memset(long_name, 'n', FS_MAX_FNAME_LEN + 1);
    check_eq("a name of 256 bytes is too long", make(long_name), -E_TOO_BIG);
    long_name[FS_MAX_FNAME_LEN] = '\0';
    check_eq("one of 255 is not", make(long_name), 0);
    check_eq("it is found", links_of(long_name), 1);
    long_name[FS_MAX_FNAME_LEN - 1] = '\0';
    check_eq("one of 254 is another one", links_of(long_name), 0);
    check_eq("and can be there too", make(long_name), 0);
    check_eq("it is removed", unlink(long_name), 0);
    long_name[FS_MAX_FNAME_LEN - 1] = 'n';
    check_eq("and so is the other", unlink(long_name), 0);
    for (size_t i = 0; i < FS_MAX_FPATH_LEN; i += 2)
        memcpy(long_path + i, "./", 2);
    memcpy(long_path + FS_MAX_FPATH_LEN - 1, "f", 2);
    check_eq("a path of 4,095 bytes is one", make(long_path), 0);
    memcpy(long_path + FS_MAX_FPATH_LEN - 1, "/f", 3);
    check_eq("one of 4,096 is too long", open(long_path, O_RDONLY), -E_TOO_BIG);
    check_eq("the file is there", unlink("f"), 0);
}

static void test_link(void)
{
    make_text("one", "1");
    check_eq("a file gets a second name", link("one", "two"), 0);
    check_eq("it has two", links_of("one"), 2);
    check_eq("the first goes", unlink("one"), 0);
    check("the file does not", has_text("two", "1") && links_of("two") == 1);
    check_eq("a name that is taken is not given", link("two", "two"), -E_EXISTS);
    check_eq("what is not there gets none", link("none", "three"), -E_NOENT);
    check_eq("a directory gets none", link(".", "three") < 0, 1);
    check_eq("a name in no directory", link("two", "none/three"), -E_NOENT);
    check_eq("the last name goes", unlink("two"), 0);
    check_eq("it is gone", unlink("two"), -E_NOENT);
}

/* xv6 calls this subdir, and ucore_os_plus dirtest 1 and 2. */
static void test_directories(void)
{
    char path[64];

    check_eq("a directory is made", mkdir("d"), 0);
    check_eq("not twice", mkdir("d"), -E_EXISTS);
    check_eq("one in it", mkdir("d/e"), 0);
    check_eq("none in what is not there", mkdir("d/f/g"), -E_NOENT);
    make_text("d/e/f", "deep");
    check_eq("it has its own name, its ., and ..", links_of("d"), 3);
    check_eq("one goes into it", chdir("d/e"), 0);
    check_eq("and is told so", getcwd(path, sizeof(path)) >= 0
             && strcmp(path + strlen(path) - 4, "/d/e") == 0, 1);
    check("a file is there", has_text("f", "deep") && has_text("../e/./f", "deep"));
    check_eq("a buffer that is too small", getcwd(path, 3), -E_TOO_BIG);
    check_eq("a file is no place to go to", chdir("f"), -E_NOTDIR);
    check_eq("one comes back", chdir("../.."), 0);
    check_eq("what is not empty stays", rmdir("d"), -E_NOTEMPTY);
    check_eq("a file is not removed as a directory", rmdir("d/e/f"), -E_NOTDIR);
    check_eq("a directory not as a file", unlink("d/e"), -E_ISDIR);
    check_eq("the file goes", unlink("d/e/f"), 0);
    check_eq(". is not removed", rmdir("d/e/."), -E_INVAL);
    check_eq(".. neither", rmdir("d/e/.."), -E_INVAL);
    check_eq("nor /", rmdir("/"), -E_INVAL);
    check_eq("a slash behind it is fine", rmdir("d/e/"), 0);
    check_eq("the parent has a link less", links_of("d"), 2);
    check_eq("it goes too", rmdir("d"), 0);
    check_eq("and is gone", chdir("d"), -E_NOENT);
}

/* Ends in a directory that has no name any more. */
static void stay_in_removed(__not_used uintptr_t arg)
{
    exit(mkdir("gone") ?: chdir("gone") ?: rmdir("../gone"));
}

/* A directory that is removed while someone stands in it. */
static void test_removed_directory(void)
{
    char here[256], path[16];

    getcwd(here, sizeof(here));
    mkdir("gone");
    chdir("gone");
    check_eq("who stands in a directory can remove it", rmdir("../gone"), 0);
    check_eq("no file is made in it", make("file"), -E_NOENT);
    check_eq("no directory", mkdir("dir"), -E_NOENT);
    check_eq("nothing is found", open("file", O_RDONLY), -E_NOENT);
    check_eq("it has no path", getcwd(path, sizeof(path)), -E_NOENT);
    check_eq("there is a way out", chdir(here), 0);
    check_eq("a child may end where it stands", child_code(stay_in_removed, 0), 0);
    check_eq("nothing of that is left", chdir("gone"), -E_NOENT);
}

/* Directories in each other, and in each of them calls with an empty path, as xv6's iref: a walk
   that finds nothing must keep no reference. */
static void test_nested(void)
{
    int made = 0, refused = 0, gone = 0;
    char here[256];

    getcwd(here, sizeof(here));
    for (int i = 0; i < NESTED; i++) {
        made += mkdir("n") == 0 && chdir("n") == 0;
        refused += mkdir("") == -E_NOENT && link("..", "") < 0 && unlink("") < 0
            && open("", O_WRONLY | O_CREAT) == -E_NOENT && open("n", O_RDONLY) == -E_NOENT;
    }
    check_eq("directories in each other", made, NESTED);
    check_eq("in none of them an empty path is one", refused, NESTED);
    for (int i = 0; i < NESTED; i++)
        gone += chdir("..") == 0 && rmdir("n") == 0;
    check_eq("all can be removed", gone, NESTED);
    getcwd(long_path, sizeof(long_path));
    check("and one is back", strcmp(here, long_path) == 0);
}

/* Above the root is the root. */
static void test_root(void)
{
    char here[256], path[16];

    getcwd(here, sizeof(here));
    check_eq("one goes up", chdir("/../../.."), 0);
    check("and is at the root", getcwd(path, sizeof(path)) >= 0 && strcmp(path, "/") == 0);
    check_eq("one goes back", chdir(here), 0);
}

static void test_rename(void)
{
    make_text("a", "A");
    make_text("b", "B");
    check_eq("a file gets another name", rename("a", "c"), 0);
    check("it is there, and not here", has_text("c", "A") && links_of("a") == 0);
    check_eq("it replaces another one", rename("c", "b"), 0);
    check("whole", has_text("b", "A") && links_of("c") == 0);
    check_eq("onto itself nothing happens", rename("b", "b"), 0);
    link("b", "bb");
    check_eq("nor onto another name of the same", rename("b", "bb"), 0);
    check_eq("both are there", links_of("b"), 2);
    unlink("bb");
    mkdir("d");
    mkdir("d/e");
    check_eq("into a directory", rename("b", "d/b"), 0);
    check("it is there", has_text("d/b", "A"));
    check_eq("a directory moves", rename("d/e", "e"), 0);
    check_eq("the old parent lost a link", links_of("d"), 2);
    check_eq("not into itself", rename("d", "d/x"), -E_INVAL);
    rename("e", "d/e");
    check_eq("nor below", rename("d", "d/e/x"), -E_INVAL);
    check_eq("a file not onto a directory", rename("d/b", "d/e"), -E_ISDIR);
    check_eq("a directory not onto a file", rename("d/e", "d/b"), -E_NOTDIR);
    mkdir("empty");
    check_eq("onto one that is empty it goes", rename("d/e", "empty"), 0);
    check_eq("onto one that is not, not", rename("empty", "d"), -E_NOTEMPTY);
    check_eq("what is not there has no other name", rename("none", "x"), -E_NOENT);
    check_eq(". cannot be renamed", rename(".", "x") < 0, 1);
    unlink("d/b");
    rmdir("d");
    check_eq("the last one goes", rmdir("empty"), 0);
}

static void test_symbolic(void)
{
    char path[64];

    make_text("file", "F");
    mkdir("d");
    check_eq("a link is made", symlink("../file", "d/l"), 0);
    check("it is followed from where it lies", has_text("d/l", "F"));
    check_eq("its path is read", readlink("d/l", path, sizeof(path)), 7);
    check_eq("as it was given", memcmp(path, "../file", 7), 0);
    check_eq("a file is no link", readlink("file", path, sizeof(path)), -E_INVAL);
    symlink("d", "dd");
    check("in the middle of a path too", has_text("dd/l", "F"));
    symlink("/nowhere", "broken");
    check_eq("what it names need not be there", open("broken", O_RDONLY), -E_NOENT);
    symlink("loop", "loop");
    check_eq("a circle ends", open("loop", O_RDONLY), -E_INVAL);
    check_eq("the link is removed, and not the file", unlink("d/l"), 0);
    check("which is there", has_text("file", "F"));
    unlink("loop");
    unlink("broken");
    unlink("dd");
    unlink("file");
    check_eq("the directory goes", rmdir("d"), 0);
}

/* All names of a directory are told, each once. */
static size_t count_names(const char *path)
{
    DIR *dir = opendir(path);
    size_t n = 0;

    while (dir != NULL && readdir(dir) != NULL)
        n++;
    if (dir != NULL)
        closedir(dir);
    return n;
}

static void test_many(int n)
{
    char name[32];
    int missing = 0, left = 0;

    mkdir("many");
    chdir("many");
    check_eq("a file is made", make("x0"), 0);
    for (int i = 1; i < n; i++) {
        snprintf(name, sizeof(name), "x%d", i);
        missing += link("x0", name) != 0;
    }
    check_eq("it gets all names", missing, 0);
    check_eq("it has so many", links_of("x0"), n);
    check_eq("the directory tells them, and . and ..", count_names("."), n + 2);
    for (int i = 0; i < n; i += 2) {
        snprintf(name, sizeof(name), "x%d", i);
        left += unlink(name) != 0;
    }
    check_eq("each second one is removed", left, 0);
    check_eq("the others are told", count_names("."), n / 2 + 2);
    check_eq("one that was removed is not found", links_of("x0"), 0);
    for (int i = 1; i < n; i += 2) {
        snprintf(name, sizeof(name), "x%d", i);
        left += unlink(name) != 0;
    }
    check_eq("all are removed", left, 0);
    chdir("..");
    check_eq("the directory is empty again", rmdir("many"), 0);
}

int main(int argc, char **argv)
{
    struct fsinfo before, after;

    check_eq("the disk tells how much room it has", fsinfo(&before), 0);
    if (argc > 1 && strcmp(argv[1], "many") == 0) {
        test_many(argc > 2 ? atoi(argv[2]) : 10000);
    } else {
        test_create();
        test_lengths();
        test_link();
        test_directories();
        test_removed_directory();
        test_nested();
        test_root();
        test_rename();
        test_symbolic();
        test_many(200);
    }
    check_eq("the disk tells it again", fsinfo(&after), 0);
    check_eq("no block is lost", after.free_blocks, before.free_blocks);
    check_eq("no inode is lost", after.free_inodes, before.free_inodes);
    return check_done();
}
