/* The parts of the program fuzz: random system calls, by a seed. user/fuzz.c tells how it is used.

   A *lane* is a sequence of calls. Which call is number `index` of a lane, and with which
   arguments, follows from the seed, the round, the lane and the index alone, by a chain of random
   numbers that begins anew for each call: so calls can be left out, and all others stay what they
   were. Only a few values depend on what happens: pids, and the addresses of the last memory and
   heap.

   TEAMS processes lead LANES lanes each, which are processes or threads (fuzz_team.c). A lane that
   its own call ends is begun again behind that call: what all of them know is in `fuzz`, which is
   a map of a file, shared by all. */
#pragma once

#include <defs.h>
#include <error.h>

#define TEAMS           2
#define LANES           3               /* of a team */
#define ALL_LANES       (TEAMS * LANES)
#define MAX_KEPT        64

/* What kind of value an argument is: each is made in fuzz_values.c. */
enum fuzz_kind {
    K_NONE,
    K_FD, K_NEW_FD, K_PATH, K_OPEN_FLAGS, K_OFFSET, K_WHENCE,
    K_IN, K_OUT, K_LENGTH,              /* a buffer, and the argument behind it: how long */
    K_STRUCT,                           /* a buffer of the size that the table has */
    K_HEAP_WORD, K_MAP_WORD,            /* the address of a word with an address */
    K_PLACE, K_MAP_LENGTH, K_MAP_FLAGS,
    K_PID, K_CODE, K_CLONE_FLAGS, K_STACK, K_PROGRAM, K_ARGC, K_ARGV,
    K_SEM, K_MUTEX, K_CONDVAR, K_MILLISECONDS, K_TICKS, K_NUMBER, K_INDEX, K_JOB,
    K_CALL,                             /* a number of no call */
    K_STORE,                            /* an address that the program itself writes to */
    KINDS
};

/* What a result that is no error can be. */
enum fuzz_result { R_ZERO, R_LENGTH, R_FD, R_PID, R_ANY, R_ID, R_POSITION };

/* Which calls: they can be chosen by these letters. */
#define G_PROCESS       'p'
#define G_MEMORY        'm'
#define G_FILES         'f'
#define G_SYNC          's'

#define E(name)         (1U << E_##name)

struct fuzz_call {
    uint16_t number;
    char group;
    uint8_t weight, child_weight;       /* how often, of all; in a child of a lane */
    uint8_t result;
    uint8_t kinds[5];
    const char *name;
    uint32_t errors;                    /* E() of those that headers promise */
    uint32_t size;                      /* of its K_STRUCT */
};

/* The word that the program itself writes; no call has this number. */
#define FUZZ_STORE      1000

extern const struct fuzz_call fuzz_calls[];
extern const int fuzz_call_count;
#define MAX_CALLS       80

/* What is done: from the command line. */
struct fuzz_options {
    uint64_t seed;
    uint32_t first, rounds, calls;      /* calls of one lane in a round */
    bool print, statistics;
    const char *groups;
    struct fuzz_kept {                  /* calls of lanes that are done, if there are any */
        uint32_t lane, from, to;
    } kept[MAX_KEPT];
    int kept_count;
};

extern struct fuzz_options fuzz_options;

/* What all processes share. Numbers are only added to atomically; a pid and an index is written by
   one process. `shared` is false if there is no file to map: then each process has its own. */
struct fuzz_shared {
    bool shared;
    int supervisor, leaders[TEAMS], pids[ALL_LANES];
    uint32_t round;
    uint32_t next[ALL_LANES];           /* index of the lane's next call */
    uint32_t made[MAX_CALLS][MAXERROR + 1];     /* calls by result: 0 is success */
    uint32_t restarts, kills;
    uint32_t complaints;
    char complaint[240];                /* the first one */
};

extern struct fuzz_shared *fuzz;

