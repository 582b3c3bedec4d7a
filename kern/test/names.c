/* Exercise 8.7: link, unlink and rename in directories of a disk.

   "names-link", "names-unlink" and "names-rename" are about files, "names-move" about directories
   that get another parent, "names-full" about a disk that has no room for one more entry. What is
   looked at is what a name leads to, and how many names there are: on a sound disk the number of
   links of an inode is the number of entries that lead to it, and what has none is freed when
   nobody uses it any more.

   Each test makes a disk of its own. In the end all of it is checked, block by block, by what
   docs/sfs.md says and not by what the kernel believes; each thing that is wrong has a line.

   No byte of a file is read or written here. Alone: make grade TEST="names-*". */
#include <error.h>
#include <printfmt.h>
#include <report.h>
#include <string.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define BLOCKS      256
#define INODES      256

static struct test_disk disk;
static struct filesystem *fs;
static struct inode *root, *a, *b;      /* two directories in the root */

/* The operations, as a path look-up calls them. */
#define mkdir(dir, name)        vop_names(dir, vop_mkdir, name)
#define link(dir, name, node)   vop_names(dir, vop_link, name, node)
#define unlink(dir, name)       vop_names(dir, vop_unlink, name)
#define rmdir(dir, name)        vop_names(dir, vop_rmdir, name)
#define rename(from, name, to, other) vop_names(from, vop_rename, name, to, other)

/* The tree that each test begins with, and the links of each inode. "." and ".." are entries like
   others, so they are counted:

     root (4)  .  ..  a  b          the root is its own parent: two names, and one ".." each
     a    (2)  .  ..                its name in the root, and its own dot
     b    (2)  .  ..

   A file has as many links as names. The end of a test counts all entries of the disk anew. */

/* A directory that is made now; with a reference. */
static struct inode *make_dir(struct inode *dir, const char *name)
{
    assert_eq(mkdir(dir, name), 0);
    return test_find(dir, name);
}

/* A file that is made now, and that nobody has open. */
static void make_file(struct inode *dir, const char *name)
{
    inode_put(test_create(dir, name));
}

static void begin(uint32_t blocks)
{
    test_disk_create(&disk, blocks);
    sfs_format(&disk, 32, INODES, 0);
    fs = test_mount(&disk, &root);
    a = make_dir(root, "a");
    b = make_dir(root, "b");
}

/* Nothing is in memory any more, so all of it must be on the disk, and right. sfs_check() counts
   the entries that lead to each inode, and the blocks that belong to one, and compares with what
   the inodes and the map say. Its lines name the inode: 1 is the root, 2 and 3 are a and b, the
   rest comes in the order in which it was made.

   An inode that somebody still has keeps the file system from being unmounted, with -E_BUSY (-15):
   a reference was not given back. A block of the cache that somebody still has is a panic there. */
static void end(void)
{
    inode_put(a);
    inode_put(b);
    assert_eq(fs->sync(fs), 0);
    check_eq("the disk is sound at the end (things that are wrong, each told above)",
             sfs_check(&disk, true), 0);
    check_eq("and nobody has an inode of it any more",
             test_end(fs, root, &disk, false), 0);
    test_disk_destroy(&disk);
}

/* What a name leads to: the inode's number, 0: there is no such name. */
static uint32_t ino_of(struct inode *dir, const char *name)
{
    struct inode *node = test_find(dir, name);
    uint32_t ino = node != NULL ? node->ino : 0;

    if (node != NULL)
        inode_put(node);
    return ino;
}

/* How many links what has this name says it has; -1: there is no such name. */
static int links(struct inode *dir, const char *name)
{
    struct inode *node = test_find(dir, name);
    int n = node != NULL ? (int)test_stat(node).st_nlinks : -1;

    if (node != NULL)
        inode_put(node);
    return n;
}

/* The number of links cannot be counted up to its limit in a short time: so it is set. */
static void set_links(struct inode *node, uint16_t n)
{
    vop_info(node)->din->nlinks = n;
}

/* A file may have many names, of which none is the first. A directory has one: else ".." would not
   know where to lead. */
