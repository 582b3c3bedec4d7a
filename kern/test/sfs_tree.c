/* Names: all that can be done to entries of directories, what is refused, and how many links there
   are afterwards. Directories of 10,000 entries, names of 255 bytes; files that lose their last
   name while they are open, and what the next mount does with them.

   After each part the disk is unmounted and checked as a whole.

   Alone: make grade GRADE=--all TEST=sfs-tree. */
#include <error.h>
#include <printfmt.h>
#include <report.h>
#include <string.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define BLOCKS      2048
#define INODES      512
#define ENTRIES     10000

static struct test_disk disk;
static struct filesystem *fs;
static struct inode *root;

/* The operations that this test does often. */
#define mkdir(dir, name)        vop_names(dir, vop_mkdir, name)
#define link(dir, name, node)   vop_names(dir, vop_link, name, node)
#define unlink(dir, name)       vop_names(dir, vop_unlink, name)
#define rmdir(dir, name)        vop_names(dir, vop_rmdir, name)
#define rename(from, name, to, other) vop_names(from, vop_rename, name, to, other)

/* Unmount, which checks the disk, and mount again. */
static void remount(void)
{
    test_unmount(fs, root, &disk);
    fs = test_mount(&disk, &root);
}

/* How many links there are of what is called so; -1: there is nothing. */
static int links(struct inode *dir, const char *name)
{
    struct inode *node = test_find(dir, name);
    int n = node != NULL ? (int)test_stat(node).st_nlinks : -1;

    if (node != NULL)
        inode_put(node);
    return n;
}

/* Make a file of one byte, whose content is a number. */
static void make_file(struct inode *dir, const char *name, uint32_t content)
{
    struct inode *node = test_create(dir, name);
    int error;

    assert_eq(test_write(node, content, 0, 1, &error), 1);
    inode_put(node);
}

/* Is there a file with that content? */
static bool is_file(struct inode *dir, const char *name, uint32_t content)
{
    struct inode *node = test_find(dir, name);
    bool is = node != NULL && node->type == S_IFREG && test_is(node, content, 0, 1);

    if (node != NULL)
        inode_put(node);
    return is;
}

/* A directory that is there, or was just made. */
static struct inode *directory(struct inode *dir, const char *name)
{
    mkdir(dir, name);
    return test_find(dir, name);
}

/* The links of a small tree; each arrow is an entry, and one link of what it leads to:

     root   "."  --> root     ".." --> root     "a" --> a           root has 3
     a      "."  --> a        ".." --> root     "file" --> file     a has 2, file has 1

   A count that is too small frees what still has a name; one that is too large keeps it for ever,
   and only a check of the whole disk would find that. */

