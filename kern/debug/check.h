/* What a checked build (make CHECK=1) is told by the rest of the kernel: each function here is
   called by an IF_CHECK() line of the code that it looks at, and defined in kern/check/, which says
   how a mistake is found and told. Other builds have neither.

   None of these sleeps. Only check_all_objects() and check_leaks() take locks; the others may be
   called in any context. Each panics if it finds a mistake; before that it prints what it knows of
   the memory: who allocated it, and who freed it, by call stacks. */
#pragma once
#ifdef CHECK
#include <defs.h>

/* What a struct Page has besides, for kern/check/ alone. */
struct page_history {
    uint32_t allocated_by;          /* see check/memory.h; 0: nobody yet */
    uint32_t freed_by;              /* a call stack; 0: it is in use, or was never freed */
    const struct kmem_cache *slab;  /* whose slab it is, or NULL */
};

struct Page;
struct kmem_cache;
struct mutex_hold;
struct spinlock;
struct trapframe;

/* Pages, by mm/pmm.c: this one, which exists, is to be freed; this one is handed out. */
void check_page_freed(struct Page *page);
void check_page_allocated(struct Page *page);
/* Look at the junk of all free pages; panics as at an allocation. For the end of a run. */
void check_all_pages(void);

/* Objects, by mm/kmalloc.c. An object lies in a piece of a slab with a zone before it and behind
   it: a new cache becomes known, whose objects have `size` bytes before that is rounded up, and
   its pieces get room for these. */
void check_cache_made(struct kmem_cache *cache, size_t size);
/* A new slab of the cache, whose first piece is at `first`. */
void check_slab_made(const struct kmem_cache *cache, void *first);
/* The piece is handed out: the object in it. And the opposite, of what somebody wants to free. With
   the lock of the cache held. */
void *check_object_allocated(const struct kmem_cache *cache, void *piece);
void *check_object_freed(const struct kmem_cache *cache, void *object);
/* Look at the zones and the junk of all objects; panics as at an allocation or a free. For who
   holds no lock. */
void check_all_objects(void);
/* For kmalloc(): kmem_cache_alloc() for an owner that has asked for `size` bytes only: who writes
   behind these is told as if the object ended there. */
void *check_object_sized(struct kmem_cache *cache, size_t size);
/* Print what is known of the memory at this address. */
void check_tell(const void *address);

/* For init/inventory.c, which counts what is in use: a period begins, which this returns. What has
   been allocated since and is still in use is lost, if the counts say so: print its owners. */
uint32_t check_period_begins(void);
void check_leaks(uint32_t period);

/* Locks, by lock/spinlock.h and sync/mutex.h, just after one was taken, or before it is
   released. */
void check_spin_taken(const struct spinlock *lock, bool irq_was_on);
void check_spin_released(const struct spinlock *lock);
void check_mutex_taken(struct mutex_hold *hold);
void check_mutex_released(const struct mutex_hold *hold);
/* Interrupts, beside what riscv/csr.h tells: a trap has come, or its frame is gone back by. They
   are on before the first and after the second, or not, as the frame says. */
void check_trap_comes(const struct trapframe *tf);
void check_trap_ends(const struct trapframe *tf);
/* A lock of this name was waited for since this time, as rdtime() tells it. */
void check_waited(const char *name, uint64_t since);
/* Print which spinlocks this hart holds, and where it took them. */
void check_tell_locks(void);
/* The caller may sleep, though perhaps it need not this time: panic if it must not, because this
   hart holds a spinlock, or is between irq_push() and irq_pop(). */
void check_may_sleep(void);

/* Kernel stacks, by mm/kstack.c: this one will be used, or is not any more. */
void check_stack_made(uintptr_t kstack);
void check_stack_freed(uintptr_t kstack);

/* The value of the boot argument hold=, or NULL: see kern/check/locks.c. */
extern const char *check_hold_limit;

/* The value of the boot argument bounds=, or NULL: see kern/check/bounds.c. */
extern const char *check_bounds;

/* At the end of a run: print what was measured, if the boot argument `locks` asked for it. */
extern bool check_wants_report;
void check_report(void);

/* Data races, which are looked for with CHECK=race alone: see kern/check/race.c; other builds know
   no such argument, and see none. Take the boot argument race=SEED/N: chance goes by this seed, and
   a place in the code where nothing is seen is watched at one of N accesses; both are numbers up to
   9,999,999. Returns false if the text is another one. At boot, before there are other harts. */
bool check_race_argument(const char *text);
/* Print which races were seen, with both call stacks, and how many accesses were watched. True if
   none was seen. At the end of a run, also by a panic. */
bool check_races(void);
#endif