static void test_link_names(void)
{
    struct inode *file = test_create(a, "file");

    check_eq("a second name, in another directory", link(b, "other", file), 0);
    check_eq("leads to the same file", ino_of(b, "other"), file->ino);
    check_eq("the file has two links", test_stat(file).st_nlinks, 2);
    check_eq("a third name, in the same directory", link(a, "third", file), 0);
    check_eq("is counted too", links(a, "file"), 3);
    /* Errors: look first, then change. */
    check_eq("a name that is there is not made again", link(b, "other", file), -E_EXISTS);
    check_eq("also if it is a directory's", link(root, "a", file), -E_EXISTS);
    check_eq("and then nothing is counted", links(a, "file"), 3);
    check_eq("a directory gets no second name", link(b, "dir", a), -E_ISDIR);
    check_eq("it has its own, and its dot", links(root, "a"), 2);
    /* One more would be 0: and then the file is freed, with 65536 names. */
    set_links(file, UINT16_MAX);
    check_eq("more links than the number can count", link(b, "more", file), -E_TOO_BIG);
    check("no name is made then", ino_of(b, "more") == 0 && links(a, "file") == UINT16_MAX);
    set_links(file, 3);
    inode_put(file);
}

/* A file that is open, but has no name any more, is freed at its last close: with a new name it
   would be freed while it has one.

     one process                       another one
     -----------                       -----------
     link("a/gone", "a/again"):
     walks to a/gone: inode 7
                                       unlink("a/gone"): 7 has no name, and is an orphan
     makes the entry "again" -> 7
     ends: the last reference goes     7 is freed, and "again" leads to a free inode
*/
static void test_link_gone(void)
{
    struct inode *file = test_create(a, "gone"), *c = make_dir(root, "c");

    /* tree_enter() looks at both, for each of them may have been removed since the path was
       walked. */
    assert_eq(unlink(a, "gone"), 0);
    check_eq("what has no name gets none", link(a, "again", file), -E_NOENT);
    check_eq("no name is made", ino_of(a, "again"), 0);
    inode_put(file);
    file = test_find(a, "file");
    assert_eq(rmdir(root, "c"), 0);
    check_eq("nothing is made in a directory that is removed", link(c, "file", file), -E_NOENT);
    check_eq("nor counted", test_stat(file).st_nlinks, 3);
    inode_put(file);
    inode_put(c);
}

/* If the kernel panics because a mutex or a transaction was not given back: which way out of the
   function forgets tree_leave()? */
static void test_link(void)
{
    begin(BLOCKS);
    test_link_names();
    test_link_gone();
    end();
}

SELFTEST("names-link", test_link);

/* The inode of a file lives as long as it has a name, or somebody has it open. A program that opens
   a file and unlinks it has a file that nobody else finds, and that goes with it. */
static void test_unlink_file(void)
{
    uint32_t inodes = test_free_inodes(fs);
    struct inode *file = test_create(a, "file"), *other;

    assert_eq(link(b, "other", file), 0);
    check_eq("one of two names is removed", unlink(a, "file"), 0);
    check_eq("it leads nowhere", ino_of(a, "file"), 0);
    check_eq("the other one leads to the file", ino_of(b, "other"), file->ino);
    check_eq("which has one link", links(b, "other"), 1);
    check_eq("the last name is removed while the file is open", unlink(b, "other"), 0);
    check_eq("it has no link", test_stat(file).st_nlinks, 0);
    check_eq("its inode is not free", test_free_inodes(fs), inodes - 1);
    /* Who frees it at once gives its inode, and its blocks, to the next file: two files in one. */
    other = test_create(a, "other");
    check("and is not another file's", other->ino != file->ino);
    inode_put(other);
    inode_put(file);
    check_eq("it is free when nobody has the file any more", test_free_inodes(fs), inodes - 1);
    check_eq("a file that nobody has open", unlink(a, "other"), 0);
    check_eq("is free at once", test_free_inodes(fs), inodes);
    check_eq("a name that is not there", unlink(a, "other"), -E_NOENT);
    check_eq("a directory is not unlinked", unlink(root, "a"), -E_ISDIR);
    check_eq("it is still there", links(root, "a"), 2);
    /* Entries of one block, one behind the other: see sfs_dir.c for what becomes of the middle. */
    make_file(a, "one"), make_file(a, "two"), make_file(a, "three");
    check_eq("of three names the middle one goes", unlink(a, "two"), 0);
    check("and no other one", ino_of(a, "one") != 0 && ino_of(a, "two") == 0
          && ino_of(a, "three") != 0);
    check_eq("the others too", unlink(a, "one") | unlink(a, "three"), 0);
}

/* A directory is removed only if nothing but its dots is in it: else what is in it could not be
   reached any more, and would never be freed. */
