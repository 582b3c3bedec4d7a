/* filecrowd: several processes in one directory, on one file, and on a disk that is full.

     filecrowd           four processes at once: create, remove, link, write
     filecrowd full      no free block, then no free inode: an error, and nothing is lost

   Each process says by its exit code whether all went as it must; what is left on the disk is
   looked at by the parent. The cases are those of xv6's file tests. */
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

#define WRITERS     4
#define NAMES       20
#define PIECES      12
#define PIECE       500

static char buf[4096];

/* Make a file, or open it, with this content: n bytes of c. True if all went well. */
static bool write_file(const char *path, char c, int pieces)
{
    char piece[PIECE];
    int fd = open(path, O_RDWR | O_CREAT), written = 0;

    memset(piece, c, sizeof(piece));
    for (int i = 0; i < pieces; i++)
        written += write(fd, piece, sizeof(piece)) == sizeof(piece);
    return fd >= 0 && close(fd) == 0 && written == pieces;
}

/* How many bytes of a file are c; -1 if one is not. */
static int count_bytes(const char *path, char c)
{
    int fd = open(path, O_RDONLY), n, count = 0;

    while ((n = read(fd, buf, sizeof(buf))) > 0)
        for (int i = 0; i < n; i++)
            count = count < 0 || buf[i] != c ? -1 : count + 1;
    if (fd >= 0)
        close(fd);
    return n < 0 ? -1 : count;
}

/* Each writes a file of its own, piece by piece. */
static int four_files(void *arg)
{
    char name[8];

    snprintf(name, sizeof(name), "f%ld", (long)arg);
    return !write_file(name, '0' + (long)arg, PIECES);
}

/* Each makes files of its own names, and removes each second one at once. */
static int create_delete(void *arg)
{
    char name[16];
    int wrong = 0;

    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof(name), "p%ld_%d", (long)arg, i);
        wrong += !write_file(name, 'p', 1);
        if (i % 2 == 1)
            wrong += unlink(name) != 0;
    }
    return wrong;
}

/* All make and remove the same few names: each call works, or says that another was faster. */
static int same_names(void *arg)
{
    char name[8], other[8];
    int wrong = 0;

    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "c%d", (i * 7 + (int)(long)arg) % 5);
        snprintf(other, sizeof(other), "c%d", (i * 3 + (int)(long)arg) % 5);
        int fd = i % 3 == 0 ? open(name, O_WRONLY | O_CREAT) : -1, error = 0;
        if (fd >= 0)
            close(fd);
        else if (i % 3 == 1)
            error = unlink(name);
        else if (i % 3 == 2)
            error = i % 2 == 0 ? link(name, other) : rename(name, other);
        wrong += error != 0 && error != -E_NOENT && error != -E_EXISTS;
    }
    return wrong;
}

/* Half of them empty a file and write ten bytes, the others read it: there are never more, and no
   other ones. */
static int cut_and_read(void *arg)
{
    char text[32];
    int wrong = 0;

    for (int i = 0; i < 40; i++) {
        bool writer = (long)arg % 2 == 0;
        int fd = open("cut", writer ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY | O_CREAT);
        int n = writer ? write(fd, "xxxxxxxxxx", 10) : read(fd, text, sizeof(text));

        wrong += fd < 0 || (writer ? n != 10 : n < 0 || n > 10);
        for (int k = 0; !writer && k < n; k++)
            wrong += text[k] != 'x';
        close(fd);
    }
    return wrong;
}

/* All write through one descriptor, whose position they share: each piece stays whole. */
static int shared_fd;
static int share_position(void *arg)
{
    char piece[PIECE];
    int wrong = 0;

    memset(piece, 'a' + (long)arg, sizeof(piece));
    for (int i = 0; i < PIECES; i++)
        wrong += write(shared_fd, piece, sizeof(piece)) != sizeof(piece);
    return wrong;
}

