/* Types and small macros that the kernel and user programs share. Only headers that every
   freestanding compiler brings are included. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef long ssize_t;
typedef long off_t;

#define CHAR_BIT                8

#define ARRAY_SIZE(a)           (sizeof(a) / sizeof((a)[0]))

/* Round to a multiple of n; n need not be a power of two. */
#define ROUNDDOWN(a, n)         ((typeof(a))((size_t)(a) - (size_t)(a) % (n)))
#define ROUNDUP(a, n)           (ROUNDDOWN((size_t)(a) + (n) - 1, (n)))

/* The struct of the given type whose member `member` is at ptr. */
#define to_struct(ptr, type, member) \
    ((type *)((char *)(ptr) - offsetof(type, member)))

#define likely(x)               __builtin_expect(!!(x), 1)
#define unlikely(x)             __builtin_expect(!!(x), 0)

#define __noreturn              __attribute__((noreturn))
#define __always_inline         inline __attribute__((always_inline))
#define __noinline              __attribute__((noinline))
#define __unused                __attribute__((unused))
#define __must_check            __attribute__((warn_unused_result))
#define __printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
