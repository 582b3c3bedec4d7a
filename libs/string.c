/* String and memory functions: see string.h. Programs and the kernel have the same ones.

   memset and memcpy move 64 words a turn if the addresses allow it, because clearing and copying
   pages is what a kernel does most. Below that they move 8, then go word by word, and byte by byte
   at the ends. A word that is loaded or stored is always aligned, and lies in what
   the caller gave.

   In the kernel they are for its own memory only; user memory is copied by mm/usercopy.h. */
#include <string.h>

/* A word that may be a part of an object of any type (C11 6.5, 7 would forbid it else). */
typedef uint64_t __attribute__((may_alias)) word_t;

#define WORD            sizeof(word_t)
#define TURN            (64 * WORD)         /* what one turn moves */
#define is_aligned(p)   (((uintptr_t)(p) & (WORD - 1)) == 0)

/* A byte at a time: the kernel's strings are short, and a word could reach beyond the last page. */
size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n] != '\0')
        n++;
    return n;
}

/* The byte behind the first len ones is not read. */
size_t strnlen(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && s[n] != '\0')
        n++;
    return n;
}

/* src stays on its zero when that is reached: the rest of dst is filled with it. */
char *strncpy(char *dst, const char *src, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        dst[i] = *src;
        if (*src != '\0')
            src++;
    }
    return dst;
}

/* Bytes are compared as unsigned, as C wants it (7.24.4), so UTF-8 sorts by its code points. */
int strcmp(const char *s1, const char *s2)
{
    while (*s1 != '\0' && *s1 == *s2)
        s1++, s2++;
    return (unsigned char)*s1 - (unsigned char)*s2;
}

/* Two strings that are equal up to the zero are equal, whatever n says. */
int strncmp(const char *s1, const char *s2, size_t n)
{
    for (; n > 0; n--, s1++, s2++)
        if (*s1 != *s2 || *s1 == '\0')
            return (unsigned char)*s1 - (unsigned char)*s2;
    return 0;
}

/* C's strchr returns NULL in place of the end. The result is not const, as C's is not: a caller
   whose string may be written may write through it. */
char *strfind(const char *s, int c)
{
    while (*s != '\0' && *s != (char)c)
        s++;
    return (char *)s;
}

/* Fill eight words. Written out, and not as a loop: the compiler makes eight stores with constant
   offsets of it, and one step of the loop around it pays for all. */
static inline void set_8(word_t *to, word_t word)
{
    to[0] = word, to[1] = word, to[2] = word, to[3] = word;
    to[4] = word, to[5] = word, to[6] = word, to[7] = word;
}

/* Copy eight words. All are loaded before the first is stored, as memmove needs it: the two may
   overlap. */
static inline void copy_8(word_t *to, const word_t *from)
{
    word_t a = from[0], b = from[1], c = from[2], d = from[3];
    word_t e = from[4], f = from[5], g = from[6], h = from[7];

    to[0] = a, to[1] = b, to[2] = c, to[3] = d;
    to[4] = e, to[5] = f, to[6] = g, to[7] = h;
}

/* Bytes up to the first aligned address, then 64 words a turn, words, and bytes. The byte is spread
   over a word by the multiplication. */
void *memset(void *s, int c, size_t n)
{
    unsigned char *p = s;
    word_t word = (unsigned char)c * 0x0101010101010101UL;

    for (; n > 0 && !is_aligned(p); n--)
        *p++ = c;
    for (unsigned char *end = p + ROUNDDOWN(n, TURN); p != end; p += TURN)
#pragma GCC unroll 64
        for (size_t i = 0; i < TURN; i += 8 * WORD)
            set_8((word_t *)(p + i), word);
    if ((n %= TURN) == 0)
        return s;
    for (; n >= 8 * WORD; n -= 8 * WORD, p += 8 * WORD)
        set_8((word_t *)p, word);
    for (; n >= WORD; n -= WORD, p += WORD)
        *(word_t *)p = word;
    for (; n > 0; n--)
        *p++ = c;
    return s;
}

/* Words can be moved only if both addresses are as far from an aligned one. If they are not, it
   goes byte by byte: loads that are not aligned are slow on some harts, and trap on others. memmove
   relies on the order: upwards, and 8 words are loaded before the first of them is stored. */
void *memcpy(void *dst, const void *src, size_t n)
{
    unsigned char *d = dst;
    const unsigned char *s = src;

    if ((((uintptr_t)d ^ (uintptr_t)s) & (WORD - 1)) == 0) {
        for (; n > 0 && !is_aligned(d); n--)
            *d++ = *s++;
        for (unsigned char *end = d + ROUNDDOWN(n, TURN); d != end; d += TURN, s += TURN)
#pragma GCC unroll 64
            for (size_t i = 0; i < TURN; i += 8 * WORD)
                copy_8((word_t *)(d + i), (const word_t *)(s + i));
        if ((n %= TURN) == 0)
            return dst;
        for (; n >= 8 * WORD; n -= 8 * WORD, d += 8 * WORD, s += 8 * WORD)
            copy_8((word_t *)d, (const word_t *)s);
        for (; n >= WORD; n -= WORD, d += WORD, s += WORD)
            *(word_t *)d = *(const word_t *)s;
    }
    for (; n > 0; n--)
        *d++ = *s++;
    return dst;
}

/* If dst lies inside of what is copied, the end must be copied first, or it would be
   overwritten. */
void *memmove(void *dst, const void *src, size_t n)
{
    unsigned char *d = dst;
    const unsigned char *s = src;

    /* Also true if dst is below src: the difference wraps around, and is large. */
    if ((uintptr_t)d - (uintptr_t)s >= n)
        return memcpy(dst, src, n);
    while (n-- > 0)
        d[n] = s[n];
    return dst;
}

/* The difference of the first two bytes that differ, as unsigned. */
int memcmp(const void *v1, const void *v2, size_t n)
{
    const unsigned char *a = v1, *b = v2;

    for (; n > 0; n--, a++, b++)
        if (*a != *b)
            return *a - *b;
    return 0;
}

/* The bit 0x20 makes a small letter of a large one, and leaves small ones as they are. */
unsigned int string_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    return NO_DIGIT;
}

/* Digit by digit; a digit that would make the number too large is seen before it does. "0x" alone
   is no number, nor is an empty text; a sign or a blank is no digit, so neither is taken. */
bool string_to_uint64(const char *s, unsigned int base, uint64_t *value)
{
    uint64_t result = 0;

    if (s[0] == '0' && (s[1] | 0x20) == 'x' && (base == 0 || base == 16))
        s += 2, base = 16;
    else if (base == 0)
        base = 10;
    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++) {
        unsigned int digit = string_digit(*s);

        if (digit >= base || result > (UINT64_MAX - digit) / base)
            return false;
        result = result * base + digit;
    }
    *value = result;
    return true;
}

/* The range has one negative number more than positive ones, which `negative` adds to the limit. */
bool string_to_int(const char *s, int *value)
{
    bool negative = *s == '-';
    uint64_t size;

    if (!string_to_uint64(s + negative, 0, &size) || size > (uint64_t)INT32_MAX + negative)
        return false;
    *value = negative ? (int)-(int64_t)size : (int)size;
    return true;
}
