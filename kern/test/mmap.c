/* Files that are mapped, from inside: what a fault finds that will write to a shared page, and what
   a write-back leaves in the entries of two address spaces, in the journal and on the disk. No hart
   runs on these address spaces: faults are made by calls, and bytes are written by the kernel's own
   map.

   "mmap-share" is about the fault, "mmap-back" about the way back, and "mmap-stable" about both at
   once. They use a disk of the test's, with a small journal, and stand on sfs: reading, writing,
   truncating and mounting.

   Alone: make grade TEST="mmap-share mmap-back mmap-stable". */
#include <error.h>
#include <fs/mmap.h>
#include <mm/pagetable.h>
#include <process/proc.h>
#include <report.h>
#include <string.h>
#include <test/sfs_disk.h>
#include <test/space.h>
#include <unistd.h>

#define BASE        0x10000000UL        /* where a file is mapped */
#define PAGES       24                  /* of a file; more than go back in one transaction */
#define AREA        (40 * PGSIZE)

static struct test_disk disk;
static struct filesystem *fs;
static struct inode *root, *file;
static struct mm_struct *one, *two;     /* each has the file mapped, shared, at BASE */

/* Two spaces, one file. A page of a file is a block of the cache, so all three see the same bytes:

     one:  BASE + i pages --+
     two:  BASE + i pages --+--> page = block of the cache --> block of the disk
     read() and write() ----+

   Where a page of the file is at the moment:

     clean   --fault that writes-->  dirty     in the set of its map; entries may have W
     dirty   --write-back--------->  journal   no entry has W; the log gets its bytes
     journal --commit------------->  clean     and the disk has them */

/* An address space in which the file is mapped so. */
static struct mm_struct *space(uint32_t vm_flags)
{
    struct mm_struct *mm = mm_create();

    assert(mm != NULL);
    mutex_lock(&mm->lock);
    assert_eq(mmap_file(mm, file, O_RDWR, BASE, AREA, VM_READ | VM_WRITE | vm_flags, 0), 0);
    mutex_unlock(&mm->lock);
    return mm;
}

/* A disk with one file of PAGES pages, all on the disk, that is mapped twice. */
static void set_up(void)
{
    int error;

    test_disk_create(&disk, 512);
    sfs_format(&disk, 40, 64, 0);
    fs = test_mount(&disk, &root);
    file = test_create(root, "file");
    assert_eq(test_write(file, 1, 0, PAGES * PGSIZE, &error), PAGES * PGSIZE);
    assert_eq(fs->sync(fs), 0);
    assert_eq(inode_begin_write(file), 0);
    one = space(VM_SHARED);
    two = space(VM_SHARED);
}

/* All is given back; the disk must be sound, and the cache has no reference left. */
static void tear_down(void)
{
    inode_end_write(file);
    inode_put(file);
    test_unmount(fs, root, &disk);
    test_disk_destroy(&disk);
}

/* The entry of the page at this index, or 0. */
static pte_t entry(struct mm_struct *mm, uint64_t index)
{
    pte_t *pte = get_pte(mm->as.pgdir, BASE + index * PGSIZE, false);

    return pte != NULL ? *pte : 0;
}

/* An access to the page at this index, as often as a program would try: the result of the fault. */
static int touch(struct mm_struct *mm, uint64_t index, uint32_t access)
{
    pte_t needed = PTE_V | (access == VM_WRITE ? PTE_W : PTE_R);
    int error = 0;

    for (int tries = 0; tries < 4 && error == 0 && (entry(mm, index) & needed) != needed; tries++)
        error = mm_fault(mm, BASE + index * PGSIZE, access);
    return error;
}

/* The bytes of the page that is mapped there. */
static uint8_t *bytes(struct mm_struct *mm, uint64_t index)
{
    assert(entry(mm, index) & PTE_V);
    return page2kva(pte2page(entry(mm, index)));
}

/* Write a byte to it, as a program would. */
static void put(struct mm_struct *mm, uint64_t index, uint32_t at, uint8_t byte)
{
    assert_eq(touch(mm, index, VM_WRITE), 0);
    if (entry(mm, index) & PTE_W)
        bytes(mm, index)[at] = byte;
}

/* The number of the block at this index, which is one of the first twelve; 0: a hole. */
static uint32_t block_at(uint64_t index)
{
    assert(index < SFS_NDIRECT);
    return vop_info(file)->din->roots[index];
}

/* What the disk has there, past the cache. */
static const uint8_t *on_disk(uint64_t index)
{
    return test_disk_block(&disk, block_at(index));
}

/* Is the block in the journal, or in the set of dirty ones? */
static bool in_journal(uint64_t index)
{
    int error;
    struct cached_block *block = cache_get(block_at(index), &error);
    bool logged = block->logged;

    cache_put(block);
    return logged;
}

