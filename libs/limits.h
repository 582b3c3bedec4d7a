/* Sizes of the integer types (C11 5.2.4.2.1), from the compiler's own words for them.

   This folder brings the headers that C's standard wants of an implementation without a C library,
   because some compilers take theirs from a C library, which may be missing. The names are written
   as compilers write them in their own <limits.h>, so that both may be included. On RV64 an int has
   32 bits, and a long and a long long have 64. */
#pragma once

/* On RISC-V a plain char is unsigned. */
#define CHAR_BIT            __CHAR_BIT__

/* The least value is written as -MAX - 1: the number itself, 128 say, would not fit the type before
   its sign is applied. */
#define SCHAR_MAX           __SCHAR_MAX__
#define SCHAR_MIN           (-SCHAR_MAX - 1)
#define UCHAR_MAX           (SCHAR_MAX * 2 + 1)
#ifdef __CHAR_UNSIGNED__
#define CHAR_MAX            UCHAR_MAX
#define CHAR_MIN            0
#else
#define CHAR_MAX            SCHAR_MAX
#define CHAR_MIN            SCHAR_MIN
#endif
/* Bytes of a character: there are no others than those of one byte. */
#define MB_LEN_MAX          1

/* Without a suffix the type of a constant would be int: U, L and the others make it the type that
   it is the limit of. */
#define SHRT_MAX            __SHRT_MAX__
#define SHRT_MIN            (-SHRT_MAX - 1)
#define USHRT_MAX           (SHRT_MAX * 2 + 1)
#define INT_MAX             __INT_MAX__
#define INT_MIN             (-INT_MAX - 1)
#define UINT_MAX            (INT_MAX * 2U + 1U)
#define LONG_MAX            __LONG_MAX__
#define LONG_MIN            (-LONG_MAX - 1L)
#define ULONG_MAX           (LONG_MAX * 2UL + 1UL)
#define LLONG_MAX           __LONG_LONG_MAX__
#define LLONG_MIN           (-LLONG_MAX - 1LL)
#define ULLONG_MAX          (LLONG_MAX * 2ULL + 1ULL)