/* Making and removing, and counting the links. */
static void test_links(void)
{
    struct inode *a = directory(root, "a"), *node, *other = NULL;

    /* Each directory has 2 links, and one more for each directory in it, which has a ".." to it. */
    check_eq("a new directory has two names, its own and its dot", links(root, "a"), 2);
    check_eq("the one that it is in counts its dots", links(root, "."), 3);
    check_eq("a name is taken once", mkdir(root, "a"), -E_EXISTS);
    check_eq("by whatever", vop_names(root, vop_create, "a", true, &other), -E_EXISTS);
    node = test_create(a, "file");
    check_eq("a new file has one name", links(a, "file"), 1);
    check_eq("what is there is opened", vop_names(a, vop_create, "file", false, &other), 0);
    check("and is the same", other == node);
    inode_put(other);
    check_eq("a second name", link(root, "hard", node), 0);
    check_eq("is counted", links(root, "hard"), 2);
    check_eq("but not given twice", link(root, "hard", node), -E_EXISTS);
    check_eq("nor to a directory", link(a, "more", a), -E_ISDIR);
    check_eq("the first name goes", unlink(a, "file"), 0);
    check_eq("the second stays", links(root, "hard"), 1);
    check_eq("a directory is not unlinked", unlink(root, "a"), -E_ISDIR);
    check_eq("a file is no directory", rmdir(root, "hard"), -E_NOTDIR);
    check_eq("nothing is nothing", unlink(root, "none"), -E_NOENT);
    check_eq("nor a directory", rmdir(root, "none"), -E_NOENT);
    /* The file is open still, and an orphan now. With a new name it would be freed while it has
       one. */
    check_eq("the second name goes", unlink(root, "hard"), 0);
    check_eq("what has no name gets none", link(root, "again", node), -E_NOENT);
    inode_put(node);
    check_eq("a directory in the directory", mkdir(a, "b"), 0);
    check_eq("it is not empty", rmdir(root, "a"), -E_NOTEMPTY);
    check_eq("dots are not removed", rmdir(a, "."), -E_INVAL);
    check_eq("neither of them", rmdir(a, ".."), -E_INVAL);
    check_eq("inner first", rmdir(a, "b"), 0);
    check_eq("then outer", rmdir(root, "a"), 0);
    /* `a` is what a process has whose current directory was removed by another one. */
    check_eq("who stands in it finds nothing", vop_names(a, vop_lookup, ".", &node), -E_NOENT);
    check_eq("and makes nothing", mkdir(a, "c"), -E_NOENT);
    check_eq("no file", vop_names(a, vop_create, "c", true, &node), -E_NOENT);
    check_eq("and moves nothing there", rename(root, ".", a, "x"), -E_INVAL);
    inode_put(a);
    remount();
}

/* Is the text of a link what it was made of? */
static bool link_is(const char *name, const char *target, size_t length)
{
    static char text[BLOCK_SIZE];
    struct inode *node = test_find(root, name);
    struct iobuf iob = iobuf_kernel(text, sizeof(text), 0);
    bool is = node != NULL && node->type == S_IFLNK && vop_data(node, vop_readlink, &iob) == 0
        && sizeof(text) - iob.io_resid == length && memcmp(text, target, length) == 0;

    if (node != NULL)
        inode_put(node);
    return is;
}

/* Symbolic links: their text is any path. The file system does not follow them, so it does not
   matter whether the path leads anywhere. */
static void test_symlinks(void)
{
    static char target[BLOCK_SIZE + 1];

    check_eq("a link to nothing", vop_names(root, vop_symlink, "s", "no/such"), 0);
    check("is read", link_is("s", "no/such", 7));
    check_eq("it has a name as others", vop_names(root, vop_symlink, "s", "x"), -E_EXISTS);
    check_eq("an empty text is none", vop_names(root, vop_symlink, "t", ""), -E_INVAL);
    memset(target, 'p', BLOCK_SIZE);
    check_eq("a text is too long", vop_names(root, vop_symlink, "t", target), -E_TOO_BIG);
    target[BLOCK_SIZE - 1] = '\0';
    check_eq("the longest", vop_names(root, vop_symlink, "t", target), 0);
    remount();
    check("is there after a mount", link_is("t", target, BLOCK_SIZE - 1));
    check_eq("links go as files do", unlink(root, "s") | unlink(root, "t"), 0);
    remount();
}

/* Names of each length, and of bytes that mean something elsewhere. Entries are rounded up to
   multiples of 4 bytes, so each length leaves another rest in its entry and at the end of a block.
   A mistake of one in either of them shows at some length. */
static void test_lengths(void)
{
    char name[SFS_NAME_MAX + 1], told[SFS_NAME_MAX + 1];
    struct inode *a = directory(root, "a");
    off_t offset = 0;
    uint32_t ino, n = 0;

    for (uint32_t length = 1; length <= SFS_NAME_MAX; length++) {
        memset(name, 'a' + length % 26, length);
        name[length] = '\0';
        make_file(a, name, length);
    }
    while (vop_names(a, vop_getdirentry, &offset, told, &ino) == 0)
        n++;
    check_eq("names of each length are told", n, SFS_NAME_MAX + 2);
    for (uint32_t length = 1; length <= SFS_NAME_MAX; length++) {
        memset(name, 'a' + length % 26, length);
        name[length] = '\0';
        assert(is_file(a, name, length));
        assert_eq(unlink(a, name), 0);
    }
    make_file(a, "...", 1);
    make_file(a, "\xff\x01 \n", 2);
    check("odd names are names", is_file(a, "...", 1) && is_file(a, "\xff\x01 \n", 2));
    check_eq("and can go", unlink(a, "...") | unlink(a, "\xff\x01 \n"), 0);
    inode_put(a);
    check_eq("and the directory", rmdir(root, "a"), 0);
    remount();
}

