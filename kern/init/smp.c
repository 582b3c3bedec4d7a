/* Bringing up the harts. The firmware starts one of them, any one; the others are stopped until the
   boot hart asks for them (SBI spec 1.0, chapter 9, Hart State Management). The boot hart prepares
   what each needs: a struct cpu, a stack for telling of a broken stack, and an idle process, whose
   stack it begins on. It starts one at a time and waits until that runs, so there is no lock.

   The kernel numbers its harts from 0, the boot hart, as `cpu` numbers; the machine's own numbers
   need not be in a row. A hart whose bit is in cpus_online may get interrupts from others and takes
   part in everything. */
#include <driver/irq.h>
#include <init/init.h>
#include <machine/machine.h>
#include <process/proc.h>
#include <riscv/sbi.h>
#include <trap/trap.h>

#define EMERGENCY_STACK     4096

/* Their ends are in struct cpu: see trapentry.S. */
static uint8_t emergency_stacks[MAX_HARTS][EMERGENCY_STACK] __attribute__((aligned(16)));

/* The boot hart is the first, wherever it is in the list; of the others come as many as there is
   room for. emergency_sp is the end of the hart's own stack in the array, which is where the next
   one begins: stacks grow downwards. */
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
        cpus[id].bit = 1U << id;
        cpus[id].hartid = hartid;
        cpus[id].emergency_sp = (uintptr_t)emergency_stacks[id + 1];
    }
    cpus_online = 1;
}

/* Another hart comes here from entry.S: on the stack of its idle process, with paging on,
   interrupts off and its struct cpu in tp. With its bit in kernel_as.harts, changes of the kernel's
   map are flushed here too; nobody makes one before, since the boot hart waits and the others are
   idle. The bit in cpus_online ends that waiting, so it is the last thing. */
__never_returns void secondary_init(void)
{
    trap_init_hart();
    atomic_or(&kernel_as.harts, this_cpu->bit); /* pairs with tlb_flush() in tlb.c */
    sched_start(this_cpu->task);
    irq_init_hart();
    atomic_or(&cpus_online, this_cpu->bit); /* pairs with start_hart() */
    cpu_idle();
}

struct cpu *starting_cpu;               /* read by entry.S */

/* Start one hart and wait until it runs. entry.S takes starting_cpu instead of the argument of the
   call, which does not arrive if the hart comes in by _start: see there. The barrier has all that
   was written for the hart in memory before the firmware is called to start it.

   If the firmware refuses, the other harts do without this one: its bit in cpus_online stays clear,
   and its queue empty. If it does not come in ten seconds that is the end, because it may still
   come later, and take the next one's stack for its own. */
static void start_hart(struct cpu *cpu)
{
    extern char secondary_start[];
    struct proc_struct *idle = idle_create(cpu->id);
    uint64_t deadline = rdtime() + 10 * machine.timebase_hz;

    cpu->task = &idle->task;
    cpu->user_tf = idle->task.tf;
    starting_cpu = cpu;
    memory_barrier();   /* pairs with the firmware: it starts the hart after this */
    int error = sbi_hart_start(cpu->hartid, paddr(secondary_start), 0);
    /* The load pairs with secondary_init(). */
    while (error == 0 && !(atomic_load_acquire(&cpus_online) & cpu->bit)) {
        if (rdtime() > deadline)
            panic("hart %lu does not come up", cpu->hartid);
        cpu_relax();
    }
    if (error != 0)
        cprintf("hart %lu is not used: to start it is SBI error %d\n", cpu->hartid, error);
}

/* One after the other: starting_cpu is one word. */
void smp_start_others(void)
{
    for (uint32_t i = 1; i < cpu_count; i++)
        start_hart(&cpus[i]);
}