/* A call as it is made: values and, if it is printed, words for them. */
struct fuzz_context {
    uint64_t random;
    int lane, depth;                    /* depth: 0 the lane, 1 its child, ... */
    uint32_t index;
    bool threads;                       /* others use this lane's memory too: no guards */
    uintptr_t arena;                    /* the lane's own memory: see fuzz_memory.c */
    const struct fuzz_call *call;
    uint64_t args[5];
    uint64_t length;                    /* of the buffer */
    bool beyond;                        /* the kernel cannot write where it is asked to */
    int paths, guard_count;
    struct fuzz_guard {
        uintptr_t start, end;           /* of a buffer that the kernel may write to */
    } guards[2];
    size_t room;                        /* in text */
    char text[240];
};

/* The next random number below a limit, which is not 0. */
static inline uint32_t fuzz_below(struct fuzz_context *context, uint32_t limit)
{
    uint64_t x = context->random += 0x9e3779b97f4a7c15UL;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9UL;
    x = (x ^ x >> 27) * 0x94d049bb133111ebUL;
    return (uint32_t)(x >> 33) % limit;
}

/* True so often out of a hundred. */
bool fuzz_chance(struct fuzz_context *context, uint32_t percent);
/* A number that is at some limit. */
uint64_t fuzz_wild(struct fuzz_context *context);
/* The value, whose words are its digits. */
uint64_t fuzz_said(struct fuzz_context *context, uint64_t value);
/* An address of no use, or of which a part is; words are for fuzz_say_address(). */
uintptr_t fuzz_bad_address(struct fuzz_context *context);
/* An address in the memory that all of a team map and unmap. */
uintptr_t fuzz_area_address(struct fuzz_context *context);
/* The words of an address. */
void fuzz_say_address(struct fuzz_context *context, uintptr_t address);
/* The address of so many bytes for the kernel to write to, or to read; with its words. */
uintptr_t fuzz_buffer(struct fuzz_context *context, uint64_t length, bool written);
/* The address of a path; with its words. */
uintptr_t fuzz_path(struct fuzz_context *context);

/* Where a lane has memory of its own, and where all of a team map and unmap. */
#define FUZZ_ARENA      0x40000000UL
#define ARENA_SIZE      0x40000UL
#define FUZZ_AREA       0x50000000UL
#define AREA_PAGES      64
/* In a lane's memory, in bytes: see fuzz_memory.c. */
#define ARENA_BUFFERS   0x4000UL
#define ARENA_WORDS     0xD000UL
#define CHILD_STACK     0x20000UL
#define LANE_STACK      0x30000UL
#define STACK_SIZE      0x8000UL

/* Prepare what all lanes need: before the first fork. */
void fuzz_values_init(void);
/* Map the memory of a lane, or of a lane's children that share memory. `whole`: anew, nobody uses
   it. */
void fuzz_arena_map(uintptr_t arena, bool whole);
/* Choose call `index` of a lane, and its values. */
void fuzz_make(struct fuzz_context *context);
/* Do guards stand, after the call? */
bool fuzz_guards_stand(struct fuzz_context *context);
/* Add words to the text of a call, if it is printed. */
void fuzz_say(struct fuzz_context *context, const char *format, ...);
/* An address was returned by mmap. */
void fuzz_note_map(uintptr_t address);
/* A child was made: it is a value for kill and wait. */
void fuzz_note_child(int pid);
/* Where the program's heap begins. */
uintptr_t fuzz_heap_start(void);

/* Do a lane's calls from where it is; ends the process. */
int fuzz_lane(void *lane);
/* Note what is wrong; the first of all complaints is told at the end. */
void fuzz_complain(const char *format, ...);
/* Lead a team's lanes until all are done; ends the process. `mode` is CLONE_ flags of a lane. */
__never_returns void fuzz_lead(int team, uint32_t mode);
/* End all processes but this one: false, and a complaint, if one does not end. */
bool fuzz_sweep(void);

/* ecall with this number and five arguments. If ends, a child that the call makes ends at once,
   without having used its stack. */
long fuzz_ecall(long number, const uint64_t args[5], bool ends);
