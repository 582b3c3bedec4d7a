/* Traps in words: names for the exceptions (Privileged spec 20211203, 4.1.8, table 4.2), and what
   kind of instruction it was that trapped. They are for messages only; nothing is decided by them.

   Both functions only look at their argument. They may be called from anywhere. Numbers that the
   architecture reserves have the name "reserved"; those above 15 are unknown. A message of a killed
   program or of a panic begins with such a name, and tests look for it: so the words stay as they
   are. */
#include <trap/trap.h>

/* The fields are those of the Unprivileged spec 20191213, chapter 24. A compressed instruction has
   two low bits that are not 11. 0, which stval may be instead of the instruction, is none. */
bool uses_fpu(uint32_t instruction)
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
