/* The order in which the kernel comes up; how it ends is in user.c. entry.S calls kern_init() on
   the boot hart. Each step needs those before it:

     traps            from now on a fault gives a message
     device tree      what the machine is; early drivers: the console, and how to switch off
     boot arguments   which allocator, which scheduler, what to run
     RAM disk         memory that is not free
     memory           pages, the kernel's own map, kernel objects, address spaces
     scheduling       the harts' numbers, run queues, interrupts, the clock, processes

   Then the boot hart gets its idle process and goes on in kern_start(), on that one's stack, which
   has a guard below it. There come the other drivers, the other harts and the first thread.

   Until kern_start() nothing sleeps, interrupts are off and there is one hart: no locks are needed.
   A machine that cannot be used, or a wrong boot argument, is no panic: the kernel says in one line
   what is wrong, and switches off. */
#include <debug/monitor.h>
#include <debug/printk.h>
#include <driver/clock.h>
#include <driver/console.h>
#include <driver/driver.h>
#include <driver/irq.h>
#include <driver/ramdisk.h>
#include <init/init.h>
#include <mm/kmalloc.h>
#include <mm/pagetable.h>
#include <mm/swap.h>
#include <process/inspect.h>
#include <process/proc.h>
#include <riscv/power.h>
#include <sched/chaos.h>
#include <string.h>
#include <trap/trap.h>

/* In bytes. QEMU reserves 1 MiB for the tree that it makes, and uses some KiB of it. */
#define FDT_LIMIT       (2 << 20)       /* more than any device tree needs */
#define MEMORY_LEAST    (2 << 20)       /* with less there is no room for a program */

/* Both are set once, on the boot stack; the first one points into machine.bootargs. */
static struct bootargs bootargs;
static const char *sched_name;
static uint32_t chaos_seed;             /* 0: none */

static __never_returns void kern_start(void);

/* Say what is missing, and switch off. It is no panic: nothing is wrong with the kernel. The exit
   status is that of a panic all the same, because a script must see that the kernel did not run. */
static __never_returns void refuse_machine(paddr_t tree, const char *problem)
{
    cprintf("rvlab cannot run on this machine (%s), by its device tree at %#lx: %s\n",
            machine.model[0] != '\0' ? machine.model : "model unknown", tree, problem);
    power_off(PANIC_EXIT_STATUS);
}

/* What the kernel cannot do without, beside what fdt_parse() asks for. Each is told in words that
   name the thing in the device tree, because a machine is mended there. */
static const char *check_devices(uint64_t hartid)
{
    uint32_t i = 0;

    while (i < machine.hart_count && machine.harts[i].hartid != hartid)
        i++;
    if (i == machine.hart_count)
        return "it does not name the hart that boots";
    if (!console_attached())
        return "it names no UART that this kernel has a driver for";
    if (!irq_has_controller())
        return "it names no PLIC that this kernel can use, so no key would arrive";
    return NULL;
}

/* Read the tree, and bring up the drivers that are needed at once: they print what goes wrong from
   here on, and switch the machine off with an exit status. That is tried with a damaged tree too:
   what was found before the damage may be enough to print by. The address must be in the linear map
   with all of FDT_LIMIT behind it; fdt_parse() reads no byte outside. At the end the range of the
   tree becomes a physical one, for pmm_init() to reserve. */
static void read_device_tree(paddr_t where)
{
    const char *problem = "the firmware gave no address";

    if (where % 8 != 0 || where >= PHYS_MAX - FDT_LIMIT)
        problem = "its address is impossible";
    else if (where != 0)
        problem = fdt_parse(kva(where), FDT_LIMIT, &machine);
    drivers_match();
    drivers_probe(DRIVER_EARLY);
    if (problem == NULL)
        problem = check_devices(this_cpu->hartid);
    if (problem != NULL)
        refuse_machine(where, problem);
    machine.device_tree.start += where;
    machine.device_tree.end += where;
}

/* Take the boot arguments apart; if one is wrong, say what was typed and what can be. A line that
   was cut is refused whole: its last argument may have lost its end. */
