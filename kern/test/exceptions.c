/* Exercise 1.2: what becomes of an exception. Trap frames are made up here, so that no process is
   needed; then the kernel's own breakpoints are real.

   "fault-access" asks for each cause which access it was; "user-exception" asks whether a program
   goes on or ends, and why; "kernel-breakpoint" runs ebreaks of both lengths. A wrong kernel kills
   programs that only needed a page, lets others fault for ever, or goes on in the middle of an
   instruction.

   All run at boot. The numbers of the causes are those of table 4.2 of the Privileged spec
   20211203.

   Alone: make grade TEST=fault-access, TEST=user-exception or TEST=kernel-breakpoint. */
#include <debug/monitor.h>
#include <error.h>
#include <mm/vmm.h>
#include <report.h>
#include <riscv/csr.h>
#include <string.h>
#include <test/testlib.h>
#include <trap/trap.h>

#define CAUSES      64
#define PC          0x200000        /* of the program that traps */

/* The three that are page faults, and then every other number up to 63; some of these by name, so
   that the message of a failed check says which mistake was made. An interrupt's cause has the top
   bit set and a number that may look like a page fault's: all 64 bits must be compared. */
static void test_fault_access(void)
{
    bool others = true;

    /* These three words are what do_pgfault() compares with the area's rights. */
    check_eq("a fetch needs the right to execute", fault_access(CAUSE_FETCH_PAGE), VM_EXEC);
    check_eq("a load needs the right to read", fault_access(CAUSE_LOAD_PAGE), VM_READ);
    check_eq("a store needs the right to write", fault_access(CAUSE_STORE_PAGE), VM_WRITE);
    check_eq("an illegal instruction is no page fault", fault_access(CAUSE_ILLEGAL), 0);
    check_eq("a breakpoint is no page fault", fault_access(CAUSE_BREAKPOINT), 0);
    /* 5, 7 and 1: load, store and fetch at a physical address where nothing is. 4 and 6 are the
       misaligned ones. */
    check_eq("an access fault is none: no page table can repair it", fault_access(5)
             | fault_access(7) | fault_access(1), 0);
    check_eq("a misaligned access is none", fault_access(4) | fault_access(6), 0);
    for (uint64_t cause = 0; cause < CAUSES; cause++)
        if (cause != CAUSE_FETCH_PAGE && cause != CAUSE_LOAD_PAGE && cause != CAUSE_STORE_PAGE)
            others &= fault_access(cause) == 0;
    check("nor is any other exception", others);
    check_eq("an interrupt with such a number is none",
             fault_access(CAUSE_INTERRUPT | CAUSE_STORE_PAGE), 0);
    check_eq("all 64 bits of the cause count", fault_access(CAUSE_LOAD_PAGE | 1UL << 40), 0);
}

SELFTEST_AT(STAGE_BOOT, "fault-access", test_fault_access);

/* Of a program that trapped at PC. Every field that must not change has a value that would be
   missed. */
static struct trapframe frame(uint64_t cause, uint64_t status)
{
    return (struct trapframe){
        .status = status | SSTATUS_SPIE, .epc = PC, .tval = 0x1234, .cause = cause,
        .gpr = { .sp = 0x5678, .a0 = 1, .a7 = EBREAK_SYSCALL },
    };
}

/* Does this end the program, for this reason? Nothing of its frame may change then: the message
   that the kernel prints is made from it. */
static bool ends(uint64_t cause, uint64_t status, int error, const char *reason)
{
    struct trapframe before = frame(cause, status), tf = before;
    const char *why = user_exception(&tf, error);

    return why != NULL && strcmp(why, reason) == 0 && memcmp(&tf, &before, sizeof(tf)) == 0;
}

/* A page fault that is repaired happens again, with success: the frame stays as it is. */
static bool goes_on(uint64_t cause, uint64_t status)
{
    struct trapframe before = frame(cause, status), tf = before;

    return user_exception(&tf, 0) == NULL && memcmp(&tf, &before, sizeof(tf)) == 0;
}

/* A program's first floating-point instruction traps as an illegal one, because FS is off. It is
   the one illegal instruction after which a program goes on, without moving epc. */
static void check_fpu(void)
{
    struct trapframe tf = frame(CAUSE_ILLEGAL, 0);
    const char *why = user_exception(&tf, -E_FAULT);

    check("the first floating-point instruction does not end it", why == NULL);
    /* FS in the frame is what the program returns with; if it stayed off the program would trap
       again. */
    check_eq("its registers are in use from now on", tf.status & SSTATUS_FS, SSTATUS_FS_DIRTY);
    check_eq("and the instruction runs once more", tf.epc, PC);
    csr_clear(sstatus, SSTATUS_FS);
}

/* With FS off and with FS dirty, because only the first kind may be a first use of floating point.
   An access fault is no page fault: it comes from a hole in physical memory, and repeating it would
   repeat it for ever. */
