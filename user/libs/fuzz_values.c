/* Values for the arguments of random calls, by kind: numbers, ids, pids, flags, places. What calls
   point to is in fuzz_memory.c.

   Most values are such that the call can succeed, if what it needs is there: a descriptor is
   a small number, an id one of the few that a team has. The others are at limits, or are none at
   all: wild numbers have 64 bits, of which the lower half may look like a good one. */
#include <file.h>
#include <fuzz.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <testing.h>
#include <ulib.h>

#define UTEXT           0x800000UL
#define FUZZ_CHUNK      1024            /* of so many ids the kernel makes a chunk */

static uintptr_t last_map, heap_start;
static int last_child;
static uint8_t pick_lane[1024], pick_child[1024];

static uint64_t descriptor(struct fuzz_context *context)
{
    uint32_t what = fuzz_below(context, 100);

    return fuzz_said(context, what < 94 ? fuzz_below(context, what < 80 ? 10 : 24)
                      : fuzz_wild(context));
}

/* Half of them for reading and writing. */
static uint64_t open_flags(struct fuzz_context *context)
{
    uint32_t mode = fuzz_below(context, 4);
    uint64_t flags = fuzz_chance(context, 97) ? (mode < 3 ? mode : O_RDWR) : fuzz_wild(context);

    if (fuzz_chance(context, 40))
        flags |= O_CREAT;
    if (fuzz_chance(context, 10))
        flags |= O_EXCL;
    if (fuzz_chance(context, 15))
        flags |= O_TRUNC;
    if (fuzz_chance(context, 15))
        flags |= O_APPEND;
    return fuzz_said(context, flags);
}

/* In a file: near its start, at a page, before the start, or as far away as can be. */
static uint64_t offset(struct fuzz_context *context)
{
    uint32_t what = fuzz_below(context, 100);

    return fuzz_said(context, what < 25 ? 0 : what < 50 ? fuzz_below(context, 20000)
                : what < 85 ? fuzz_below(context, 32) * (uint64_t)PGSIZE
                : what < 88 ? fuzz_below(context, 1 << 20) * (uint64_t)PGSIZE
                : what < 91 ? -(uint64_t)fuzz_below(context, 20000)
                : fuzz_wild(context));
}

static uint64_t buffer_length(struct fuzz_context *context)
{
    static const uint16_t lengths[] = { 0, 1, 2, 31, 512, 4095, 4096, 4097, 8192, 12000 };
    uint32_t what = fuzz_below(context, 100);

    return what < 40 ? fuzz_below(context, 300)
        : what < 92 ? lengths[fuzz_below(context, ARRAY_SIZE(lengths))] : fuzz_wild(context);
}

/* A word with an address, for brk and mmap. */
static uintptr_t word_with(struct fuzz_context *context, uintptr_t value)
{
    uintptr_t address = context->arena + ARENA_WORDS;

    if (fuzz_chance(context, 95)) {
        *(uintptr_t *)address = value;
        fuzz_say(context, "a word with ");
        fuzz_say_address(context, value);
        return address;
    }
    address = fuzz_chance(context, 50) ? fuzz_area_address(context) : fuzz_bad_address(context);
    fuzz_say_address(context, address);
    return address;
}

static uintptr_t heap_word(struct fuzz_context *context)
{
    uint32_t what = fuzz_below(context, 100);

    return word_with(context, what < 15 ? 0 : what < 83
                     ? ROUNDUP(heap_start, PGSIZE) + fuzz_below(context, 16 * PGSIZE)
                     : what < 85 ? heap_start - 1 - fuzz_below(context, 20)
                     : what < 95 ? fuzz_area_address(context) : fuzz_wild(context));
}

/* Where memory is to be mapped, unmapped or written back. Rarely it is what the program needs. */
static uintptr_t place(struct fuzz_context *context, bool new)
{
    uint32_t what = fuzz_below(context, 1000);

    if (new && what < 400)
        return 0;
    if (what < 900)
        return fuzz_area_address(context) & -(uintptr_t)PGSIZE;
    if (what < 950)
        return last_map;
    if (what < 960)
        return fuzz_area_address(context);
    if (what < 965)
        return UTEXT;
    if (what < 970)
        return (uintptr_t)&what & -(uintptr_t)PGSIZE;
    if (what < 975)
        return sync_words & -(uintptr_t)PGSIZE;
    return fuzz_chance(context, 50) ? fuzz_bad_address(context) : fuzz_wild(context);
}

