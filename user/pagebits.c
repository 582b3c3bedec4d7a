/* pagebits: tests the functions of user/libs/pagebits.c, which exercise 0.3 is about.

   What must come out is worked out bit by bit, in another way than by shifts of whole fields. A
   call whose result is wrong is shown with its arguments, once for each function. With WHAT,
   "pack", "address", "index" or "share", only that function is tested. */
#include <defs.h>
#include <pagebits.h>
#include <report.h>
#include <stdio.h>
#include <string.h>

/* Numbers with single bits, runs of bits, all bits, and some of no pattern. */
static uint64_t number(int i)
{
    if (i < 64)
        return 1UL << i;
    if (i < 128)
        return ~0UL << (i - 64);
    if (i < 192)
        return ~0UL >> (i - 128);
    return (uint64_t)i * 0x9e3779b97f4a7c15UL;
}

#define NUMBERS     400

/* Bits `from` to `from` + n - 1 of x, moved so that they begin at `to`: one by one. */
static uint64_t moved(uint64_t x, int from, int n, int to)
{
    uint64_t result = 0;

    for (int i = 0; i < n; i++)
        if (x & 1UL << (from + i))
            result |= 1UL << (to + i);
    return result;
}

/* Is the result right? If not, the call is shown. */
static bool is_right(const char *call, uint64_t a, uint64_t b, uint64_t got, uint64_t expected)
{
    if (got != expected)
        printf("%s of 0x%lx, 0x%lx is 0x%lx, expected 0x%lx: bits 0x%lx differ\n", call, a, b, got,
               expected, got ^ expected);
    return got == expected;
}

static void test_pack(void)
{
    bool right = true;

    for (int i = 0; right && i < NUMBERS; i++) {
        uint64_t address = moved(number(i), 12, 44, 12), bits = number(NUMBERS - i);

        right = is_right("entry_pack", address, bits, entry_pack(address, bits),
                         moved(address, 12, 44, 10) | moved(bits, 0, 10, 0));
    }
    check("entry_pack() puts address and bits into their fields", right);
}

static void test_address(void)
{
    bool right = true;

    for (int i = 0; right && i < NUMBERS; i++)
        right = is_right("entry_address", number(i), 0, entry_address(number(i)),
                         moved(number(i), 10, 44, 12));
    check("entry_address() takes the number of the page, and nothing else", right);
}

static void test_index(void)
{
    bool right = true;

    for (int i = 0; right && i < NUMBERS; i++)
        for (int level = 0; right && level < 3; level++)
            right = is_right("index_of", number(i), level, index_of(number(i), level),
                             moved(number(i), 12 + 9 * level, 9, 0));
    check("index_of() has the nine bits of each level", right);
}

static void test_share(void)
{
    bool right = true;

    for (int i = 0; right && i < NUMBERS; i++)
        for (int w = 0; right && w < 2; w++) {
            uint64_t entry = w ? number(i) | BIT_W : number(i) & ~(uint64_t)BIT_W;
            uint64_t expected = w ? (entry - BIT_W) | BIT_SHARED : entry;

            right = is_right("entry_share", entry, 0, entry_share(entry), expected);
        }
    check("entry_share() changes two bits of what may be written, and nothing else", right);
}

static const struct {
    const char *what;
    void (*test)(void);
} functions[] = {
    { "pack", test_pack },
    { "address", test_address },
    { "index", test_index },
    { "share", test_share },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
        if (argc < 2 || strcmp(argv[1], functions[i].what) == 0)
            functions[i].test();
    return check_done();
}
