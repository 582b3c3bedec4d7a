/* Bringing up the harts: the boot hart prepares what each needs and has the firmware start it. */
#include <driver/irq.h>
#include <init/init.h>
#include <machine/machine.h>
#include <process/proc.h>
#include <riscv/sbi.h>
#include <trap/trap.h>

#define EMERGENCY_STACK     4096

static uint8_t emergency_stacks[MAX_HARTS][EMERGENCY_STACK] __attribute__((aligned(16)));

/* The boot hart first, wherever it is in the list, and of the others as many as there is room
   for. */
void smp_init_boot_hart(void)
{
    cpu_count = 1;
    for (uint32_t i = 0; i < machine.hart_count; i++) {
        uint64_t hartid = machine.harts[i].hartid;
        bool boots = hartid == cpus[0].hartid;

        if (!boots && cpu_count == MAX_HARTS)
            continue;
        uint32_t id = boots ? 0 : cpu_count++;

        cpus[id].id = id;
        cpus[id].hartid = hartid;
        cpus[id].emergency_sp = (uintptr_t)emergency_stacks[id + 1];
    }
    cpus_online = 1;
}

/* In its idle process's stack, paging on. */
__never_returns void secondary_init(void)
{
    trap_init_hart();
    atomic_or(&kernel_as.harts, 1U << this_cpu->id);
    sched_start(this_cpu->task);
    irq_init_hart();
    atomic_or(&cpus_online, 1U << this_cpu->id);
    cpu_idle();
}

struct cpu *starting_cpu;               /* read by entry.S */

/* One at a time: entry.S takes starting_cpu, because the argument may not arrive. */
static void start_hart(struct cpu *cpu)
{
    extern char secondary_start[];
    struct proc_struct *idle = idle_create(cpu->id);
    uint64_t deadline = rdtime() + 10 * machine.timebase_hz;

    cpu->task = &idle->task;
    cpu->user_tf = idle->task.tf;
    starting_cpu = cpu;
    memory_barrier();
    int error = sbi_hart_start(cpu->hartid, paddr(secondary_start), 0);
    if (error != 0)
        panic("the firmware cannot start hart %lu: SBI error %d", cpu->hartid, error);
    while (!(atomic_load(&cpus_online) & 1U << cpu->id)) {
        if (rdtime() > deadline)
            panic("hart %lu does not come up", cpu->hartid);
        cpu_relax();
    }
}

void smp_start_others(void)
{
    for (uint32_t i = 1; i < cpu_count; i++)
        start_hart(&cpus[i]);
}
