/* Random operations, compared with a model: 200 of them for each seed, on names that are few, so
   that they meet each other. The model knows which error each operation gives, what is in each
   file, and how many links there are. Files stay open while their names change, and the disk is
   mounted anew now and then; after each seed it is checked as a whole.

   A seed is one run, the same each time. The message of a panic names it, and the operation.

   Alone: make grade GRADE=--all TEST=sfs-random. */
#include <error.h>
#include <report.h>
#include <string.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define BLOCKS      3000
#define SEEDS       60
#define STEPS       200
#define NODES       40                  /* things of the model, at most */
#define NAMES       6                   /* in each directory */
#define PARTS       24                  /* writes to a file, at most */
#define FAR         ((SFS_NDIRECT + SFS_NPER) * BLOCK_SIZE)

/* Content `seed` (0: zeros) from `at` on; a later part is above an earlier one. So the model needs
   no memory for content: a byte is what the last part says that covers it, and 0 if none does,
   which is a hole or what a truncate has cut off. */
struct part {
    uint64_t at, n;
    uint32_t seed;
};

/* A file or directory of the model. */
struct node {
    uint32_t type, links;               /* 0: there is none */
    int32_t entries[NAMES];             /* of a directory: nodes by name, or -1 */
    int32_t parent;
    uint64_t size;
    struct part parts[PARTS];
    uint32_t part_count;
    struct inode *open;                 /* with a reference, or NULL */
};

static struct test_disk disk;
static struct filesystem *fs;
static struct inode *root;
static struct node nodes[NODES];
static uint64_t state;                  /* of the random numbers */
static uint64_t seed_now;
static uint32_t step_now;
static uint32_t happened[32];           /* how often each result came, by -error */

/* Stop, and say where. */
#define EXPECT(got, wanted) \
    do { \
        long got_ = (got), wanted_ = (wanted); \
        if (got_ != wanted_) \
            panic("seed %lu, step %u: %s is %ld, not %ld", seed_now, step_now, #got, got_, \
                  wanted_); \
    } while (0)

/* A random number below n. */
static uint32_t any(uint32_t n)
{
    return test_random(&state) % n;
}

/* The name with this number: some are long, so that directories grow. Room that a short one leaves
   is too small for a long one. */
static const char *name_of(uint32_t n)
{
    static char names[NAMES][SFS_NAME_MAX + 1];

    memset(names[n], 'a' + n, n % 2 ? SFS_NAME_MAX : 1 + n);
    return names[n];
}

/* The real inode of a directory of the model, with a reference: by its path. The path is walked
   anew each time: so what was renamed must be found where it is now. */
static struct inode *dir_inode(int32_t dir)
{
    struct inode *up, *node = NULL;

    if (dir == 0) {
        inode_get(root);
        return root;
    }
    up = dir_inode(nodes[dir].parent);
    for (uint32_t n = 0; n < NAMES; n++)
        if (nodes[nodes[dir].parent].entries[n] == dir)
            EXPECT(vop_names(up, vop_lookup, name_of(n), &node), 0);
    inode_put(up);
    assert(node != NULL);
    return node;
}

/* A directory that is in the tree. */
static int32_t any_dir(void)
{
    int32_t dir;

    do
        dir = any(NODES);
    while (nodes[dir].type != S_IFDIR || nodes[dir].links == 0);
    return dir;
}

/* A node that stands for nothing; -1: all are used, and nothing new is made. */
static int32_t free_node(void)
{
    for (int32_t i = 0; i < NODES; i++)
        if (nodes[i].type == 0)
            return i;
    return -1;
}

/* Has the directory no entry but its dots? */
static bool is_empty(int32_t dir)
{
    for (uint32_t n = 0; n < NAMES; n++)
        if (nodes[dir].entries[n] >= 0)
            return false;
    return true;
}

/* Is `dir` the node, or below it? */
static bool is_below(int32_t dir, int32_t node)
{
    for (; dir != 0; dir = nodes[dir].parent)
        if (dir == node)
            return true;
    return node == 0;
}

