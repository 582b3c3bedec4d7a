/* The kernel's own map, and printing a process's. */
#include <debug/panic.h>
#include <debug/printk.h>
#include <driver/machine.h>
#include <mm/pagetable.h>
#include <riscv/csr.h>

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

/* A run of neighbouring pages with the same rights. */
struct run {
    uintptr_t start, end;
    pte_t flags;
};

static void print_run(const struct run *run)
{
    if (run->start == run->end)
        return;
    cprintf("      |-- %010lx-%010lx %6lu pages %c%c%c%s\n", run->start, run->end,
            (run->end - run->start) / PGSIZE, run->flags & PTE_R ? 'r' : '-',
            run->flags & PTE_W ? 'w' : '-', run->flags & PTE_X ? 'x' : '-',
            run->flags & PTE_COW ? " copy-on-write" : "");
}

static void print_last_level(const pte_t *table, uintptr_t base)
{
    const pte_t shown = PTE_USER | PTE_COW;
    struct run run = { 0, 0, 0 };

    for (int i = 0; i < PT_ENTRIES; i++) {
        uintptr_t la = base + i * PGSIZE;

        if (!(table[i] & PTE_V))
            continue;
        if (run.end == la && run.flags == (table[i] & shown)) {
            run.end += PGSIZE;
            continue;
        }
        print_run(&run);
        run = (struct run){ la, la + PGSIZE, table[i] & shown };
    }
    print_run(&run);
}

void print_pgdir(pte_t *pgdir)
{
    cprintf("root table at %#lx\n", paddr(pgdir));
    for (int i = 0; i < PT_ENTRIES / 2; i++) {
        if (!(pgdir[i] & PTE_V))
            continue;
        const pte_t *middle = kva(pte_paddr(pgdir[i]));
        cprintf("  |-- [%d] table at %#lx, from %010lx\n", i, paddr(middle), i * pt_span(2));
        for (int j = 0; j < PT_ENTRIES; j++) {
            uintptr_t base = i * pt_span(2) + j * pt_span(1);

            if (!(middle[j] & PTE_V))
                continue;
            cprintf("  |   |-- [%d] table at %#lx, from %010lx\n", j, pte_paddr(middle[j]), base);
            print_last_level(kva(pte_paddr(middle[j])), base);
        }
    }
}
