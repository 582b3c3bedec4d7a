/* The functions of user/libs/string.h that the kernel has no use for; the others are in
   libs/string.c. They are written for reading, not for speed: what is long is copied by memcpy().

   No function keeps anything between two calls, so threads may call all of them at once. The caller
   sees to it that there is room for what is written: nothing here knows how large a buffer is, so a
   text of unknown length should be printed by snprintf() instead. */
#include <defs.h>
#include <string.h>

/* The closing zero is copied, and ends the loop. */
char *strcpy(char *dst, const char *src)
{
    char *p = dst;

    while ((*p++ = *src++) != '\0')
        ;
    return dst;
}

/* The end of dst is found anew at each call: to build a long text, print into a buffer instead. */
char *strcat(char *dst, const char *src)
{
    strcpy(dst + strlen(dst), src);
    return dst;
}

/* strfind() returns the end of the string if there is no c, which is right only for the zero
   itself. */
char *strchr(const char *s, int c)
{
    char *p = strfind(s, c);

    return *p == (char)c ? p : NULL;
}

char *strrchr(const char *s, int c)
{
    const char *last = NULL;

    do {
        if (*s == (char)c)
            last = s;
    } while (*s++ != '\0');
    return (char *)last;
}

/* The value is gathered as an unsigned number. A digit that would make it larger than LONG_MAX is
   noted in `fits`; the digits after it are read all the same, because *endptr goes behind them.
   "0x" is a prefix only if a digit follows; else the number is the 0 alone, and *endptr is at the
   x. */
long strtol(const char *s, char **endptr, int base)
{
    const char *start = s;
    unsigned long value = 0;
    bool negative = false, any = false, fits = true;

    while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
        s++;
    if (*s == '+' || *s == '-')
        negative = *s++ == '-';
    if ((base == 0 || base == 16) && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')
        && string_digit(s[2]) < 16)
        s += 2, base = 16;
    else if (base == 0)
        base = *s == '0' ? 8 : 10;
    for (int digit; (digit = string_digit(*s)) < base; s++, any = true) {
        fits &= value <= (INT64_MAX - digit) / (unsigned long)base;
        value = value * base + digit;
    }
    if (endptr != NULL)
        *endptr = (char *)(any ? s : start);
    if (!fits)
        return negative ? INT64_MIN : INT64_MAX;
    return negative ? -value : value;
}
