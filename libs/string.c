/*
 * String and memory functions. memset and memcpy move eight words a turn where
 * the addresses allow it: clearing or copying pages is what a kernel does most.
 */
#include <defs.h>
#include <string.h>

/* A word that may alias any object. */
typedef uint64_t __attribute__((may_alias)) word_t;

#define WORD            sizeof(word_t)
#define is_aligned(p)   (((uintptr_t)(p) & (WORD - 1)) == 0)

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n] != '\0')
        n++;
    return n;
}

size_t strnlen(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && s[n] != '\0')
        n++;
    return n;
}

/* Copies at most len bytes and pads with zeros, as in C: see to the last byte yourself. */
char *strncpy(char *dst, const char *src, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        dst[i] = *src;
        if (*src != '\0')
            src++;
    }
    return dst;
}

int strcmp(const char *s1, const char *s2)
{
    while (*s1 != '\0' && *s1 == *s2)
        s1++, s2++;
    return (unsigned char)*s1 - (unsigned char)*s2;
}

int strncmp(const char *s1, const char *s2, size_t n)
{
    for (; n > 0; n--, s1++, s2++)
        if (*s1 != *s2 || *s1 == '\0')
            return (unsigned char)*s1 - (unsigned char)*s2;
    return 0;
}

char *strfind(const char *s, int c)
{
    while (*s != '\0' && *s != (char)c)
        s++;
    return (char *)s;
}

void *memset(void *s, int c, size_t n)
{
    unsigned char *p = s;
    word_t word = (unsigned char)c * 0x0101010101010101UL;

    for (; n > 0 && !is_aligned(p); n--)
        *p++ = c;
    for (; n >= 8 * WORD; n -= 8 * WORD, p += 8 * WORD) {
        word_t *w = (word_t *)p;

        w[0] = word, w[1] = word, w[2] = word, w[3] = word;
        w[4] = word, w[5] = word, w[6] = word, w[7] = word;
    }
    for (; n >= WORD; n -= WORD, p += WORD)
        *(word_t *)p = word;
    for (; n > 0; n--)
        *p++ = c;
    return s;
}

void *memcpy(void *dst, const void *src, size_t n)
{
    unsigned char *d = dst;
    const unsigned char *s = src;

    if ((((uintptr_t)d ^ (uintptr_t)s) & (WORD - 1)) == 0) {
        for (; n > 0 && !is_aligned(d); n--)
            *d++ = *s++;
        for (; n >= 8 * WORD; n -= 8 * WORD, d += 8 * WORD, s += 8 * WORD) {
            word_t *to = (word_t *)d;
            const word_t *from = (const word_t *)s;
            word_t a = from[0], b = from[1], c = from[2], e = from[3];
            word_t f = from[4], g = from[5], h = from[6], i = from[7];

            to[0] = a, to[1] = b, to[2] = c, to[3] = e;
            to[4] = f, to[5] = g, to[6] = h, to[7] = i;
        }
        for (; n >= WORD; n -= WORD, d += WORD, s += WORD)
            *(word_t *)d = *(const word_t *)s;
    }
    for (; n > 0; n--)
        *d++ = *s++;
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    unsigned char *d = dst;
    const unsigned char *s = src;

    /* Also true, by wrapping, where dst lies below src. */
    if ((uintptr_t)d - (uintptr_t)s >= n)
        return memcpy(dst, src, n);
    while (n-- > 0)
        d[n] = s[n];
    return dst;
}

int memcmp(const void *v1, const void *v2, size_t n)
{
    const unsigned char *a = v1, *b = v2;

    for (; n > 0; n--, a++, b++)
        if (*a != *b)
            return *a - *b;
    return 0;
}