static void test_rmdir(void)
{
    uint32_t inodes = test_free_inodes(fs), blocks = test_free_blocks(fs);
    struct inode *sub = make_dir(a, "sub"), *node;

    check_eq("a directory counts the dots of one in it", links(root, "a"), 3);
    /* Only a directory has a ".." that leads to its parent. */
    make_file(a, "file");
    assert_eq(unlink(a, "file"), 0);
    check_eq("but not files: one that is removed there changes nothing", links(root, "a"), 3);
    make_file(sub, "file");
    check_eq("a directory with something in it is not removed", rmdir(a, "sub"), -E_NOTEMPTY);
    check("it is still there, and counted", links(a, "sub") == 2 && links(root, "a") == 3);
    check_eq("a file is no directory", rmdir(sub, "file"), -E_NOTDIR);
    check_eq("it is still there", links(sub, "file"), 1);
    assert_eq(unlink(sub, "file"), 0);
    check_eq("an empty one is removed", rmdir(a, "sub"), 0);
    check_eq("it leads nowhere", ino_of(a, "sub"), 0);
    check_eq("and has no link, though its own dot led to it", test_stat(sub).st_nlinks, 0);
    /* Its ".." was a link of "a". With one link too many "a" itself is never freed. */
    check_eq("its dots do not count in its parent any more", links(root, "a"), 2);
    check_eq("who stands in it finds nothing", vop_names(sub, vop_lookup, ".", &node), -E_NOENT);
    inode_put(sub);
    check("its inode and its block are free when nobody has it",
          test_free_inodes(fs) == inodes && test_free_blocks(fs) == blocks);
    check_eq("what is not there", rmdir(a, "sub"), -E_NOENT);
    check("dots are not removed", rmdir(a, ".") == -E_INVAL && rmdir(a, "..") == -E_INVAL);
}

/* A directory goes in two steps: its name now, its blocks when nobody stands in it. */
static void test_unlink(void)
{
    begin(BLOCKS);
    test_unlink_file();
    test_rmdir();
    end();
}

SELFTEST("names-unlink", test_unlink);

/* One call, in which the file has one name all the time: never none, and never two. */
static void test_rename_name(void)
{
    uint32_t ino;

    make_file(a, "file");
    ino = ino_of(a, "file");
    check_eq("another name in the same directory", rename(a, "file", a, "new"), 0);
    check("leads to the file, and the old one nowhere", ino_of(a, "new") == ino
          && ino_of(a, "file") == 0);
    check_eq("it is still one link", links(a, "new"), 1);
    check_eq("into another directory", rename(a, "new", b, "moved"), 0);
    check("it leads to the file, and the old one nowhere", ino_of(b, "moved") == ino
          && ino_of(a, "new") == 0);
    check_eq("it is still one link there", links(b, "moved"), 1);
    check("no directory has counted a file", links(root, "a") == 2 && links(root, "b") == 2);
    /* Who makes the new entry and removes the old one removes the only one. */
    check_eq("onto itself: it is done already", rename(b, "moved", b, "moved"), 0);
    check("and nothing changes", ino_of(b, "moved") == ino && links(b, "moved") == 1);
    check_eq("what is not there", rename(a, "none", b, "moved"), -E_NOENT);
    check("replaces nothing", ino_of(b, "moved") == ino && links(b, "moved") == 1);
    check("dots are not renamed", rename(a, ".", b, "dot") == -E_INVAL
          && rename(b, "moved", a, "..") == -E_INVAL);
}

/* The new name was another file's: that one loses it, at the same moment. This is how programs
   replace a file: they write a new one, and rename it onto the old one. Whoever opens the name, at
   any time, finds the one or the other, whole. So the entry is never removed and made again: it is
   given the other inode.

     before   b/moved -> x     a/target -> y, which has one link
     after                     a/target -> x     y has none, and is freed by its last user */
static void test_rename_onto(void)
{
    uint32_t inodes = test_free_inodes(fs), ino = ino_of(b, "moved");
    struct inode *file = test_create(a, "target");

    check_eq("onto another file", rename(b, "moved", a, "target"), 0);
    check("the name leads to the one that was renamed", ino_of(a, "target") == ino
          && ino_of(b, "moved") == 0);
    check_eq("which has one link", links(a, "target"), 1);
    check_eq("the one that was replaced has lost its only one", test_stat(file).st_nlinks, 0);
    check_eq("it lives as long as it is open", test_free_inodes(fs), inodes - 1);
    inode_put(file);
    check_eq("and is free then", test_free_inodes(fs), inodes);
    file = test_find(a, "target");
    assert_eq(link(b, "second", file), 0);
    /* As POSIX has it. Removing the old name would be no loss, but it is not what is asked for. */
    check_eq("onto another name of the same file: it is done already",
             rename(a, "target", b, "second"), 0);
    check("so both names stay", ino_of(a, "target") == ino && ino_of(b, "second") == ino);
    check_eq("and both are counted", test_stat(file).st_nlinks, 2);
    inode_put(file);
    make_file(a, "third");
    check_eq("onto a file that has another name too", rename(a, "third", b, "second"), 0);
    check_eq("that one has one link less", links(a, "target"), 1);
    /* Only what is of the same kind is replaced. */
    check_eq("a file onto a directory", rename(a, "target", root, "b"), -E_ISDIR);
    check_eq("a directory onto a file", rename(root, "b", a, "target"), -E_NOTDIR);
    check("nothing has changed", ino_of(a, "target") == ino && links(root, "b") == 2
          && links(root, ".") == 4);
    check_eq("what is left is removed", unlink(a, "target") | unlink(b, "second"), 0);
}

