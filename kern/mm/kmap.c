/* The kernel's own map. */
#include <debug/panic.h>
#include <driver/machine.h>
#include <mm/pagetable.h>

extern char kernel_start[], kernel_text_start[], kernel_text_end[], kernel_rodata_end[];

static pte_t *new_table(void)
{
    struct Page *page = alloc_zeroed_page();

    if (page == NULL)
        panic("out of memory for the kernel's page tables");
    page->ref = 1;
    return page2kva(page);
}

/* The entry for an address in a table of the given level; tables above it are made. */
static pte_t *kernel_entry(uintptr_t va, int wanted)
{
    pte_t *table = kernel_as.pgdir;

    for (int level = PT_LEVELS - 1; level > wanted; level--) {
        pte_t *entry = &table[pt_index(va, level)];

        if (!(*entry & PTE_V))
            *entry = pte_make(paddr(new_table()), PTE_V);
        table = kva(pte_paddr(*entry));
    }
    return &table[pt_index(va, wanted)];
}

/* Map a range of the linear map, with the largest pages that its bounds allow. */
static void map_linear(paddr_t start, paddr_t end, pte_t rights)
{
    start = ROUNDDOWN(start, PGSIZE);
    end = ROUNDUP(end, PGSIZE);
    while (start < end) {
        int level = PT_LEVELS - 1;

        while (level > 0 && (start % pt_span(level) != 0 || end - start < pt_span(level)))
            level--;
        *kernel_entry((uintptr_t)kva(start), level) = pte_make(start, pte_leaf_flags(rights));
        start += pt_span(level);
    }
}

static void map_device(struct memory_range range)
{
    if (range.start != 0)
        map_linear(range.start, range.end, PTE_R | PTE_W);
}

void kernel_map_init(void)
{
    addrspace_init(&kernel_as, new_table());
    map_linear(machine.memory.start, paddr(kernel_text_start), PTE_R | PTE_W);
    map_linear(paddr(kernel_text_start), paddr(kernel_text_end), PTE_R | PTE_X);
    map_linear(paddr(kernel_text_end), paddr(kernel_rodata_end), PTE_R);
    map_linear(paddr(kernel_rodata_end), machine.memory.end, PTE_R | PTE_W);
    map_device(machine.uart);
    map_device(machine.plic);
    map_device(machine.test_device);
    for (uintptr_t va = KSTACK_BASE; va < KSTACK_END; va += pt_span(PT_LEVELS - 1))
        kernel_entry(va, PT_LEVELS - 2);

    struct addrspace boot_as = { .harts = 1U << this_cpu->id };

    addrspace_switch(&boot_as, &kernel_as);
}
