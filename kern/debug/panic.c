/* Panics: say what is known, stop everything. */
#include <debug/backtrace.h>
#include <debug/panic.h>
#include <debug/printk.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/csr.h>
#include <riscv/sbi.h>
#include <riscv/trapframe.h>

static uint32_t panic_cpu;      /* atomic: cpu number + 1 of the hart that panicked first */

bool panicked(void)
{
    return unlikely(atomic_load(&panic_cpu) != 0);
}

void panic_stop(void)
{
    irq_disable();
    for (;;)
        wait_for_interrupt();
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
    uint32_t others = atomic_load(&cpus_online) & ~(1U << this_cpu->id);
    if (others != 0)
        sbi_send_ipi(cpu_hart_mask(others));
    print_break_lock();
}

void panic_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    panic_begin(file, line);
    cprintf("\nkernel panic at %s:%d on hart %lu:\n    ", file, line, this_cpu->hartid);
    va_start(ap, fmt);
    vcprintf(fmt, ap);
    va_end(ap);
    cprintf("\ncall stack, innermost first:\n");
    backtrace((uintptr_t)__builtin_frame_address(0));
    power_off(PANIC_EXIT_STATUS);
}

static void print_registers(const struct trapframe *tf)
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
    cprintf("\nkernel panic on hart %lu: %s\n    at %s, address %#lx\n", this_cpu->hartid,
            what, place, tf->tval);
    print_registers(tf);
    cprintf("call stack, innermost first:\n");
    cprintf("  %016lx %s\n", tf->epc, place);
    backtrace(tf->gpr.s0);
    power_off(PANIC_EXIT_STATUS);
}
