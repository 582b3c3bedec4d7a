/* fromfile: programs that come from the disk, what they find when they begin, and what is left of a
   program whose exec has failed.

   Its disk has the program "loaded" in /bin, whose exit code says whether it has found all as it
   must be. The parent is in the kernel's image, and alone reports. */
#include <elf.h>
#include <error.h>
#include <file.h>
#include <report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define PROGRAM "/bin/loaded"
#define NAME    "/other"
#define HOLE    (64UL << 20)            /* of a file, and of a segment: takes long to be loaded */
#define ALL     (256UL << 20)           /* the same, and more than there is memory */

static int numbers[1500] = { [0] = 7, [1024] = 8, [1499] = 9 };
static char buf[24 * PGSIZE] __attribute__((aligned(8)));
static size_t length;                   /* of the program's file, which is in buf */

static void become_child(__not_used uintptr_t arg)
{
    exit(exec(PROGRAM, "a", "two words"));
}

/* Another program, without words. */
static void become(uintptr_t name)
{
    exit(__exec(NULL, (const char *[]){ (const char *)name, NULL }));
}

static struct elfhdr *header(void)
{
    return (struct elfhdr *)buf;
}

/* The last segment, which is that of the variables, or one before it. */
static struct proghdr *segment(int before)
{
    return (struct proghdr *)(buf + header()->e_phoff) + header()->e_phnum - 1 - before;
}

/* Write what is in buf to the other file, which becomes as long as is said. */
static void write_other(size_t size)
{
    int fd = open(NAME, O_WRONLY | O_CREAT | O_TRUNC);

    assert(fd >= 0 && write(fd, buf, length) == (int)length);
    assert(size <= length || ftruncate(fd, size) == 0);
    close(fd);
}

/* Try to run the other file in this process: all that it has must be as before. */
static void failed_exec(const char *what, int expected)
{
    int on_stack = 1234, *on_heap = malloc(sizeof(int)), fd = open(PROGRAM, O_RDONLY);
    char word[4] = "";

    *on_heap = 4321;
    numbers[1] = 11;
    check_eq(what, exec(NAME), expected);
    check("its variables are as they were", on_stack == 1234 && *on_heap == 4321
          && numbers[1] == 11 && numbers[1499] == 9);
    check("its descriptors too", read(fd, word, 4) == 4 && memcmp(word, "\177ELF", 4) == 0);
    close(fd);
    fd = open(NAME, O_RDWR);
    check("the file is not in use", fd >= 0);
    close(fd);
    numbers[1] = 0;
    free(on_heap);
}

/* A segment that cannot be mapped as it lies in the file, and is a hole there. */
static struct proghdr hole(size_t size)
{
    return (struct proghdr){ .p_type = ELF_PT_LOAD, .p_flags = ELF_PF_R, .p_offset = PGSIZE,
                             .p_va = 0x10000008, .p_filesz = size, .p_memsz = size };
}

static void test_failures(void)
{
    struct proghdr was = *segment(0);

    header()->e_magic ^= 1;
    write_other(length);
    failed_exec("what is no program is refused", -E_INVAL_ELF);
    header()->e_magic ^= 1;
    segment(0)->p_va = segment(1)->p_va;
    write_other(length);
    failed_exec("one whose parts lie over each other is refused", -E_INVAL_ELF);
    *segment(0) = hole(ALL);
    write_other(PGSIZE + ALL);
    failed_exec("one that is larger than memory is refused", -E_NO_MEM);
    *segment(0) = was;
}

/* A program that takes long to be loaded ends when it is killed; it has not run by then. */
static void test_kill(void)
{
    struct proghdr was = *segment(0);
    int pid, code;

    *segment(0) = hole(HOLE);
    write_other(PGSIZE + HOLE);
    pid = fork();
    if (pid == 0)
        become((uintptr_t)NAME);
    unsigned int start = gettime_msec();
    sleep(1);
    check_eq("a program that is being loaded is killed", kill(pid), 0);
    assert(waitpid(pid, &code) == 0);
    check_eq("and so has not run", code, -E_KILLED);
    check("it is gone long before it would have been loaded", gettime_msec() - start < 100);
    *segment(0) = was;
}

int main(void)
{
    int fd = open(PROGRAM, O_RDONLY);

    length = read(fd, buf, sizeof(buf));
    close(fd);
    assert(length < sizeof(buf));
    check_eq("a program of the disk finds its words, its data and its memory",
             child_code(become_child, 0), 0);
    check_eq("and once more", child_code(become_child, 0), 0);
    test_failures();
    write_other(length);
    check_eq("a copy runs, and finds that it has one word", child_code(become, (uintptr_t)NAME), 1);
    test_kill();
    check_eq("the names are removed", unlink(NAME), 0);
    return check_done();
}
