/* A lane's calls, one after the other: made, and looked at afterwards.

   What is looked at is what holds whatever else goes on: an error is one that the headers promise,
   a result is in its range, nothing was written beside a buffer, the own pid stays. That the kernel
   itself is well is its own matter: it has assertions, and it counts at the end.

   A child of a lane makes a few calls, of which many end it, and ends. */
#include <fuzz.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syscall.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define CHILD_CALLS     6
#define MAX_DEPTH       2
#define STACKS          4               /* for children of a lane, at a time */
#define PRINTED_ON      120             /* a descriptor that few calls hit */

static uint8_t stack_used[ALL_LANES][STACKS];   /* while a child runs on it */

void fuzz_complain(const char *format, ...)
{
    va_list args;

    if (__atomic_fetch_add(&fuzz->complaints, 1, __ATOMIC_SEQ_CST) != 0)
        return;
    va_start(args, format);
    vsnprintf(fuzz->complaint, sizeof(fuzz->complaint), format, args);
    va_end(args);
}

/* Does the command line leave this call in? */
static bool is_kept(uint32_t lane, uint32_t index)
{
    if (fuzz_options.kept_count == 0)
        return true;
    for (int i = 0; i < fuzz_options.kept_count; i++) {
        const struct fuzz_kept *kept = &fuzz_options.kept[i];

        if (kept->lane == lane && kept->from <= index && index <= kept->to)
            return true;
    }
    return false;
}

/* Is the result of a call, which is no error, one that it may have? */
static bool result_fits(const struct fuzz_context *context, long result)
{
    switch (context->call->result) {
    case R_ZERO:        return result == 0;
    case R_LENGTH:      return (uint64_t)result <= context->length;
    case R_FD:          return result < 128;
    case R_ID:          return result > 0;
    case R_PID:         return result > 0 && result < 1 << 20;
    case R_POSITION:    return result >= 0;
    default:            return true;
    }
}

/* Why a call that has succeeded cannot have, whatever the state of the system is; or NULL. */
static const char *refuted(const struct fuzz_context *context, long result)
{
    const uint64_t *args = context->args;

    if (context->beyond && (context->call->result != R_LENGTH || result > 0))
        return "and it wrote to no memory of the program";
    switch (context->call->number) {
    case SYS_brk:
        return !context->threads && args[0] == context->arena + ARENA_WORDS
            && *(uintptr_t *)args[0] < fuzz_heap_start() ? "the heap ends before it begins" : NULL;
    case SYS_mmap:
        return (args[2] & MMAP_FILE) && (args[4] % PGSIZE != 0 || (int64_t)args[4] < 0)
            ? "from an offset that no file has" : NULL;
    case SYS_truncate:
    case SYS_ftruncate:
        return (int64_t)args[1] < 0 ? "with a length below 0" : NULL;
    default:
        return NULL;
    }
}

/* Count the result, and complain if it cannot be. */
static void look(struct fuzz_context *context, long result)
{
    const struct fuzz_call *call = context->call;
    int error = result < 0 && result >= -MAXERROR ? -result : 0;
    const char *wrong = error == 0 ? refuted(context, result) : NULL;

    __atomic_fetch_add(&fuzz->made[call - fuzz_calls][error], 1, __ATOMIC_RELAXED);
    if (error != 0 ? !(call->errors >> error & 1) : !result_fits(context, result))
        wrong = "cannot be its result";
    else if (wrong == NULL && !fuzz_guards_stand(context))
        wrong = "and it wrote beside its buffer";
    if (wrong != NULL)
        fuzz_complain("round %u, lane %d, call %u, depth %d: %s gave %ld %s, %s", fuzz->round,
                      context->lane, context->index, context->depth, call->name, result,
                      error != 0 ? error_name(error) : "", wrong);
}

/* One line of the list of calls, by one write. */
static void print_call(const struct fuzz_context *context, const char *more)
{
    char line[280];
    int length = snprintf(line, sizeof(line), "lane %d.%u%s: %s%s\n", context->lane,
                          context->index, context->depth > 0 ? ", in a child" : "",
                          context->text, more);

    syscall3(SYS_write, PRINTED_ON, (uintptr_t)line, length);
}

static void make_call(struct fuzz_context *context);

/* Some calls in a child; then it ends, with a code that follows from them. */
static __never_returns void run_child(struct fuzz_context *context, bool threads)
{
    uint32_t calls = fuzz_below(context, CHILD_CALLS);

    context->depth++;
    context->random ^= 0x5bd1e995;
    context->threads |= threads;
    while (calls-- > 0)
        make_call(context);
    exit(fuzz_below(context, 3));
}

