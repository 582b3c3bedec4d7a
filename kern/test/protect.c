/* What the kernel must not do to memory. Each test breaks one rule and must end in a panic that
   names it; if it goes on, it panics with "not caught" instead.

   Text and constants may not be written, data and stacks not executed, the user's memory not
   touched but by usercopy, and a null pointer not followed. The hardware enforces all of that, if
   the kernel's map and sstatus are right (kern/mm/kmap.c, riscv/memlayout.h). At the end are panics
   in difficult moments: in a panic, in an interrupt, while printing.

   No exercise is tried here; but the messages are those that a mistake in an exercise ends in. What
   each panic must say is in tools/labs/lab0.py. Alone: make grade GRADE=--all TEST=write-text, and
   so on. */
#include <debug/printk.h>
#include <driver/irq.h>
#include <machine/machine.h>
#include <mm/pagetable.h>
#include <riscv/csr.h>
#include <riscv/sbi.h>
#include <test/testlib.h>

#define NOT_CAUGHT(what)    panic("not caught: %s", what)

extern char kernel_text_start[], kernel_text_end[];

static const uint64_t constant = 1;

/* A store into code would change what every process runs. Expected: a store page fault there. */
static void write_text(void)
{
    *(volatile uint32_t *)kernel_text_start = 0;
    NOT_CAUGHT("a write to the kernel's text");
}

/* The compiler would refuse the plain assignment, so the constant's address is made a volatile
   one. */
static void write_rodata(void)
{
    *(volatile uint64_t *)&constant = 2;
    NOT_CAUGHT("a write to a constant");
}

/* Two times ret, and whatever would be there: the kernel must not run it. */
static void exec_data(void)
{
    /* In .data: writable, so not executable. */
    static uint16_t code[2] = { 0x8082, 0x8082 };

    /* So that what is fetched is what was stored. That the jump fails must come from the map
       alone. */
    asm volatile ("fence.i" : : : "memory");
    ((void (*)(void))code)();
    NOT_CAUGHT("a jump into data");
}

/* As above. It is how an overflow of a buffer on the stack is turned into running code. */
static void exec_stack(void)
{
    /* On the stack: writable, so not executable. */
    uint16_t code[2] = { 0x8082, 0x8082 };

    asm volatile ("fence.i" : : "r" (code) : "memory");
    ((void (*)(void))code)();
    NOT_CAUGHT("a jump to the stack");
}

/* The compiler must not know that it is NULL: it may leave out code that is undefined in C, and an
   access through NULL is. */
static void *null_pointer(void)
{
    void *p;

    asm volatile ("mv %0, zero" : "=r" (p));
    return p;
}

/* A struct's member at offset 8, through a pointer that is NULL: address 8 is in page 0, too. */
static void read_null(void)
{
    uint64_t value = *(volatile uint64_t *)((uintptr_t)null_pointer() + 8);

    panic("not caught: a read through a null pointer gave %#lx", value);
}

/* The message must say "null pointer", and not only "page fault". */
static void write_null(void)
{
    *(volatile uint64_t *)null_pointer() = 1;
    NOT_CAUGHT("a write through a null pointer");
}

/* Then epc is 0 and the stack says who called. */
static void call_null(void)
{
    ((void (*)(void))null_pointer())();
    NOT_CAUGHT("a call of a null pointer");
}

/* Not a tail call, so that each call needs its own frame. */
__attribute__((noinline)) static uint64_t recurse(uint64_t depth)
{
    /* At least eight words for each call, which the compiler may not leave out. */
    volatile uint64_t frame[8] = { depth };

    return depth == 0 ? 0 : recurse(depth - 1) + frame[depth % 8];
}

/* The guard below the stack is not mapped, so the first store there traps; trap entry must notice
   that there is no room for the frame, and go on with another stack. The message names the
   process. */
static void overflow_stack(void)
{
    cprintf("%lu\n", recurse(1UL << 40));
    NOT_CAUGHT("a kernel stack without end");
}

/* A page that a user program could use, in the map that this test runs on: with all rights, so that
   only U and SUM are left to forbid the access. */
static volatile uint64_t *user_page(void)
{
    struct Page *page = alloc_zeroed_page();

    assert(page != NULL);
    /* USERBASE is the lowest address that a program may have. */
    assert_eq(page_insert(&kernel_as, page, USERBASE, PTE_U | PTE_R | PTE_W | PTE_X), 0);
    return (volatile uint64_t *)USERBASE;
}