/* The room of names that are removed beside each other is one room, for a longer name: a block that
   is full of names of 100 bytes loses two of them, and takes one of 200. */
static void test_room(void)
{
    struct inode *a = directory(root, "a");
    char name[SFS_NAME_MAX + 1];

    memset(name, 'r', sizeof(name));
    name[100] = '\0';
    for (int i = 0; i < (BLOCK_SIZE - 24) / 108; i++) {
        name[0] = 'A' + i;
        make_file(a, name, 1);
    }
    name[0] = 'D';
    assert_eq(unlink(a, name), 0);
    name[0] = 'E';
    assert_eq(unlink(a, name), 0);
    name[100] = 'r';
    name[200] = '\0';
    make_file(a, name, 2);
    /* If rooms beside each other stayed two, no room would ever be long enough, and a directory
       would grow with each name, though it has no more names than before. */
    check_eq("two rooms become one", test_stat(a).st_size, BLOCK_SIZE);
    assert_eq(unlink(a, name), 0);
    name[100] = '\0';
    for (int i = 0; i < (BLOCK_SIZE - 24) / 108; i++) {
        name[0] = 'A' + i;
        assert_eq(unlink(a, name), i == 3 || i == 4 ? -E_NOENT : 0);
    }
    inode_put(a);
    check_eq("and the directory can go", rmdir(root, "a"), 0);
    remount();
}

/* A directory with many entries, links of one file: each is found, told once, and removed. It has
   about thirty blocks, twelve of them direct ones. While it is read names are removed, as "rm *"
   does: a reader that counts entries instead of bytes would miss the next one. */
static void test_many(void)
{
    static uint8_t told[ENTRIES];
    struct inode *a = directory(root, "many"), *node = test_create(a, "0"), *found;
    char name[SFS_NAME_MAX + 1];
    uint32_t ino, wrong = 0;
    off_t offset = 0;

    for (uint32_t i = 1; i < ENTRIES; i++) {
        snprintf(name, sizeof(name), "%u", i);
        assert_eq(link(a, name, node), 0);
    }
    check_eq("each is counted", test_stat(node).st_nlinks, ENTRIES);
    while (vop_names(a, vop_getdirentry, &offset, name, &ino) == 0) {
        uint64_t i;

        if (name[0] != '.' && string_to_uint64(name, 10, &i) && i < ENTRIES && ino == node->ino)
            told[i]++;
        /* What is removed meanwhile changes nothing for the others: the one that was just told. */
        if (name[0] != '.' && told[0] && offset % 3 == 0)
            assert_eq(unlink(a, name), 0);
    }
    for (uint32_t i = 0; i < ENTRIES; i++)
        wrong += told[i] != 1;
    check_eq("each is told once", wrong, 0);
    wrong = 0;
    for (uint32_t i = 0; i < ENTRIES; i += 97) {
        snprintf(name, sizeof(name), "%u", i);
        if (vop_names(a, vop_lookup, name, &found) == 0) {
            wrong += found != node;
            inode_put(found);
        }
    }
    /* Those that were removed above are not found, which is no mistake. */
    check_eq("each leads to the file", wrong, 0);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof(name), "%u", i);
        wrong += unlink(a, name) != 0;
    }
    check("all that were left are removed", wrong > 0 && test_stat(node).st_nlinks == 0);
    /* What is first in its block stays there as free room, with the name that it had. */
    for (uint32_t i = wrong = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof(name), "%u", i);
        wrong += vop_names(a, vop_lookup, name, &found) != -E_NOENT;
    }
    check_eq("none is found any more", wrong, 0);
    check_eq("the directory is empty then", rmdir(root, "many"), 0);
    inode_put(node);
    inode_put(a);
    remount();
}