/* See in_journal(). */
static bool is_dirty(uint64_t index)
{
    int error;
    struct cached_block *block = cache_get(block_at(index), &error);
    bool dirty = block->dirty;

    cache_put(block);
    return dirty;
}

/* Pages of the disk's blocks. */
static void blocks(void)
{
    int error;

    /* An entry with W would let the program change the page without a fault: then nobody would know
       that it is dirty, and the change would be lost with the cache. */
    check_eq("a page can be read", touch(one, 0, VM_READ), 0);
    check("without the right to write", !(entry(one, 0) & PTE_W));
    check("and is not dirty then", !is_dirty(0));
    check_eq("it can be written to", touch(one, 0, VM_WRITE), 0);
    check("with the right in the entry", entry(one, 0) & PTE_W);
    check("and it is dirty", is_dirty(0));
    /* The block is dirty already. A second time in the set would break the list. */
    check_eq("by another one too", touch(two, 0, VM_WRITE), 0);
    check("who gets the same page", pte2page(entry(one, 0)) == pte2page(entry(two, 0)));
    check_eq("it is in the set once", file->map->dirty_count, 1);
    check_eq("the page has a reference for each entry, and the cache's",
             page_ref(pte2page(entry(one, 0))), 3);

    /* write() puts the block into the journal. */
    assert_eq(test_write(file, 7, PGSIZE, PGSIZE, &error), PGSIZE);
    assert(in_journal(1));
    check_eq("a page that is in the journal can be read", touch(one, 1, VM_READ), 0);
    check("and stays in the journal", in_journal(1));
    /* A commit that writes the block to the log must not see it change: else the log has one half
       of the new bytes, and its checksum is that of neither. So the fault waits for the commit. */
    check_eq("it can be written to", touch(one, 1, VM_WRITE), 0);
    check("when the journal is done with it", (entry(one, 1) & PTE_W) && !in_journal(1));
    check("so it is on the disk as it was before", on_disk(1)[5] == test_byte(7, PGSIZE + 5));
    check("and it is dirty", is_dirty(1));
    check("no lock is left", holds_no_lock() && this_cpu->task->mutexes == NULL);
}

/* The file's end, at which the last page is not whole. */
static void behind_end(void)
{
    assert_eq(vop_data(file, vop_truncate, 5 * PGSIZE + 10), 0);
    check_eq("the last page can be written to", touch(one, 5, VM_WRITE), 0);
    /* The area has 40 pages and the file six. A page behind the end would be a block that no size
       counts: lost until the file is removed. */
    check_eq("what is behind the end cannot", touch(one, 6, VM_WRITE), -E_FAULT);
    check_eq("nor be read", touch(one, 6, VM_READ), -E_FAULT);
}

/* The file has holes from page 6 to 11 now. */
static void holes(void)
{
    static uint32_t taken[512];
    uint32_t had, n;

    assert_eq(vop_data(file, vop_truncate, 12 * PGSIZE), 0);
    had = vop_info(file)->din->blocks;
    /* A block for each hole that is only read would fill the disk by reading. */
    check_eq("a hole can be read", touch(two, 6, VM_READ), 0);
    check("and is zeros, of which there is one page", bytes(two, 6) == filemap_zeros);
    check_eq("the file has no block more", vop_info(file)->din->blocks, had);
    check_eq("a hole can be written to", touch(one, 6, VM_WRITE), 0);
    check_eq("it has a block then", vop_info(file)->din->blocks, had + 1);
    check("which is dirty, and not in the journal", is_dirty(6) && !in_journal(6));
    check_eq("it is full of zeros", bytes(one, 6)[0] | bytes(one, 6)[PGSIZE - 1], 0);
    /* `two` had the page of zeros there. If its entry were left, it would see zeros for ever, while
       `one` writes to the block. */
    check_eq("who has read the hole reads it again", touch(two, 6, VM_READ), 0);
    check("and sees the block", pte2page(entry(one, 6)) == pte2page(entry(two, 6)));
    check_eq("a hole that nobody has read can be written to", touch(one, 8, VM_WRITE), 0);

    n = test_take_blocks(fs, taken, 0, 0);
    /* The program gets the error at its access; it must not find a page that can never go to the
       disk. */
    check_eq("without a free block no hole can be written to", touch(one, 7, VM_WRITE),
             -E_NO_SPACE);
    check("and it stays a hole", block_at(7) == 0 && !(entry(one, 7) & PTE_V));
    check_eq("what has a block can", touch(two, 8, VM_WRITE), 0);
    assert_eq(test_give_blocks(fs, taken, n, 512), 0);
    check_eq("with one, it can", touch(one, 7, VM_WRITE), 0);
    check("no lock is left", holds_no_lock() && this_cpu->task->mutexes == NULL);
}

