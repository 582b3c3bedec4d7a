/* Panics: say what is known, stop everything, switch off.

   The first hart that panics prints; one word says which it is. It sends a software interrupt to
   the others, whose handler stops them, and then it prints without waiting for any lock: whoever
   held one may have stopped. Then come the reason, the call stack, the registers, and what each
   other hart was doing (diagnosis.c). Nothing here allocates or sleeps, and all of it works before
   paging, before the console driver, and with a broken scheduler. */
#include <debug/backtrace.h>
#include <debug/monitor.h>
#include <debug/panic.h>
#include <debug/printk.h>
#include <debug/diagnosis.h>
#include <printfmt.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/power.h>
#include <riscv/sbi.h>
#include <string.h>

/* Longest message of a panic inside of a panic; others are of any length. */
#define MESSAGE_LENGTH  256

static uint32_t panic_cpu;      /* atomic: cpu number + 1 of the hart that panicked first */

/* It is asked in loops that spin, and in the handler of software interrupts, so the answer "no"
   must cost little: one load. */
bool panicked(void)
{
    return unlikely(atomic_load(&panic_cpu) != 0);
}

/* The frame pointer is what tells the hart that panicked that this one has stopped. It is stored
   with release, so that the whole stack is seen by whoever sees it; wfi may return, so there is a
   loop. */
void panic_stop(void)
{
    irq_disable();
    /* pairs with diagnose_other_harts() in diagnosis.c */
    atomic_store_release(&this_cpu->stopped_fp, (uintptr_t)__builtin_frame_address(0));
    for (;;)
        wait_for_interrupt();
}

/* Only harts that are up: the firmware may refuse the whole call if one of the mask is not. The
   call does not wait: the handler on the other harts runs a little later. */
void interrupt_others(void)
{
    uint32_t others = atomic_load(&cpus_online) & ~this_cpu->bit;

    if (others != 0)
        sbi_send_ipi(cpu_hart_mask(others));
}

/* Become the one hart that prints, and begin the first line. Three cases:

   - No hart has panicked yet. This one becomes the first; the compare and swap lets only one win.
   - Another hart was first. Then this one stops here: two messages at a time would be unreadable,
     and what went wrong second is mostly a consequence.
   - This hart was first itself. So the message of the first panic has panicked, on memory that is
     damaged for example. It gets one line, and ends the machine: there would be no end otherwise.

   From the call of interrupt_others() on the other harts stop one by one, and from
   print_break_lock() on nobody waits for the right to print. */
static void panic_begin(const char *place, const char *what)
{
    uint32_t self = this_cpu->id + 1;

    irq_disable();
    /* no pair: one word, of which only the winner matters */
    if (!atomic_cas(&panic_cpu, 0, self)) {
        if (atomic_load(&panic_cpu) != self)
            panic_stop();
        cprintf("\npanic inside the panic, at %s: %s\n", place, what);
        power_off(PANIC_EXIT_STATUS);
    }
    interrupt_others();
    print_break_lock();
    cprintf("\nkernel panic at %s", place);
    diagnose_current();
    cprintf(":\n    ");
}

/* The end of every panic: the other harts, the monitor if that is wanted, and off. */
static __never_returns void panic_end(const struct trapframe *tf)
{
    diagnose_other_harts();
    IF_CHECK(check_races());
    if (monitor_on_panic())
        monitor(tf);
    power_off(PANIC_EXIT_STATUS);
}

/* The registers are saved first, as far as they are still the caller's. `what` is filled only for a
   panic inside of a panic: there the message is printed at once by panic_begin(), because it is not
   sure that anything after it works. */
void panic_at(const char *file, int line, const char *fmt, ...)
{
    struct trapframe here;
    char place[SYMBOL_LENGTH], what[MESSAGE_LENGTH] = "";
    va_list ap;

    save_registers(&here);
    here.epc = (uintptr_t)__builtin_return_address(0);
    snprintf(place, sizeof(place), "%s:%d", file, line);
    va_start(ap, fmt);
    if (panicked())                     /* then this is all that is printed */
        vsnprintf(what, sizeof(what), fmt, ap);
    panic_begin(place, what);
    vcprintf(fmt, ap);
    va_end(ap);
    cprintf("\ncall stack, innermost first:\n");
    backtrace((uintptr_t)__builtin_frame_address(0));
    print_registers(&here);
    panic_end(NULL);
}

/* A panic whose message tells the student where to read on. It takes more arguments than it looks
   at: see not_written() in panic.h. */
void not_written_at(const char *file, int line, const char *exercise, const char *part, ...)
{
    panic_at(file, line, "exercise %s (%s) is not written yet, at %s:%d; labcodes.md tells what to "
             "write there", exercise, part, file, line);
}

bool is_written(const char *exercise)
{
    extern const char *const blanks_start[], *const blanks_end[];

    for (const char *const *blank = blanks_start; blank < blanks_end; blank++)
        if (strcmp(*blank, exercise) == 0)
            return false;
    return true;
}

/* As panic_at(), but place, call stack and registers are those of the trap: where the handler is
   does not matter. The stack that is walked is the one on which the trap came. */
void panic_trap(const struct trapframe *tf, const char *what)
{
    char place[SYMBOL_LENGTH];

    symbol_format(place, sizeof(place), tf->epc);
    panic_begin(place, what);
    cprintf("%s, address %#lx\ncall stack, innermost first:\n", what, tf->tval);
    backtrace_trap(tf);
    print_registers(tf);
    panic_end(tf);
}