/* A name is gone from the model. The inode goes when it is not open either: so a node without links
   may still be there, and be written to, until do_open() or close_all() closes it. */
static void lose_link(int32_t dir, int32_t node)
{
    bool directory = nodes[node].type == S_IFDIR;

    nodes[node].links = directory ? 0 : nodes[node].links - 1;
    if (directory)
        nodes[dir].links--;
    if (nodes[node].links == 0 && nodes[node].open == NULL)
        nodes[node].type = 0;
}

/* Parts of a file, as they lie above each other; the byte that is seen from above is the one that
   the file must have:

     part 2 (truncate, zeros)                    |000000000000|
     part 1                          |bbbbbbbb|
     part 0                    |aaaaaaaaaaaaaaaaaaaaa|
                               ---------------------------------> place in the file
     the file                  |aaaaa|bbbbbbbb|aa|000000000000|

   A kernel that frees a block too much, or keeps the rest of the last one, shows an `a` or junk in
   what should be zeros. */

/* The byte of a file. */
static uint8_t byte_of(const struct node *node, uint64_t at)
{
    for (uint32_t i = node->part_count; i-- > 0;)
        if (at - node->parts[i].at < node->parts[i].n)
            return node->parts[i].seed != 0 ? test_byte(node->parts[i].seed, at) : 0;
    return 0;
}

/* Compare n bytes of a file; fewer if it ends before. */
static void compare(struct inode *inode, const struct node *node, uint64_t at, size_t n)
{
    static uint8_t buffer[3 * BLOCK_SIZE];
    struct iobuf iob = iobuf_kernel(buffer, n, at);
    size_t there = at < node->size ? (node->size - at < n ? node->size - at : n) : 0;

    EXPECT(vop_data(inode, vop_read, &iob), 0);
    EXPECT(n - iob.io_resid, there);
    for (size_t i = 0; i < there; i++)
        if (buffer[i] != byte_of(node, at + i))
            panic("seed %lu, step %u: byte %lu of a file is wrong", seed_now, step_now, at + i);
}

/* All of a file that was written, and the tail. */
static void compare_file(struct inode *inode, const struct node *node)
{
    struct stat stat = test_stat(inode);

    EXPECT(stat.st_size, node->size);
    EXPECT(stat.st_nlinks, node->links);
    for (uint32_t i = 0; i < node->part_count; i++)
        for (uint64_t done = 0; done < node->parts[i].n; done += 3 * BLOCK_SIZE)
            compare(inode, node, node->parts[i].at + done, 3 * BLOCK_SIZE);
    compare(inode, node, node->size / 2, 3 * BLOCK_SIZE);
}

/* One more part, above all others. Files of which too many are known are only read. */
static void add_part(struct node *node, uint64_t at, uint64_t n, uint32_t seed)
{
    assert(node->part_count < PARTS);
    node->parts[node->part_count++] = (struct part){ at, n, seed };
}

/* Make, link or remove one name. The directory may hold another thing of that name already, of the
   wrong kind, or nothing; the model says first what must come. */
