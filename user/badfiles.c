/* badfiles: calls of files with everything that a program may pass: numbers that are no
   descriptors, addresses of all kinds, paths that are too long, each mixture of the flags of open;
   and programs on the disk, which nobody may change while they run.

   It needs a disk with cat and true in its /bin, and leaves it as it was. */
#include <elf.h>
#include <error.h>
#include <file.h>
#include <report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <testing.h>
#include <ulib.h>

#define NAME    "/f"
#define HOLE    (64UL << 20)            /* bytes of a program */

static char buf[3 * PGSIZE] __attribute__((aligned(8)));

/* Not one of them is a descriptor, whatever part of it is looked at. */
static const uintptr_t no_descriptors[] = {
    3, 127, 128, 4096, INT32_MAX, 0x80000000, 0xFFFFFFFF, 0x100000000, 0x100000001,
    0x8000000000000000, 0x8000000000000001, UINTPTR_MAX, (uintptr_t)NO_FD,
};

/* Not one of them is memory that can be read and written. */
static const uintptr_t no_memory[] = {
    0, 1, 0x1000, 0x1FFFFF, 0x20000000, 0x4000000000, 0x8000000000000000,
    KERNEL_TEXT, 0xFFFFFFC000000000, UINTPTR_MAX - 7, UINTPTR_MAX,
};

static void test_descriptors(void)
{
    static const long calls[] = {
        SYS_read, SYS_write, SYS_seek, SYS_fstat, SYS_fsync, SYS_getdirentry, SYS_dup,
        SYS_ftruncate, SYS_close,
    };

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(no_descriptors); j++) {
            long result = syscall3(calls[i], no_descriptors[j], (uintptr_t)buf, 1);

            if (result != -E_INVAL)
                panic("call %ld of %lx: %ld", calls[i], no_descriptors[j], result);
        }
    }
    check("what is no descriptor is refused by each call", true);
    check_eq("dup2 to what can be none", syscall2(SYS_dup, 1, 128), -E_INVAL);
    check_eq("nor to a number of 64 bits", syscall2(SYS_dup, 1, 0x100000005), -E_INVAL);
    check_eq("nor to a negative one", dup2(1, -1), -E_INVAL);
}

/* Each call with one bad address; an argument that is BAD is that address. */
#define BAD     0xBAD
static void test_addresses(void)
{
    const uintptr_t root = (uintptr_t)"/", file = (uintptr_t)NAME, link = (uintptr_t)"/l";
    const uintptr_t fd = open(NAME, O_RDWR | O_CREAT), dir = open("/", O_RDONLY);
    const struct {
        long number;
        uintptr_t args[3];
    } calls[] = {
        { SYS_read, { fd, BAD, 8 } },           { SYS_write, { fd, BAD, 8 } },
        { SYS_fstat, { fd, BAD } },             { SYS_getdirentry, { dir, BAD } },
        { SYS_pipe, { BAD } },                  { SYS_open, { BAD, O_RDONLY } },
        { SYS_chdir, { BAD } },                 { SYS_mkdir, { BAD } },
        { SYS_rmdir, { BAD } },                 { SYS_unlink, { BAD } },
        { SYS_link, { BAD, file } },            { SYS_link, { file, BAD } },
        { SYS_rename, { BAD, file } },          { SYS_rename, { file, BAD } },
        { SYS_symlink, { BAD, file } },         { SYS_symlink, { file, BAD } },
        { SYS_readlink, { BAD, root, 1 } },     { SYS_readlink, { link, BAD, 8 } },
        { SYS_truncate, { BAD, 0 } },           { SYS_lstat, { BAD, root } },
        { SYS_lstat, { root, BAD } },           { SYS_getcwd, { BAD, 4096 } },
        { SYS_fsinfo, { BAD } },                { SYS_exec, { BAD, 0, 0 } },
    };

    write(fd, "12345678", 8);
    symlink("12345678", "/l");
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(no_memory); j++) {
            uintptr_t args[3];

            seek(fd, 0, LSEEK_SET);
            for (int k = 0; k < 3; k++)
                args[k] = calls[i].args[k] == BAD ? no_memory[j] : calls[i].args[k];
            long result = syscall3(calls[i].number, args[0], args[1], args[2]);
            if (result != -E_FAULT)
                panic("call %ld at %lx: %ld", calls[i].number, no_memory[j], result);
        }
    }
    check("a bad address is told by each call", true);
    check_eq("a pipe that could not be told is closed", dup(1), dir + 1);
    close(dir + 1);
    check_eq("what the program may not write cannot be read into",
             read(fd, (void *)test_descriptors, 8), -E_FAULT);
    check_eq("the position stays", seek(fd, 0, LSEEK_CUR), 0);
    close(dir), close(fd), unlink("/l");
}

