/* What a panic tells beside its reason: the registers, which hart and task it came from, and what
   each other hart was doing.

   It only reads and prints. The fields of other harts are read while these may still run, until
   they have stopped: stopped_fp says when, and a hart that does not stop in time is said to give no
   answer. A layer above, which knows processes, tells how to name a task: this folder does not know
   them. */
#include <debug/backtrace.h>
#include <debug/printk.h>
#include <debug/diagnosis.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>

#define STOP_TIME   1000000     /* units of rdtime(): so long may the other harts take to stop */

/* Set once at boot. */
static void (*describe_cpu)(const struct cpu *cpu);

/* Without such a function, early at boot for example, a panic names the hart alone. */
void panic_set_describe(void (*describe)(const struct cpu *cpu))
{
    describe_cpu = describe;
}

/* Four registers a line, then the CSRs. x0 is left out: it is always 0. The names are those of the
   calling convention, because a student finds these in the assembly that the compiler makes. */
void print_registers(const struct trapframe *tf)
{
    static const char names[32][5] = {
        "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0",
        "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2", "s3", "s4", "s5",
        "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"
    };
    const uint64_t *reg = (const uint64_t *)&tf->gpr;

    cprintf("registers:\n");
    for (int i = 1; i < 32; i++)
        cprintf("  %-3s %016lx%s", names[i], reg[i], i % 4 == 0 || i == 31 ? "\n" : "");
    cprintf("  epc %016lx  status %016lx  cause %lx  tval %016lx\n",
            tf->epc, tf->status, tf->cause, tf->tval);
}

/* No newline at the end: the panic's first line goes on behind it. */
void diagnose_current(void)
{
    cprintf(" on hart %lu", this_cpu->hartid);
    if (describe_cpu != NULL) {
        cprintf(", running ");
        describe_cpu(this_cpu);
    }
}

/* All have the same time to stop, counted from here, so that several harts that do not answer cost
   no more time than one. A hart that spins for a lock with interrupts off asks panicked() in its
   loop and stops by itself; one that is in the firmware, or in a loop of its own with interrupts
   off, is the one that "does not answer". stopped_fp is loaded with acquire: what the hart wrote to
   its stack before it stopped is seen then, so its call stack can be walked from here. */
void diagnose_other_harts(void)
{
    uint64_t deadline = rdtime() + STOP_TIME;

    for (uint32_t i = 0; i < cpu_count; i++) {
        const struct cpu *cpu = &cpus[i];
        if (cpu == this_cpu || !(atomic_load(&cpus_online) & 1U << i))
            continue;
        /* pairs with panic_stop() in panic.c */
        while (atomic_load_acquire(&cpu->stopped_fp) == 0 && rdtime() < deadline)
            cpu_relax();
        cprintf("hart %lu%s", cpu->hartid, describe_cpu != NULL ? ", running " : "");
        if (describe_cpu != NULL)
            describe_cpu(cpu);
        cprintf(cpu->stopped_fp == 0 ? ", does not answer\n" : ":\n");
        if (cpu->stopped_fp != 0)
            backtrace(cpu->stopped_fp);
    }
}
