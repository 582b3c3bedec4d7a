/* Formatted output: one conversion at a time is parsed, and then printed padded. A sink says where
   the characters go, so the same code serves the console, a buffer, and a program's output.

   Nothing is allocated and no lock is taken; all state is on the stack. It needs little of that,
   and so may run in a panic. A wrong format prints something wrong, but writes and reads no memory
   beyond its arguments. See printfmt.h for the conversions. */
#include <error.h>
#include <printfmt.h>
#include <string.h>

/* As much width and precision as anybody means; C asks for 4095. More would overflow sums of
   both. */
#define MAX_FIELD   1000000

/* Where characters go. */
struct sink {
    void (*putch)(int, void *);
    void *putdat;
};

/* One conversion: the flags, width, precision and length in front of its letter. */
struct spec {
    bool left, zero, alternate, upper;
    int width, precision;               /* precision -1: none given */
    int length;                         /* size of the integer argument in bytes */
};

/* Give one character to the sink. All output goes by here. */
static void put(struct sink *out, int c)
{
    out->putch(c, out->putdat);
}

/* `count` times the same character; none if it is negative. */
static void pad(struct sink *out, int count, int c)
{
    while (count-- > 0)
        put(out, c);
}

/* A string, of which no more is read than the precision says: it may have no end then. NULL prints
   "(null)", because a message about a mistake must not be a mistake of its own. */
static void put_string(struct sink *out, const struct spec *spec, const char *s)
{
    if (s == NULL)
        s = "(null)";
    int len = spec->precision >= 0 ? strnlen(s, spec->precision) : strlen(s);
    if (!spec->left)
        pad(out, spec->width - len, ' ');
    for (int i = 0; i < len; i++)
        put(out, s[i]);
    if (spec->left)
        pad(out, spec->width - len, ' ');
}

/* A number in this base. `prefix` is its sign or 0x: it goes before zeros that pad, and after
   blanks that do. The parts, of which any may be empty:

       blanks   prefix   zeros   digits   blanks
       width             precision, or    width, if
                         width and flag 0 the flag is -

   The digits are made from the last to the first; 22 are enough for 64 bits in octal. As in C, the
   flag 0 has no effect beside a precision or the flag -. */
static void put_number(struct sink *out, const struct spec *spec, uint64_t value,
                       unsigned int base, const char *prefix)
{
    const char *letters = spec->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[24];
    int n = 0;

    do {
        digits[n++] = letters[value % base];
        value /= base;
    } while (value != 0);

    int zeros = spec->precision - n;
    int fill = spec->width - n - (int)strlen(prefix) - (zeros > 0 ? zeros : 0);
    bool zero_fill = spec->zero && !spec->left && spec->precision < 0;

    if (!spec->left && !zero_fill)
        pad(out, fill, ' ');
    for (; *prefix != '\0'; prefix++)
        put(out, *prefix);
    pad(out, zero_fill ? fill : zeros, '0');
    while (n > 0)
        put(out, digits[--n]);
    if (spec->left)
        pad(out, fill, ' ');
}

/* Sign or zero extend an argument of the given length, as a long one was passed. The length is 1 to
   8 bytes; the value is moved to the top of the word and back, where the shift fills in what is
   needed. */
static int64_t narrow(int64_t value, int length, bool is_signed)
{
    int spare = 64 - 8 * length;

    if (is_signed)
        return (int64_t)((uint64_t)value << spare) >> spare;
    return (uint64_t)value << spare >> spare;
}

/* Width or precision at fmt: digits, or * for an argument of type int; 0 if neither is there.
   Returns what follows it. Beyond MAX_FIELD it is cut, in both directions: the number may come from
   a program that asks for as much as an int can say. */
static const char *parse_field(const char *fmt, int *field, va_list *ap)
{
    *field = 0;
    if (*fmt == '*') {
        *field = va_arg(*ap, int);
        fmt++;
    } else {
        for (; *fmt >= '0' && *fmt <= '9'; fmt++)
            if (*field < MAX_FIELD)
                *field = *field * 10 + *fmt - '0';
    }
    if (*field > MAX_FIELD)
        *field = MAX_FIELD;
    if (*field < -MAX_FIELD)
        *field = -MAX_FIELD;
    return fmt;
}

/* What is between % and the letter of a conversion: flags, width, precision, length. Returns where
   the letter is. A negative width is the flag - and a width, a negative precision is none. The
   order is C's; a letter of length may come several times, as in hh and ll, and each h halves the
   size. */
