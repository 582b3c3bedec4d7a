/* Panics and assertions. The kernel panics where its own state is wrong; what a user program does
   wrong is never a reason. Assertions are always on. Who has these can print too: so in each
   exercise a student may look at a value by cprintf(). */
#pragma once

#include <debug/printk.h>
#include <defs.h>

/* The exit status of the machine after a panic. */
#define PANIC_EXIT_STATUS   255

/* Report where and why, with the call stack; stop the other harts; switch the machine off with
   failure. May be called anywhere, even inside a panic. */
#define panic(...)          panic_at(__FILE__, __LINE__, __VA_ARGS__)
__never_returns void panic_at(const char *file, int line, const char *fmt, ...) __printf_like(3, 4);

/* What stands in a handout where a part of an exercise is to be written: not_written("5.2",
   "dispatch", ...). The arguments that follow are what the part will need: so the compiler does not
   warn that nothing uses it. */
#define not_written(exercise, ...)  not_written_at(__FILE__, __LINE__, exercise, __VA_ARGS__)
__never_returns void not_written_at(const char *file, int line, const char *exercise,
                                    const char *part, ...);

struct trapframe;
/* The same for a trap in the kernel that has no good reason. */
__never_returns void panic_trap(const struct trapframe *tf, const char *what);

/* Raise a software interrupt on all other harts, to stop them. */
void interrupt_others(void);

/* Has the kernel panicked? Whoever spins with interrupts off asks, and stops by panic_stop(). */
bool panicked(void);
__never_returns void panic_stop(void);

#define assert(x) do { \
        if (unlikely(!(x))) \
            panic("assertion failed: %s", #x); \
    } while (0)

/* Assert that two integers are equal, and show both where they are not. */
#define assert_eq(a, b) do { \
        int64_t a_ = (int64_t)(a), b_ = (int64_t)(b); \
        if (unlikely(a_ != b_)) \
            panic("assertion failed: %s == %s, but %ld (%#lx) is not %ld (%#lx)", \
                  #a, #b, a_, a_, b_, b_); \
    } while (0)
