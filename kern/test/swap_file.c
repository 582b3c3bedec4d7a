/* "swap-file": pages of files beside a program's own: how one becomes known to the policy, and how
   it goes.

   The file is the test's: its pages have the flag that those of the block cache have, and one
   reference, the cache's. So what is looked at is mm/rmap.c, mm/swap_out.c and mm/filemap.c alone;
   fs/mmap.c, and files that are on a disk, have user/pagefile.c.

   No hart runs on these spaces, if nothing else is said. Alone: make grade TEST=swap-file */
#include <init/init.h>
#include <mm/filemap.h>
#include <mm/kmalloc.h>
#include <mm/swap_out.h>
#include <report.h>
#include <riscv/csr.h>
#include <riscv/tlb.h>
#include <test/paging.h>
#include <test/testlib.h>

#define FILE        0x20000000UL        /* where it is mapped, from its third page on */
#define SKIPPED     (2 * PGSIZE)
#define FILE_PAGES  4

static struct Page *blocks[FILE_PAGES]; /* of the file, from its third page on */
static bool held;                       /* the lock of the mm, when an area ended last */

static int block_page(struct vma_struct *vma, uintptr_t la, __not_used uint32_t access,
                      struct Page **page)
{
    *page = blocks[(vma->offset + (la - vma->vm_start) - SKIPPED) / PGSIZE];
    page_ref_inc(*page);
    return 0;
}

/* As file_pager does it: the area comes into the list when somebody asks. */
static struct family *block_family(struct vma_struct *vma)
{
    struct file_map *map = vma->backing;

    return vma->map_link.next != NULL || filemap_add(map, vma, false) ? &map->family : NULL;
}

static void block_close(struct vma_struct *vma)
{
    held = mutex_held(&vma->vm_mm->lock);
    if (vma->map_link.next != NULL)
        filemap_remove(vma->backing, vma);
}

static const struct pager pager = {
    .page = block_page, .close = block_close, .asked_to_write = true, .family = block_family,
};

static struct file_map *map_create(void)
{
    struct file_map *map = kmalloc(sizeof(*map));

    assert(map != NULL);
    filemap_init(map, NULL);
    return map;
}

/* An address space with the file, of which all pages were read, and so are known. */
static struct mm_struct *space(struct file_map *map)
{
    struct mm_struct *mm = paged_mm();

    assert_eq(mm_map_pager(mm, FILE, FILE_PAGES * PGSIZE, VM_READ | VM_WRITE | VM_SHARED, &pager,
                           map, SKIPPED), 0);
    for (int i = 0; i < FILE_PAGES; i++)
        assert_eq(mm_fault_locked(mm, FILE + i * PGSIZE, VM_READ), 0);
    mutex_lock(&mm->lock);
    assert(mm_enrol_all(mm));
    mutex_unlock(&mm->lock);
    return mm;
}

/* Does the policy know the block as one of this file? */
static bool is_known(int i, struct file_map *map)
{
    const uint32_t known = PG_FILE | PG_SWAPPABLE;
    const uintptr_t place = SKIPPED + (uintptr_t)i * PGSIZE;

    return (blocks[i]->flags & known) == known && page_family(blocks[i]) == &map->family
        && page_la(blocks[i]) == place;
}

static enum page_out bring_out(int i)
{
    page_ref_inc(blocks[i]);
    enum page_out result = page_out(blocks[i]);
    page_ref_dec(blocks[i]);
    return result;
}

/* Two spaces, of which one may write to the second page, and the other is busy for a while. */
static void test_go(struct file_map *map)
{
    struct mm_struct *mm = space(map), *other = space(map);

    check("all pages of the file are known", is_known(0, map) && is_known(3, map));
    assert_eq(mm_fault_locked(mm, FILE + PGSIZE, VM_WRITE), 0);
    mutex_lock(&other->lock);
    check_eq("a page that a busy space maps stays", bring_out(0), PAGE_BUSY);
    check("and is known as before", is_known(0, map));
    page_remove(&other->as, FILE + 3 * PGSIZE);
    check_eq("one that it does not map goes all the same", bring_out(3), PAGE_OUT);
    mutex_unlock(&other->lock);
    check_eq("the other goes then", bring_out(0), PAGE_OUT);
    check("from both", space_entry(&mm->as, FILE) == 0 && space_entry(&other->as, FILE) == 0);
    check_eq("the cache alone has it", page_ref(blocks[0]), 1);
    check("and it is the cache's still, known to nobody",
          blocks[0]->flags == (PG_ALLOCATED | PG_CACHED));
    check_eq("a page that some may write to stays", bring_out(1), PAGE_BUSY);
    check("and who may write to it still may", space_entry(&mm->as, FILE + PGSIZE) & PTE_W);
    held = false;
    mm_put(other);
    check("an area that is found by its file ends with the lock of its space", held);
    mm_put(mm);
}

