/* What C leaves undefined, told in words: a checked build alone has this.

   Before each operation whose result C may leave undefined (x / 0, 1 << 32, INT_MAX + 1, an index
   behind the end of an array) the compiler puts a test, and where that fails a call of one of the
   functions below, by the names and arguments that GCC and clang give them: they are the interface
   of -fsanitize=undefined. Each gets a record that tells the place in the source, and for many
   kinds the types. All panic, so nothing goes on with a result that may be anything.

   A function that is missing here shows when the kernel is linked. They may be called from
   anywhere, take no lock, and never return.

   Beside them is what C does define, but no count may do: wrap around. */
#include <debug/check.h>
#include <debug/panic.h>
#include <riscv/atomic.h>

/* The head of each record: line and column count from 1. */
struct place {
    const char *file;
    uint32_t line, column;
};

/* A type as the compiler describes it: for integers the lowest bit of `info` says if it is signed,
   and the others are the logarithm of how many bits it has. */
struct type {
    uint16_t kind, info;
    char name[];
};

#define KIND_INTEGER    0

/* The records have the type, or two, behind the place, if the kind has any. */
struct typed {
    struct place at;
    const struct type *type, *other;
};

struct access {
    struct place at;
    const struct type *type;
    uint8_t log_alignment, kind;
};

/* Operands are passed as a word, or by address if they are larger, which is not followed here. */
typedef uintptr_t operand_t;

/* The value of an operand as a signed number. A kernel has no integers of more than 64 bits. */
static int64_t value_of(const struct type *type, operand_t operand)
{
    uint32_t bits = 1U << (type->info >> 1);

    if (type->kind != KIND_INTEGER || bits >= 64 || !(type->info & 1))
        return operand;
    return (int64_t)(operand << (64 - bits)) >> (64 - bits);
}

/* Panic at the place of the source, as an assertion there would. */
#define undefined(place, fmt, ...) \
    panic_at((place)->file, (place)->line, "C does not define this: " fmt, ##__VA_ARGS__)

/* An operation of two operands whose exact result the type cannot hold. */
static __never_returns void overflow(const struct typed *record, operand_t left, const char *sign,
                                     operand_t right)
{
    undefined(&record->at, "%ld %s %ld does not fit into %s", value_of(record->type, left), sign,
              value_of(record->type, right), record->type->name);
}

/* A handler is called by the compiler's code alone, so its declaration stands here. */
#define HANDLER(name, ...) \
    __never_returns void __ubsan_handle_##name##_abort(__VA_ARGS__); \
    void __ubsan_handle_##name##_abort(__VA_ARGS__)

HANDLER(add_overflow, const struct typed *record, operand_t left, operand_t right)
{
    overflow(record, left, "+", right);
}

HANDLER(sub_overflow, const struct typed *record, operand_t left, operand_t right)
{
    overflow(record, left, "-", right);
}

HANDLER(mul_overflow, const struct typed *record, operand_t left, operand_t right)
{
    overflow(record, left, "*", right);
}

HANDLER(negate_overflow, const struct typed *record, operand_t operand)
{
    overflow(record, 0, "-", operand);
}

HANDLER(divrem_overflow, const struct typed *record, operand_t left, operand_t right)
{
    undefined(&record->at, "%ld / %ld, or the rest of it", value_of(record->type, left),
              value_of(record->type, right));
}

HANDLER(shift_out_of_bounds, const struct typed *record, operand_t left, operand_t right)
{
    undefined(&record->at, "%ld, a %s, shifted by %ld", value_of(record->type, left),
              record->type->name, value_of(record->other, right));
}

HANDLER(out_of_bounds, const struct typed *record, operand_t index)
{
    undefined(&record->at, "index %ld of a %s", value_of(record->other, index),
              record->type->name);
}

HANDLER(vla_bound_not_positive, const struct typed *record, operand_t bound)
{
    undefined(&record->at, "an array of %ld elements", value_of(record->type, bound));
}

HANDLER(pointer_overflow, const struct place *at, uintptr_t base, uintptr_t result)
{
    undefined(at, "a pointer was %#lx, and an offset makes it wrap around to %#lx", base, result);
}

HANDLER(type_mismatch_v1, const struct access *record, uintptr_t address)
{
    if (address % (1UL << record->log_alignment) != 0)
        undefined(&record->at, "%#lx is not aligned for %s, which needs %lu", address,
                  record->type->name, 1UL << record->log_alignment);
    undefined(&record->at, "there is no room for %s at %#lx", record->type->name, address);
}

HANDLER(nonnull_arg, const struct place *at)
{
    undefined(at, "NULL as an argument that must not be NULL");
}

HANDLER(nonnull_return_v1, __not_used const void *record, const struct place *at)
{
    undefined(at, "NULL is returned by a function that never returns it");
}

HANDLER(invalid_builtin, const struct place *at)
{
    undefined(at, "the position of the first or last bit that is set, of 0");
}

/* The compiler knows only one form of this: it never goes on. */
__never_returns void __ubsan_handle_builtin_unreachable(const struct place *at);
void __ubsan_handle_builtin_unreachable(const struct place *at)
{
    undefined(at, "a place is reached that __builtin_unreachable() says cannot be");
}

void count_wraps(const uint32_t *count, uint32_t before, uint32_t change)
{
    check_tell(count);
    panic("the count at %p was %u, and %d more make it wrap around: somebody has given back more "
          "than was taken, or never gives back", count, before, (int32_t)change);
}
