/* Virtual memory of processes: an mm_struct is an address space, and its areas (vma_struct) say
   what may be mapped at which addresses. Pages come on demand, by faults: see fault.c.

   Threads share an mm; mm_count counts them. An mm that others may know is published, and then all
   that looks at its areas or page tables needs its lock, a mutex of rank MUTEX_MM: so these
   functions may not be called from an interrupt, and while it is held no user copy may be made. The
   functions of this file take the mm as an argument and never look at the current process.

   Ranges are from `start` to before `end`, in bytes, and their ends multiples of PGSIZE, if
   nothing else is said. Addresses of programs lie from USERBASE to before USERTOP. */
#pragma once

#include <list.h>
#include <riscv/tlb.h>
#include <sync/mutex.h>
#include <unistd.h>

/* What a program may do in an area; any mixture. VM_STACK and VM_SHARED are no rights, but tell
   what the area is for. */
#define VM_READ         0x1
#define VM_WRITE        0x2
#define VM_EXEC         0x4
#define VM_STACK        0x8             /* grows downwards, to USTACKSIZE at most */
#define VM_SHARED       0x10            /* a forked child has the same pages: see struct pager */

struct mm_struct;
struct Page;
struct vma_struct;

/* For an area whose pages are not made here, but belong to a layer above: it knows which page is
   where, by vma->backing and vma->offset, which mean nothing here. Such an area is of one of two
   kinds:

       VM_SHARED   programs see, and write to, the pager's own pages. fork copies no entry: the
                   child's area asks the pager when the child touches it
       else        private: the pager's pages are mapped read-only. A write gets the process a copy
                   of its own, and fork treats the entries as those of all other memory

   All are called with the mm's lock held, if the mm is published; they may sleep. */
struct pager {
    /* Find the page for the address la, a multiple of PGSIZE. 0 with *page, to which the caller
       gets a reference; -E_FAULT: there is none, and the access is the program's mistake; -E_IO;
       -E_NO_MEM; -E_NO_SPACE; -E_BUSY: give the mm's lock back, call filemap_wait() of
       mm/filemap.h, and try again. `access` is that of the fault: VM_WRITE of a private area only
       says that a copy will be made. */
    int (*page)(struct vma_struct *vma, uintptr_t la, uint32_t access, struct Page **page);
    /* There is one more area, and backing and offset are set: a new one, or a copy by fork, or the
       upper part of one that is cut in two. NULL: nothing is to be done. */
    void (*open)(struct vma_struct *vma);
    /* An area goes, its pages are unmapped. NULL: nothing is to be done. */
    void (*close)(struct vma_struct *vma);
    /* Of a shared area: is it asked for leave before a page is written to? Then a page that was
       only read is mapped without the right, and the first write asks page() again, with
       VM_WRITE. */
    bool asked_to_write;
    /* If pages are the block cache's: the areas that map the same file, to which this one belongs
       from now on (mm/filemap.h); NULL: not now. Does not sleep, nor wait for a lock. */
    struct family *(*family)(struct vma_struct *vma);
};

/* What a layer above keeps for an address space, and so for all threads that share it. It is the
   first member of what is kept. */
struct mm_attachment {
    void (*free)(struct mm_attachment *attached);   /* the mm goes; no lock is held, may sleep */
};

/* An area: pages from vm_start to before vm_end, both page-aligned. Guarded by vm_mm->lock. */
struct vma_struct {
    struct mm_struct *vm_mm;
    uintptr_t vm_start, vm_end;
    uint32_t vm_flags;                  /* VM_ */
    uint32_t priority;                  /* of its place in the tree; random, set once */
    list_entry_t list_link;             /* in vm_mm->mmap_list */
    struct vma_struct *left, *right;    /* in vm_mm->mmap_root */
    const struct pager *pager;          /* NULL: new pages are zeroed ones. Set once */
    void *backing;                      /* what the pager has the pages from. Set once */
    uint64_t offset;                    /* the place of vm_start in it, in bytes */
    list_entry_t map_link;              /* in the list of those that map a file: mm/filemap.h.
                                           NULLs: it never was */
};

/* An address space. Its first part is what the hardware and the TLB functions use. What lies where:

       USERTOP    +---------------------+
                  | user stack          |  an area that grows down, USTACKSIZE at most
       USTACKBASE +---------------------+
                  | mmap                |  from the top down: mm_find_room()
                  |          ...        |
                  | heap                |  from brk_start to brk, upwards
                  | the program's parts |
       USERBASE   +---------------------+  nothing below: a NULL pointer faults */
