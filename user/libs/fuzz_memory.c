/* What random calls point to: buffers, words and paths, good ones, bad ones and those at a limit.

   Each lane has memory of its own, its arena, at the same place in each run. In pages:

       0 to 1, 2 to 3      the paths of a call
       4 to 7              buffers; behind them there is nothing
       8                   no memory
       9, 10, 11           may be written, only read, written
       12                  no memory
       13                  words, and the arguments of exec
       0x20 to 0x27        stacks of the lane's children that share its memory
       0x30 to 0x37        the lane's stack, if it is a thread

   A buffer that the kernel may write to has bytes of a pattern before and behind it, its guards. */
#include <fuzz.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define PATHS           0
#define HOLE            (8UL * PGSIZE)
#define READ_ONLY       (10UL * PGSIZE)
#define ARENA_END       (14UL * PGSIZE)
#define GUARD           24              /* bytes */
#define PATTERN         0xA7
#define KERNEL_HEAP     0xFFFFFFC081000000UL
#define UTEXT           0x800000UL
#define USERTOP         0x4000000000UL

void fuzz_say(struct fuzz_context *context, const char *format, ...)
{
    va_list args;
    size_t length = strlen(context->text);

    if (!fuzz_options.print)
        return;
    va_start(args, format);
    vsnprintf(context->text + length, sizeof(context->text) - length, format, args);
    va_end(args);
}

static const uint64_t wild[] = {
    0, 1, 2, 127, 128, 255, 256, 4095, 4096, 0x7FFF, 0x8000, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000,
    0xFFFFFFFF, 1UL << 32, (1UL << 32) + 1, (1UL << 32) + 3, 0x7FFFFFFFFFFFFFFF, 1UL << 63,
    -1UL, -2UL, -3UL, -9999UL, -4096UL, -2147483648UL, KERNEL_TEXT, UTEXT, USERTOP,
};

/* True so often out of a hundred. */
bool fuzz_chance(struct fuzz_context *context, uint32_t percent)
{
    return fuzz_below(context, 100) < percent;
}

uint64_t fuzz_wild(struct fuzz_context *context)
{
    return wild[fuzz_below(context, ARRAY_SIZE(wild))];
}

/* A number that is said as it is. */
uint64_t fuzz_said(struct fuzz_context *context, uint64_t value)
{
    fuzz_say(context, value < 1UL << 32 ? "%lu" : (int64_t)value < 0 && (int64_t)value > -100000
             ? "%ld" : "0x%lx", value);
    return value;
}

/* An address of no use, or of more than a program should want. */
uintptr_t fuzz_bad_address(struct fuzz_context *context)
{
    const uintptr_t places[] = {
        0, 8, context->arena + HOLE, context->arena + HOLE + 100, KERNEL_TEXT, KERNEL_HEAP,
        -8UL, -4096UL, USERTOP, USERTOP - 4, USERTOP - 8, 1UL << 39, 1UL << 63,
        context->arena + HOLE - 1, context->arena + HOLE - 4, context->arena + READ_ONLY,
        context->arena + READ_ONLY - 4, context->arena + READ_ONLY + PGSIZE - 4, UTEXT, UTEXT + 8,
        /* good in the lower 39 bits, and no address in all 64 */
        1UL << 39 | (context->arena + ARENA_BUFFERS),
    };
    return places[fuzz_below(context, ARRAY_SIZE(places))];
}

/* An address in the memory that all of a team map and unmap. */
uintptr_t fuzz_area_address(struct fuzz_context *context)
{
    uintptr_t page = fuzz_below(context, AREA_PAGES) * (uintptr_t)PGSIZE;

    return FUZZ_AREA + page + (fuzz_chance(context, 50) ? 0 : fuzz_below(context, PGSIZE));
}

void fuzz_say_address(struct fuzz_context *context, uintptr_t address)
{
    uintptr_t offset = address - context->arena;

    if (address - FUZZ_AREA < AREA_PAGES * PGSIZE)
        fuzz_say(context, "area+0x%lx", address - FUZZ_AREA);
    else if (offset < ARENA_SIZE)
        fuzz_say(context, "own+0x%lx", offset);
    else
        fuzz_said(context, address);
}

/* Put the guards around a buffer in the arena, and note where they are. */
static void set_guards(struct fuzz_context *context, uintptr_t start, uint64_t length)
{
    uintptr_t end = start + length;

    if (context->threads || start < context->arena + ARENA_BUFFERS + GUARD || length > 4 * PGSIZE
        || end > context->arena + HOLE - GUARD)
        return;
    memset((void *)(start - GUARD), PATTERN, GUARD);
    memset((void *)end, PATTERN, GUARD);
    context->guards[context->guard_count++] = (struct fuzz_guard){ start, end };
}