/* Memory that ends in the middle of what is read or written. */
static void test_half(void)
{
    int fd = open(NAME, O_RDWR | O_TRUNC);
    uintptr_t area = 0;

    assert(mmap(&area, 2 * PGSIZE, MMAP_WRITE) == 0 && munmap(area + PGSIZE, PGSIZE) == 0);
    check_eq("a file is written", write(fd, buf, sizeof(buf)), sizeof(buf));
    seek(fd, 0, LSEEK_SET);
    check_eq("what there is memory for is read", read(fd, (char *)area + 96, PGSIZE),
             PGSIZE - 96);
    check_eq("and the position is there", seek(fd, 0, LSEEK_CUR), PGSIZE - 96);
    check_eq("what there is memory for is written", write(fd, (char *)area + 64, 2 * PGSIZE),
             PGSIZE - 64);
    check_eq("and the position is there", seek(fd, 0, LSEEK_CUR), 2 * PGSIZE - 160);
    munmap(area, PGSIZE);
    close(fd);
}

/* A path of this many bytes for "/": "/./././.". */
static char *long_path(size_t length)
{
    for (size_t i = 0; i < length; i++)
        buf[i] = i % 2 == 0 ? '/' : '.';
    buf[length] = '\0';
    return buf;
}

/* One name of this many bytes. */
static char *long_name(size_t length)
{
    memset(buf, 'n', length);
    buf[length] = '\0';
    return buf;
}

static void test_paths(void)
{
    struct stat stat;
    char cwd[64];

    check_eq("a path of 4,095 bytes is right", lstat(long_path(4095), &stat), 0);
    check_eq("one of 4,096 is too long", lstat(long_path(4096), &stat), -E_TOO_BIG);
    check_eq("a name of 255 bytes is right", close(open(long_name(255), O_WRONLY | O_CREAT)), 0);
    check_eq("and removed", unlink(buf), 0);
    check_eq("one of 256 is too long", open(long_name(256), O_WRONLY | O_CREAT), -E_TOO_BIG);
    check_eq("an empty path", open("", O_RDONLY), -E_NOENT);
    check_eq("above the root is the root", chdir("/../bin/../../.."), 0);
    check_eq("where one is", getcwd(cwd, sizeof(cwd)), 0);
    check_eq("is told", strcmp(cwd, "/"), 0);
    check_eq("for that two bytes are enough", getcwd(cwd, 2), 0);
    check_eq("and one is not", getcwd(cwd, 1), -E_TOO_BIG);
    check_eq("a file is no directory", lstat(NAME "/x", &stat), -E_NOTDIR);
    check_eq("nor with a slash", lstat(NAME "/", &stat), -E_NOTDIR);
    check_eq("the root cannot be removed", rmdir("/"), -E_INVAL);
    check_eq("nor what one stands in", rmdir("."), -E_INVAL);
    check_eq("it is there already", mkdir("/.."), -E_EXISTS);
    check_eq("it cannot have another name", rename("/", "/r"), -E_INVAL);
    symlink("a", "b"), symlink("b", "a");
    check_eq("two links that lead to each other", open("a", O_RDONLY), -E_INVAL);
    unlink("a"), unlink("b");
    check_eq("a pipe with a name is not written yet", mkfifo("/fifo", 0), -E_UNIMP);
    check_eq("and nothing is made", lstat("/fifo", &stat), -E_NOENT);
    check_eq("a position before the file", seek(open("/", O_RDONLY), 0, LSEEK_SET), -E_SEEK);
    close(3);
}

/* Open with these flags, and close what it gave: an error, or 0. */
static int try(const char *path, uint32_t flags)
{
    int fd = open(path, flags);

    return fd < 0 ? fd : close(fd);
}

