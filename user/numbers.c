/* numbers: texts that are numbers are taken whole if they fit, and refused if they do not.

   And the other way: numbers that are printed with odd formats. Each table below has texts, or
   formats, with what must come out. A wrong one ends the test by a panic that names it. Only
   libs/string.c, libs/printfmt.c and user/libs are tested here, nothing of the kernel. */
#include <report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ulib.h>

static const struct {
    const char *text;
    bool good;
    int value;
} ints[] = {
    { "0", true, 0 }, { "-0", true, 0 }, { "7", true, 7 }, { "0010", true, 10 },
    { "0x10", true, 16 }, { "-0Xff", true, -255 }, { "2147483647", true, INT32_MAX },
    { "-2147483648", true, INT32_MIN }, { "2147483648", false, 0 },
    { "-2147483649", false, 0 },
    { "4294967298", false, 0 }, { "4294967295", false, 0 }, { "18446744073709551618", false, 0 },
    { "99999999999999999999999999999999", false, 0 }, { "0x100000002", false, 0 },
    { "", false, 0 }, { "-", false, 0 }, { "--1", false, 0 }, { "0x", false, 0 },
    { " 1", false, 0 }, { "1 ", false, 0 }, { "1x", false, 0 }, { "x", false, 0 },
    { "1a", false, 0 },
};

static const struct {
    const char *text;
    unsigned int base;
    bool good;
    uint64_t value;
} words[] = {
    { "18446744073709551615", 0, true, UINT64_MAX }, { "18446744073709551616", 0, false, 0 },
    { "0xffffffffffffffff", 0, true, UINT64_MAX }, { "ffffffffffffffff", 16, true, UINT64_MAX },
    { "0x10000000000000000", 16, false, 0 }, { "10000000000000000", 16, false, 0 },
    { "fffg", 16, false, 0 }, { "777", 8, true, 0777 }, { "8", 8, false, 0 },
    { "0x1", 10, false, 0 }, { "-1", 0, false, 0 },
};

static const struct {
    const char *text;
    long value;
    int as_int;
} longs[] = {
    { "4294967298", 4294967298, INT32_MAX }, { "-4294967298", -4294967298, INT32_MIN },
    { "9223372036854775807", INT64_MAX, INT32_MAX },
    { "9223372036854775808", INT64_MAX, INT32_MAX },
    { "-9223372036854775808", INT64_MIN, INT32_MIN },
    { "-9223372036854775809", INT64_MIN, INT32_MIN },
    { "99999999999999999999999", INT64_MAX, INT32_MAX }, { "12x", 12, 12 }, { "x", 0, 0 },
};

/* Formats with fields and lengths that no output can have, each with an argument for its * and the
   number 257. A wish is fulfilled as far as it makes sense, and nothing overflows. */
static const struct {
    const char *format;
    int field;
    const char *begins;
    int length;
} formats[] = {
    { "%.*d", -5, "257", 3 }, { "%.*d", INT_MIN, "257", 3 }, { "%.*d", 5, "00257", 5 },
    { "%*d", -5, "257  ", 5 }, { "%*d", INT_MIN, "257 ", 1000000 },
    { "%*d", INT_MAX, "    ", 1000000 }, { "%.*d", INT_MAX, "0000", 1000000 },
    { "%*hhd", 2, " 1", 2 }, { "%*hhhd", 2, " 1", 2 }, { "%*ld", 0, "257", 3 },
    { "%*5d", INT_MIN, "%5d", 3 },
};

static void check_formats(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        char text[8];
        int length = snprintf(text, sizeof(text), formats[i].format, formats[i].field, 257L);

        if (length != formats[i].length
            || strncmp(text, formats[i].begins, strlen(formats[i].begins)) != 0)
            panic("'%s' with %d gives '%s' and the length %d", formats[i].format,
                  formats[i].field, text, length);
    }
    check("wide fields and short numbers are printed as far as they make sense", true);
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(ints); i++) {
        int value = 12345;
        bool good = string_to_int(ints[i].text, &value);

        if (good != ints[i].good || value != (good ? ints[i].value : 12345))
            panic("'%s' as an int: %d, %d", ints[i].text, good, value);
    }
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        uint64_t value = 12345;
        bool good = string_to_uint64(words[i].text, words[i].base, &value);

        if (good != words[i].good || value != (good ? words[i].value : 12345))
            panic("'%s' as a word: %d, %lu", words[i].text, good, value);
    }
    for (size_t i = 0; i < ARRAY_SIZE(longs); i++) {
        long value = strtol(longs[i].text, NULL, 10);

        if (value != longs[i].value || atoi(longs[i].text) != longs[i].as_int)
            panic("strtol of '%s' is %ld, atoi %d", longs[i].text, value, atoi(longs[i].text));
    }
    check_formats();
    check("texts are numbers if they fit, and no other numbers if they do not", true);
    return check_done();
}
