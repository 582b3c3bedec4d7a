/* Traps in words. */
#include <debug/backtrace.h>
#include <debug/printk.h>
#include <error.h>
#include <printfmt.h>
#include <process/proc.h>
#include <trap/trap.h>

const char *cause_name(uint64_t cause)
{
    static const char *const names[] = {
        "misaligned jump", "instruction access fault", "illegal instruction", "breakpoint",
        "misaligned load", "load access fault", "misaligned store", "store access fault",
        "system call", "system call of the kernel", "reserved", "reserved",
        "instruction page fault", "load page fault", "reserved", "store page fault"
    };

    return cause < ARRAY_SIZE(names) ? names[cause] : "unknown exception";
}

/* The line should help to find the mistake. stval is an address only for some causes. */
void kill_current(const struct trapframe *tf, const char *why)
{
    const char *tval = tf->cause == CAUSE_ILLEGAL ? " (instruction " : ", address ";
    char place[SYMBOL_LENGTH], detail[32] = "";

    if (tf->cause != CAUSE_BREAKPOINT)
        snprintf(detail, sizeof(detail), "%s%#lx%s", tval, tf->tval, *tval == ' ' ? ")" : "");
    program_symbol(current->program, tf->epc, place, sizeof(place));
    cprintf("%s (pid %d) was killed: %s%s, at pc %#lx (%s)\n",
            current->name, current->pid, why, detail, tf->epc, place);
    do_exit(-E_KILLED);
}