bool fuzz_guards_stand(struct fuzz_context *context)
{
    for (int i = 0; i < context->guard_count; i++) {
        const uint8_t *before = (uint8_t *)context->guards[i].start - GUARD;
        const uint8_t *behind = (uint8_t *)context->guards[i].end;

        for (int k = 0; k < GUARD; k++)
            if (before[k] != PATTERN || behind[k] != PATTERN)
                return false;
    }
    return true;
}

/* The address of so many bytes for the kernel to write to, or to read. */
uintptr_t fuzz_buffer(struct fuzz_context *context, uint64_t length, bool written)
{
    uintptr_t address;
    uint32_t what = fuzz_below(context, 100);

    if (what < 70) {
        address = context->arena + ARENA_BUFFERS + GUARD + fuzz_below(context, 2 * PGSIZE);
        if (written)
            set_guards(context, address, length);
    } else if (what < 80 && length <= 4 * PGSIZE) {     /* up to the last byte, or one too much */
        address = context->arena + HOLE - length + (what < 77 ? 0 : 1);
    } else if (what < 90) {
        address = fuzz_area_address(context);
    } else {
        address = fuzz_bad_address(context);
    }
    context->beyond |= written && length > 0 && address >= USERTOP;
    fuzz_say_address(context, address);
    return address;
}

static const char *const folders[] = {
    "", "", "", "", "", "", "d/", "d/", "d/e/", "./", "../w/", "/w/", "/", "k/", "a/", "x/",
    "d/../", "//d//", "/bin/", "o/", "/w/", "/w/", "/w/d/",
};
static const char *const names[] = {
    "a", "a", "b", "b", "c", "d", "d", "e", "f", "g", "h", "k", "l", "m", "n", "o", ".", "..",
    "x", "true", "", "d/", "a/", "f/", "null:", "stdin:", "none:", "image:true",
};

/* A path of the usual length at `to`. */
static void usual_path(struct fuzz_context *context, char *to)
{
    strcpy(to, folders[fuzz_below(context, ARRAY_SIZE(folders))]);
    strcat(to, names[fuzz_below(context, ARRAY_SIZE(names))]);
    fuzz_say(context, "\"%s\"", to);
}

/* One that is longer than most: a name of 255 or 256 bytes, or a path of about 4095. */
static void long_path(struct fuzz_context *context, char *to)
{
    static const uint16_t lengths[] = { 254, 255, 256, 1000, 4094, 4095, 4096, 5000 };
    uint32_t length = lengths[fuzz_below(context, ARRAY_SIZE(lengths))];
    bool slashes = fuzz_chance(context, 50);

    for (uint32_t i = 0; i < length; i++)
        to[i] = slashes && i % 2 ? '/' : slashes ? '.' : 'y';
    to[length] = '\0';
    fuzz_say(context, "a path of %u bytes%s", length, slashes ? " with slashes" : "");
}

/* 92 of a hundred are usual ones, four are long, four are bad addresses. One in sixteen ends where
   memory ends, or has no end there. */
uintptr_t fuzz_path(struct fuzz_context *context)
{
    char *to = (char *)context->arena + PATHS + 2 * PGSIZE * context->paths++;
    uint32_t what = fuzz_below(context, 100);
    size_t length;

    if (what >= 96) {
        uintptr_t address = what == 96 ? fuzz_area_address(context) : fuzz_bad_address(context);

        fuzz_say_address(context, address);
        return address;
    }
    if (what < 92)
        usual_path(context, to);
    else
        long_path(context, to);
    length = strlen(to) + 1;
    if (what % 16 != 0 || length > 4 * PGSIZE)
        return (uintptr_t)to;
    length -= what % 32 == 0;                           /* half of them without an end */
    memcpy((char *)context->arena + HOLE - length, to, length);
    fuzz_say(context, what % 32 == 0 ? " without an end, before no memory" : " before no memory");
    return context->arena + HOLE - length;
}

/* Piece by piece: what is there already stays, if it need not be whole. */
void fuzz_arena_map(uintptr_t arena, bool whole)
{
    static const struct {
        uintptr_t from, to;
        uint32_t flags;
    } pieces[] = {
        { 0, HOLE, MMAP_WRITE },
        { HOLE + PGSIZE, READ_ONLY, MMAP_WRITE },
        { READ_ONLY, READ_ONLY + PGSIZE, 0 },
        { READ_ONLY + PGSIZE, READ_ONLY + 2 * PGSIZE, MMAP_WRITE },
        { ARENA_WORDS, ARENA_END, MMAP_WRITE },
        { CHILD_STACK, CHILD_STACK + STACK_SIZE, MMAP_WRITE },
        { LANE_STACK, LANE_STACK + STACK_SIZE, MMAP_WRITE },
    };

    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        uintptr_t address = arena + pieces[i].from;

        if (whole)
            munmap(address, pieces[i].to - pieces[i].from);
        mmap(&address, pieces[i].to - pieces[i].from, pieces[i].flags);
    }
}