static void read_bootargs(void)
{
    const char *unknown = bootargs_parse(machine.bootargs, &bootargs);

    monitor_set_on_panic(bootargs.monitor);
    if (machine.bootargs_length >= BOOTARGS_LENGTH) {
        cprintf("the boot arguments have %lu characters; the kernel takes %d\n",
                machine.bootargs_length, BOOTARGS_LENGTH - 1);
        power_off(PANIC_EXIT_STATUS);
    }
    if (unknown == NULL)
        return;
    cprintf("unknown boot argument \"%s\"; known are init=PROGRAM [ARGS], selftest=NAME, pmm=NAME, "
            "sched=NAME, swap=NAME, chaos=SEED, fail=KIND:K, mem=SIZE, poison, nocow, monitor\n",
            unknown);
    power_off(PANIC_EXIT_STATUS);
}

/* The number that a text begins with, and in *rest what is behind its digits; larger than any limit
   of the callers if it is too large. */
static uint64_t read_number(const char *text, const char **rest)
{
    uint64_t number = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        if (number <= UINT32_MAX)
            number = 10 * number + (*text - '0');
    *rest = text;
    return number;
}

/* mem=SIZE, in pages; without it no limit. It is a whole number of KiB, MiB or GiB, so that nobody
   gets another size than he has meant. */
static size_t read_memory_limit(const char *text)
{
    static const struct {
        char unit;
        int shift;
    } units[] = { { 'K', 10 }, { 'M', 20 }, { 'G', 30 } };
    const char *unit;

    if (text == NULL)
        return SIZE_MAX;
    uint64_t number = read_number(text, &unit);
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (*unit == units[i].unit && unit[1] == '\0' && number <= UINT32_MAX
            && number << units[i].shift >= MEMORY_LEAST)
            return number << units[i].shift >> PGSHIFT;
    cprintf("mem=%s: a size is a number with K, M or G behind it, and at least %dM\n", text,
            MEMORY_LEAST >> 20);
    power_off(PANIC_EXIT_STATUS);
}

/* The policy for when memory is short; nothing is known to it before. */
static void init_swap(void)
{
    const struct swap_manager *manager = swap_default_manager();

    if (bootargs.swap != NULL)
        manager = bootargs_choose("swap", bootargs.swap, swap_managers_start, swap_managers_end,
                                  sizeof(struct swap_manager));
    if (manager == NULL)
        power_off(PANIC_EXIT_STATUS);
    swap_choose(manager);
}

/* bootargs_choose() has said which allocators there are if the one that was asked for is none. The
   order: pages first; then the kernel's own map, whose tables are pages; then objects, whose slabs
   are pages in that map; then the descriptions of user memory, which are objects. */
static void init_memory(void)
{
    const struct pmm_manager *manager = bootargs_choose(
        "pmm", bootargs.pmm, pmm_managers_start, pmm_managers_end, sizeof(struct pmm_manager));

    if (manager == NULL)
        power_off(PANIC_EXIT_STATUS);
    pmm_init(manager, bootargs.poison IF_CHECK(|| true), read_memory_limit(bootargs.mem));
    kernel_map_init();
    kmalloc_init();
    vmm_init();
    init_swap();
    fork_shares = fork_shares && !bootargs.nocow;
}

/* The seed that was asked for; 0 if none was. Digits only, so that a mistake in typing is no other
   seed. */
static uint32_t read_seed(const char *text)
{
    const char *rest;

    if (text == NULL)
        return 0;
    uint64_t seed = read_number(text, &rest);
    if (*rest == '\0' && seed >= 1 && seed <= CHAOS_SEED_MAX)
        return seed;
    cprintf("chaos=%s: a seed is a number from 1 to %d\n", text, CHAOS_SEED_MAX);
    power_off(PANIC_EXIT_STATUS);
}

/* fail=KIND:K or fail=KIND:SEED/N, as a plan. Seeds and numbers have the same limits as those of
   chaos=. */
