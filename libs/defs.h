/* Types and small macros that the kernel and user programs share. The headers of C's
   standard that it includes are this folder's own. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef long ssize_t;
typedef long off_t;

#define ARRAY_SIZE(a)           (sizeof(a) / sizeof((a)[0]))

/* Round to a multiple of n; n need not be a power of two. */
#define ROUNDDOWN(a, n)         ((typeof(a))((size_t)(a) - (size_t)(a) % (n)))
#define ROUNDUP(a, n)           (ROUNDDOWN((size_t)(a) + (n) - 1, (n)))

/* The struct of the given type whose member `member` is at ptr. */
#define to_struct(ptr, type, member) \
    ((type *)((char *)(ptr) - offsetof(type, member)))

#define likely(x)               __builtin_expect(!!(x), 1)
#define unlikely(x)             __builtin_expect(!!(x), 0)

/* Names that no C library uses: a header of one that is included all the same breaks nothing. */
#define __never_returns         __attribute__((noreturn))
#define __always_inlined        inline __attribute__((always_inline))
#define __never_inlined         __attribute__((noinline))
#define __not_used              __attribute__((unused))
#define __must_check            __attribute__((warn_unused_result))
#define __printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

/* ucore's names for the first four, in programs and solutions that others wrote. C libraries use
   them too; the tree itself does not. */
#ifndef __noreturn
#define __noreturn              __never_returns
#endif
#ifndef __always_inline
#define __always_inline         __always_inlined
#endif
#ifndef __noinline
#define __noinline              __never_inlined
#endif
#ifndef __unused
#define __unused                __not_used
#endif
