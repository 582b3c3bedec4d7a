/* Traps in words. */
#include <debug/backtrace.h>
#include <debug/printk.h>
#include <error.h>
#include <printfmt.h>
#include <process/proc.h>
#include <trap/trap.h>

/* Is it one for floating-point numbers? By its bits, where they are known (stval may be 0). */
static bool uses_fpu(uint32_t instruction)
{
    uint32_t opcode = instruction & 0x7f, kind = instruction >> 12 & 7, csr = instruction >> 20;

    if ((opcode & 3) != 3) {            /* c.fld, c.fsd, c.fldsp, c.fsdsp */
        kind = instruction >> 13 & 7;
        return (opcode & 3) != 1 && (kind == 1 || kind == 5);
    }
    return opcode == 0x07 || opcode == 0x27 || opcode == 0x53   /* load, store, compute */
        || (opcode & 0x73) == 0x43                              /* fmadd and its like */
        || (opcode == 0x73 && (kind & 3) != 0 && csr >= 1 && csr <= 3);     /* fcsr */
}

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
    cprintf("%s (pid %d) was killed: %s%s, at pc %#lx (%s)%s\n",
            current->name, current->pid, why, detail, tf->epc, place,
            tf->cause == CAUSE_ILLEGAL && fpu_missing && uses_fpu(tf->tval)
            ? "; this machine has no floating-point registers" : "");
    do_exit(-E_KILLED);
}
