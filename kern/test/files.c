/* Exercise 8.3: descriptors and open files. What each function does to a table, to the counts of
   references, to positions.

   "files-dup" is file_dup(), "files-fork" files_copy() and files_put(), "files-close" file_close(),
   file_get() and file_put(), "files-position" reads and writes that share a position.

   All is counted: each descriptor is one reference to its struct file, and each call that uses it
   one more. With one too few it is freed under somebody's hands, with one too many never. A message
   tells which of the two it is.

   Alone: make grade TEST="files-*". */
#include <error.h>
#include <mm/kmalloc.h>
#include <report.h>
#include <string.h>
#include <test/files.h>
#include <test/testlib.h>

struct files_struct *table;
static struct watched one, two;         /* two files, mostly on descriptors 3 and later */

/* The drawing of file.h, with what the tests of this file have:

       table --> fd_array[3] ---+
                 fd_array[4] ---+--> struct file: refs 2, pos --node--> one
                 fd_array[5] ------> struct file: refs 1, pos --node--> two
                 fd_array[0] to [2]  the console: refs 0, never counted

   A check that fails tells which number is not that of the arrows. Look for the line that draws
   the arrow, or that removes it: one without the other is the mistake. */

static struct watched *of(struct inode *node)
{
    return to_struct(node, struct watched, inode);
}

/* The inode of a test is none of a file system: its operations only note what they see.

     read_file() --> file_transfer() --> the position is looked at, and perhaps locked
                                         watched_read(): is it locked? how many references?
                                     --> the position is moved

   So a test knows what was so in the middle of a call, and not only what it has left. */

/* What a call finds out about the file that is watched. */
static void look(struct watched *watched)
{
    if (watched->file != NULL) {
        watched->locked = mutex_held(&watched->file->lock);
        watched->refs = atomic_load(&watched->file->refs);
    }
    for (int i = 0; i < watched->turns; i++)
        schedule();
}

/* How many bytes a call moves; -E_IO behind the place that is bad. */
static long bytes_of(const struct watched *watched, const struct iobuf *iob)
{
    size_t n = iob->io_resid < watched->step ? iob->io_resid : watched->step;

    if (iob->io_offset >= watched->bad)
        return -E_IO;
    if (iob->io_offset >= CONTENT)
        return 0;
    return iob->io_offset + n <= CONTENT ? n : (size_t)(CONTENT - iob->io_offset);
}

/* Byte by byte, so that each is counted where it is read: `seen` is not changed in one step, for a
   position that is locked lets nobody else come to the same byte. */
static int watched_read(struct inode *node, struct iobuf *iob)
{
    long n = bytes_of(of(node), iob);

    look(of(node));
    for (; n > 0; n--) {
        uint8_t byte = byte_at(iob->io_offset);

        of(node)->seen[iob->io_offset]++;
        iobuf_move(iob, &byte, 1, true);
    }
    return n;
}

/* A write with O_APPEND is at the end, wherever the position was: here at half of the content. */
static int watched_write(struct inode *node, struct iobuf *iob)
{
    uint8_t bytes[CONTENT];

    if (iob->append)
        iob->io_offset = CONTENT / 2;
    long n = bytes_of(of(node), iob);
    look(of(node));
    if (n > 0)
        iobuf_move(iob, bytes, n, false);
    return n < 0 ? n : 0;
}

static void watched_close(struct inode *node, __not_used bool readable, __not_used bool writable)
{
    atomic_add(&of(node)->closed, 1);
}

static void watched_reclaim(struct inode *node)
{
    atomic_add(&of(node)->gone, 1);
}

static const struct inode_ops watched_ops = {
    .vop_read = watched_read,
    .vop_write = watched_write,
    .vop_close = watched_close,
    .vop_reclaim = watched_reclaim,
};

