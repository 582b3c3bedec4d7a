/* Panics: say what is known, stop everything. */
#include <debug/backtrace.h>
#include <debug/monitor.h>
#include <debug/panic.h>
#include <debug/printk.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>
#include <riscv/sbi.h>
#include <riscv/trapframe.h>

#define STOP_TIME   1000000     /* of rdtime: so long may the other harts take to stop */

static uint32_t panic_cpu;      /* atomic: cpu number + 1 of the hart that panicked first */

static void (*describe_cpu)(const struct cpu *cpu);

void panic_set_describe(void (*describe)(const struct cpu *cpu))
{
    describe_cpu = describe;
}

bool panicked(void)
{
    return unlikely(atomic_load(&panic_cpu) != 0);
}

void panic_stop(void)
{
    irq_disable();
    atomic_store_release(&this_cpu->stopped_fp, (uintptr_t)__builtin_frame_address(0));
    for (;;)
        wait_for_interrupt();
}

void interrupt_others(void)
{
    uint32_t others = atomic_load(&cpus_online) & ~(1U << this_cpu->id);

    if (others != 0)
        sbi_send_ipi(cpu_hart_mask(others));
}

/* Be the one hart that reports. Another hart that panics at the same time stops here; a second
   panic on the same hart has one line and ends the machine. */
static void panic_begin(const char *file, int line)
{
    uint32_t self = this_cpu->id + 1;

    irq_disable();
    if (!atomic_cas(&panic_cpu, 0, self)) {
        if (atomic_load(&panic_cpu) != self)
            panic_stop();
        cprintf("\npanic inside the panic, at %s:%d\n", file, line);
        power_off(PANIC_EXIT_STATUS);
    }
    interrupt_others();
    print_break_lock();
}

/* The registers as they are where this is inlined, and the trap's CSRs. */
static __always_inline void save_registers(struct trapframe *tf)
{
    asm volatile (".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,"
                  "26,27,28,29,30,31\n\tsd x\\n, 8*\\n(%0)\n\t.endr" : : "r" (tf) : "memory");
    tf->status = csr_read(sstatus);
    tf->cause = csr_read(scause);
    tf->tval = csr_read(stval);
}

/* What each other hart was doing when it was stopped. */
static void report_other_harts(void)
{
    uint64_t deadline = rdtime() + STOP_TIME;

    for (uint32_t i = 0; i < cpu_count; i++) {
        const struct cpu *cpu = &cpus[i];
        if (cpu == this_cpu || !(atomic_load(&cpus_online) & 1U << i))
            continue;
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

/* The end of every panic. */
static __noreturn void panic_end(const struct trapframe *tf)
{
    report_other_harts();
    if (monitor_on_panic())
        monitor(tf);
    power_off(PANIC_EXIT_STATUS);
}

static void report_current(void)
{
    cprintf(" on hart %lu", this_cpu->hartid);
    if (describe_cpu != NULL) {
        cprintf(", running ");
        describe_cpu(this_cpu);
    }
}

void panic_at(const char *file, int line, const char *fmt, ...)
{
    struct trapframe here;
    va_list ap;

    save_registers(&here);
    here.epc = (uintptr_t)__builtin_return_address(0);
    panic_begin(file, line);
    cprintf("\nkernel panic at %s:%d", file, line);
    report_current();
    cprintf(":\n    ");
    va_start(ap, fmt);
    vcprintf(fmt, ap);
    va_end(ap);
    cprintf("\n");
    print_registers(&here);
    cprintf("call stack, innermost first:\n");
    backtrace((uintptr_t)__builtin_frame_address(0));
    panic_end(NULL);
}

void print_registers(const struct trapframe *tf)
{
    static const char names[32][5] = {
        "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0",
        "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2", "s3", "s4", "s5",
        "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"
    };
    const uint64_t *reg = &tf->gpr.zero;
    for (int i = 1; i < 32; i++)
        cprintf("  %-3s %016lx%s", names[i], reg[i], i % 4 == 0 || i == 31 ? "\n" : "");
    cprintf("  epc %016lx  status %016lx  cause %lx  tval %016lx\n",
            tf->epc, tf->status, tf->cause, tf->tval);
}

void panic_trap(const struct trapframe *tf, const char *what)
{
    char place[SYMBOL_LENGTH];

    panic_begin(__FILE__, __LINE__);
    symbol_format(place, sizeof(place), tf->epc);
    cprintf("\nkernel panic");
    report_current();
    cprintf(": %s\n    at %s, address %#lx\n", what, place, tf->tval);
    print_registers(tf);
    cprintf("call stack, innermost first:\n");
    backtrace_trap(tf);
    panic_end(tf);
}