/* rename: each kind of thing onto each kind, in one directory and into another one. What is looked
   at afterwards is the number of links on both sides: a directory that moves takes its ".." with
   it, and a thing that is replaced loses a name. */
static void test_rename(void)
{
    struct inode *a = directory(root, "a"), *b = directory(root, "b"), *node;

    make_file(a, "x", 1);
    check_eq("another name", rename(a, "x", a, "y"), 0);
    check("is the same file", is_file(a, "y", 1) && links(a, "x") == -1);
    check_eq("in another directory", rename(a, "y", b, "x"), 0);
    check("too", is_file(b, "x", 1) && links(a, "y") == -1);
    make_file(a, "z", 2);
    check_eq("onto another file", rename(a, "z", b, "x"), 0);
    check("which is gone", is_file(b, "x", 2) && links(b, "x") == 1 && links(a, "z") == -1);
    check_eq("onto itself", rename(b, "x", b, "x"), 0);
    check("which changes nothing", is_file(b, "x", 2));
    node = test_find(b, "x");
    assert_eq(link(a, "same", node), 0);
    check_eq("onto another name of itself", rename(b, "x", a, "same"), 0);
    check("which changes nothing either", links(b, "x") == 2 && links(a, "same") == 2);
    inode_put(node);
    check_eq("of nothing", rename(a, "none", b, "y"), -E_NOENT);
    check_eq("of a dot", rename(a, ".", b, "y"), -E_INVAL);
    check_eq("onto dots", rename(b, "x", a, ".."), -E_INVAL);
    check_eq("a directory onto a file", rename(root, "a", b, "x"), -E_NOTDIR);
    check_eq("a file onto a directory", rename(b, "x", root, "a"), -E_ISDIR);
    check_eq("a directory onto one that is not empty", rename(root, "a", root, "b"), -E_NOTEMPTY);
    assert_eq(mkdir(a, "sub"), 0);
    check_eq("a directory into another one", rename(a, "sub", b, "moved"), 0);
    check_eq("counts its dots there", links(root, "b"), 3);
    check_eq("and not here", links(root, "a"), 2);
    node = test_find(b, "moved");
    check_eq("its dots lead there", links(node, ".."), 3);
    assert_eq(mkdir(node, "deep"), 0);
    /* Else there would be a circle of directories, which no path from the root leads to. */
    check_eq("not into itself", rename(b, "moved", node, "in"), -E_INVAL);
    check_eq("nor below itself", rename(root, "b", node, "in"), -E_INVAL);
    check_eq("nor onto what is below", rename(root, "b", node, "deep"), -E_INVAL);
    check_eq("onto what is above", rename(node, "deep", root, "b"), -E_NOTEMPTY);
    inode_put(node);
    assert_eq(mkdir(a, "empty"), 0);
    check_eq("onto an empty one elsewhere", rename(b, "moved", a, "empty"), 0);
    check("counts right on both sides", links(root, "a") == 3 && links(root, "b") == 2);
    assert_eq(mkdir(a, "other"), 0);
    check_eq("onto an empty one beside it", rename(a, "empty", a, "other"), 0);
    check("counts right", links(root, "a") == 3 && links(a, "other") == 3);
    assert_eq(unlink(b, "x") | unlink(a, "same"), 0);
    check_eq("the whole tree is moved", rename(root, "a", b, "a"), 0);
    check("", links(root, ".") == 3 && links(b, ".") == 3 && links(a, "..") == 3);
    inode_put(a);
    inode_put(b);
    remount();
    b = test_find(root, "b");
    a = test_find(b, "a");
    node = test_find(a, "other");
    check_eq("the tree is taken down", rmdir(node, "deep") | rmdir(a, "other") | rmdir(b, "a")
             | rmdir(root, "b"), 0);
    inode_put(node);
    inode_put(a);
    inode_put(b);
    remount();
}