static uint64_t map_length(struct fuzz_context *context)
{
    uint32_t what = fuzz_below(context, 100);

    return fuzz_said(context, what < 88 ? (1 + fuzz_below(context, 8)) * (uint64_t)PGSIZE
                : what < 93 ? fuzz_below(context, 3 * PGSIZE)
                : what < 96 ? (1UL << fuzz_below(context, 40)) : fuzz_wild(context));
}

static uint64_t map_flags(struct fuzz_context *context)
{
    static const uint32_t flags[] = {
        MMAP_WRITE, MMAP_WRITE, MMAP_WRITE, 0, MMAP_STACK | MMAP_WRITE, MMAP_FILE,
        MMAP_FILE | MMAP_WRITE, MMAP_FILE | MMAP_SHARED, MMAP_FILE | MMAP_SHARED | MMAP_WRITE,
        MMAP_FILE | MMAP_SHARED | MMAP_WRITE, MMAP_SHARED, MMAP_FILE | MMAP_STACK, 1,
    };
    return fuzz_said(context, fuzz_chance(context, 96)
                     ? flags[fuzz_below(context, ARRAY_SIZE(flags))]
                : fuzz_wild(context));
}

/* A process: one of those that are fuzzed, or none. Never the one that watches over all. */
static uint64_t pid(struct fuzz_context *context)
{
    uint32_t what = fuzz_below(context, 100), lane = fuzz_below(context, ALL_LANES);
    int64_t result;

    if (what < 50) {
        fuzz_say(context, "the last child");
        return last_child != 0 ? last_child : 999999;
    }
    if (what < 60) {
        fuzz_say(context, "the pid of lane %u", lane);
        return fuzz->pids[lane];
    }
    if (what < 63) {
        fuzz_say(context, "its own pid");
        return getpid();
    }
    if (what < 64) {
        fuzz_say(context, "the pid of a leader");
        return fuzz->leaders[lane % TEAMS];
    }
    if (what < 67) {
        fuzz_say(context, "minus the pid of lane %u", lane);
        return -(int64_t)fuzz->pids[lane];
    }
    result = what < 85 ? -(int64_t)fuzz_below(context, 2) : (int64_t)fuzz_wild(context);
    if (result == fuzz->supervisor || result == -fuzz->supervisor)
        result = 999999;
    return fuzz_said(context, result);
}

/* An object of this kind: of those that the program has made (user/fuzz.c) and the leader, whose
   ids begin with a chunk. Or of another kind, or none. */
static uint64_t id(struct fuzz_context *context, enum fuzz_kind kind)
{
    static const uint16_t ids[][4] = {
        { 1, 2, FUZZ_CHUNK + 3, FUZZ_CHUNK + 4 }, { 3, 4, FUZZ_CHUNK, FUZZ_CHUNK + 1 },
        { 5, 6, FUZZ_CHUNK + 2, FUZZ_CHUNK + 5 },
    };
    uint32_t what = fuzz_below(context, 100);

    if (what < 75)
        return fuzz_said(context, ids[kind - K_SEM][fuzz_below(context, 4)]);
    return fuzz_said(context, what < 85 ? 1 + fuzz_below(context, 8)
                     : what < 95 ? FUZZ_CHUNK + fuzz_below(context, 12) : fuzz_wild(context));
}

/* Of ten numbers nine are small. */
static uint64_t mostly_below(struct fuzz_context *context, uint32_t limit)
{
    return fuzz_said(context, fuzz_chance(context, 90) ? fuzz_below(context, limit)
                     : fuzz_wild(context));
}

/* Mostly the call does not wait, or not long. */
static uint64_t milliseconds(struct fuzz_context *context)
{
    uint32_t what = fuzz_below(context, 100);

    return fuzz_said(context, what < 85 ? 1 + fuzz_below(context, 15) : what < 97 ? 0
                : fuzz_wild(context));
}