/* A hart has a page in its TLB: see swap_out.c, test_flush(). */
static void test_flush(struct file_map *map)
{
    struct mm_struct *mm = space(map);
    uint64_t value;

    addrspace_switch(&kernel_as, &mm->as);
    csr_set(sstatus, SSTATUS_SUM);
    value = *(volatile uint64_t *)FILE;
    enum page_out result = bring_out(0);
    bool reads = can_read(FILE, &value);
    csr_clear(sstatus, SSTATUS_SUM);
    addrspace_switch(&mm->as, &kernel_as);
    check_eq("a page goes that a hart has read", result, PAGE_OUT);
    check("it cannot read it any more", !reads);
    mm_put(mm);
}

/* The file has gone, and its blocks are another one's, before the policy has seen it. */
static void test_other_file(struct file_map *map)
{
    struct file_map *next = map_create();

    mm_put(space(map));
    check("a page is known when nobody maps it", is_known(2, map));
    check_eq("its file's family has a use for each", map->family.count, 1 + FILE_PAGES);
    page_ref_inc(blocks[1]);            /* as who looks for its entries just now */
    mm_put(space(next));
    page_ref_dec(blocks[1]);
    check("a block that is another file's is known as that", is_known(2, next));
    check("but for one whose entries somebody looks for", is_known(1, map));
    check_eq("so the first file has one use", map->family.count, 2);
    for (int i = 0; i < FILE_PAGES; i++)
        page_forget(blocks[i]);
    family_put(&next->family);
}

static void count_entry(__not_used struct mm_struct *mm, __not_used uintptr_t la,
                        __not_used pte_t *pte, __not_used struct Page *page, void *count)
{
    ++*(int *)count;
}

/* The second area would have the page at an address of the kernel's: where that has it itself. */
static void test_far(struct file_map *map)
{
    struct mm_struct *mm = space(map);
    uintptr_t far = FILE + FILE_PAGES * PGSIZE;
    int entries = 0;

    assert_eq(mm_map_pager(mm, far, PGSIZE, VM_READ, &pager, map,
                           SKIPPED + far - (uintptr_t)page2kva(blocks[0])), 0);
    struct vma_struct *vma = find_vma(mm, far);
    mutex_lock(&map->family.lock);
    check("who must not wait does not, for the list of areas", !filemap_add(map, vma, false));
    mutex_unlock(&map->family.lock);
    assert(filemap_add(map, vma, false));
    for (int i = 0; i < 2; i++)
        page_ref_inc(blocks[0]);        /* the caller's, and one more: so all areas are asked */
    check("all areas are asked", page_for_each_entry(blocks[0], count_entry, &entries));
    check_eq("one that has another part of the file is passed over", entries, 1);
    for (int i = 0; i < 2; i++)
        page_ref_dec(blocks[0]);
    mm_put(mm);
}

/* Pages of the cache that have no file on a disk, and the tests in turn. */
static void test_file(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("fifo", 8);
    struct file_map *map = map_create();
    for (int i = 0; i < FILE_PAGES; i++) {
        blocks[i] = alloc_page();
        assert(blocks[i] != NULL);
        blocks[i]->ref = 1;
        blocks[i]->flags |= PG_CACHED;
    }
    test_go(map);
    test_flush(map);
    for (int i = 0; i < FILE_PAGES; i++)
        page_forget(blocks[i]);
    test_other_file(map);
    test_far(map);
    for (int i = 0; i < FILE_PAGES; i++)
        page_ref_dec(blocks[i]);
    check_eq("pages that are freed are no use of the file", map->family.count, 1);
    family_put(&map->family);
    test_swap_end();
    inventory_same(&before, "pages of a file");
}

SELFTEST_AT(STAGE_BOOT, "swap-file", test_file);
