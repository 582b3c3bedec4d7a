/* Types and small macros that the kernel and user programs share. Almost every file includes it,
   and it is the first one to read: the rest of the tree uses its words without a remark.

   The headers of C's standard that it includes are this folder's own: the tree is compiled without
   any header of a C library. Nothing here has memory of its own or calls a function, so all of it
   may be used anywhere. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A size or a negative error; a position in a file. */
typedef long ssize_t;
typedef long off_t;

/* How many elements an array has. Not for a pointer, whose array it does not know. */
#define ARRAY_SIZE(a)           (sizeof(a) / sizeof((a)[0]))

/* Round a number or a pointer to a multiple of n, downwards or upwards; n need not be a power of
   two. ROUNDDOWN evaluates `a` twice. ROUNDUP wraps around if there is no such multiple: check
   before. */
#define ROUNDDOWN(a, n)         ((typeof(a))((size_t)(a) - (size_t)(a) % (n)))
#define ROUNDUP(a, n)           (ROUNDDOWN((size_t)(a) + (n) - 1, (n)))

/* The struct of this type whose member `member` is at ptr: from a list entry to what it links. ptr
   must be the address of such a member; nothing can check that. */
#define to_struct(ptr, type, member) \
    ((type *)((char *)(ptr) - offsetof(type, member)))

/* The value of x, which is true almost always, or almost never: the compiler lays out its code
   so. */
#define likely(x)               __builtin_expect(!!(x), 1)
#define unlikely(x)             __builtin_expect(!!(x), 0)

/* Properties of functions and variables, which the compiler checks or uses. C libraries have none
   of these names, so a header of one that is included all the same breaks nothing. __must_check
   warns if a result is dropped. __printf_like(fmt, args) has the arguments compared with the
   format: it is argument number `fmt`, and `args` is the number of the first one behind it. */
#define __never_returns         __attribute__((noreturn))
#define __always_inlined        inline __attribute__((always_inline))
#define __never_inlined         __attribute__((noinline))
#define __calls_inlined         __attribute__((flatten))    /* those that it calls */
#define __not_used              __attribute__((unused))
#define __must_check            __attribute__((warn_unused_result))
#define __printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

/* IF_CHECK(x) is the statement, or declaration, x in the kernel of a checked build (make CHECK=1),
   and nothing in any other. */
#ifdef CHECK
#define IF_CHECK(...)           __VA_ARGS__
#else
#define IF_CHECK(...)
#endif

/* For a function that allocates: what it returns must be given to `release`, as its argument number
   n, once, and not be used after that. __frees(n) is for the other one, which is declared before.
   Only the analyzers of tools/check_analyzers.py see these; they look for what is leaked, freed
   twice, freed by the wrong function, or used too late. */
#if !defined(ANALYZED)
#define __freed_by(release, n)
#define __frees(n)
#elif defined(__clang__)
#define __freed_by(release, n)  __attribute__((ownership_returns(malloc)))
#define __frees(n)              __attribute__((ownership_takes(malloc, n)))
#else
#define __freed_by(release, n)  __attribute__((malloc(release, n)))
#define __frees(n)
#endif

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