struct mm_struct {
    struct addrspace as;                /* page tables; entries are guarded by `lock` */
    uint32_t mm_count;                  /* atomic: processes that use it */
    bool published;                     /* set once, by mm_publish() */
    struct mutex lock;

    /* Set once, with `lock`; NULL before, and read without it. */
    struct mm_attachment *attached;

    /* The descriptors of its threads: see process/descriptors.c. Atomic; set once; NULL before. */
    struct mm_attachment *files;

    /* The file that runs in it, if that is counted; else NULL. Set before it is published. */
    struct mm_attachment *program;

    /* Guarded by `lock`. */
    uint32_t extras;                    /* MM_: why faults need more than do_pgfault() */
    list_entry_t mmap_list;             /* areas by address */
    struct vma_struct *mmap_root;       /* the same as a search tree */
    struct vma_struct *mmap_cache;      /* the area found last, or NULL */
    int map_count;
    uintptr_t brk_start, brk;           /* the heap; brk need not be page-aligned */
    uintptr_t mmap_top;                 /* the search for room begins here, going down */
    bool enrolled;                      /* atomic: its pages are known, see mm/rmap.h */
    size_t paged_out;                   /* entries of pages that are out: see mm/swap.h */
    uint64_t faults[FAULT_KINDS];       /* how many there were of each kind: FAULT_ of unistd.h */

    struct family *family;              /* set before it is published; NULL: it is never paged */
    list_entry_t family_link;           /* in its list, if enrolled; guarded by the family's lock */
};

#define MM_PAGER        1               /* it has, or had, an area with a pager */
#define MM_PAGING       2               /* pages are enrolled (mm/rmap.h), or out (mm/swap.h) */
#define MM_MAPPED       4               /* an area is, or was, found by its file: mm/filemap.h */

/* Set up the caches of these structs. Once, at boot, after kmalloc_init(). */
void vmm_init(void);

/* Does fork share pages copy-on-write, or copy them at once? The boot argument nocow chooses. */
extern bool fork_shares;

/* An empty address space with mm_count 1; NULL if there is no memory. */
struct mm_struct *mm_create(void) __must_check;
/* Count one more use. The caller has one already, or holds what keeps another one's. */
void mm_get(struct mm_struct *mm);
/* The same for a caller who has none, but knows that the struct is still there: false if the last
   use has gone, and then nothing changes. */
bool mm_get_live(struct mm_struct *mm) __must_check;
/* Drop a use. The last one frees everything: no hart may run on it then. May sleep; no lock may be
   held. */
void mm_put(struct mm_struct *mm);

/* Make `to`, which is empty, a copy of `from`, whose lock the caller does not hold; pages are
   shared copy-on-write. 0 or -E_NO_MEM, with `to` to be put. */
int mm_dup(struct mm_struct *to, struct mm_struct *from) __must_check;

/* Others may know the mm from here on, because a process has it: the functions below need its lock
   now. Until then it is its maker's alone. The caller publishes it once, before it stores the
   pointer in a place that others look at, with what orders the stores (a lock that they take
   too). */
void mm_publish(struct mm_struct *mm);
__never_returns void mm_lock_panic(const char *function);

/* What each function begins with that needs the mm's lock: panic if it is not held. */
#define mm_assert_locked(mm) do { \
        if ((mm)->published && unlikely(!mutex_held(&(mm)->lock))) \
            mm_lock_panic(__func__); \
    } while (0)

/* The functions below need the mm's lock, if the mm is published, and panic without it. Ranges are
   page-aligned. */

/* The area that addr lies in, or NULL. */
struct vma_struct *find_vma(struct mm_struct *mm, uintptr_t addr);
/* The first area that ends above addr, or NULL. */
struct vma_struct *find_vma_above(struct mm_struct *mm, uintptr_t addr);
/* Put an area into the mm; it must not overlap another. */
void insert_vma_struct(struct mm_struct *mm, struct vma_struct *vma);
/* Take it out again; the caller frees it. */
void remove_vma_struct(struct mm_struct *mm, struct vma_struct *vma);

/* The area that a link of mmap_list belongs to. The list's own head belongs to none. */
static inline struct vma_struct *le2vma(list_entry_t *le)
{
    return to_struct(le, struct vma_struct, list_link);
}