static void mmap_share(void)
{
    set_up();
    blocks();
    behind_end();
    holes();
    mm_put(one);
    mm_put(two);
    tear_down();
}
SELFTEST("mmap-share", mmap_share);

/* What the spy has seen, when what is dirty went to the journal. */
static struct {
    int calls;
    bool not_held, writable;
} seen;

/* May a program write to any page of the file? */
static bool anybody_writes(void)
{
    bool any = false;

    for (uint64_t i = 0; i < PAGES; i++)
        any = any || ((entry(one, i) | entry(two, i)) & PTE_W);
    return any;
}

/* In the place of the file's own operation. */
static int spy(struct inode *node)
{
    seen.calls++;
    seen.not_held = seen.not_held || !node->map->held;
    seen.writable = seen.writable || anybody_writes();
    return sfs_journal_dirty(node);
}

/* Changes of two spaces go to the disk, and again. */
static void there_and_again(void)
{
    put(one, 0, 0, 'a');
    put(two, 0, 1, 'b');
    put(two, 3, 0, 'c');
    assert_eq(touch(one, 4, VM_READ), 0);
    check_eq("what is dirty is written back", fs->sync(fs), 0);
    check_eq("by one call of the file's operation", seen.calls, 1);
    /* If faults were not held, a program could get its right to write back between the walk over
       the entries and the copy into the journal:

         write-back                       a program
         takes W from all entries
                                          writes: fault, W is back, it changes half of the page
         the block goes to the journal
                                          changes the other half, without a fault: lost */
    check("while faults are held", !seen.not_held);
    check("and nobody may write", !seen.writable);
    check("nor afterwards", !anybody_writes());
    check("the pages stay where they are mapped",
          (entry(one, 0) & PTE_V) && (entry(two, 3) & PTE_R) && (entry(one, 4) & PTE_V));
    check("faults are not held any more", !file->map->held);
    check_eq("nothing is dirty", file->map->dirty_count, 0);
    check("the disk has it all", on_disk(0)[0] == 'a' && on_disk(0)[1] == 'b'
          && on_disk(3)[0] == 'c');
    check("and the rest as before", on_disk(0)[2] == test_byte(1, 2));
    put(one, 0, 0, 'd');
    check("a change of the same page is noticed", is_dirty(0));
    check_eq("and written back", fs->sync(fs), 0);
    check_eq("to the disk", on_disk(0)[0], 'd');
    check_eq("a page has no reference too many", page_ref(pte2page(entry(one, 0))), 3);
}

/* A hart that runs on one of them, and has just written. What it may do is in its TLB, too. Faults
   are not repaired as long as the task has no memory. */
static void on_a_hart(void)
{
    current->mm = one;
    addrspace_switch(&kernel_as, &one->as);
    check("a hart writes to a page", can_write(BASE + 2 * PGSIZE, -1UL));
    check("and again", can_write(BASE + 2 * PGSIZE + 8, -1UL));
    current->mm = NULL;
    assert_eq(fs->sync(fs), 0);
    /* The entry alone is not what the hart looks at: without a flush it goes on writing through its
       TLB, to a page that is being written to the log. */
    check("when that was written back it cannot, without a fault",
          !can_write(BASE + 2 * PGSIZE, 3));
    addrspace_switch(&one->as, &kernel_as);
    check_eq("the disk has what it wrote", on_disk(2)[0] + on_disk(2)[8], 255 + 255);
}

/* More than one transaction takes, and the file's end in the last page. */
static void many_and_end(void)
{
    uint8_t last;

    for (uint64_t i = 0; i < PAGES; i++)
        put(one, i, 0, 'A' + i);
    check_eq("many pages are dirty", file->map->dirty_count, PAGES);
    /* The journal of this disk is small, so that takes several transactions. One that is too large
       is a panic of the journal, and a loop that ends after the first one leaves pages dirty. */
    check_eq("they are written back", fs->sync(fs), 0);
    check_eq("all of them", file->map->dirty_count, 0);
    bool right = true;
    for (uint64_t i = 0; i < SFS_NDIRECT; i++)
        right = right && on_disk(i)[0] == 'A' + i && on_disk(i)[1] != 0;
    check("they are on the disk", right);
    check("and nobody may write", !anybody_writes() && !seen.writable);

    assert_eq(vop_data(file, vop_truncate, 9 * PGSIZE + 100), 0);
    put(one, 9, 99, 'y');
    /* A program may write there, for a page is mapped as a whole. But a file that becomes longer
       later must have zeros there, and not what somebody left. */
    put(one, 9, 100, 'z');
    put(one, 9, PGSIZE - 1, 'z');
    check_eq("the last page is written back", fs->sync(fs), 0);
    last = on_disk(9)[100] | on_disk(9)[PGSIZE - 1] | bytes(one, 9)[100];
    check("with its bytes", on_disk(9)[99] == 'y');
    check_eq("and zeros behind the file's end", last, 0);
}