static void test_flags(void)
{
    struct stat stat;
    int fd;

    for (int bit = 6; bit < 32; bit++)
        if (try(NAME, 1U << bit) != -E_INVAL)
            panic("flag %x was taken", 1U << bit);
    check_eq("flags are of 32 bits", syscall2(SYS_open, (uintptr_t)NAME, 0x100000000), -E_INVAL);
    check_eq("both to read only and to write only", try(NAME, O_ACCMODE), -E_INVAL);
    check_eq("to read only, and empty", try(NAME, O_RDONLY | O_TRUNC), -E_INVAL);
    truncate(NAME, 5);
    check_eq("O_CREAT opens what is there", try(NAME, O_RDWR | O_CREAT), 0);
    check("and leaves its content", lstat(NAME, &stat) == 0 && stat.st_size == 5);
    check_eq("O_EXCL refuses it", try(NAME, O_RDWR | O_CREAT | O_EXCL), -E_EXISTS);
    check_eq("but means nothing alone", try(NAME, O_RDONLY | O_EXCL), 0);
    check_eq("O_TRUNC", try(NAME, O_WRONLY | O_TRUNC), 0);
    check("empties it", lstat(NAME, &stat) == 0 && stat.st_size == 0 && stat.st_blocks == 0);
    symlink("g", "/l");
    check_eq("a link to nothing", try("/l", O_RDONLY), -E_NOENT);
    check_eq("is a name for O_EXCL", try("/l", O_WRONLY | O_CREAT | O_EXCL), -E_EXISTS);
    check_eq("and says where to make a file", try("/l", O_WRONLY | O_CREAT), 0);
    check_eq("which is there", unlink("/g"), 0);
    unlink("/l");
    check_eq("a directory is not written to", try("/bin", O_WRONLY), -E_ISDIR);
    check_eq("nor made by open", try("/bin", O_RDONLY | O_CREAT), -E_ISDIR);
    check_eq("not even a new one", try("/new/", O_WRONLY | O_CREAT), -E_ISDIR);
    check_eq("nor read as a file", read(open("/bin", O_RDONLY), buf, 1), -E_ISDIR);
    close(3);
    fd = open(NAME, O_WRONLY | O_APPEND);
    int other = open(NAME, O_RDWR);
    write(fd, "ab", 2), seek(fd, 0, LSEEK_SET), write(other, "xyz", 3), write(fd, "c", 1);
    seek(other, 0, LSEEK_SET);
    check("O_APPEND writes at the end, each time",
          read(other, buf, 9) == 4 && memcmp(buf, "xyzc", 4) == 0);
    check_eq("what is open to write is not read", read(fd, buf, 1), -E_INVAL);
    close(fd);
    fd = open(NAME, O_RDONLY);
    check_eq("what is open to read is not written", write(fd, buf, 1), -E_INVAL);
    check_eq("nor cut", ftruncate(fd, 0), -E_INVAL);
    check_eq("a length below 0", ftruncate(other, -1), -E_INVAL);
    check_eq("one that is too large", ftruncate(other, INT64_MAX), -E_TOO_BIG);
    check_eq("a position below 0", seek(fd, -1, LSEEK_SET), -E_INVAL);
    check_eq("one that wraps around", (seek(fd, 4, LSEEK_SET), seek(fd, INT64_MAX, LSEEK_CUR)),
             -E_INVAL);
    check_eq("from nowhere", seek(fd, 0, 3), -E_INVAL);
    close(fd), close(other);
}

static void test_devices(void)
{
    int fd = open("null:", O_RDWR | O_TRUNC);

    check_eq("the null device takes all", write(fd, buf, sizeof(buf)), sizeof(buf));
    check_eq("and gives nothing", read(fd, buf, sizeof(buf)), 0);
    check_eq("it has no positions", seek(fd, 0, LSEEK_SET), -E_SEEK);
    check_eq("it is no program", exec("null:"), -E_NOENT);
    close(fd);
}

/* Become cat, with the pipe for an input. */
static void become_cat(uintptr_t input)
{
    dup2(input, stdin);
    for (int fd = 3; fd < 8; fd++)
        close(fd);
    exit(exec("cat"));
}

/* In a child, which ends by what exec gives, or as the program does. */
static void become(uintptr_t name)
{
    exit(exec((const char *)name));
}

static void test_busy(void)
{
    int fd[2], pid, code;

    assert(pipe(fd) == 0);
    pid = fork();
    if (pid == 0)
        become_cat(fd[0]);
    wait_until_asleep(pid, "data in a pipe");
    check_eq("what runs is not opened to be written", try("/bin/cat", O_WRONLY), -E_BUSY);
    check_eq("nor made empty", try("/bin/cat", O_RDWR | O_TRUNC), -E_BUSY);
    check_eq("nor given a length", truncate("/bin/cat", 0), -E_BUSY);
    check_eq("it may be read", try("/bin/cat", O_RDONLY), 0);
    close(fd[0]), close(fd[1]);
    assert(waitpid(pid, &code) == 0 && code == 0);
    fd[0] = open("/bin/true", O_WRONLY);
    check("when it does not run it may be written", fd[0] >= 0);
    check_eq("but not run then", child_code(become, (uintptr_t)"/bin/true"), -E_BUSY);
    close(fd[0]);
    check_eq("when it is closed it runs", child_code(become, (uintptr_t)"/bin/true"), 0);
    check_eq("by its name", child_code(become, (uintptr_t)"true"), 0);
    check_eq("a directory does not", child_code(become, (uintptr_t)"/bin"), -E_ISDIR);
}