static void read_fail(const char *text, struct fail_plan *plan)
{
    static const char *const names[] = {
        [FAIL_PAGE] = "page:", [FAIL_SLAB] = "slab:", [FAIL_ALLOC] = "alloc:",
        [FAIL_READ << BLOCK_READ] = "read:", [FAIL_READ << BLOCK_WRITE] = "write:",
        [FAIL_READ << BLOCK_FLUSH] = "flush:", [FAIL_DISK] = "disk:",
    };
    const char *rest = "";

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i] != NULL && strncmp(text, names[i], strlen(names[i])) == 0) {
            plan->kinds = i | FAIL_LOUD;
            rest = text + strlen(names[i]);
        }
    uint64_t number = read_number(rest, &rest), one_in = 1;
    plan->number = number;
    if (*rest == '/')
        plan->one_in = one_in = read_number(rest + 1, &rest);
    if (*rest == '\0' && number >= 1 && number <= CHAOS_SEED_MAX
        && one_in >= 1 && one_in <= CHAOS_SEED_MAX)
        return;
    cprintf("fail=%s: it is page:K, slab:K, alloc:K, disk:K, read:K, write:K or flush:K, by which "
            "the K-th fails; or SEED/N for K: one in N, by chance. Numbers are from 1 to %d\n",
            text, CHAOS_SEED_MAX);
    power_off(PANIC_EXIT_STATUS);
}

/* The harts get their numbers first: run queues and the clock are kept by them. Interrupts are
   registered before the clock, which registers one of them, and all of it before there is a process
   that could sleep. */
static void init_scheduling(void)
{
    const struct sched_class *class = sched_default_class();

    if (bootargs.sched != NULL || class == NULL)
        class = bootargs_choose("sched", bootargs.sched, sched_classes_start,
                                sched_classes_end, sizeof(struct sched_class));
    if (class == NULL)
        power_off(PANIC_EXIT_STATUS);
    sched_name = class->name;
    chaos_seed = read_seed(bootargs.chaos);
    if (chaos_seed != 0)
        class = chaos_init(chaos_seed, class);
    smp_init_boot_hart();
    sched_init(class);
    irq_init();
    clock_init();
    proc_init();
    inspect_init();
}

/* The boot hart, on the boot stack, as entry.S leaves it: paging on with the boot table, interrupts
   off, tp = &cpus[0], and nothing else set. First of all traps, so that a mistake in what follows
   gives a message. Everything up to the first process. call_on_stack() leaves this stack for ever;
   the new one begins below the trap frame at the top of the idle process's stack. */
__never_returns void kern_init(uint64_t hartid, paddr_t device_tree)
{
    this_cpu->hartid = hartid;
    trap_init_hart();
    read_device_tree(device_tree);
    read_bootargs();
    if (bootargs.fail != NULL)
        read_fail(bootargs.fail, &bootargs.fails);
    ramdisk_init();
    init_memory();
    init_scheduling();

    struct proc_struct *idle = idle_create(0);

    sched_start(&idle->task);
    call_on_stack((uintptr_t)idle->task.tf, kern_start);
}

/* What a user wants to know before anything else, and what a message about a mistake begins
   with. What is on the disk is seen when it is mounted: init_main() tells the rest. */
static void print_banner(void)
{
    cprintf("rvlab, a RISC-V teaching kernel, on %s\n", machine.model);
    cprintf("  memory     %lu MiB, %lu MiB free, %s allocator\n",
            (machine.memory.end - machine.memory.start) >> 20,
            nr_free_pages() * PGSIZE >> 20, pmm_name());
    uint32_t unused = machine.hart_count + machine.harts_ignored - cpu_count;
    cprintf("  harts      %u, booted on hart %lu", cpu_count, this_cpu->hartid);
    cprintf(unused > 0 ? "; %u more are not used\n" : "\n", unused);
    cprintf("  scheduler  %s", sched_name);
    cprintf(chaos_seed != 0 ? ", chaos with seed %u\n" : "\n", chaos_seed);
}

/* The boot hart's idle process: start the rest, then be idle. The devices' interrupts come to this
   hart, because it is the one that registers them. sstatus.SIE is off all the time: cpu_idle()
   turns it on. A self test of STAGE_BOOT runs here, and does not return. */
static void kern_start(void)
{
    irq_init_hart();
    console_init_input();
    drivers_probe(DRIVER_NORMAL);
    smp_start_others();
    print_banner();
    selftest_run(&bootargs, STAGE_BOOT);
    user_start(&bootargs);
    cpu_idle();
}