/* A private area beside the shared ones; and the areas go. */
static void areas_go(void)
{
    struct mm_struct *own = space(0);

    put(own, 2, 0, 'p');
    put(one, 2, 0, 'q');
    put(two, 5, 0, 'r');
    check_eq("a file that is mapped privately too is written back", fs->sync(fs), 0);
    /* It is no page of the file any more: the walk must leave it alone. */
    check("a private copy can still be written to", entry(own, 2) & PTE_W);
    check_eq("and is not on the disk", on_disk(2)[0], 'q');
    mm_put(own);
    put(one, 2, 0, 's');
    put(two, 5, 0, 't');
    mm_put(one);
    /* `two` has entries with W still: what it writes later must go the same way. */
    check("what one changed stays dirty while another may write", is_dirty(2) && is_dirty(5));
    mm_put(two);
    check_eq("with the last one it goes to the journal", file->map->dirty_count, 0);
    check("both pages", in_journal(2) && in_journal(5));
    assert_eq(fs->sync(fs), 0);
    check("and to the disk", on_disk(2)[0] == 's' && on_disk(5)[0] == 't');
}

/* The file has its own operations but for one, as long as the spy is asked. */
static void mmap_back(void)
{
    struct inode_ops ops;

    set_up();
    const struct inode_ops *own = file->in_ops;
    ops = *own;
    ops.vop_journal_dirty = spy;
    file->in_ops = &ops;
    there_and_again();
    on_a_hart();
    many_and_end();
    file->in_ops = own;
    areas_go();
    tear_down();
}
SELFTEST("mmap-back", mmap_back);

/* Two programs that write to the same pages without an end, while those are written back. */
static bool stop;

/* One of them: it writes wherever its entry allows it, and gives way at each step. */
static int writer(void *arg)
{
    struct mm_struct *mm = arg;
    uint64_t turn = 0;

    for (; !stop; turn++)
        for (uint32_t at = 0; at < PGSIZE; at += 1024) {
            put(mm, turn % 6, at + (mm == two) * 512, turn);
            do_yield(NULL);
        }
    return 0;
}

/* Does each block that came home come as it was in the log? In the record of one commit the log is
   written first, and then, behind the commit record, the same bytes at home. How many differ, and
   *homes of how many. */
static uint32_t count_changed(uint32_t *homes)
{
    const struct sfs_super *super = test_disk_block(&disk, 0);
    uint32_t log = super->journal_start, log_end = log + super->journal_blocks, changed = 0;
    uint64_t hashes[64];
    uint32_t n = 0;
    bool home = false;

    *homes = 0;
    for (size_t i = 0; i < disk.length; i++) {
        const struct record_entry *e = &disk.record[i];

        if (e->kind != RECORD_WRITE)
            continue;
        bool in_log = e->block >= log && e->block < log_end;
        uint64_t hash = block_hash(page2kva(e->page));
        if (in_log) {
            n = home ? 0 : n;
            home = false;
            assert(n < ARRAY_SIZE(hashes));
            hashes[n++] = hash;
            continue;
        }
        home = true;
        ++*homes;
        bool found = false;
        for (uint32_t k = 0; k < n; k++)
            found = found || hashes[k] == hash;
        changed += !found;
    }
    return changed;
}

/* The disk is slow: so the others run while it works. write() comes between, too. */
static void mmap_stable(void)
{
    int pids[2], code, error;
    uint32_t homes, changed;

    set_up();
    test_disk_record(&disk, 4000);
    disk.delay = 3;
    stop = false;
    pids[0] = test_thread(writer, one);
    pids[1] = test_thread(writer, two);
    for (int i = 0; i < 12; i++) {
        for (int turns = 0; turns < 20; turns++)
            do_yield(NULL);
        if (i % 3 == 2)
            assert_eq(test_write(file, 9, 3 * PGSIZE + 5, PGSIZE, &error), PGSIZE);
        assert_eq(fs->sync(fs), 0);
    }
    stop = true;
    for (int i = 0; i < 2; i++)
        assert_eq(wait_child(pids[i], &code), pids[i]);
    disk.delay = 0;
    disk.paused = true;
    changed = count_changed(&homes);
    check("many blocks were written", homes > 40);
    check_eq("none was changed while a commit wrote it", changed, 0);
    test_disk_forget(&disk);
    mm_put(one);
    mm_put(two);
    tear_down();
}
SELFTEST("mmap-stable", mmap_stable);