/* What one part leaves the next one uses. */
static void test_rename(void)
{
    begin(BLOCKS);
    test_rename_name();
    test_rename_onto();
    end();
}

SELFTEST("names-rename", test_rename);

/* A directory's ".." is a name of its parent, and is counted there. So four things change when it
   gets another parent, and two when it only gets another name:

                          in one parent     to another parent
     the new entry        made              made
     the old entry        removed           removed
     its ".."             -                 leads to the new parent
     links of parents     -                 one less, one more
*/
static void test_move_dir(void)
{
    struct inode *sub = make_dir(a, "sub");

    make_file(sub, "file");
    check_eq("a directory gets another name in its parent", rename(a, "sub", a, "new"), 0);
    check("which counts it once, as before", links(root, "a") == 3 && links(a, "new") == 2);
    check_eq("it moves to another parent", rename(a, "new", b, "moved"), 0);
    check("the name leads to it, the old one nowhere", ino_of(b, "moved") == sub->ino
          && ino_of(a, "new") == 0);
    check_eq("with what is in it", links(sub, "file"), 1);
    check_eq("its dots lead to the new parent", ino_of(sub, ".."), b->ino);
    check_eq("which counts them", links(root, "b"), 3);
    check_eq("the old one does not any more", links(root, "a"), 2);
    check_eq("it has its name and its dot, as before", links(b, "moved"), 2);
    /* It would get one link more, by the ".." of what comes. */
    set_links(a, UINT16_MAX);
    check_eq("a parent whose links cannot be counted", rename(b, "moved", a, "back"), -E_TOO_BIG);
    check("leaves all as it was", ino_of(b, "moved") == sub->ino && ino_of(a, "back") == 0
          && ino_of(sub, "..") == b->ino && test_stat(a).st_nlinks == UINT16_MAX);
    set_links(a, 2);
    set_links(b, UINT16_MAX);
    check_eq("within one parent no link is added, so it can be done",
             rename(b, "moved", b, "there") | rename(b, "there", b, "moved"), 0);
    check_eq("and no link is lost", test_stat(b).st_nlinks, UINT16_MAX);
    set_links(b, 3);
    /* It is not empty; but nothing is replaced. */
    check_eq("onto itself: it is done already", rename(root, "b", root, "b"), 0);
    inode_put(sub);
}

/* A directory that is below itself: no path from the root leads there any more.

     root                      root
       b                         b
         moved                                moved <--+     a circle: each has a name,
           deep                                 deep   |     and nobody can get there
                                                  in --+      */
static void test_move_below(void)
{
    struct inode *sub = test_find(b, "moved"), *deep = make_dir(sub, "deep");

    check_eq("a directory into itself", rename(b, "moved", sub, "in"), -E_INVAL);
    check_eq("below itself", rename(b, "moved", deep, "in"), -E_INVAL);
    check_eq("and from further above", rename(root, "b", deep, "in"), -E_INVAL);
    /* The new name is there already; that does not matter, it comes below all the same. */
    check_eq("onto what is below it", rename(root, "b", sub, "deep"), -E_INVAL);
    check("the path from the root is as it was", ino_of(root, "b") == b->ino
          && ino_of(b, "moved") == sub->ino && ino_of(sub, "deep") == deep->ino
          && ino_of(sub, "..") == b->ino);
    check_eq("a file may go below", rename(sub, "file", deep, "file"), 0);
    check_eq("and a directory upwards", rename(sub, "deep", root, "deep"), 0);
    check("where it is counted", ino_of(deep, "..") == root->ino && links(root, ".") == 5
          && links(b, "moved") == 2);
    inode_put(sub);
    inode_put(deep);
}

/* A directory may be replaced by a directory if nothing is in it. Then three ".." matter: that of
   the one that comes, in its old parent and in its new one, and that of the one that goes. */
