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

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    return 99;
}

/* As in C, but an overflow wraps around. Base 0 takes 0x and 0 prefixes. */
long strtol(const char *s, char **endptr, int base)
{
    const char *start = s;
    unsigned long value = 0;
    bool negative = false, any = false;

    while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
        s++;
    if (*s == '+' || *s == '-')
        negative = *s++ == '-';
    if ((base == 0 || base == 16) && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')
        && digit_value(s[2]) < 16)
        s += 2, base = 16;
    else if (base == 0)
        base = *s == '0' ? 8 : 10;
    for (int digit; (digit = digit_value(*s)) < base; s++, any = true)
        value = value * base + digit;
    if (endptr != NULL)
        *endptr = (char *)(any ? s : start);
    return negative ? -value : value;
}