/* Add an area. 0, -E_INVAL for a bad or occupied range, -E_NO_MEM. */
int mm_map(struct mm_struct *mm, uintptr_t addr, size_t len, uint32_t vm_flags) __must_check;
/* The same for an area whose pages come from a pager: its open() is called if the result is 0. */
int mm_map_pager(struct mm_struct *mm, uintptr_t addr, size_t len, uint32_t vm_flags,
                 const struct pager *pager, void *backing, uint64_t offset) __must_check;
/* Take the pages of [start, end), a part of an area, out of the tables. The area stays. */
void unmap_part(const struct vma_struct *vma, uintptr_t start, uintptr_t end);
/* Remove all areas and pages in a range; areas that reach out of it keep the rest. */
int mm_unmap(struct mm_struct *mm, uintptr_t addr, size_t len) __must_check;
/* Find room for an area below the stack; 0 if there is none. Each VM_STACK, this one or one that
   is there, is left what it may grow by: see vma_floor(). */
uintptr_t mm_find_room(struct mm_struct *mm, size_t len, uint32_t vm_flags);

/* The lowest address that an area needs to itself: of a stack, USTACKSIZE and a page that stays
   unmapped, so that a stack that overflows does not write into a neighbour. */
static inline uintptr_t vma_floor(uintptr_t start, uintptr_t end, uint32_t vm_flags)
{
    size_t room = (end - start > USTACKSIZE ? end - start : USTACKSIZE) + PGSIZE;

    if (!(vm_flags & VM_STACK))
        return start;
    return end > room ? end - room : 0;
}
/* Set the end of the heap, a byte address. 0, -E_INVAL if that is no place for it, -E_NO_MEM. */
int mm_brk(struct mm_struct *mm, uintptr_t brk) __must_check;

/* The rights of a page table entry, but for A and D, that an area with these flags gives. An entry
   that may be written but not read is reserved (Privileged spec 20211203, 4.3.1), so a right to
   write brings one to read. From anywhere. */
pte_t vm_rights(uint32_t vm_flags);

/* Make an access to addr possible, which faulted or will happen: `access` is VM_READ, VM_WRITE or
   VM_EXEC. 0; -E_FAULT if the areas do not allow it; -E_NO_MEM. Only for addresses of programs, and
   for memory that is made or shared here: all but the tests call mm_fault() or mm_fault_locked(),
   which see to the rest. */
int do_pgfault(struct mm_struct *mm, uintptr_t addr, uint32_t access) __must_check;

/* The same for an access to any address, of which nothing is known yet; access 0 is none that can
   be made possible, and gives -E_FAULT too. Other errors are those of struct pager. */
int mm_fault_locked(struct mm_struct *mm, uintptr_t addr, uint32_t access) __must_check;

/* What a trap handler calls for a fault: the same, with the mm's lock, which the caller does not
   hold. 0: the access is to be tried again, and may fault again, if it had to wait for memory or
   for a file. Sleeps. NULL is the mm of a kernel thread, which has no memory that could be had:
   -E_FAULT. */
int mm_fault(struct mm_struct *mm, uintptr_t addr, uint32_t access) __must_check;

/* Go through an address space from 0 to USERTOP: look() at an address, mostly at a table of the
   last level, returns the next one. Takes the mm's lock, which the caller does not hold, for each
   anew. Sleeps; stops early if the task is killed. */
void mm_look_through(struct mm_struct *mm,
                     uintptr_t (*look)(struct mm_struct *mm, uintptr_t la, void *arg), void *arg);

/* Print the user half of a page table: runs of pages with equal rights, under the tables that map
   them. The first goes by mm_look_through(); the second takes no lock, for the monitor: while other
   harts change the table, what is printed may be wrong. */
void print_pgdir(struct mm_struct *mm);
void print_tables(struct mm_struct *mm);

/* Write into an address space that need not be the current one. 0 or an error of do_pgfault(). */
int mm_write(struct mm_struct *mm, uintptr_t addr, const void *src, size_t n) __must_check;
/* The same for an mm that is not published, from the memory of the current process: also the errors
   of copy_from_user(). May sleep; no lock may be held. */
int mm_write_from_user(struct mm_struct *mm, uintptr_t addr, uintptr_t usrc, size_t n)
    __must_check;
