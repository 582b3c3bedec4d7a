/* filedata: what is written to a file is what is read from it.

     filedata            small and large files, holes, positions, truncate, O_APPEND
     filedata big        a file with double-indirect blocks; N KiB of data with a pattern

   Each test makes its own files and removes them, and at the end the disk has as many free blocks
   and inodes as before. The cases are those that xv6's and ucore's file tests name. */
#include <error.h>
#include <file.h>
#include <report.h>
#include <stat.h>
#include <stdlib.h>
#include <string.h>
#include <ulib.h>

#define BLOCK       4096
#define DIRECT      12                  /* blocks that an inode names itself */
#define NUMBERS     (BLOCK / 4)         /* in an indirect block */

static char buf[3 * BLOCK + 100], got[3 * BLOCK + 100];

/* The byte that belongs at this place of the file with this number. */
static char pattern(int file, size_t place)
{
    return (char)(hash32(file * 7919 + place / 8, 8) + place % 8);
}

static void fill(char *to, int file, size_t place, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = pattern(file, place + i);
}

/* How many of n bytes are not what the pattern says. */
static size_t differences(const char *data, int file, size_t place, size_t n)
{
    size_t wrong = 0;

    for (size_t i = 0; i < n; i++)
        wrong += data[i] != pattern(file, place + i);
    return wrong;
}

static size_t zeros(const char *data, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += data[i] == 0;
    return count;
}

static struct stat stat_of(const char *path)
{
    struct stat st = { .st_size = (size_t)-1 };

    stat(path, &st);
    return st;
}

/* Make a file of n bytes with the pattern of this number, written in pieces of `step`. */
static void make(const char *path, int number, size_t n, size_t step)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC);
    long done = 0;

    for (size_t at = 0; at < n; at += step) {
        size_t size = n - at < step ? n - at : step;

        fill(buf, number, at, size);
        done += write(fd, buf, size);
    }
    check_eq("a file is written, each byte", done, n);
    check_eq("and closed", close(fd), 0);
}

/* Read a file in pieces of `step`, and compare. */
static void compare(const char *path, int number, size_t n, size_t step)
{
    int fd = open(path, O_RDONLY), size;
    size_t at = 0, wrong = 0;

    while ((size = read(fd, got, step)) > 0) {
        wrong += differences(got, number, at, size);
        at += size;
    }
    check_eq("it is read to its end", at, n);
    check_eq("and no byte of it is another one", wrong, 0);
    close(fd);
}

/* Sizes and pieces around a block's borders: the head, whole blocks, and the tail. */
static void test_sizes(void)
{
    static const size_t sizes[] = { 1, 7, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 20 * BLOCK + 5 };
    static const size_t steps[] = { 61, BLOCK - 1, BLOCK, 2 * BLOCK + 33 };

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(steps); j++) {
            if (sizes[i] / steps[j] > 400)
                continue;
            make("sizes", i + 10 * j, sizes[i], steps[j]);
            compare("sizes", i + 10 * j, sizes[i], steps[(j + 1) % ARRAY_SIZE(steps)]);
            check_eq("its size is told", stat_of("sizes").st_size, sizes[i]);
        }
    }
    check_eq("it is removed", unlink("sizes"), 0);
    check_eq("and is not there any more", open("sizes", O_RDONLY), -E_NOENT);
}

/* Writes in the middle change these bytes only. */
static void test_overwrite(void)
{
    static const size_t places[] = { 0, 1, BLOCK - 3, BLOCK, BLOCK + 1, 2 * BLOCK - 1 };

    make("middle", 1, 3 * BLOCK, BLOCK);
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        int fd = open("middle", O_RDWR);

        check_eq("a position is taken", seek(fd, places[i], LSEEK_SET), places[i]);
        fill(buf, 2, places[i], 10);
        check_eq("ten bytes are written there", write(fd, buf, 10), 10);
        seek(fd, 0, LSEEK_SET);
        check_eq("the file is as long as before", read(fd, got, sizeof(got)), 3 * BLOCK);
        check_eq("what was there before is there", differences(got, 1, 0, places[i]), 0);
        check_eq("then come the ten", differences(got + places[i], 2, places[i], 10), 0);
        check_eq("and the rest", differences(got + places[i] + 10, 1, places[i] + 10,
                                             3 * BLOCK - places[i] - 10), 0);
        seek(fd, places[i], LSEEK_SET);
        fill(buf, 1, places[i], 10);
        write(fd, buf, 10);
        close(fd);
    }
    unlink("middle");
}