static uint64_t clone_flags(struct fuzz_context *context)
{
    uint64_t flags = fuzz_chance(context, 95) ? 0 : fuzz_wild(context);

    if (fuzz_chance(context, 50))
        flags |= CLONE_VM;
    if (fuzz_chance(context, 50))
        flags |= CLONE_FS;
    return fuzz_said(context, flags);
}

/* 0 is the parent's own, and what is below that is good: fuzz_run.c makes a stack of it. */
static uint64_t stack(struct fuzz_context *context)
{
    uint32_t what = fuzz_below(context, 100);

    if (what < 80) {
        fuzz_say(context, what < 30 ? "its parent's stack" : "a stack");
        return what < 30 ? 0 : 1;
    }
    uintptr_t address = fuzz_bad_address(context);

    fuzz_say_address(context, address);
    return address;
}

static uintptr_t program(struct fuzz_context *context)
{
    static const char *const programs[] = { "true", "false", "/bin/true", "image:true" };
    uint32_t what = fuzz_below(context, 100);

    if (what >= 60)
        return fuzz_path(context);
    context->paths++;
    fuzz_say(context, "\"%s\"", programs[what % ARRAY_SIZE(programs)]);
    return (uintptr_t)programs[what % ARRAY_SIZE(programs)];
}

/* Some words, and perhaps one that is too long, or none. */
static uintptr_t arguments(struct fuzz_context *context)
{
    uintptr_t *argv = (uintptr_t *)(context->arena + ARENA_WORDS + 64);
    char *text = (char *)context->arena + ARENA_BUFFERS;
    uint32_t what = fuzz_below(context, 100);

    if (what >= 90) {
        uintptr_t address = fuzz_bad_address(context);

        fuzz_say_address(context, address);
        return address;
    }
    for (int i = 0; i < 34; i++)
        argv[i] = (uintptr_t)"word";
    if (what < 20)
        argv[fuzz_below(context, 4)] = fuzz_bad_address(context);
    if (what >= 20 && what < 40) {
        memset(text, 'w', 4097);
        text[4094 + what % 3] = '\0';
        argv[1] = (uintptr_t)text;
    }
    fuzz_say(context, what < 20 ? "words, one bad" : what < 40 ? "words, one long" : "words");
    return (uintptr_t)argv;
}

static uint64_t words(struct fuzz_context *context)
{
    return fuzz_said(context, fuzz_chance(context, 85) ? 1 + fuzz_below(context, 4)
                : fuzz_chance(context, 50) ? 30 + fuzz_below(context, 4) : fuzz_wild(context));
}

/* What the program itself overwrites: its own memory, words of mutexes, or what it may not. */
static uintptr_t stored_to(struct fuzz_context *context)
{
    uint32_t what = fuzz_below(context, 100);
    uintptr_t address = sync_words & -(uintptr_t)PGSIZE;

    if (what < 60 && address != 0)
        address += 4 * fuzz_below(context, 16);
    else if (what < 97 || last_map == 0)
        address = context->arena + ARENA_BUFFERS + 8 * fuzz_below(context, 2048);
    else
        address = what < 99 ? last_map : fuzz_area_address(context);
    address &= -8UL;
    fuzz_say_address(context, address);
    return address;
}

static uint64_t structure(struct fuzz_context *context)
{
    uintptr_t address = fuzz_buffer(context, context->call->size, true);

    if (context->guard_count != 0) {    /* where getdirentry goes on; perhaps it is not aligned */
        uint32_t number = fuzz_below(context, 3) == 0 ? fuzz_below(context, 5000) : 0;

        memcpy((void *)address, &number, sizeof(number));
    }
    return address;
}

static uint64_t code_store(struct fuzz_context *context)
{
    if (fuzz_chance(context, 40)) {
        fuzz_say(context, "0");
        return 0;
    }
    return fuzz_buffer(context, sizeof(int), true);
}