/* A copy of true, of which `size` bytes at `offset` are all ones, is no program. */
static void try_damaged(size_t length, size_t offset, size_t size)
{
    int fd = open(NAME, O_WRONLY | O_TRUNC);
    char kept[8];

    memcpy(kept, buf + offset, size);
    memset(buf + offset, 0xFF, size);
    assert(write(fd, buf, length) == (int)length);
    memcpy(buf + offset, kept, size);
    close(fd);
    int code = child_code(become, (uintptr_t)NAME);
    if (code != -E_INVAL_ELF)
        panic("with wrong bytes at %lu exec gives %d", offset, code);
}

/* A copy of true that begins with an instruction which is none: the message about it must have the
   name of the function, which is known from the file alone. */
static void try_trap(size_t length)
{
    const struct elfhdr *elf = (const struct elfhdr *)buf;
    const struct proghdr *ph = (const struct proghdr *)(buf + elf->e_phoff);
    int fd = open(NAME, O_WRONLY | O_TRUNC);

    while (ph->p_type != ELF_PT_LOAD || elf->e_entry < ph->p_va
           || elf->e_entry >= ph->p_va + ph->p_filesz)
        ph++;
    write(fd, buf, length);
    seek(fd, ph->p_offset + (elf->e_entry - ph->p_va), LSEEK_SET);
    write(fd, "\0\0\0\0", 4);
    close(fd);
    check_eq("a program of the disk is killed", child_code(become, (uintptr_t)NAME), -E_KILLED);
}

/* A copy of true with one segment more, which is a hole of the file; there is room for its header
   before the text. It does not lie in the file as in memory, so it cannot be mapped, and takes long
   to be loaded: others run meanwhile, and it ends when it is killed. */
static void try_large(size_t length)
{
    struct elfhdr *elf = (struct elfhdr *)buf;
    struct proghdr *ph = (struct proghdr *)(buf + elf->e_phoff) + elf->e_phnum++;
    int fd = open(NAME, O_WRONLY | O_TRUNC), pid, code;

    *ph = (struct proghdr){ .p_type = ELF_PT_LOAD, .p_flags = ELF_PF_R, .p_offset = PGSIZE,
                            .p_va = 0x10000008, .p_filesz = HOLE, .p_memsz = HOLE };
    assert(write(fd, buf, length) == (int)length && ftruncate(fd, PGSIZE + HOLE) == 0);
    close(fd);
    check_eq("a program with a large hole is loaded", child_code(become, (uintptr_t)NAME), 0);
    pid = fork();
    if (pid == 0)
        become((uintptr_t)NAME);
    unsigned int start = gettime_msec();
    sleep(1);
    check_eq("it is killed while it is loaded", kill(pid), 0);
    assert(waitpid(pid, &code) == 0);
    check_eq("and so has not run", code, -E_KILLED);
    check("in less time than that takes", gettime_msec() - start < 100);
}

#define FIELD(name) { offsetof(struct elfhdr, name), sizeof(((struct elfhdr *)0)->name) }
static void test_elf(void)
{
    static const struct { size_t offset, size; } fields[] = {
        FIELD(e_magic), FIELD(e_class), FIELD(e_data), FIELD(e_type), FIELD(e_machine),
        FIELD(e_phoff), FIELD(e_phentsize), FIELD(e_phnum), FIELD(e_version1), FIELD(e_version),
        FIELD(e_entry),
    };
    int fd = open("/bin/true", O_RDONLY), length = read(fd, buf, sizeof(buf));

    close(fd);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        try_damaged(length, fields[i].offset, fields[i].size);
    check("a header that is wrong is no program's", true);
    try_trap(length);
    try_large(length);
    truncate(NAME, length);
    for (int cut = 0; cut < 200; cut += 8) {
        truncate(NAME, cut);
        if (child_code(become, (uintptr_t)NAME) != -E_INVAL_ELF)
            panic("a program of %d bytes was run", cut);
    }
    check("nor is a file that ends too early", true);
    check_eq("it can be removed", unlink(NAME), 0);
}

int main(void)
{
    test_descriptors();
    test_addresses();
    test_half();
    test_paths();
    test_flags();
    test_devices();
    test_busy();
    test_elf();
    return check_done();
}