/* A seek past the end does nothing; a write there leaves a hole, which reads as zeros. */
static void test_holes(void)
{
    static const size_t ends[] = { 3, BLOCK, (DIRECT - 1) * BLOCK, DIRECT * BLOCK + 5,
                                   (DIRECT + NUMBERS) * BLOCK - 1, (DIRECT + NUMBERS) * BLOCK };

    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        int fd = open("hole", O_RDWR | O_CREAT | O_TRUNC);

        check_eq("an empty file has no blocks", stat_of("hole").st_blocks, 0);
        check_eq("a position past the end is one", seek(fd, ends[i], LSEEK_SET), ends[i]);
        check_eq("and makes the file no longer", stat_of("hole").st_size, 0);
        check_eq("nothing is read there", read(fd, got, 1), 0);
        check_eq("what is written there", write(fd, "x", 1), 1);
        check_eq("makes it longer", stat_of("hole").st_size, ends[i] + 1);
        check("and takes few blocks", stat_of("hole").st_blocks <= 3);
        size_t n = ends[i] < BLOCK ? ends[i] : BLOCK;
        seek(fd, ends[i] - n, LSEEK_SET);
        check_eq("before it", read(fd, got, n + 1), n + 1);
        check_eq("there are zeros", zeros(got, n), n);
        check_eq("then what was written", got[n], 'x');
        close(fd);
    }
    check_eq("the hole is removed", unlink("hole"), 0);
}

static void test_truncate(void)
{
    int fd;

    make("cut", 3, 5 * BLOCK, BLOCK);
    fd = open("cut", O_RDWR | O_TRUNC);
    check_eq("O_TRUNC empties a file", stat_of("cut").st_size, 0);
    check_eq("and frees its blocks", stat_of("cut").st_blocks, 0);
    fill(buf, 3, 0, BLOCK + 10);
    write(fd, buf, BLOCK + 10);
    check_eq("a file is cut", ftruncate(fd, 10), 0);
    check_eq("to this size", stat_of("cut").st_size, 10);
    check_eq("and made longer", ftruncate(fd, 2 * BLOCK), 0);
    seek(fd, 0, LSEEK_SET);
    check_eq("it is read", read(fd, got, sizeof(got)), 2 * BLOCK);
    check_eq("what was not cut off is there", differences(got, 3, 0, 10), 0);
    check_eq("what was cut off is not", zeros(got + 10, 2 * BLOCK - 10), 2 * BLOCK - 10);
    check_eq("the same by path", truncate("cut", 3), 0);
    check_eq("cuts", stat_of("cut").st_size, 3);
    check_eq("a position behind the end reads nothing", read(fd, got, 1), 0);
    check_eq("a length below 0 is none", ftruncate(fd, -1), -E_INVAL);
    close(fd);
    fd = open("cut", O_RDONLY);
    check_eq("who may not write may not cut", ftruncate(fd, 0), -E_INVAL);
    close(fd);
    fd = open("cut", O_RDONLY | O_TRUNC);
    check("O_TRUNC without a right to write is refused, or empties nothing",
          fd < 0 || stat_of("cut").st_size == 3);
    close(fd);
    unlink("cut");
}

/* Two who truncate and write the same file: each has a position of its own. */
static void test_two_openers(void)
{
    int one = open("two", O_WRONLY | O_CREAT), other = open("two", O_RDONLY), third;

    check_eq("one writes", write(one, "abcd", 4), 4);
    check_eq("the other reads it", read(other, got, 10), 4);
    third = open("two", O_WRONLY | O_TRUNC);
    check_eq("a third empties it", read(other, got, 10), 0);
    check_eq("one goes on where he was", write(one, "ef", 2), 2);
    check_eq("which leaves a hole", stat_of("two").st_size, 6);
    check_eq("the third writes at the front", write(third, "xyz", 3), 3);
    seek(other, 0, LSEEK_SET);
    check_eq("the other reads all", read(other, got, 10), 6);
    check_eq("of what is there now", memcmp(got, "xyz\0ef", 6), 0);
    close(one);
    close(other);
    close(third);
    unlink("two");
}