static const char *parse_spec(const char *fmt, struct spec *spec, va_list *ap)
{
    *spec = (struct spec){ .precision = -1, .length = sizeof(int) };
    for (;; fmt++) {
        if (*fmt == '-')
            spec->left = true;
        else if (*fmt == '0')
            spec->zero = true;
        else if (*fmt == '#')
            spec->alternate = true;
        else if (*fmt != '+' && *fmt != ' ')
            break;
    }
    fmt = parse_field(fmt, &spec->width, ap);
    if (spec->width < 0) {
        spec->left = true;
        spec->width = -spec->width;
    }
    if (*fmt == '.')
        fmt = parse_field(fmt + 1, &spec->precision, ap);
    for (;; fmt++) {
        if (*fmt == 'l' || *fmt == 'z' || *fmt == 't' || *fmt == 'j')
            spec->length = sizeof(long);
        else if (*fmt == 'h' && spec->length > 1)
            spec->length /= 2;
        else if (*fmt != 'h')
            return fmt;
    }
}

/* The next argument, as the integer type that the length says. Types smaller than int arrive as
   int, and all of 8 bytes arrive alike: so there are only two kinds to fetch. */
static int64_t next_integer(const struct spec *spec, bool is_signed, va_list *ap)
{
    int64_t value = spec->length == sizeof(long) ? va_arg(*ap, long) : va_arg(*ap, int);

    return narrow(value, spec->length, is_signed);
}

/* Print the conversion whose letter is at fmt; return what follows it. A format that ends behind
   the % ends here too; a letter that is not known is printed with its %, so that it is seen. */
static const char *convert(struct sink *out, struct spec *spec, const char *fmt, va_list *ap)
{
    switch (*fmt) {
    case 'c':
        pad(out, spec->left ? 0 : spec->width - 1, ' ');
        put(out, va_arg(*ap, int));
        pad(out, spec->left ? spec->width - 1 : 0, ' ');
        break;
    case 's':
        put_string(out, spec, va_arg(*ap, const char *));
        break;
    case 'e':
        put_string(out, spec, error_name(va_arg(*ap, int)));
        break;
    case 'd': case 'i': {
        int64_t value = next_integer(spec, true, ap);
        put_number(out, spec, value < 0 ? -(uint64_t)value : (uint64_t)value, 10,
                   value < 0 ? "-" : "");
        break;
    }
    case 'u':
        put_number(out, spec, next_integer(spec, false, ap), 10, "");
        break;
    case 'o':
        put_number(out, spec, next_integer(spec, false, ap), 8, "");
        break;
    case 'X':
        spec->upper = true;
        /* fall through */
    case 'x':
        put_number(out, spec, next_integer(spec, false, ap), 16, spec->alternate ? "0x" : "");
        break;
    case 'p':
        put_number(out, spec, (uintptr_t)va_arg(*ap, void *), 16, "0x");
        break;
    case '\0':
        return fmt;
    default:
        put(out, '%');
        /* fall through */
    case '%':
        put(out, *fmt);
    }
    return fmt + 1;
}

/* Text is given on as it is, up to the next %. The list is copied, because a va_list may be an
   array, whose address a function cannot pass on once it is a parameter. */
void vprintfmt(void (*putch)(int, void *), void *putdat, const char *fmt, va_list ap)
{
    struct sink out = { putch, putdat };
    struct spec spec;
    va_list args;

    va_copy(args, ap);
    while (*fmt != '\0') {
        if (*fmt != '%') {
            put(&out, *fmt++);
            continue;
        }
        fmt = parse_spec(fmt + 1, &spec, &args);
        fmt = convert(&out, &spec, fmt, &args);
    }
    va_end(args);
}

/* What snprintf writes to: `length` counts what does not fit, too. */
struct buffer {
    char *next, *end;
    int length;
};

/* The sink of snprintf. Behind the end of the buffer it only counts. */
static void put_buffer(int c, void *arg)
{
    struct buffer *b = arg;

    b->length++;
    if (b->next < b->end)
        *b->next++ = c;
}

/* One byte is kept for the closing zero. With size 0 nothing is written, and buf may be NULL. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct buffer b = { buf, size > 0 ? buf + size - 1 : buf, 0 };

    vprintfmt(put_buffer, &b, fmt, ap);
    if (size > 0)
        *b.next = '\0';
    return b.length;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int length = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return length;
}
