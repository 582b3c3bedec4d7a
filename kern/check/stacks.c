/* The table of call stacks: see stacks.h.

   A stack's place is found by a hash of its return addresses, or is the next free one behind that.
   A hart claims a free place by one atomic operation, fills it, and says by another one that it is
   filled; it does so with interrupts off, so another hart that waits for it waits for a few
   instructions. Places are never given back: a kernel has some thousand ways to come to its
   allocators. When the table is nearly full, new ones are not kept, and have the number 1. */
#include <check/stacks.h>
#include <debug/backtrace.h>
#include <debug/printk.h>
#include <riscv/atomic.h>
#include <riscv/csr.h>

#define DEPTH       8               /* return addresses that are kept */
#define SKIP        1               /* the caller of stack_here(), which only looks */
#define UNKNOWN     1               /* the number of a stack that had no place */
#define TRIES       64

/* A stack: the distances of its return addresses from the beginning of the kernel's code. */
struct stack {
    uint32_t state;                 /* atomic: 0, FILLING, or the hash */
    uint32_t pc[DEPTH];
};

#define FILLING     1U

static struct stack stacks[STACKS];

extern const char kernel_text_start[];

/* See frames.S. */
int frames_of(uintptr_t fp, uint32_t pc[], int room, const struct stack_bounds *stack);

/* Is it the stack at this place? Claims the place if it is free. */
static bool is_at(struct stack *place, uint32_t hash, const uint32_t *pc)
{
    uint32_t state = atomic_load_acquire(&place->state);

    if (state == 0 && atomic_cas(&place->state, 0, FILLING)) {
        for (int i = 0; i < DEPTH; i++)
            place->pc[i] = pc[i];
        atomic_store_release(&place->state, hash);
        return true;
    }
    while (state <= FILLING)
        state = atomic_load_acquire(&place->state);
    if (state != hash)
        return false;
    for (int i = 0; i < DEPTH; i++)
        if (place->pc[i] != pc[i])
            return false;
    return true;
}

uint32_t stack_here(void)
{
    uint32_t pc[SKIP + DEPTH] = { 0 }, hash = 0;
    uintptr_t fp = (uintptr_t)__builtin_frame_address(0);
    struct stack_bounds bounds = stack_of(fp);
    bool irq_was_on = irq_disable();

    frames_of(fp, pc, SKIP + DEPTH, &bounds);
    for (int i = SKIP; i < SKIP + DEPTH; i++)
        hash = (hash ^ pc[i]) * 0x9e3779b1U;
    hash |= 2;                          /* neither 0 nor FILLING */

    uint32_t number = UNKNOWN;

    for (uint32_t i = 0; i < TRIES && number == UNKNOWN; i++) {
        uint32_t place = ((hash >> 8) + i) % STACKS;

        if (place > UNKNOWN && is_at(&stacks[place], hash, pc + SKIP))
            number = place;
    }
    if (irq_was_on)
        irq_enable();
    return number;
}

void stack_print(const char *what, uint32_t stack)
{
    char name[SYMBOL_LENGTH];

    cprintf("%s%s\n", what, stack > UNKNOWN ? "" : " an unknown call stack");
    if (stack <= UNKNOWN || stack >= STACKS)
        return;
    for (int i = 0; i < DEPTH && stacks[stack].pc[i] != 0; i++) {
        uintptr_t pc = (uintptr_t)kernel_text_start + stacks[stack].pc[i];

        symbol_format(name, sizeof(name), pc - 1);
        cprintf("  %016lx %s\n", pc, name);
    }
}

uint32_t stack_count(void)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < STACKS; i++)
        n += atomic_load(&stacks[i].state) > FILLING;
    return n;
}
