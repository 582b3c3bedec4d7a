/* The order in which the kernel comes up. How it ends is in user.c. */
#include <debug/monitor.h>
#include <debug/printk.h>
#include <driver/clock.h>
#include <driver/console.h>
#include <driver/driver.h>
#include <driver/irq.h>
#include <init/init.h>
#include <mm/kmalloc.h>
#include <mm/pagetable.h>
#include <process/inspect.h>
#include <process/proc.h>
#include <riscv/power.h>
#include <trap/trap.h>

#define FDT_LIMIT   (2 << 20)           /* more than any device tree needs */

static struct bootargs bootargs;
static const char *sched_name;

static __never_returns void kern_start(void);

/* A machine that the kernel cannot use is no panic either: what is missing, and off. */
static __never_returns void refuse_machine(paddr_t tree, const char *problem)
{
    cprintf("rvlab cannot run on this machine (%s), by its device tree at %#lx: %s\n",
            machine.model[0] != '\0' ? machine.model : "model unknown", tree, problem);
    power_off(PANIC_EXIT_STATUS);
}

/* What the kernel cannot do without, beside what fdt_parse() asks for. */
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
   here on, and switch the machine off with an exit status. That is tried with a damaged tree too.
   */
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

/* A mistake on the kernel's command line is no panic: what was typed wrong, and off. */
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
            "sched=NAME, poison, nocow, monitor\n", unknown);
    power_off(PANIC_EXIT_STATUS);
}

static void init_memory(void)
{
    if (!pmm_init(bootargs.pmm, bootargs.poison))
        power_off(PANIC_EXIT_STATUS);
    kernel_map_init();
    kmalloc_init();
    vmm_init();
    fork_shares = fork_shares && !bootargs.nocow;
}

static void init_scheduling(void)
{
    smp_init_boot_hart();
    sched_name = sched_init(bootargs.sched);
    if (sched_name == NULL)
        power_off(PANIC_EXIT_STATUS);
    irq_init();
    clock_init();
    proc_init();
    inspect_init();
}

/* The boot hart, on the boot stack: everything up to the first process, whose stack is guarded. */
__never_returns void kern_init(uint64_t hartid, paddr_t device_tree)
{
    this_cpu->hartid = hartid;
    trap_init_hart();
    read_device_tree(device_tree);
    read_bootargs();
    init_memory();
    init_scheduling();

    struct proc_struct *idle = idle_create(0);

    sched_start(&idle->task);
    call_on_stack((uintptr_t)idle->task.tf, kern_start);
}

static void print_banner(void)
{
    cprintf("rvlab, a RISC-V teaching kernel, on %s\n", machine.model);
    cprintf("  memory     %lu MiB, %lu MiB free, %s allocator\n",
            (machine.memory.end - machine.memory.start) >> 20,
            nr_free_pages() * PGSIZE >> 20, pmm_name());
    uint32_t unused = machine.hart_count + machine.harts_ignored - cpu_count;
    cprintf("  harts      %u, booted on hart %lu", cpu_count, this_cpu->hartid);
    cprintf(unused > 0 ? "; %u more are not used\n" : "\n", unused);
    cprintf("  scheduler  %s\n", sched_name);
    cprintf("  type help in the shell; ctrl-\\ enters the kernel monitor, ctrl-A x leaves QEMU\n");
}

/* The boot hart's idle process: start the rest, then be idle. */
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
