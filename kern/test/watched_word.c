/* The accesses to a watched word, done instruction by instruction: see watched_word.h.

   Loads and stores of 32 bits, also in their short forms, and the A extension's instructions
   (Unprivileged spec 20191213, 2.6, 8.2, 8.4, 16.3). All else is a panic, so that nothing goes by
   unseen. lr.w notes the value that it loads, and sc.w fails if the word has another one since:
   that is what a program's change does to it here. An sc.w behind an lr.w that was done here does
   not trap: without a reservation it fails at once. So it is done together with that one, and with
   the branch between them, as the compilers have them in a compare and swap. */
#include <debug/panic.h>
#include <riscv/csr.h>
#include <riscv/trapframe.h>
#include <test/watched_word.h>

uintptr_t watched_word_address;         /* for watched_word.S; set once */
static uint32_t *true_word;
static void (*on_access)(int n);
static int count;
static uint32_t reserved;               /* what lr.w has loaded */

/* The result of an atomic instruction, and what it leaves in the word. */
static uint64_t do_atomic(uint32_t instruction, uint32_t operand)
{
    uint32_t before = *true_word;

    switch (instruction >> 27) {
    case 2:                             /* lr.w */
        reserved = before;
        break;
    case 3:                             /* sc.w: 0 if it is done */
        if (before == reserved)
            *true_word = operand;
        return before != reserved;
    case 0: *true_word = before + operand; break;
    case 1: *true_word = operand; break;
    case 4: *true_word = before ^ operand; break;
    case 8: *true_word = before | operand; break;
    case 12: *true_word = before & operand; break;
    default:
        panic("instruction %08x is no access that can be watched", instruction);
    }
    return (int64_t)(int32_t)before;
}

/* Where it goes on behind a bne or c.bnez that is here; if there is none, here. */
static uintptr_t after_branch(uintptr_t pc, const uint64_t *registers)
{
    const uint16_t *at = (const uint16_t *)pc;
    uint32_t code = at[0] | (uint32_t)at[1] << 16;
    int offset;

    if ((code & 0xe003) == 0xe001) {
        offset = (code >> 3 & 3) << 1 | (code >> 10 & 3) << 3 | (code >> 2 & 1) << 5
                 | (code >> 5 & 3) << 6 | (code >> 12 & 1 ? -256 : 0);
        return pc + (registers[8 + (code >> 7 & 7)] != 0 ? offset : 2);
    }
    if ((code & 0x707f) != 0x1063)
        return pc;
    offset = (code >> 8 & 15) << 1 | (code >> 25 & 63) << 5 | (code >> 7 & 1) << 11
             | (code >> 31 ? -4096 : 0);
    return pc + (registers[code >> 15 & 31] != registers[code >> 20 & 31] ? offset : 4);
}

/* Is an sc.w here? */
static bool is_sc(uintptr_t pc)
{
    const uint16_t *at = (const uint16_t *)pc;

    return (at[0] & 0x707f) == 0x202f && at[1] >> 11 == 3;
}

/* Do the instruction at epc, which accesses the word, and go on behind it. */
void watched_word_access(struct trapframe *tf);
void watched_word_access(struct trapframe *tf)
{
    const uint16_t *at = (const uint16_t *)tf->epc;
    uint64_t *registers = (uint64_t *)&tf->gpr;   /* x0 to x31 */
    bool is_short = (at[0] & 3) != 3;
    uint32_t instruction = is_short ? at[0] : at[0] | (uint32_t)at[1] << 16;
    uint32_t rd = instruction >> 7 & 31, rs2 = instruction >> 20 & 31;

    on_access(++count);
    tf->gpr.zero = 0;
    if ((instruction & 0xe003) == 0x4000)               /* c.lw */
        registers[8 + (instruction >> 2 & 7)] = (int64_t)(int32_t)*true_word;
    else if ((instruction & 0xe003) == 0xc000)          /* c.sw */
        *true_word = registers[8 + (instruction >> 2 & 7)];
    else if ((instruction & 0x707f) == 0x2003)          /* lw */
        registers[rd] = (int64_t)(int32_t)*true_word;
    else if ((instruction & 0x707f) == 0x6003)          /* lwu */
        registers[rd] = *true_word;
    else if ((instruction & 0x707f) == 0x2023)          /* sw */
        *true_word = registers[rs2];
    else if ((instruction & 0x707f) == 0x202f)
        registers[rd] = do_atomic(instruction, registers[rs2]);
    else
        panic("instruction %08x is no access that can be watched", instruction);
    tf->epc += is_short ? 2 : 4;
    if ((instruction & 0xf800707f) == 0x1000202f) {     /* lr.w */
        uintptr_t next = after_branch(tf->epc, registers);

        if (next == tf->epc && !is_sc(next))
            panic("instruction %08x, and what stands behind it, cannot be watched", instruction);
        tf->epc = next;
        if (is_sc(next))
            watched_word_access(tf);
    }
}

void watch_word(uint32_t *value, void (*other)(int n))
{
    extern char watched_word_trap[];

    watched_word_address = (uintptr_t)WATCHED_WORD;
    true_word = value;
    on_access = other;
    count = 0;
    csr_write(stvec, watched_word_trap);
}

void unwatch_word(void)
{
    extern char trap_entry[];

    csr_write(stvec, trap_entry);
}