/* With the SUM bit it works; the kernel has it set only inside of usercopy. */
static void read_user(void)
{
    volatile uint64_t *user = user_page();

    /* It was never set, or somebody has forgotten to clear it. */
    assert_eq(csr_read(sstatus) & SSTATUS_SUM, 0);
    /* First the access that must succeed: so the fault afterwards is about SUM, and not about the
       map. */
    csr_set(sstatus, SSTATUS_SUM);
    assert_eq(*user, 0);
    csr_clear(sstatus, SSTATUS_SUM);
    assert_eq(*user, 0);
    NOT_CAUGHT("a read of user memory outside of usercopy");
}

/* A page table of a program is in use all the time, so a wrong pointer of the kernel would hit the
   program's memory. Without SUM it faults. */
static void write_user(void)
{
    *user_page() = 1;
    NOT_CAUGHT("a write to user memory outside of usercopy");
}

/* SUM or not: supervisor mode never runs code of the user's pages. */
static void exec_user(void)
{
    volatile uint64_t *user = user_page();

    csr_set(sstatus, SSTATUS_SUM);
    /* Two times ret: if it were executed it would come back, and the test would say "not
       caught". */
    *user = 0x80828082;
    csr_clear(sstatus, SSTATUS_SUM);
    asm volatile ("fence.i" : : : "memory");
    ((void (*)(void))(uintptr_t)user)();
    NOT_CAUGHT("a jump to user code in supervisor mode");
}

/* Four bytes of 0 are defined to be illegal (Unprivileged spec 20191213, 1.5). */
static void illegal_instruction(void)
{
    asm volatile (".4byte 0");
    NOT_CAUGHT("an illegal instruction");
}

/* Only with EBREAK_SYSCALL in a7 it is a system call. This one enters the monitor, which reads
   commands from the test's input, and goes on. */
static void breakpoint(void)
{
    register uint64_t a7 asm("a7") = 0;         /* no system call: that would be 10 */

    asm volatile ("ebreak" : : "r" (a7) : "memory");
}

/* An address in the linear map, behind all memory. */
static void read_unmapped(void)
{
    uint64_t value = *(volatile uint64_t *)kva(ROUNDUP(machine.memory.end, PGSIZE) + PGSIZE);

    panic("not caught: behind all memory there is %#lx", value);
}

/* Printing the message faults, so the panic panics; that must not go on for ever. */
static void panic_in_panic(void)
{
    /* %s reads at address 1, in page 0. */
    panic("a message from a bad pointer: %s", (const char *)((uintptr_t)null_pointer() + 1));
}

/* On this hart, because it has interrupted itself. */
static void panicking_handler(__not_used void *arg)
{
    panic("a panic that comes from an interrupt");
}

/* The call stack must lead on from the handler to this function. */
static void panic_in_interrupt(void)
{
    /* In place of the handler that stops other harts for a panic: with one hart nobody misses
       it. */
    irq_register(IRQ_S_SOFT, panicking_handler, NULL);
    sbi_send_ipi(1UL << this_cpu->hartid);
    NOT_CAUGHT("a panic in an interrupt handler");
}

/* The first time it is called by cprintf(), which holds the console's lock. */
static void panicking_output(const char *s, size_t n)
{
    static uint32_t called;

    /* Only once: what the panic prints comes here as well. */
    if (atomic_swap(&called, 1) == 0)
        panic("a panic while the console's lock is held");
    /* From then on the output of the panic itself comes here, and must be seen. */
    while (n-- > 0)
        sbi_putchar(*s++);
}

/* The lock of the console is held by the hart that panics: it must not wait for itself. */
static void panic_while_printing(void)
{
    print_set_output(panicking_output);
    cprintf("this is lost\n");
}

/* Each is a boot of its own. If one says "not caught", a right is too many in the kernel's map, or
   SUM is set; kmap.c looks at the map itself. */
SELFTEST("write-text", write_text);
SELFTEST("write-rodata", write_rodata);
SELFTEST("exec-data", exec_data);
SELFTEST("exec-stack", exec_stack);
SELFTEST("read-null", read_null);
SELFTEST("write-null", write_null);
SELFTEST("call-null", call_null);
SELFTEST("overflow-stack", overflow_stack);
SELFTEST("read-user", read_user);
SELFTEST("write-user", write_user);
SELFTEST("exec-user", exec_user);
SELFTEST("illegal-instruction", illegal_instruction);
SELFTEST("breakpoint", breakpoint);
SELFTEST("read-unmapped", read_unmapped);
SELFTEST("panic-in-panic", panic_in_panic);
SELFTEST("panic-in-interrupt", panic_in_interrupt);
SELFTEST("panic-while-printing", panic_while_printing);
