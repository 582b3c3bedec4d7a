/* The functions of string.h that the kernel has no use for; the others are in libs/string.c. */
#include <defs.h>
#include <string.h>

char *strcpy(char *dst, const char *src)
{
    char *p = dst;

    while ((*p++ = *src++) != '\0')
        ;
    return dst;
}

char *strcat(char *dst, const char *src)
{
    strcpy(dst + strlen(dst), src);
    return dst;
}

char *strchr(const char *s, int c)
{
    char *p = strfind(s, c);

    return *p == (char)c ? p : NULL;
}

/* As in C: what does not fit gives LONG_MAX or LONG_MIN. Base 0 takes 0x and 0 prefixes. Who must
   know whether a text is a number, and fits, takes string_to_int(). */
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