/* Files without a name: they live as long as somebody has them, also when others come and go. The
   list of them begins in the superblock, and the one that came last is the first:

     superblock --> dir --> f4 --> f3 --> f2 --> f1 --> f0 --> 0

   They leave it from anywhere, when they are closed; what led to one must lead to the next one
   then, and that may be the superblock, or an inode in the same block of the table or in another
   one. */
static void test_orphans(void)
{
    uint32_t blocks = test_free_blocks(fs), inodes = test_free_inodes(fs);
    struct inode *nodes[5], *dir = directory(root, "dir");
    static const uint8_t order[] = { 2, 0, 4, 1, 3 };   /* middle, ends, neighbours in the list */
    char name[] = "f0";
    int error;

    for (uint32_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        name[1] = '0' + i;
        nodes[i] = test_create(root, name);
        assert_eq(test_write(nodes[i], i + 1, 0, 100000, &error), 100000);
        assert_eq(unlink(root, name), 0);
    }
    assert_eq(rmdir(root, "dir"), 0);
    check_eq("they have their inodes", inodes - test_free_inodes(fs), ARRAY_SIZE(nodes) + 1);
    check_eq("they have no links", test_stat(nodes[0]).st_nlinks, 0);
    check_eq("a disk with them is not unmounted", fs->unmount(fs), -E_BUSY);
    assert_eq(fs->sync(fs), 0);
    check_eq("they stand in the list on the disk", sfs_check(&disk, true), 0);
    for (uint32_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        check("each can be read", test_is(nodes[order[i]], order[i] + 1, 0, 100000));
        inode_put(nodes[order[i]]);
        assert_eq(fs->sync(fs), 0);
        check_eq("and goes from the list at the last", sfs_check(&disk, true), 0);
    }
    inode_put(dir);
    check_eq("all blocks are free then", test_free_blocks(fs), blocks);
    check_eq("and all inodes", test_free_inodes(fs), inodes);
    remount();
}

/* The power fails while files without a name are open: the next mount frees them. */
static void test_orphans_left(void)
{
    struct test_disk crashed;
    struct inode *nodes[3], *r;
    uint32_t blocks, inodes, blocks_before, inodes_before;
    char name[] = "f0";
    int error;

    assert_eq(fs->sync(fs), 0);
    sfs_count_used(&disk, &blocks_before, &inodes_before);
    for (uint32_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        name[1] = '0' + i;
        nodes[i] = test_create(root, name);
        assert_eq(test_write(nodes[i], 1, i * 5000000, 100000, &error), 100000);
        assert_eq(unlink(root, name), 0);
    }
    assert_eq(fs->sync(fs), 0);
    /* What is on the disk at this moment: three inodes in the list, without a name, with all their
       blocks. */
    test_disk_create(&crashed, BLOCKS);
    memcpy(crashed.memory, disk.memory, (size_t)BLOCKS * BLOCK_SIZE);
    for (uint32_t i = 0; i < ARRAY_SIZE(nodes); i++)
        inode_put(nodes[i]);
    test_unmount(fs, root, &disk);
    fs = test_mount(&crashed, &r);
    test_unmount(fs, r, &crashed);
    sfs_count_used(&crashed, &blocks, &inodes);
    check_eq("a mount frees the blocks of orphans", blocks, blocks_before);
    check_eq("and the inodes", inodes, inodes_before);
    test_disk_destroy(&crashed);
    fs = test_mount(&disk, &root);
}

/* One disk for all parts. */
static void test_sfs_tree(void)
{
    struct inventory before = inventory_take();

    test_disk_create(&disk, BLOCKS);
    sfs_format(&disk, 64, INODES, 16);
    fs = test_mount(&disk, &root);
    test_links();
    test_symlinks();
    test_lengths();
    test_room();
    test_many();
    test_rename();
    test_orphans();
    test_orphans_left();
    test_unmount(fs, root, &disk);
    test_disk_destroy(&disk);
    inventory_same(&before, "a disk was used");
}

SELFTEST("sfs-tree", test_sfs_tree);