/* Nothing is bad, and all comes in one step, until a test says otherwise. */
void watch(struct watched *watched)
{
    memset(watched, 0, sizeof(*watched));
    watched->step = CONTENT;
    watched->bad = CONTENT + 1;
    inode_init(&watched->inode, &watched_ops, NULL, 0, S_IFREG);
}

/* By the function that open() and dup() call too: it is given, and so are the three first
   descriptors. */
void files_begin(void)
{
    table = NULL;
    assert_eq(files_own(&table), 0);
}

void files_end(void)
{
    files_put(table);
    table = NULL;
}

/* Made by hand and not by file_open(), so that nothing but the function that is tested counts. */
struct file *put_file(uint64_t fd, struct watched *watched, uint32_t flags)
{
    struct file *file = kmalloc(sizeof(*file));

    assert(file != NULL && table->fd_array[fd] == NULL);
    if (watched->file != NULL)
        inode_get(&watched->inode);
    if (watched->inode.type == S_IFREG && (flags & O_ACCMODE) != O_RDONLY)
        assert_eq(inode_begin_write(&watched->inode), 0);
    *file = (struct file){ .refs = 1, .flags = flags, .node = &watched->inode };
    mutex_init(&file->lock, "an open file", MUTEX_FILE, 0);
    table->fd_array[fd] = watched->file = file;
    table->files_count++;
    return file;
}

void put_again(uint64_t fd, struct file *file)
{
    assert(table->fd_array[fd] == NULL);
    atomic_add(&file->refs, 1);
    table->fd_array[fd] = file;
    table->files_count++;
}

/* By the function that read() of a program calls; but the memory is the kernel's. */
long read_file(uint64_t fd, size_t n, uint64_t at, bool *right)
{
    uint8_t bytes[CONTENT];
    struct iobuf iob = iobuf_kernel(bytes, n, 0);
    long result = file_transfer(table, fd, &iob, false);

    *right = result >= 0;
    for (long i = 0; i < result; i++)
        *right &= bytes[i] == byte_at(at + i);
    return result;
}

/* Nothing is held any more. */
static bool at_rest(void)
{
    return table->lock.state == 0 && holds_no_lock() && irq_enabled();
}

/* The number, the file behind it, and the counts. */
static void test_dup_lowest(void)
{
    struct file *file = put_file(3, &one, O_RDWR);

    put_file(5, &two, O_RDWR);
    /* 3 and 5 are taken. Programs rely on the lowest: a shell closes 0, and what it opens or
       duplicates next is the input of the program that it starts. */
    check_eq("dup() gives the lowest descriptor that is free", file_dup(table, 3, NO_FD), 4);
    /* A copy of the struct would have a position of its own: what ucore's own dup() makes. Then
       "(echo a; echo b) > f" of a shell writes the second line over the first. */
    check("it stands for the same struct file, and not for a copy of it",
          table->fd_array[4] == file && table->fd_array[3] == file);
    check_eq("each of the two descriptors is a reference", file->refs, 2);
    check_eq("the table counts the descriptors that are in use", table->files_count, 6);
    check_eq("the next one is behind those in use", file_dup(table, 4, NO_FD), 6);
    check_eq("a duplicate of a duplicate is the same file: a reference more", file->refs, 3);
    /* The constant table's files have the count 0, for ever. Counted up once they would be freed
       one day, though they are no memory of kmalloc(). */
    check_eq("the console's output can be duplicated", file_dup(table, 1, NO_FD), 7);
    check("it is the same file too", table->fd_array[7] == table->fd_array[1]);
    check_eq("which is of the constant table, and never counted", table->fd_array[1]->refs, 0);
    check("no lock is left taken", at_rest());
}

/* dup2(). What the number was before is closed, by the same rule as by close().

     dup2(3, 5):   before  [3] --> one     [5] --> two (refs n)
                   after   [3] --> one <-- [5]     two (refs n - 1): closed if that is 0

   The number is never free in between: another thread could be given it, and lose what it opened.
   */