static void do_name(int32_t dir, uint32_t n)
{
    struct inode *in = dir_inode(dir), *made = NULL;
    int32_t old = nodes[dir].entries[n], new = free_node(), other = any(NODES);
    int what = any(5), wanted, got;
    bool directory = old >= 0 && nodes[old].type == S_IFDIR;

    if (what <= 1) {                                    /* create, mkdir */
        wanted = old >= 0 ? -E_EXISTS : 0;
        if (new < 0)
            goto out;
        got = what == 0 ? vop_names(in, vop_create, name_of(n), true, &made)
            : vop_names(in, vop_mkdir, name_of(n));
        EXPECT(got, wanted);
        if (made != NULL)
            inode_put(made);
        if (wanted == 0) {
            memset(&nodes[new], 0, sizeof(nodes[new]));
            memset(nodes[new].entries, -1, sizeof(nodes[new].entries));
            nodes[new].type = what == 0 ? S_IFREG : S_IFDIR;
            nodes[new].links = what == 0 ? 1 : 2;
            nodes[new].parent = dir;
            nodes[dir].entries[n] = new;
            nodes[dir].links += what;
        }
    } else if (what == 2) {                             /* link */
        /* The operation wants an inode, and the model has one only of what is open. */
        if (nodes[other].open == NULL)
            goto out;
        wanted = nodes[other].type == S_IFDIR ? -E_ISDIR : nodes[other].links == 0 ? -E_NOENT
            : old >= 0 ? -E_EXISTS : 0;
        got = vop_names(in, vop_link, name_of(n), nodes[other].open);
        EXPECT(got, wanted);
        if (wanted == 0) {
            nodes[dir].entries[n] = other;
            nodes[other].links++;
        }
    } else {                                            /* unlink, rmdir */
        wanted = old < 0 ? -E_NOENT : what == 3 ? (directory ? -E_ISDIR : 0)
            : !directory ? -E_NOTDIR : is_empty(old) ? 0 : -E_NOTEMPTY;
        got = what == 3 ? vop_names(in, vop_unlink, name_of(n))
            : vop_names(in, vop_rmdir, name_of(n));
        EXPECT(got, wanted);
        if (wanted == 0) {
            nodes[dir].entries[n] = -1;
            lose_link(dir, old);
        }
    }
    happened[-wanted]++;
out:
    inode_put(in);
}

/* Rename one name. */
static void do_rename(int32_t from, uint32_t n, int32_t to, uint32_t m)
{
    struct inode *in = dir_inode(from), *into = dir_inode(to);
    int32_t node = nodes[from].entries[n], target = nodes[to].entries[m];
    bool directory = node >= 0 && nodes[node].type == S_IFDIR;
    /* If more than one thing is wrong, the first of these is told. */
    int wanted = node < 0 ? -E_NOENT
        : directory && is_below(to, node) ? -E_INVAL
        : target < 0 || target == node ? 0
        : directory ? (nodes[target].type != S_IFDIR ? -E_NOTDIR
                       : is_empty(target) ? 0 : -E_NOTEMPTY)
        : nodes[target].type == S_IFDIR ? -E_ISDIR : 0;

    EXPECT(vop_names(in, vop_rename, name_of(n), into, name_of(m)), wanted);
    happened[-wanted]++;
    if (wanted == 0 && target != node) {
        nodes[from].entries[n] = -1;
        nodes[to].entries[m] = node;
        if (directory) {
            nodes[node].parent = to;
            nodes[from].links--;
            nodes[to].links++;
        }
        if (target >= 0)
            lose_link(to, target);
    }
    inode_put(in);
    inode_put(into);
}

/* Something with the content of a file that is open. One place in four is about FAR, where the
   double indirect block begins to count: so that some writes have a part on both sides of it. */
static void do_content(struct node *node)
{
    static const uint32_t sizes[] = { 1, 100, BLOCK_SIZE, 5000, 20000, 65536 };
    uint64_t at = any(4) == 0 ? FAR - any(9) * BLOCK_SIZE - any(2) : any(100000);
    uint32_t n = sizes[any(ARRAY_SIZE(sizes))], seed = 1 + any(1000);
    int error;

    if (any(3) == 0)
        at = node->size;
    if (node->part_count + 2 > PARTS || any(4) == 0) {
        compare_file(node->open, node);
    } else if (any(3) > 0) {
        EXPECT(test_write(node->open, seed, at, n, &error), n);
        add_part(node, at, n, seed);
        if (at + n > node->size)
            node->size = at + n;
    } else {
        EXPECT(vop_data(node->open, vop_truncate, at), 0);
        if (at < node->size)
            add_part(node, at, node->size - at, 0);
        node->size = at;
    }
}

/* Open what a name is of, or close what is open. An inode is in memory once: what is open already
   must be found as the same object by each of its names. */