/* The argument of a child with a stack of its own: all that it needs to know. */
static int child_on_stack(void *arg)
{
    uint64_t packed = (uintptr_t)arg;
    struct fuzz_context context = {
        .lane = packed & 15, .index = packed >> 8, .depth = 0,
        .arena = FUZZ_ARENA + (ALL_LANES + (packed & 15)) * ARENA_SIZE,
        .random = packed * 0x9e3779b97f4a7c15UL + fuzz_options.seed,
    };
    uint32_t calls = fuzz_below(&context, CHILD_CALLS);

    fuzz_arena_map(context.arena, false);
    context.depth = 1;
    context.threads = true;
    while (calls-- > 0)
        make_call(&context);
    stack_used[packed & 15][packed >> 4 & 3] = false;
    exit(0);
}

/* A child that runs on a stack in the lane's memory: one that no other child is on. */
static long clone_on_stack(struct fuzz_context *context)
{
    uint8_t *used = stack_used[context->lane];
    int free = 0;

    while (free < STACKS && used[free])
        free++;
    if (free == STACKS || context->depth > 0) {
        context->args[1] = 0;
        return fuzz_ecall(SYS_clone, context->args, true);
    }
    uintptr_t arg = context->lane | free << 4 | (uintptr_t)context->index << 8;
    uintptr_t top = context->arena + CHILD_STACK + (free + 1) * (STACK_SIZE / STACKS);

    used[free] = true;
    long result = __clone(context->args[0], top, child_on_stack, (void *)arg);
    if (result < 0 || !(context->args[0] & CLONE_VM))
        used[free] = false;
    return result;
}

/* Calls that make a process: the child does something else than the caller. */
static long make_process(struct fuzz_context *context)
{
    bool threads = context->call->number == SYS_clone && (context->args[0] & CLONE_VM);
    bool as_fork = context->call->number == SYS_fork
        || (context->call->number == SYS_clone && context->args[1] == 0 && !threads);
    long result;

    if (context->depth >= MAX_DEPTH)
        return syscall0(SYS_getpid);
    if (context->call->number == SYS_clone && context->args[1] == 1
        && context->args[0] <= UINT32_MAX)
        result = clone_on_stack(context);
    else
        result = fuzz_ecall(context->call->number, context->args, !as_fork);
    if (result == 0)
        run_child(context, false);
    if (result > 0)
        fuzz_note_child(result);
    return result;
}

/* The kernel sees the call of this context, or the program makes its own mistake. */
static long carry_out(struct fuzz_context *context)
{
    const uint64_t numbers[5] = { context->args[1], context->args[2], context->args[3] };

    switch (context->call->number) {
    case SYS_fork:
    case SYS_vfork:
    case SYS_clone:
        return make_process(context);
    case FUZZ_STORE:
        *(volatile uint32_t *)context->args[0] = context->args[1];
        return 0;
    case 0:
        return fuzz_ecall(context->args[0], numbers, false);
    default:
        return fuzz_ecall(context->call->number, context->args, false);
    }
}

/* One random call, with all that belongs to it. */
static void make_call(struct fuzz_context *context)
{
    char more[40];
    long result;

    fuzz_make(context);
    if (fuzz_options.print)
        print_call(context, "");
    result = carry_out(context);
    look(context, result);
    if (context->call->number == SYS_mmap && result == 0 && context->args[0] == context->arena)
        fuzz_note_map(*(uintptr_t *)context->args[0]);
    if (fuzz_options.print) {
        snprintf(more, sizeof(more), " = %ld %s", result, result < 0 ? error_name(result) : "");
        print_call(context, more);
    }
}

/* The numbers that a call is made of begin anew with each index. */
static uint64_t random_of(uint32_t lane, uint32_t index)
{
    return fuzz_options.seed * 0xd1342543de82ef95UL + fuzz->round * 0xaf251af3b0f025b5UL
        + lane * 0x9e6c63d0876a9a47UL + (index + 1) * 0xdb4f0b9175ae2165UL;
}

int fuzz_lane(void *lane)
{
    struct fuzz_context context = {
        .lane = (uintptr_t)lane, .arena = FUZZ_ARENA + (uintptr_t)lane * ARENA_SIZE,
    };
    int self = getpid();

    fuzz->pids[context.lane] = self;
    fuzz_arena_map(context.arena, false);
    while ((context.index = fuzz->next[context.lane]) < fuzz_options.calls) {
        fuzz->next[context.lane] = context.index + 1;
        if (!is_kept(context.lane, context.index))
            continue;
        context.random = random_of(context.lane, context.index);
        make_call(&context);
    }
    if (getpid() != self)
        fuzz_complain("lane %d was process %d and is %d", context.lane, self, getpid());
    exit(0);
}
