/* Exercise 5.1: the frame by which exec leaves the kernel, bit by bit. Most of its status cannot be
   seen from user mode, so it is looked at here: initproc becomes a program, but never leaves the
   kernel.

   Twice: from a kernel thread, as the first program is started, and from a program, as every other
   one is. The frame is full of junk before, so that a field which nobody sets is found. A wrong
   frame may work by chance; it may also leave the new program in supervisor mode, without
   interrupts, or with numbers of the old program in its registers.

   Alone: make grade TEST=user-frame. The programs hello and args try it from outside. */
#include <elf.h>
#include <mm/usercopy.h>
#include <process/proc.h>
#include <report.h>
#include <riscv/csr.h>
#include <string.h>
#include <test/testlib.h>

#define PROGRAM     "hello"
#define JUNK        0xa5
/* The bits of sstatus that a new program has of its own; all others must be as they are in the
   kernel. */
#define CHANGED     (SSTATUS_SPP | SSTATUS_SPIE | SSTATUS_SIE | SSTATUS_SUM | SSTATUS_FS)

/* Of the 32 registers all but sp, a0 and a1 are 0, so that nothing of the old program is left: a
   program could else read what another one, or the kernel, had in its registers. tp is not set by
   the exercise's part of exec. */
static size_t leftovers(const struct trapframe *tf)
{
    struct pushregs gpr = tf->gpr;
    const uint64_t *reg = (const uint64_t *)&gpr;
    size_t count = 0;

    gpr.sp = gpr.tp = gpr.a0 = gpr.a1 = 0;
    for (size_t i = 0; i < sizeof(gpr) / sizeof(*reg); i++)
        count += reg[i] != 0;
    return count;
}

/* Each bit with what it does at the sret (Privileged spec 20211203, 3.3.2 and 4.1.1). */
static void check_status(uint64_t status, uint64_t kernel)
{
    check_eq("SPP is 0: sret goes to user mode", status & SSTATUS_SPP, 0);
    /* In user mode they are on in any case; but SPIE becomes SIE, which the next trap saves. */
    check("SPIE is 1: sret turns interrupts on", status & SSTATUS_SPIE);
    check_eq("SIE is 0: no interrupt comes between the last steps in the kernel",
             status & SSTATUS_SIE, 0);
    check_eq("SUM is 0: the kernel does not touch user memory by mistake", status & SSTATUS_SUM, 0);
    check_eq("FS is 0: the old program's floating-point registers are out of reach",
             status & SSTATUS_FS, 0);
    check_eq("the other bits of sstatus are as they were", status & ~CHANGED, kernel & ~CHANGED);
}

/* Word i of argv, read as the program would read it: through the pointer at argv[i].

   The new stack, as exec leaves it:

       USTACKTOP   +--------------------+
                   | "hello", "world"   |  the strings, each with its zero
                   | ...                |
                   | NULL               |  argv[argc]
                   | -> "world"         |  argv[1]
       sp, a1      | -> "hello"         |  argv[0]
                   +--------------------+ */
static void check_word(uintptr_t argv, int i, const char *expected)
{
    uintptr_t where = 0;
    char word[16] = "";

    check_eq("argv can be read at sp", copy_from_user(&where, argv + i * sizeof(where),
                                                      sizeof(where)), 0);
    check("each word of argv can be read, and is the one that was given",
          copy_string_from_user(word, where, sizeof(word)) >= 0 && strcmp(word, expected) == 0);
}

/* Where the program begins, its stack, and its arguments. */
static void check_frame(const struct trapframe *tf, int argc)
{
    struct reader file = program_reader(program_find(PROGRAM));
    struct elfhdr elf;

    assert_eq(program_check(&file, &elf), 0);
    check_eq("epc is the program's entry", tf->epc, elf.e_entry);
    check("sp lies in the user stack's page", tf->gpr.sp >= USTACKTOP - PGSIZE
          && tf->gpr.sp < USTACKTOP);
    /* The calling convention wants it at the entry of each function, main() included. */
    check_eq("sp is a multiple of 16", tf->gpr.sp % 16, 0);
    check_eq("a0 is argc", tf->gpr.a0, argc);
    check_eq("a1 is argv, which stands where sp points", tf->gpr.a1, tf->gpr.sp);
    check_eq("no other register keeps anything of the old program", leftovers(tf), 0);
}

/* sstatus is set as it would be in a trap, or as it is when the first program is started: so a
   frame that copies it without a change is found. */
static void test_user_frame(void)
{
    struct trapframe *tf = current->task.tf;
    const char *argv[] = { PROGRAM, "world" };

    /* So that a field which exec does not set is neither 0 nor right. */
    memset(tf, JUNK, sizeof(*tf));
    /* A trap would change SPIE and SPP in sstatus. SPP is 1 when the first program is started. */
    irq_disable();
    csr_clear(sstatus, SSTATUS_SPIE);
    csr_set(sstatus, SSTATUS_SPP | SSTATUS_SUM);
    uint64_t status = csr_read(sstatus);
    check_eq("a kernel thread can become a program: exec returns argc",
             do_kernel_execve(PROGRAM, 2, argv), 2);
    csr_clear(sstatus, SSTATUS_SUM);
    irq_enable();
    check_status(tf->status, status);
    check_frame(tf, 2);
    /* By the pointers on the new stack. */
    check_word(tf->gpr.a1, 0, PROGRAM);
    check_word(tf->gpr.a1, 1, "world");

    /* Now as the program itself would, with its own argv and with floating point in use. */
    uintptr_t old_argv = tf->gpr.sp;            /* now as the program itself would */
    uintptr_t name = 0;
    assert_eq(copy_from_user(&name, old_argv, sizeof(name)), 0);
    memset(tf, JUNK, sizeof(*tf));
    /* As in a trap of a program that has used floating point. */
    csr_set(sstatus, SSTATUS_FS);
    status = csr_read(sstatus);
    check_eq("a program can become another one", do_execve(name, 1, old_argv), 1);
    csr_clear(sstatus, SSTATUS_FS);
    check_status(tf->status, status);
    check_frame(tf, 1);
    check_word(tf->gpr.a1, 0, PROGRAM);
}

/* If a check of the status fails: print/x tf->status in gdb, and the names of the bits are in
   riscv/csr.h. If hello works all the same, QEMU or luck has covered the mistake. */
SELFTEST_AT(STAGE_INIT, "user-frame", test_user_frame);