static void test_dup_to(void)
{
    struct file *file = table->fd_array[3], *other = table->fd_array[5];

    check_eq("dup2() gives the number that was asked for", file_dup(table, 3, 60), 60);
    check("which is the file then", table->fd_array[60] == file && file->refs == 4);
    /* 5 and 61 are the other file now. */
    put_again(61, other);
    check_eq("dup2() to a number that is in use", file_dup(table, 3, 5), 5);
    check("replaces what it was", table->fd_array[5] == file && file->refs == 5);
    check_eq("of which one reference goes", other->refs, 1);
    check_eq("it has another descriptor, and stays open (times closed)", two.closed, 0);
    check_eq("dup2() to the last of its descriptors", file_dup(table, 3, 61), 61);
    check_eq("closes it (times closed)", two.closed, 1);
    check_eq("and gives its inode back (times)", two.gone, 1);
    /* The rule of dup2() in POSIX: nothing happens. Who closes first, and installs then, closes
       what he wants to install. */
    check_eq("dup2() to the same number gives that number", file_dup(table, 3, 3), 3);
    check_eq("and changes no count", file->refs, 6);
    /* With one reference left the mistake is seen at once: the file would be closed. */
    for (int fd = 4; fd < FILES_MAX; fd++)
        file_close(table, fd);
    check_eq("dup2() to the same number, which is the only one", file_dup(table, 3, 3), 3);
    check("does not close the file", one.closed == 0 && table->fd_array[3] == file);
    check_eq("which has one reference as before", file->refs, 1);
    check_eq("the table counts four descriptors", table->files_count, 4);
    check("no lock is left taken", at_rest());
}

/* What a program can ask for. After an error all is as it was: else each such call would make a
   reference that nobody gives back. */
static void test_dup_errors(void)
{
    struct file *file = table->fd_array[3];

    check_eq("dup() of a number without a file", file_dup(table, 9, NO_FD), -E_INVAL);
    check_eq("dup() of a number behind the last", file_dup(table, FILES_MAX, NO_FD), -E_INVAL);
    /* A descriptor is 64 bits: an int, or a cast to one, would find file 3. */
    check_eq("dup() of a number of which only the lower 32 bits are good",
             file_dup(table, (1UL << 32) + 3, NO_FD), -E_INVAL);
    /* First look whether there is a file; then replace. */
    check_eq("dup2() of a number without a file", file_dup(table, 9, 3), -E_INVAL);
    check("leaves alone what it should replace", table->fd_array[3] == file && one.closed == 0);
    check_eq("dup2() to a number behind the last", file_dup(table, 3, FILES_MAX), -E_INVAL);
    check_eq("and to one far behind", file_dup(table, 3, 1UL << 32), -E_INVAL);
    check_eq("the last number is good", file_dup(table, 3, FILES_MAX - 1), FILES_MAX - 1);
    /* file_get() has given a reference before the error was seen: it must go back. */
    check_eq("errors have left no reference", file->refs, 2);
    for (int fd = 4; fd < FILES_MAX - 1; fd++)
        put_again(fd, file);
    check_eq("dup() with a full table", file_dup(table, 3, NO_FD), -E_MAX_OPEN);
    check_eq("leaves no reference either", file->refs, FILES_MAX - 3);
    check_eq("dup2() needs no number that is free", file_dup(table, 1, 3), 3);
    check_eq("one reference less", file->refs, FILES_MAX - 4);
    check("no lock is left taken", at_rest());
}

/* The three parts go on with the table that the one before left. */
static void test_dup(void)
{
    files_begin();
    watch(&one);
    watch(&two);
    test_dup_lowest();
    test_dup_to();
    test_dup_errors();
    files_end();
    check_eq("the end of the table closes the file, once", one.closed, 1);
}

/* If it fails with a panic of kfree() or of a mutex: a file was freed that a descriptor still
   has. */
SELFTEST("files-dup", test_dup);

