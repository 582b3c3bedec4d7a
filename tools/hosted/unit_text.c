/* Unit tests of libs/string.c and libs/printfmt.c, and of the kernel's command line. Strings lie in
   memory of exactly their size, so a look behind it is seen by the sanitizer. */
#include "unit.h"
#include <error.h>
#include <init/init.h>
#include <printfmt.h>
#include <string.h>

/* A copy without the closing zero, if `cut`, in memory of its own. */
static char *exact(const char *text, bool cut)
{
    size_t size = strlen(text) + !cut;

    return memcpy(host_alloc(size), text, size);
}

static void strings(void)
{
    char *cut = exact("abc", true), *whole = exact("abc", false), buffer[8];

    check_eq("strnlen reads no further", strnlen(cut, 3), 3);
    check_eq("strlen", strlen(whole), 3);
    check_eq("strncmp ends where it is told", strncmp(cut, "abcd", 3), 0);
    check("strcmp tells the order", strcmp("abc", "abd") < 0 && strcmp("b", "abc") > 0
          && strcmp("ab", "abc") < 0 && strcmp(whole, "abc") == 0);
    check("a byte above 127 is larger", strcmp("\xff", "a") > 0 && memcmp("\xff", "a", 1) > 0);
    check_eq("strncmp of nothing", strncmp("a", "b", 0), 0);
    check_eq("memcmp of nothing", memcmp(cut, whole, 0), 0);
    check_eq("strfind", strfind(whole, 'c') - whole, 2);
    check_eq("strfind without it: the end", strfind(whole, 'x') - whole, 3);
    memset(buffer, 1, sizeof(buffer));
    strncpy(buffer, "ab", 5);
    check("strncpy fills up", memcmp(buffer, "ab\0\0\0\1\1\1", 8) == 0);
    strncpy(buffer, "abcdefghij", 8);
    check("strncpy cuts", memcmp(buffer, "abcdefgh", 8) == 0);
    memmove(buffer + 1, buffer, 5);
    check("memmove upwards", memcmp(buffer, "aabcdegh", 8) == 0);
    memmove(buffer, buffer + 1, 5);
    check("memmove downwards", memcmp(buffer, "abcdeegh", 8) == 0);
    host_free(cut);
    host_free(whole);
}

/* Blocks of all sizes and alignments, as the functions copy in words where they can. */
static void blocks(void)
{
    for (size_t size = 0; size < 80; size++)
        for (size_t from = 0; from < 9; from++) {
            uint8_t *a = host_alloc(size + from + 1), *b = host_alloc(size + 8);
            bool same = true;

            for (size_t i = 0; i < size + from; i++)
                a[i] = i * 7;
            memcpy(b + (size + from) % 8, a + from, size);
            for (size_t i = 0; i < size; i++)
                same = same && b[(size + from) % 8 + i] == (uint8_t)((i + from) * 7);
            check("memcpy", same && memcmp(b + (size + from) % 8, a + from, size) == 0);
            memmove(a, a + from, size);
            memset(b, 0x5a, size + 8);
            check("memmove", size == 0 || (a[size - 1] == (uint8_t)((size - 1 + from) * 7)
                                           && b[0] == 0x5a && b[size + 7] == 0x5a));
            host_free(a);
            host_free(b);
        }
}

static void numbers(void)
{
    static const struct {
        const char *text; unsigned int base; bool ok; uint64_t value;
    } cases[] = {
        { "0", 0, true, 0 }, { "42", 10, true, 42 }, { "0x2a", 0, true, 42 },
        { "2A", 16, true, 42 },
        { "18446744073709551615", 0, true, UINT64_MAX }, { "18446744073709551616", 0, false, 0 },
        { "0xffffffffffffffff", 0, true, UINT64_MAX }, { "0x10000000000000000", 0, false, 0 },
        { "", 0, false, 0 }, { "0x", 0, false, 0 }, { "1 ", 0, false, 0 }, { "12a", 10, false, 0 },
        { "-1", 0, false, 0 }, { "z", 36, true, 35 }, { "99999999999999999999", 0, false, 0 },
    };
    int number = 7;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = exact(cases[i].text, false);
        uint64_t value = 99;

        check_eq(cases[i].text, string_to_uint64(text, cases[i].base, &value), cases[i].ok);
        check_eq(cases[i].text, value, cases[i].ok ? cases[i].value : 99);
        host_free(text);
    }
    check("the least int", string_to_int("-2147483648", &number) && number == INT_MIN);
    check("one less is none", !string_to_int("-2147483649", &number) && number == INT_MIN);
    check("the greatest", string_to_int("2147483647", &number) && number == INT_MAX);
    check("one more is none", !string_to_int("2147483648", &number) && number == INT_MAX);
    check("a sign alone is none", !string_to_int("-", &number));
    check_eq("a digit that is none", string_digit('!') >= NO_DIGIT, true);
}

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#define PRINTS(expected, ...) do { \
        char out_[200]; \
        int n_ = snprintf(out_, sizeof(out_), __VA_ARGS__); \
        check(expected, strcmp(out_, expected) == 0 && n_ == (int)strlen(expected)); \
    } while (0)

