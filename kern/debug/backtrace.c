/* Walking the call stack by frame pointers, and names for addresses.

   The kernel is compiled with frame pointers: s0 is the frame pointer fp of the function that runs,
   and the pairs below the frame pointers form a chain that leads from callee to caller, upwards.
   The walk reads memory only where it is sure to be a stack, so it is safe even if the chain is
   damaged: it is used in panics. It takes no lock, does not sleep, and may be called from anywhere.

   The names come from a table that is filled in when the kernel is linked: tools/ksyms.py. */
#include <debug/backtrace.h>
#include <debug/panic.h>
#include <debug/printk.h>
#include <printfmt.h>
#include <riscv/memlayout.h>
#include <riscv/trapframe.h>

/* The stack of a function that calls others, as the compiler makes it:

       fp ->  +-----------------+  where sp was when it was called
              | return address  |  fp - 8
              | caller's fp     |  fp - 16
              | locals          |
       sp ->  +-----------------+

   A function that calls no other need not save its return address: it has only its caller's fp, at
   fp - 8. A trap from kernel mode leaves such a pair above its frame too, so that the chain leads
   on to what it interrupted: see trap/trapentry.S. */
/* More callers than any path of the kernel has: a chain that is longer is damaged, or a
   recursion. */
#define MAX_FRAMES  40

/* Written by tools/ksyms.py: how many functions there are; where each of them begins, counted from
   kernel_text_start, in ascending order; where the name of each is in the strings behind that. */
extern const uint32_t ksyms_start[];

extern const char kernel_text_start[], kernel_text_end[], kernel_bss_start[], kernel_bss_end[];

/* Is it an address of the kernel's code? */
static bool is_text(uintptr_t addr)
{
    return addr >= (uintptr_t)kernel_text_start && addr < (uintptr_t)kernel_text_end;
}

/* Binary search for the last function that begins at or below the address. */
void symbol_format(char *buf, size_t size, uintptr_t addr)
{
    uint32_t count = ksyms_start[0], low = 0, high = count;
    const uint32_t *offsets = ksyms_start + 1, *names = offsets + count;
    uintptr_t offset = addr - (uintptr_t)kernel_text_start;

    if (!is_text(addr) || count == 0 || offset < offsets[0]) {
        snprintf(buf, size, "%#lx", addr);
        return;
    }
    while (high - low > 1) {            /* offsets[low] <= offset < offsets[high] */
        uint32_t middle = (low + high) / 2;
        if (offsets[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    snprintf(buf, size, "%s+%#lx", (const char *)(names + count) + names[low],
             offset - offsets[low]);
}

/* The stack that holds the pair below fp: a kernel stack, or one of the static ones in bss, for
   which all of bss is taken. */
struct stack_bounds stack_of(uintptr_t fp)
{
    uintptr_t slot = ROUNDDOWN(fp - 16, KSTACK_SLOT);

    if (slot >= KSTACK_BASE && slot < KSTACK_END)
        return (struct stack_bounds){ slot + KSTACK_SLOT - KSTACKSIZE, slot + KSTACK_SLOT };
    return (struct stack_bounds){ (uintptr_t)kernel_bss_start, (uintptr_t)kernel_bss_end };
}

/* A line: the address, and the name and offset of another one, which may be a little before it. */
static void print_place(uintptr_t addr, uintptr_t symbol_addr)
{
    char place[SYMBOL_LENGTH];

    symbol_format(place, sizeof(place), symbol_addr);
    cprintf("  %016lx %s\n", addr, place);
}

void backtrace(uintptr_t fp)
{
    /* EXERCISE 1.3 begin: backtrace */
    struct stack_bounds stack = stack_of(fp);

    for (int i = 0; i < MAX_FRAMES; i++) {
        if (fp % 16 != 0 || fp < stack.low + 16 || fp > stack.high)
            return;
        uintptr_t ra = ((const uintptr_t *)fp)[-1];
        uintptr_t caller = is_text(ra) ? ((const uintptr_t *)fp)[-2] : ra;
        if (is_text(ra))
            print_place(ra, ra - 1);    /* in the call, not behind it */
        if (caller <= fp)               /* stacks grow downwards: callers lie above */
            return;
        fp = caller;
    }
    /* EXERCISE 1.3 end */
}

/* In a function that had not saved its return address yet, or never does, ra has it still; and a
   jump to an address that is no code comes from where ra says. */
void backtrace_trap(const struct trapframe *tf)
{
    struct stack_bounds stack = stack_of(tf->gpr.s0);
    bool on_stack = tf->gpr.s0 >= stack.low + 16 && tf->gpr.s0 <= stack.high;
    bool is_astray = !is_text(tf->epc) && is_text(tf->gpr.ra);      /* a call of no function */

    print_place(tf->epc, tf->epc);
    if (is_astray || (on_stack && !is_text(((const uintptr_t *)tf->gpr.s0)[-1])))
        print_place(tf->gpr.ra, tf->gpr.ra - 1);        /* it had not been saved */
    backtrace(tf->gpr.s0);
}
