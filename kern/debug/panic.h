/* Panics and assertions. The kernel panics if its own state is wrong; what a user program does
   wrong is never a reason. Assertions are always on: a kernel that goes on in a wrong state does
   damage that is found much later, somewhere else.

   All may be called anywhere: with locks held, in an interrupt, even inside of a panic. None
   returns after a panic has begun. Whatever includes this file can print, too, so that a student
   may look at a value with cprintf() in each exercise. */
#pragma once

#include <debug/printk.h>
#include <defs.h>
#ifdef CHECK
#include <debug/check.h>
#endif

/* The exit status of the machine after a panic. */
#define PANIC_EXIT_STATUS   255

/* Print where and why, as printf would, with the call stack and the registers; stop the other
   harts; switch the machine off with PANIC_EXIT_STATUS. A panic inside of it prints one line more,
   and ends the machine. */
#define panic(...)          panic_at(__FILE__, __LINE__, __VA_ARGS__)
/* Only for panic(), which adds the place. */
__never_returns void panic_at(const char *file, int line, const char *fmt, ...) __printf_like(3, 4);

/* What stands in a handout in place of a part of an exercise: not_written("5.2", "dispatch", ...).
   The arguments that follow are what the part will need. They are not looked at: they keep the
   compiler from warning that nothing uses these variables and functions. */
#define not_written(exercise, ...) \
    do { \
        static const char *const blank_ __attribute__((used, section(".blanks"))) = exercise; \
        not_written_at(__FILE__, __LINE__, exercise, __VA_ARGS__); \
    } while (0)
/* Is an exercise written, "5.2" for example: is there no not_written() of it in this kernel? The
   linker collects the names of those that are in the section .blanks. In any context. */
bool is_written(const char *exercise);
/* Only for not_written(), here and in riscv/not_written.h: a panic that names the exercise and the
   part of it that is missing. */
__never_returns void not_written_at(const char *file, int line, const char *exercise,
                                    const char *part, ...);

struct trapframe;
/* A panic for a trap in the kernel that has no good reason: `what` it was, and all that its frame
   tells. */
__never_returns void panic_trap(const struct trapframe *tf, const char *what);

/* Raise a software interrupt on all other harts. Its handler stops them if there is a panic, and
   has them wait if the monitor is at work. Interrupts must be off. */
void interrupt_others(void);

/* Has the kernel panicked? A hart that spins with interrupts off cannot be interrupted, so it asks
   in its loop, and stops itself by panic_stop(). One load; in any context. */
bool panicked(void);
/* Stop this hart for good, with interrupts off, and let the one that panicked know that it has. */
__never_returns void panic_stop(void);

/* Panic if x is false. x is always evaluated, but should have no effect all the same. */
#define assert(x) do { \
        if (unlikely(!(x))) \
            panic("assertion failed: %s", #x); \
    } while (0)

/* Panic if two integers or pointers are not equal, and show both. Each is evaluated once. */
#define assert_eq(a, b) do { \
        int64_t a_ = (int64_t)(a), b_ = (int64_t)(b); \
        if (unlikely(a_ != b_)) \
            panic("assertion failed: %s == %s, but %ld (%#lx) is not %ld (%#lx)", \
                  #a, #b, a_, a_, b_, b_); \
    } while (0)