/* How many descriptors of the two are not the same file. */
static int different(const struct files_struct *a, const struct files_struct *b)
{
    int n = 0;

    for (int fd = 0; fd < FILES_MAX; fd++)
        n += a->fd_array[fd] != b->fd_array[fd];
    return n;
}

/* A child's table: other descriptors, the same files. What the parent has, and what the child gets:

     [0] [1] [2]   the console        copied, and not counted
     [3] [127]     the first file     one reference more for each of the two
     [60]          the second file    one reference more
     the rest      nothing            nothing: a gap stays a gap

   A loop that ends at the first gap, or that counts numbers where it should count files, loses 60
   and 127. */
static void test_fork_copy(void)
{
    struct files_struct *child = NULL;
    struct file *file = table->fd_array[3], *other = table->fd_array[60];
    uint32_t pwd = table->pwd->refs;

    check_eq("fork copies the table", files_copy(table, false, &child), 0);
    check("the child has a table of its own, used by itself alone",
          child != table && child->refs == 1 && table->refs == 1);
    /* Also behind a gap: the count says how many there are, and not how far they go. */
    check_eq("descriptors of the child that are not its parent's files",
             different(child, table), 0);
    check_eq("as many are in use", child->files_count, table->files_count);
    /* 3 and 127 of the parent, 3 and 127 of the child. */
    check_eq("a file on two descriptors of each has four references", file->refs, 4);
    check_eq("a file on one has two", other->refs, 2);
    check("the constant files are not counted", table->fd_array[0]->refs == 0);
    check("both are in the same directory", child->pwd == table->pwd);
    check_eq("to which the child has a reference too (how many more)", table->pwd->refs - pwd, 1);
    /* A fork that counts nothing is right up to here: the first close shows it. */
    check_eq("the child closes one", file_close(child, 3), 0);
    check("its parent still has it", table->fd_array[3] == file && one.closed == 0);
    check_eq("a reference less", file->refs, 3);
    check_eq("the child duplicates one", file_dup(child, 60, NO_FD), 3);
    check("its parent has not", table->fd_array[3] == file && table->files_count == 6);
    check("no lock is left taken", at_rest() && child->lock.state == 0);
    /* What the end of a process calls. A kernel that never closes files at exit keeps the writing
       end of a pipe open for ever, and its reader asleep. */
    files_put(child);
    check("the child ends: the parent keeps its files", one.closed == 0 && two.closed == 0);
    check("and no reference is left of it", file->refs == 2 && other->refs == 1);
    check_eq("nor to the directory (how many more)", table->pwd->refs - pwd, 0);
}

/* The difference to the fork above, in arrows:

     fork        parent --> table --> file             CLONE_FS    parent --+
                 child  --> table' --> the same                             +--> table --> file
                                                                   child  --+

   In the second one a descriptor that one of the two opens is the other's too. */

/* CLONE_FS: there is one table, and two who use it. */
static void test_fork_share(void)
{
    struct files_struct *child = NULL;

    check_eq("with CLONE_FS the table is shared", files_copy(table, true, &child), 0);
    check("it is one table with two uses", child == table && table->refs == 2);
    check_eq("and no file has a reference more", table->fd_array[60]->refs, 1);
    files_put(table);
    check("one of the two ends: the other still has all",
          table->refs == 1 && table->files_count == 6 && one.closed == 0 && two.closed == 0);
}

/* A child of a child, after its parents have ended. A position is in the struct file: all have the
   same one. */
static void test_fork_position(void)
{
    struct files_struct *child = NULL, *parent = table;
    bool right;

    assert_eq(files_copy(table, false, &child), 0);
    check("the parent reads five bytes", read_file(3, 5, 0, &right) == 5 && right);
    table = child;
    check("the child reads on behind them", read_file(3, 5, 5, &right) == 5 && right);
    table = parent;
    check("the parent reads on behind the child", read_file(127, 5, 10, &right) == 5 && right);
    files_put(parent);
    check("the parent ends, its child has the files", one.closed == 0 && two.closed == 0);
    table = child;
    check("and reads on", read_file(127, 5, 15, &right) == 5 && right);
}

