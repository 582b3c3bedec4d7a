/* The kernel's own map: the upper half of each root table, which is the same in all of them.

   All of physical memory is mapped at one constant offset, the linear map, so that kva() is an
   addition. Each part has no more rights than it needs: text can be read and executed, constants
   read, all else read and written; nothing can be both written and executed. Devices that have a
   driver are in the linear map too, for their physical addresses lie below memory on this machine;
   what nobody drives cannot be reached. Kernel stacks have an address range of their own: kstack.c.

   entry.S runs on a first table that maps everything with all rights. kernel_map_init() makes the
   final one, while there is one hart and nothing else runs, and goes over to it. Later only entries
   of the last level change, for kernel stacks; tables are never freed. So the root's upper half is
   constant, and each process's root has a copy of it. */
#include <debug/panic.h>
#include <machine/machine.h>
#include <mm/pagetable.h>

/* The parts of the image, from tools/kernel.ld; each begins on a page of its own. */
extern char kernel_start[], kernel_text_start[], kernel_text_end[], kernel_rodata_end[];

/* The page of a new table has one reference, as those of processes have; it never goes. */
pte_t *kernel_pte(uintptr_t va, int wanted)
{
    pte_t *table = kernel_as.pgdir;

    for (int level = PT_LEVELS - 1; level > wanted; level--) {
        pte_t *entry = &table[pt_index(va, level)];

        if (!(*entry & PTE_V)) {
            struct Page *page = alloc_zeroed_page();

            if (page == NULL)
                return NULL;
            page->ref = 1;
            set_pte(entry, pte_make(page2pa(page), PTE_V));
        }
        table = kva(pte_paddr(*entry));
    }
    return &table[pt_index(va, wanted)];
}

/* The same while the kernel boots. Must not fail: without tables of its own the kernel cannot go
   on. */
static pte_t *boot_pte(uintptr_t va, int wanted)
{
    pte_t *entry = kernel_pte(va, wanted);

    if (entry == NULL)
        panic("out of memory for the kernel's page tables");
    return entry;
}

/* Map a range of the linear map, with the largest pages that its bounds allow: so 64 GiB need a few
   hundred entries. A leaf of level 1 or 2 must lie at a multiple of its size (Privileged spec
   20211203, 4.3.2, step 6). From an entry on, the rest of its table is filled as far as pages of
   that size go; only then is the way to the next one looked for. */
static void map_linear(paddr_t start, paddr_t end, pte_t rights)
{
    pte_t flags = pte_leaf_flags(rights);

    start = ROUNDDOWN(start, PGSIZE);
    end = ROUNDUP(end, PGSIZE);
    while (start < end) {
        int level = PT_LEVELS - 1;

        while (level > 0 && (start % pt_span(level) != 0 || end - start < pt_span(level)))
            level--;

        pte_t *entry = boot_pte((uintptr_t)kva(start), level);
        do {
            set_pte_relaxed(entry++, pte_make(start, flags));   /* no hart walks it yet */
            start += pt_span(level);
        } while (end - start >= pt_span(level) && start % pt_span(level + 1) != 0);
    }
}

/* Map the registers of each device that has a driver, and the device tree, to which struct machine
   points: the tree may lie in memory that the kernel does not use. */
static void map_devices(void)
{
    for (uint32_t i = 0; i < machine.device_count; i++)
        if (machine.devices[i].driver != NULL)
            map_linear(machine.devices[i].registers.start, machine.devices[i].registers.end,
                       PTE_R | PTE_W);
    if (machine.device_tree.start >= machine.memory.end
        || machine.device_tree.end <= machine.memory.start)
        map_linear(machine.device_tree.start, machine.device_tree.end, PTE_R | PTE_W);
}

/* The tables for kernel stacks are made down to level 1 here; those of level 0 come when they are
   needed, which changes no root. addrspace_switch() wants to know what this hart leaves: the first
   table, which belongs to no address space. Must not fail: all memory is free, so there is a
   page. */
void kernel_map_init(void)
{
    struct Page *root = alloc_zeroed_page();

    assert(root != NULL);
    root->ref = 1;
    addrspace_init(&kernel_as, page2kva(root));
    /* In the order of addresses. What lies before the kernel's text is the firmware's, which
       protects itself by PMP (Privileged spec 20211203, 3.7). */
    map_linear(machine.memory.start, paddr(kernel_text_start), PTE_R | PTE_W);
    map_linear(paddr(kernel_text_start), paddr(kernel_text_end), PTE_R | PTE_X);
    map_linear(paddr(kernel_text_end), paddr(kernel_rodata_end), PTE_R);
    map_linear(paddr(kernel_rodata_end), machine.memory.end, PTE_R | PTE_W);
    map_devices();
    for (uintptr_t va = KSTACK_BASE; va < KSTACK_END; va += pt_span(PT_LEVELS - 1))
        boot_pte(va, PT_LEVELS - 2);
    pgdir_init();

    struct addrspace boot_as = { .harts = this_cpu->bit };

    addrspace_switch(&boot_as, &kernel_as);
}