static void do_open(int32_t dir, uint32_t n)
{
    int32_t node = nodes[dir].entries[n], other = any(NODES);
    struct inode *in = dir_inode(dir), *found = NULL;
    int got = vop_names(in, vop_lookup, name_of(n), &found);

    EXPECT(got, node < 0 ? -E_NOENT : 0);
    inode_put(in);
    if (node >= 0 && nodes[node].open == NULL) {
        EXPECT(found->type, nodes[node].type);
        nodes[node].open = found;
    } else if (node >= 0) {
        EXPECT(found == nodes[node].open, true);
        inode_put(found);
    }
    if (nodes[other].open != NULL) {
        inode_put(nodes[other].open);
        nodes[other].open = NULL;
        if (nodes[other].links == 0)
            nodes[other].type = 0;
    }
}

/* Close all; what has no name is gone. */
static void close_all(void)
{
    for (int32_t i = 0; i < NODES; i++) {
        if (nodes[i].open != NULL)
            inode_put(nodes[i].open);
        nodes[i].open = NULL;
        if (nodes[i].links == 0)
            nodes[i].type = 0;
    }
}

/* The whole tree: each name leads to what the model has, and to nothing else. The directory is
   read, too: it must tell as many names as were found, and the two dots. */
static void compare_tree(int32_t dir)
{
    struct inode *in = dir_inode(dir), *found;
    char told[SFS_NAME_MAX + 1];
    int32_t count = 0;
    uint32_t ino;
    off_t offset = 0;

    EXPECT(test_stat(in).st_nlinks, nodes[dir].links);
    for (uint32_t n = 0; n < NAMES; n++) {
        int32_t node = nodes[dir].entries[n];

        EXPECT(vop_names(in, vop_lookup, name_of(n), &found), node < 0 ? -E_NOENT : 0);
        if (node < 0)
            continue;
        count++;
        EXPECT(found->type, nodes[node].type);
        if (nodes[node].type == S_IFREG)
            compare_file(found, &nodes[node]);
        inode_put(found);
        if (nodes[node].type == S_IFDIR)
            compare_tree(node);
    }
    while (vop_names(in, vop_getdirentry, &offset, told, &ino) == 0)
        count--;
    EXPECT(count, -2);
    inode_put(in);
}

/* One seed. */
static void run(void)
{
    memset(nodes, 0, sizeof(nodes));
    nodes[0] = (struct node){ .type = S_IFDIR, .links = 2 };
    memset(nodes[0].entries, -1, sizeof(nodes[0].entries));
    sfs_format(&disk, 64, 128, 0);
    fs = test_mount(&disk, &root);
    for (step_now = 0; step_now < STEPS; step_now++) {
        struct node *node = &nodes[any(NODES)];
        uint32_t what = any(20);

        if (what < 8)
            do_name(any_dir(), any(NAMES));
        else if (what < 11)
            do_rename(any_dir(), any(NAMES), any_dir(), any(NAMES));
        else if (what < 14)
            do_open(any_dir(), any(NAMES));
        else if (node->open != NULL && node->type == S_IFREG)
            do_content(node);
        /* What is open has to be closed before: files without a name are freed then, and the check
           of the disk in test_unmount() would find a block that was forgotten. */
        if (any(60) == 0) {
            close_all();
            test_unmount(fs, root, &disk);
            fs = test_mount(&disk, &root);
            compare_tree(0);
        }
    }
    compare_tree(0);
    close_all();
    test_unmount(fs, root, &disk);
}

/* That the operations meet each other is looked at too: each error must come, and often. */
static void test_sfs_random(void)
{
    static const int errors[] = { E_EXISTS, E_NOENT, E_ISDIR, E_NOTDIR, E_NOTEMPTY, E_INVAL };
    struct inventory before = inventory_take();

    test_disk_create(&disk, BLOCKS);
    for (seed_now = 1; seed_now <= SEEDS; seed_now++) {
        /* Seeds that are near each other would begin with numbers that are near each other. */
        state = seed_now * 1000003;
        run();
    }
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
        check("an error that must come sometimes came", happened[errors[i]] > SEEDS / 4);
    check("most operations were done", happened[0] > SEEDS * STEPS / 10);
    test_disk_destroy(&disk);
    inventory_same(&before, "a disk was used");
}

SELFTEST("sfs-random", test_sfs_random);