/* Descriptors 3 and 127 are the first file, 60 is the second. */
static void test_fork(void)
{
    files_begin();
    watch(&one);
    watch(&two);
    put_again(127, put_file(3, &one, O_RDWR));
    put_file(60, &two, O_RDWR);
    assert_eq(files_chdir(table, "/bin"), 0);
    test_fork_copy();
    test_fork_share();
    test_fork_position();
    files_end();
    check_eq("the last end closes the first file, once", one.closed, 1);
    check_eq("and the second", two.closed, 1);
    check_eq("their inodes are given back", one.gone + two.gone, 2);
}

SELFTEST("files-fork", test_fork);

/* By descriptors: each is one arrow less. If the file is closed too early, is `refs` looked at
   before it is counted down, or after? atomic_add() returns what there was before. */
static void test_close_last(void)
{
    struct file *file = put_file(3, &one, O_RDWR);

    put_again(4, file);
    check_eq("close() of one of two descriptors", file_close(table, 3), 0);
    check("the descriptor is free", table->fd_array[3] == NULL && table->files_count == 4);
    check_eq("the file stays open for the other one (times closed)", one.closed, 0);
    /* A descriptor that is closed twice may have been given to somebody else in between; here it is
       not, so it is an error, and no reference is taken from the file. */
    check_eq("close() of a descriptor that was closed", file_close(table, 3), -E_INVAL);
    check_eq("takes nothing from the other", file->refs, 1);
    check_eq("close() of the last descriptor", file_close(table, 4), 0);
    check_eq("closes the file (times closed)", one.closed, 1);
    check_eq("and gives the inode back (times)", one.gone, 1);
    check_eq("close() of a number that was never open", file_close(table, 100), -E_INVAL);
    check_eq("close() of a number behind the last", file_close(table, FILES_MAX), -E_INVAL);
    check_eq("close() of a number of which only the lower 32 bits are good",
             file_close(table, 1UL << 32), -E_INVAL);
    /* Of a table of one's own. The constant table itself never changes: sys_close() makes a copy
       first. */
    check_eq("the console's input can be closed", file_close(table, 0), 0);
    check_eq("two descriptors are left", table->files_count, 2);
    check_eq("0 is the lowest that is free then", file_dup(table, 1, NO_FD), 0);
    check("no lock is left taken", at_rest());
}

/* A call that uses a file has a reference of its own, by file_get(): another thread of the process
   may close the descriptor meanwhile. */
static void test_close_used(void)
{
    struct file *file;

    watch(&one);
    file = put_file(3, &one, O_RDWR);
    check("file_get() finds the file of a descriptor", file_get(table, 3) == file);
    check_eq("and takes a reference", file->refs, 2);
    /* As if another thread did it, while this one reads. */
    check_eq("its descriptor is closed", file_close(table, 3), 0);
    check_eq("who uses the file keeps it open (times closed)", one.closed, 0);
    check("but nobody finds it any more", file_get(table, 3) == NULL);
    file_put(file);
    check_eq("the end of that use closes it (times closed)", one.closed, 1);
    check("there is no file behind the last number", file_get(table, FILES_MAX) == NULL);
    check("nor at a number of which only the lower 32 bits are good",
          file_get(table, 1UL << 32) == NULL);
    /* Also in a table that is not the constant one. */
    file = file_get(table, 1);
    check("a constant file is found, and not counted", file != NULL && file->refs == 0);
    file_put(file);
    check("nor counted down", file != NULL && file->refs == 0 && at_rest());
}

/* files_end() has nothing left to close, but the console. */
static void test_close(void)
{
    files_begin();
    watch(&one);
    test_close_last();
    test_close_used();
    files_end();
}

SELFTEST("files-close", test_close);
