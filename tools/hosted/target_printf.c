/* Target: formatted output, libs/printfmt.c.

   The first byte chooses. A free format: the rest of the input, printed into a buffer of exactly
   the size that is given; each argument is the address of a string. Or single conversions, made of
   the bytes: what they print must be what the C library of the host prints, for all that both
   promise alike. A string that has as many bytes as the precision says has no end behind them. */
#include "below.h"
#include <printfmt.h>
#include <string.h>

#define OUT 1400

const char *const target_name = "printf";
const char *const target_counts[] = { "free formats", "conversions like the C library's", NULL };

/* Print a format as it is. A star would take an address for a width, and more than four digits
   would print for long: other bytes stand for them. */
static void try_free(struct input *input)
{
    uint32_t size = input_take(input, 1) % 64;
    char *format = host_alloc(input->left + 1), *buffer = host_alloc(size);
    const char *text = "a string";
    size_t length = 0, digits = 0;

    while (input->left > 0) {
        char c = input_take(input, 1);

        digits = c >= '0' && c <= '9' ? digits + 1 : 0;
        format[length++] = c == '*' || digits > 4 ? 'd' : c == '\0' ? ' ' : c;
    }
    format[length < 128 ? length : 128] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int printed = snprintf(size > 0 ? buffer : NULL, size, format, text, text, text, text, text,
                           text, text, text, text, text, text, text, text, text, text, text, text,
                           text, text, text, text, text, text, text, text, text, text, text, text,
                           text, text, text, text, text, text, text, text, text, text, text, text,
                           text, text, text, text, text, text, text, text, text, text, text, text,
                           text, text, text, text, text, text, text, text, text, text, text);
#pragma GCC diagnostic pop
    assert(printed >= 0);
    if (size > 0)
        assert_eq(buffer[(uint32_t)printed < size ? (uint32_t)printed : size - 1], '\0');
    host_free(format);
    host_free(buffer);
    host_counts[0]++;
}

/* Width or precision, as digits or by a star. */
static char *put_field(char *at, struct input *input, int *star, int *stars, int field)
{
    if (input_take(input, 1) % 4 == 0) {
        star[(*stars)++] = field;
        *at++ = '*';
        return at;
    }
    return at + snprintf(at, 8, "%d", field < 0 ? -field : field);
}

/* One conversion, its argument by the input, printed by both. */
static void try_conversion(struct input *input)
{
    static const char *const lengths[] = { "", "hh", "h", "l", "ll", "z", "j", "t" };
    static const char letters[] = "diuoxXcs%";
    char format[40] = "[%", ours[OUT], theirs[OUT], *at = format + 2, kind = 'i';
    uint32_t flags = input_take(input, 1), length = input_take(input, 1) % ARRAY_SIZE(lengths);
    char letter = letters[input_take(input, 1) % (sizeof(letters) - 1)];
    int star[2], stars = 0, width = input_take(input, 1), precision = -1;
    long value = (long)((uint64_t)input_take(input, 4) << 32 | input_take(input, 4));
    char *string = NULL, ended[256] = "";

    value >>= input_take(input, 1) % 64;
    if (flags & 1)
        *at++ = '-';
    if ((flags & 2) && strfind("diuoxX", letter)[0] != '\0')
        *at++ = '0';
    if ((flags & 4) && letter == 'x' && (int8_t)value != 0)
        *at++ = '#';
    if (flags & 8)
        at = put_field(at, input, star, &stars, flags & 64 ? -width : width);
    if ((flags & 16) && letter != 'c') {
        precision = input_take(input, 1);
        *at++ = '.';
        at = put_field(at, input, star, &stars, precision);
        value = precision == 0 && (int8_t)value == 0 ? 1 : value;  /* of C, no digit at all */
    }
    if (letter == 's' || letter == '%' || letter == 'c')
        length = 0;
    if (letter == '%')
        at = format + 2, stars = 0;
    if (letter == 's') {
        size_t n = input_take(input, 1);

        kind = 's';
        string = host_alloc(n + (precision < 0 || n < (size_t)precision));
        memset(string, 'a' + n % 26, n);
        memcpy(ended, string, n);       /* the host's sanitizer wants an end in any case */
        if (precision < 0 || n < (size_t)precision)
            string[n] = '\0';
    } else if (length > 2) {
        kind = 'l';
    }
    value = letter == 'c' ? 'a' + (value & 15) : value;
    snprintf(at, 8, "%s%c]", lengths[length], letter);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#define PRINT(v) (stars == 0 ? snprintf(ours, OUT, format, v) \
                  : stars == 1 ? snprintf(ours, OUT, format, star[0], v) \
                  : snprintf(ours, OUT, format, star[0], star[1], v))
    int n = kind == 's' ? PRINT(string) : kind == 'l' ? PRINT(value) : PRINT((int)value);
#pragma GCC diagnostic pop
    int m = host_format(theirs, OUT, format, stars, star, kind, value, ended);
    if (n != m || strcmp(ours, theirs) != 0)
        panic("%s with %ld prints %s, and not %s", format, value, ours, theirs);
    host_free(string);
    host_counts[1]++;
}

int LLVMFuzzerTestOneInput(const host_byte *data, unsigned long size)
{
    struct input input = { data, size };

    below_begin(0);
    if (input_take(&input, 1) % 2 == 0)
        try_free(&input);
    for (int i = 0; i < 8 && input.left > 0; i++)
        try_conversion(&input);
    below_end();
    return 0;
}

/* Any bytes are as good as others; in a free format conversions are what counts. */
unsigned long LLVMFuzzerCustomMutator(host_byte *data, unsigned long size, unsigned long max,
                                      unsigned int seed)
{
    static const char *const pieces[] = { "%-0#8.3lx", "%s", "%e", "%hhd", "%.5s", "%p", "%%", "%c",
                                          "%9999d", "%-99zu", "%.999o", "%y", "%" };
    uint64_t state = random_begin(seed);
    const char *piece = pieces[random_next(&state) % ARRAY_SIZE(pieces)];
    size_t length = strlen(piece), at = size > 0 ? random_next(&state) % size : 0;

    if (random_next(&state) % 3 != 0 || size + length > max)
        return LLVMFuzzerMutate(data, size, max);
    memmove(data + at + length, data + at, size - at);
    memcpy(data + at, piece, length);
    return size + length;
}