static void test_move_onto(void)
{
    struct inode *empty = make_dir(a, "empty"), *node;
    uint32_t ino = ino_of(b, "moved");

    check_eq("onto one that is not empty", rename(a, "empty", root, "deep"), -E_NOTEMPTY);
    check("which stays, and so does the other", ino_of(a, "empty") == empty->ino
          && links(root, "deep") == 2);
    check_eq("onto an empty one elsewhere", rename(b, "moved", a, "empty"), 0);
    check_eq("its name leads to the other one", ino_of(a, "empty"), ino);
    check_eq("it has no link itself, and no dot that counts", test_stat(empty).st_nlinks, 0);
    /* The ".." of the one that came leads here now, and that of the one that went does not. */
    check_eq("one came and one went: its parent has as many links as before", links(root, "a"), 3);
    check_eq("the parent of the one that moved has one less", links(root, "b"), 2);
    inode_put(empty);
    assert_eq(mkdir(a, "beside"), 0);
    check_eq("onto an empty one beside it", rename(a, "beside", a, "empty"), 0);
    check_eq("their parent has one less", links(root, "a"), 3);
    /* All of this was names only. */
    node = test_find(root, "deep");
    check_eq("the file in the one that was moved is still there", links(node, "file"), 1);
    assert_eq(unlink(node, "file"), 0);
    inode_put(node);
    check_eq("all can be removed in the end", rmdir(root, "deep") | rmdir(a, "empty"), 0);
    check_eq("the root counts a and b", links(root, "."), 4);
}

/* If the end finds a wrong number of links: which of the three changed, the one that moved, its old
   parent, its new one? */
static void test_move(void)
{
    begin(BLOCKS);
    test_move_dir();
    test_move_below();
    test_move_onto();
    end();
}

SELFTEST("names-move", test_move);

/* Fill the one block of `b` with long names of a file, so that no such one has room. The name that
   comes next is left in `name`. */
static void fill_directory(struct inode *file, char name[SFS_NAME_MAX + 1])
{
    memset(name, 'n', SFS_NAME_MAX);
    name[SFS_NAME_MAX] = '\0';
    for (name[0] = 'A'; name[0] < 'A' + 15; name[0]++)
        assert_eq(link(b, name, file), 0);
    assert_eq(test_stat(b).st_size, BLOCK_SIZE);
}

/* Make directories, each of which takes a block, until there is none. */
static void fill_disk(void)
{
    char name[16];

    for (int i = 0; test_free_blocks(fs) > 0; i++) {
        snprintf(name, sizeof(name), "%d", i);
        assert(mkdir(i % 2 == 0 ? root : a, name) == 0 || i % 2 == 0);
    }
}

/* An entry that cannot be made: the call says so, and has changed nothing. The disk has 64 blocks,
   and all are used; the directory "b" has one, in which 15 names of 255 bytes have no room for
   another one. A name that is removed there leaves room for one. */
static void test_full(void)
{
    char name[SFS_NAME_MAX + 1];
    struct inode *file, *sub;

    begin(64);
    file = test_create(a, "file");
    sub = make_dir(a, "sub");
    fill_directory(file, name);
    fill_disk();
    /* The entry needs a block, and there is none. What comes before it must not have changed
       anything: so it comes first. */
    uint32_t in_a = links(root, "a");
    check_eq("a disk that is full has no room for another name", link(b, name, file), -E_NO_SPACE);
    check_eq("so there is none", ino_of(b, name), 0);
    check_eq("and no link is counted", test_stat(file).st_nlinks, 16);
    check_eq("a rename that needs room", rename(a, "file", b, name), -E_NO_SPACE);
    check("leaves the old name", ino_of(a, "file") == file->ino && ino_of(b, name) == 0);
    check_eq("for a directory too", rename(a, "sub", b, name), -E_NO_SPACE);
    check("which has its name, and its dots lead to its parent", ino_of(a, "sub") == sub->ino
          && ino_of(sub, "..") == a->ino);
    check("neither parent has counted anything", links(root, "a") == (int)in_a
          && links(root, "b") == 2);
    /* No entry is made, the one that is there leads elsewhere. */
    name[0] = 'A';
    check_eq("a rename onto a name that is there needs no room", rename(a, "file", b, name), 0);
    check_eq("here it is the same file: both names stay", test_stat(file).st_nlinks, 16);
    check_eq("a name is removed", unlink(b, name), 0);
    check_eq("in its room there is place for another one", rename(a, "file", b, name), 0);
    check_eq("with as many links", test_stat(file).st_nlinks, 15);
    inode_put(file);
    inode_put(sub);
    end();
}

SELFTEST("names-full", test_full);