static void formats(void)
{
    char *cut = exact("abc", true), small[4];

    PRINTS("[  42|42  |0042]", "[%4d|%-4d|%04d]", 42, 42, 42);
    PRINTS("-9223372036854775808", "%ld", INT64_MIN);
    PRINTS("-128 255 ff", "%hhd %hhu %hhx", 128, 255, -1);
    PRINTS("1777777777777777777777", "%lo", ~0UL);
    PRINTS("0x2a 2A 0x0", "%#x %X %p", 42, 42, NULL);
    PRINTS("abc", "%.3s", cut);
    PRINTS("(null)  ab(n", "%-8s%.2s%.2s", NULL, "abc", NULL);
    PRINTS("00012   ", "%-*.*d", 8, 5, 12);
    PRINTS("00012   ", "%*.*d", -8, 5, 12);
    PRINTS("12", "%.*d", -1, 12);
    PRINTS("E_NO_MEM? -4", "%e? %d", -E_NO_MEM, -4);
    PRINTS("%y %", "%y %%");
    PRINTS("a", "a%");
    PRINTS("a", "a%-08.3l");
    PRINTS("  xx  ", "%3c%-3c", 'x', 'x');
    check_eq("what does not fit is counted", snprintf(small, sizeof(small), "%d", 123456), 6);
    check("and the rest is there, with its end", strcmp(small, "123") == 0);
    check_eq("nothing is written of size 0", snprintf(NULL, 0, "%s", "abc"), 3);
    check_eq("a width has a limit", snprintf(NULL, 0, "%9999999d", 1), 1000000);
    check_eq("in both directions", snprintf(NULL, 0, "%*d", INT_MIN, 1), 1000000);
    host_free(cut);
}

void unit_text(void)
{
    strings();
    blocks();
    numbers();
    formats();
    check("an error that is none has a name", error_name(-99)[0] != '\0');
}

/* A line, and what is unknown in it. */
static const char *parse(char *line, struct bootargs *args)
{
    static char copy[128];

    strncpy(copy, line, sizeof(copy));
    return bootargs_parse(copy, args);
}

void unit_bootargs(void)
{
    static char *const bad[] = { "pmm", "pmmx=1", "init=", "init=  ", "poison=1", "=", "x",
                                 "INIT=a" };
    struct bootargs args;

    check("an empty line", parse("", &args) == NULL && args.init == NULL && !args.poison);
    check("blanks", parse("   ", &args) == NULL);
    check("all", parse(" selftest=a pmm=b sched=c chaos=d mem=e swap=f poison nocow monitor ",
                       &args) == NULL);
    check("their values", strcmp(args.selftest, "a") == 0 && strcmp(args.pmm, "b") == 0
          && strcmp(args.sched, "c") == 0 && strcmp(args.chaos, "d") == 0
          && strcmp(args.mem, "e") == 0 && strcmp(args.swap, "f") == 0);
    check("their words", args.poison && args.nocow && args.monitor && args.init == NULL);
    check("init takes the rest", parse("pmm= init=cat -n  'a b' ", &args) == NULL
          && strcmp(args.init, "cat -n  'a b' ") == 0 && args.pmm[0] == '\0');
    check("a later one counts", parse("pmm=a pmm=b", &args) == NULL && strcmp(args.pmm, "b") == 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        const char *unknown = parse(bad[i], &args);

        check(bad[i], unknown != NULL && strncmp(unknown, bad[i], strlen(unknown)) == 0);
    }
}