static void test_shared_position(void)
{
    int counts[WRITERS] = { 0 }, torn = 0, n;
    char piece[PIECE];

    shared_fd = open("shared", O_RDWR | O_CREAT);
    run_together(WRITERS, false, share_position);
    seek(shared_fd, 0, LSEEK_SET);
    while ((n = read(shared_fd, piece, sizeof(piece))) == sizeof(piece)) {
        for (int i = 1; i < PIECE; i++)
            torn += piece[i] != piece[0];
        if (piece[0] >= 'a' && piece[0] < 'a' + WRITERS)
            counts[piece[0] - 'a']++;
    }
    check_eq("no piece was written over another one's", torn, 0);
    for (int i = 0; i < WRITERS; i++)
        check_eq("each piece of each writer is there", counts[i], PIECES);
    close(shared_fd);
    unlink("shared");
}

/* How many names a directory has, beside . and .. */
static int count_names(const char *path)
{
    DIR *dir = opendir(path);
    int n = -2;

    while (dir != NULL && readdir(dir) != NULL)
        n++;
    if (dir != NULL)
        closedir(dir);
    return n;
}

static void test_crowd(void)
{
    char name[16];

    run_together(WRITERS, false, four_files);
    for (int i = 0; i < WRITERS; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        check_eq("each file has what its writer wrote", count_bytes(name, '0' + i),
                 PIECES * PIECE);
        check_eq("and is removed", unlink(name), 0);
    }
    run_together(WRITERS, false, create_delete);
    check_eq("what was not removed is there", count_names("."), WRITERS * NAMES / 2);
    for (int i = 0; i < WRITERS * NAMES; i++) {
        snprintf(name, sizeof(name), "p%d_%d", i / NAMES, i % NAMES);
        check_eq("each name is there, or was removed", unlink(name),
                 i % NAMES % 2 == 1 ? -E_NOENT : 0);
    }
    run_together(WRITERS, false, same_names);
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof(name), "c%d", i);
        unlink(name);
    }
    run_together(WRITERS, false, cut_and_read);
    check_eq("a file that others empty has what the last one wrote", count_bytes("cut", 'x'), 10);
    unlink("cut");
    check_eq("nothing else is left", count_names("."), 0);
    test_shared_position();
}

/* Write a file until the disk is full: how many bytes it has. */
static long fill_disk(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT), n;
    long size = 0;

    while ((n = write(fd, buf, sizeof(buf))) > 0)
        size += n;
    check_eq("a full disk says so", n, -E_NO_SPACE);
    check_eq("and again", write(fd, buf, sizeof(buf)), -E_NO_SPACE);
    close(fd);
    return size;
}

static void test_full(void)
{
    struct fsinfo info;
    struct stat st;
    char name[16];
    int n = 0, fd;

    long size = fill_disk("all");
    check("what was written is there", stat("all", &st) == 0 && (long)st.st_size == size);
    fd = open("more", O_WRONLY | O_CREAT);
    if (fd >= 0)
        check_eq("no block for another file", write(fd, buf, 1), -E_NO_SPACE);
    close(fd);
    check_eq("nor for a directory", mkdir("dir"), -E_NO_SPACE);
    check_eq("which is not there then", chdir("dir"), -E_NOENT);
    check_eq("the file is removed", unlink("all"), 0);
    unlink("more");
    check_eq("and all its room can be used", fill_disk("all"), size);
    unlink("all");
    do {
        snprintf(name, sizeof(name), "i%d", n);
        fd = open(name, O_WRONLY | O_CREAT);
        n += fd >= 0;
        close(fd);
    } while (fd >= 0);
    check_eq("no inode for another file", fd, -E_NO_SPACE);
    fsinfo(&info);
    check_eq("because there is none", info.free_inodes, 0);
    while (n-- > 0) {
        snprintf(name, sizeof(name), "i%d", n);
        unlink(name);
    }
}

int main(int argc, char **argv)
{
    struct fsinfo before, after;

    mkdir("crowd");
    chdir("crowd");
    fsinfo(&before);
    if (argc > 1 && strcmp(argv[1], "full") == 0)
        test_full();
    else
        test_crowd();
    fsinfo(&after);
    check_eq("no inode is lost", after.free_inodes, before.free_inodes);
    chdir("..");
    check_eq("the directory is empty", rmdir("crowd"), 0);
    return check_done();
}