/* What an argument of this kind is. */
static uint64_t value(struct fuzz_context *context, enum fuzz_kind kind)
{
    switch (kind) {
    case K_FD:          return descriptor(context);
    case K_NEW_FD:
        return fuzz_chance(context, 40) ? fuzz_said(context, NO_FD) : descriptor(context);
    case K_PATH:        return fuzz_path(context);
    case K_OPEN_FLAGS:  return open_flags(context);
    case K_OFFSET:      return offset(context);
    case K_WHENCE:      return mostly_below(context, 3);
    case K_IN:
    case K_OUT:
        context->length = buffer_length(context);
        return fuzz_buffer(context, context->length, kind == K_OUT);
    case K_LENGTH:      return fuzz_said(context, context->length);
    case K_STRUCT:      return structure(context);
    case K_HEAP_WORD:   return heap_word(context);
    case K_MAP_WORD:    return word_with(context, place(context, true));
    case K_PLACE: {
        uintptr_t address = place(context, false);

        fuzz_say_address(context, address);
        return address;
    }
    case K_MAP_LENGTH:  return map_length(context);
    case K_MAP_FLAGS:   return map_flags(context);
    case K_PID:         return pid(context);
    case K_CODE:        return code_store(context);
    case K_CLONE_FLAGS: return clone_flags(context);
    case K_STACK:       return stack(context);
    case K_PROGRAM:     return program(context);
    case K_ARGC:        return words(context);
    case K_ARGV:        return arguments(context);
    case K_SEM:
    case K_MUTEX:
    case K_CONDVAR:     return id(context, kind);
    case K_MILLISECONDS: return milliseconds(context);
    case K_TICKS:       return mostly_below(context, 2);
    case K_NUMBER:      return mostly_below(context, 10);
    case K_INDEX:       return mostly_below(context, 150);
    case K_JOB:         return mostly_below(context, 3);
    case K_STORE:       return stored_to(context);
    default:            return 0;
    }
}

/* A number that names no call: in a hole of the table, or behind it. */
static uint64_t no_call(struct fuzz_context *context)
{
    static const uint64_t numbers[] = { 0, 6, 22, 99, 142, 209, 231, 254, 256, 999, 1UL << 32 | 18,
                                        -1UL, 1UL << 63 | 18, INT64_MAX };

    return fuzz_said(context, numbers[fuzz_below(context, ARRAY_SIZE(numbers))]);
}

void fuzz_make(struct fuzz_context *context)
{
    const uint8_t *pick = context->depth > 0 ? pick_child : pick_lane;

    context->guard_count = context->paths = 0;
    context->beyond = false;
    context->text[0] = '\0';
    context->call = &fuzz_calls[pick[fuzz_below(context, sizeof(pick_lane))]];
    fuzz_say(context, "%s(", context->call->name);
    for (int i = 0; i < 5; i++) {
        enum fuzz_kind kind = context->call->kinds[i];

        if (i > 0 && kind != K_NONE)
            fuzz_say(context, ", ");
        context->args[i] = kind == K_CALL ? no_call(context) : value(context, kind);
    }
    fuzz_say(context, ")");
}

void fuzz_note_map(uintptr_t address)
{
    last_map = address;
}

uintptr_t fuzz_heap_start(void)
{
    return heap_start;
}

void fuzz_note_child(int child)
{
    last_child = child;
}

/* Each call gets as many of the places as its weight is of all weights that are chosen. */
static void fill_picks(uint8_t *pick, bool child)
{
    uint32_t sum = 0, from = 0, seen = 0;

    for (int i = 0; i < fuzz_call_count; i++)
        if (strchr(fuzz_options.groups, fuzz_calls[i].group) != NULL)
            sum += child ? fuzz_calls[i].child_weight : fuzz_calls[i].weight;
    for (int i = 0; i < fuzz_call_count; i++) {
        if (strchr(fuzz_options.groups, fuzz_calls[i].group) == NULL)
            continue;
        seen += child ? fuzz_calls[i].child_weight : fuzz_calls[i].weight;
        for (uint32_t to = seen * sizeof(pick_lane) / sum; from < to; from++)
            pick[from] = i;
    }
}

void fuzz_values_init(void)
{
    fill_picks(pick_lane, false);
    fill_picks(pick_child, true);
    brk(&heap_start);               /* nothing has moved it so far */
}