static void test_user_exception(void)
{
    const uint64_t fs = SSTATUS_FS_DIRTY;
    bool named = true;

    check("a load from a page that was made ready goes on", goes_on(CAUSE_LOAD_PAGE, fs));
    /* FS off: a page fault is no first use of floating point. */
    check("so does a store", goes_on(CAUSE_STORE_PAGE, 0));
    check("so does a fetch", goes_on(CAUSE_FETCH_PAGE, fs));
    /* The repair has failed: the message has the name of the exception. */
    check("a load from nowhere ends the program",
          ends(CAUSE_LOAD_PAGE, fs, -E_FAULT, "load page fault"));
    check("so does a store", ends(CAUSE_STORE_PAGE, 0, -E_FAULT, "store page fault"));
    check("so does a jump", ends(CAUSE_FETCH_PAGE, fs, -E_FAULT, "instruction page fault"));
    /* The program has done nothing wrong, so its user should not be told of a page fault. */
    check("if there is no memory for the page, that is the reason",
          ends(CAUSE_STORE_PAGE, fs, -E_NO_MEM, "out of memory"));
    check("an illegal instruction ends the program",
          ends(CAUSE_ILLEGAL, fs, -E_FAULT, "illegal instruction"));
    /* A program's ebreak is not the kernel's: it does not enter the monitor. */
    check("so does a breakpoint, and its message names it",
          ends(CAUSE_BREAKPOINT, fs, -E_FAULT, "breakpoint"));
    check("also if it has not used floating point",
          ends(CAUSE_BREAKPOINT, 0, -E_FAULT, "breakpoint"));
    check("an access fault ends it, and is not skipped",
          ends(5, fs, -E_FAULT, "load access fault"));
    /* Each cause, those that the architecture reserves too: there is no number for which nothing
       happens. */
    for (uint64_t cause = 0; cause < CAUSES; cause++)
        named &= ends(cause, fs, -E_FAULT, cause_name(cause));
    check("each exception that stays is told by its name", named);
    check_fpu();
}

SELFTEST_AT(STAGE_BOOT, "user-exception", test_user_exception);

/* What the monitor reads: each time "continue". */
static unsigned int monitor_reads;

/* In place of the console: the monitor is entered, reads one line, and goes on. */
static int monitor_input(void)
{
    static const char command[] = "continue\n";

    return command[monitor_reads++ % (sizeof(command) - 1)];
}

/* Where the kernel goes on after a breakpoint at this instruction, in bytes behind it. The trap is
   made up; the instruction is data that is never executed. */
static int64_t skipped(const uint16_t *instruction)
{
    struct trapframe tf = frame(CAUSE_BREAKPOINT, SSTATUS_SPP);

    tf.gpr.a7 = 0;                  /* no system call: that would be EBREAK_SYSCALL */
    tf.epc = (uintptr_t)instruction;
    trap_kernel(&tf);
    return tf.epc - (uintptr_t)instruction;
}

/* Every instruction behind the ebreak counts, in a bit of its own. */
static uint64_t break_long(void)
{
    register uint64_t a7 asm("a7") = 0;
    uint64_t bits;

    asm volatile (".option push\n.option norvc\nli %0, 0\nebreak\n"
                  "addi %0, %0, 1\naddi %0, %0, 2\naddi %0, %0, 4\n.option pop"
                  : "=&r" (bits) : "r" (a7) : "memory");
    return bits;
}

/* The same with compressed instructions, but for the last. If epc is moved too far, the instruction
   behind is left out, and its bit is missing. */
static uint64_t break_short(void)
{
    register uint64_t a7 asm("a7") = 0;
    register uint64_t bits asm("a0") = 0;

    asm volatile (".option push\n.option rvc\nc.ebreak\nc.addi a0, 1\nc.addi a0, 2\n"
                  "addi a0, a0, 4\n.option pop" : "+r" (bits) : "r" (a7) : "memory");
    return bits;
}

/* First with made up traps, which can do no harm; only if they are right with real ones.
   before_long has a 4-byte instruction right behind a 2-byte one: whoever looks at the bytes
   behind, and not at the ebreak itself, takes the wrong length. */
static void test_kernel_breakpoint(void)
{
    static const uint16_t compressed[] = { 0x9002, 0x0505, 0x0505 }, full[] = { 0x0073, 0x0010 };
    static const uint16_t before_long[] = { 0x9002, 0x0073, 0x0010 };
    unsigned int reads;

    monitor_set_input(monitor_input);
    bool good = check_eq("a compressed ebreak has 2 bytes", skipped(compressed), 2);
    good &= check_eq("an ebreak that is not compressed has 4", skipped(full), 4);
    good &= check_eq("what follows does not count", skipped(before_long), 2);
    check("the kernel monitor was entered", monitor_reads > 0);
    if (!good)
        return;                     /* the real ones would end in a panic */
    /* How much the three made-up ones have read: a third of it is one entry. */
    reads = monitor_reads;
    check_eq("the code behind a compressed ebreak runs, all of it", break_short(), 7);
    check_eq("so does the code behind one that is not", break_long(), 7);
    check_eq("each entered the monitor once", monitor_reads, 2 * reads / 3 + reads);
    /* The way out of a trap puts them back. */
    check("interrupts are as they were", !irq_enabled());
}

SELFTEST_AT(STAGE_BOOT, "kernel-breakpoint", test_kernel_breakpoint);