/* O_APPEND is decided at each write. */
static void test_append(void)
{
    int one = open("log", O_WRONLY | O_CREAT | O_APPEND), other = open("log", O_RDWR | O_APPEND);

    write(one, "one ", 4);
    write(other, "other ", 6);
    seek(one, 0, LSEEK_SET);
    write(one, "again", 5);
    check_eq("the position is the end", seek(one, 0, LSEEK_CUR), 15);
    seek(other, 0, LSEEK_SET);
    check_eq("all is in the file", read(other, got, 100), 15);
    check_eq("each behind what was there", memcmp(got, "one other again", 15), 0);
    close(one);
    close(other);
    unlink("log");
}

static void test_positions(void)
{
    int fd = open("place", O_RDWR | O_CREAT);

    write(fd, "0123456789", 10);
    check_eq("from the end", seek(fd, -3, LSEEK_END), 7);
    check_eq("from here", seek(fd, -2, LSEEK_CUR), 5);
    check_eq("one reads there", read(fd, got, 2), 2);
    check_eq("what is there", memcmp(got, "56", 2), 0);
    check_eq("before the beginning there is no place", seek(fd, -1, LSEEK_SET), -E_INVAL);
    check_eq("nor so far behind", seek(fd, INT64_MAX, LSEEK_CUR), -E_INVAL);
    check_eq("and no other way to count", seek(fd, 0, 3), -E_INVAL);
    check_eq("the position stays", seek(fd, 0, LSEEK_CUR), 7);
    check_eq("a file cannot be longer than 4 GiB", seek(fd, 1L << 33, LSEEK_SET) < 0
             || write(fd, "x", 1) < 0, 1);
    close(fd);
    unlink("place");
}

/* A file that has no name lives while it is open. */
static void test_unlinked(void)
{
    int fd = open("ghost", O_RDWR | O_CREAT);

    write(fd, "still here", 10);
    check_eq("an open file loses its name", unlink("ghost"), 0);
    check_eq("nobody finds it", open("ghost", O_RDONLY), -E_NOENT);
    int second = open("ghost", O_RDWR | O_CREAT);
    write(second, "another", 7);
    seek(fd, 0, LSEEK_SET);
    check_eq("it can be read", read(fd, got, 100), 10);
    check_eq("and is not the new one", memcmp(got, "still here", 10), 0);
    check_eq("and written", write(fd, "!", 1), 1);
    close(second);
    unlink("ghost");
    check_eq("and closed", close(fd), 0);
}

/* Beyond what an indirect block names. */
static void test_big(size_t kib)
{
    size_t far = (size_t)(DIRECT + NUMBERS + 3) * BLOCK;
    int fd = open("big", O_RDWR | O_CREAT);

    seek(fd, far, LSEEK_SET);
    fill(buf, 5, far, 2 * BLOCK);
    check_eq("a block of the double-indirect range is written", write(fd, buf, 2 * BLOCK),
             2 * BLOCK);
    seek(fd, far, LSEEK_SET);
    read(fd, got, 2 * BLOCK);
    check_eq("and read", differences(got, 5, far, 2 * BLOCK), 0);
    check_eq("it takes its two, and two to find them", stat_of("big").st_blocks, 4);
    check_eq("it is cut", ftruncate(fd, 0), 0);
    check_eq("to nothing", stat_of("big").st_blocks, 0);
    close(fd);
    make("big", 6, kib * 1024, 2 * BLOCK);
    compare("big", 6, kib * 1024, 3 * BLOCK);
    check_eq("a big file is removed", unlink("big"), 0);
}

int main(int argc, char **argv)
{
    struct fsinfo before, after;

    check_eq("the disk tells how much room it has", fsinfo(&before), 0);
    if (argc > 1 && strcmp(argv[1], "big") == 0) {
        test_big(argc > 2 ? atoi(argv[2]) : 5000);
    } else {
        test_sizes();
        test_overwrite();
        test_holes();
        test_truncate();
        test_two_openers();
        test_append();
        test_positions();
        test_unlinked();
    }
    check_eq("the disk tells it again", fsinfo(&after), 0);
    check_eq("no block is lost", after.free_blocks, before.free_blocks);
    check_eq("no inode is lost", after.free_inodes, before.free_inodes);
    return check_done();
}
