/* Common definitions (C11 7.19), from the compiler's own words for them.

   size_t is the type of a size in memory, ptrdiff_t that of the difference of two pointers;
   offsetof is how far a member is from the beginning of its struct, in bytes. The kernel uses it to
   check the offsets that assembly code has written down. max_align_t and wchar_t are here because
   the standard wants them. This is one of the headers that the tree brings itself: see stdint.h. */
#pragma once

typedef __SIZE_TYPE__       size_t;
typedef __PTRDIFF_TYPE__    ptrdiff_t;
typedef __WCHAR_TYPE__      wchar_t;

typedef struct {
    long long integer __attribute__((aligned(__alignof__(long long))));
    long double real __attribute__((aligned(__alignof__(long double))));
} max_align_t;

#define NULL                ((void *)0)
#define offsetof(type, member) __builtin_offsetof(type, member)
