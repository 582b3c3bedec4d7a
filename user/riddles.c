/* riddles [WHAT]: compares the functions of riddles.S with those that a student has written to do
   the same: exercise 0.4.

   Both are called with the same numbers. A difference is shown with what went in and what came out
   of both, so that the assembler text can be followed by hand with these numbers. With WHAT, "one",
   "two" or "three", only that one is compared. */
#include <answers.h>
#include <defs.h>
#include <report.h>
#include <stdio.h>
#include <string.h>

extern const uintptr_t riddles[3];      /* their addresses: riddles.S */

#define NUMBERS     300

/* Single bits, runs of bits, small and large numbers, and some of no pattern. */
static uint64_t number(int i)
{
    if (i < 16)
        return i;
    if (i < 80)
        return 1UL << (i - 16);
    if (i < 144)
        return ~0UL << (i - 80);
    return (uint64_t)i * 0x9e3779b97f4a7c15UL;
}

static void compare_one(void)
{
    uint64_t (*one)(uint64_t) = (uint64_t (*)(uint64_t))riddles[0];
    bool right = true;

    for (int i = 0; right && i < NUMBERS; i++) {
        uint64_t x = number(i), got = like_one(x), expected = one(x);

        right = got == expected;
        if (!right)
            printf("like_one(0x%lx) is %ld, but one gives %ld\n", x, got, expected);
    }
    check("like_one() does the same as one", right);
}

static void compare_two(void)
{
    static int16_t numbers[NUMBERS];
    uint64_t (*two)(uintptr_t, size_t) = (uint64_t (*)(uintptr_t, size_t))riddles[1];
    bool right = true;

    for (int i = 0; i < NUMBERS; i++)
        numbers[i] = number(i) >> (i & 31);
    for (int i = 0; right && i < NUMBERS; i++)
        for (int n = 0; right && n < 20 && i + n <= NUMBERS; n++) {
            uintptr_t p = (uintptr_t)&numbers[i];
            uint64_t got = like_two(p, n), expected = two(p, n);

            right = got == expected;
            if (!right) {
                printf("like_two(p, %d) is %ld, but two gives %ld; the bytes at p, as 16 bits "
                       "each:", n, got, expected);
                for (int k = 0; k < n; k++)
                    printf(" %04x", (uint16_t)numbers[i + k]);
                printf("\n");
            }
        }
    check("like_two() does the same as two", right);
}

static void compare_three(void)
{
    uint64_t (*three)(uint64_t, uint64_t) = (uint64_t (*)(uint64_t, uint64_t))riddles[2];
    bool right = true;

    for (int i = 0; right && i < NUMBERS; i++)
        for (int k = 0; right && k < NUMBERS; k += 7) {
            uint64_t x = number(i), y = number(k), got = like_three(x, y), expected = three(x, y);

            right = got == expected;
            if (!right)
                printf("like_three(0x%lx, 0x%lx) is 0x%lx, but three gives 0x%lx\n", x, y, got,
                       expected);
        }
    check("like_three() does the same as three", right);
}

static const struct {
    const char *what;
    void (*compare)(void);
} functions[] = {
    { "one", compare_one },
    { "two", compare_two },
    { "three", compare_three },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
        if (argc < 2 || strcmp(argv[1], functions[i].what) == 0)
            functions[i].compare();
    return check_done();
}
