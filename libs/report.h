/* How tests report. A test program, or a self test of the kernel, checks one property after the
   other, each with a sentence that names it, and ends with check_done(). Each is a line on the
   console:

       [check] cow 3 1 ok: a child reads what its parent wrote
       [check] cow 3 2 FAILED: the parent's page is its own: expected 7, got 9, at user/cow.c:41
       [checkpoint] cow 3 3: shared
       [done] cow 3 4: 1 of 2 checks failed

   The words are the kind of line, the name of the program or self test, the pid (0 in the kernel),
   and the line's number within this process, from 1. A check that fails does not end the test. What
   makes no sense to go on after is a matter for assert(): a test that panics is never done.

   One thread of a process reports, or of a self test. A forked child may report too, with numbers
   of its own; by its exit code it tells its parent, which alone is done at the end.

   A grader that wants to know a line to be the test's own writes a random key into report_key
   before it boots. Each line then ends with " #", 8 letters from a to p that tell where it was
   reported from (the lower half of the address that the call returns to), and a tag, 16 letters
   that nobody can make who does not know the key. Only a call in the test's own code counts: no
   other function can lead here by a call of its own. */
#pragma once

#include <defs.h>

/* The value of a call, after which the caller goes on. Without that a call that comes last would
   return to the caller's caller, and be reported from there. */
#define report_here(call)   ({ __auto_type reported_ = (call); asm volatile (""); reported_; })

/* Did it pass? */
#define check(what, condition) \
    report_here(report_check(&report_side, __FILE__, __LINE__, what, condition))
/* The same for two integers that must be equal; where they are not, both are shown. */
#define check_eq(what, got, expected) \
    report_here(report_check_eq(&report_side, __FILE__, __LINE__, what, (long)(got), \
                                (long)(expected)))
/* A moment in which the grader looks at the machine's memory. */
#define checkpoint(label) \
    ({ report_checkpoint(&report_side, __FILE__, label); asm volatile (""); })
/* Have all checks of this process passed so far? */
bool all_passed(void);
/* The end of a test. How many checks failed: 0 is the exit code of success. */
#define check_done()        report_here(report_done(&report_side, __FILE__))

/* What the kernel has of its own, and the programs' library. */
struct report_side {
    void (*print)(const char *text, size_t length);     /* in one piece */
    int (*pid)(void);                   /* NULL: it is 0 */
    const char *subject;                /* who reports; NULL: the file's name tells */
};

extern struct report_side report_side;
extern volatile uint8_t report_key[16]; /* all zero: no tags */

bool report_check(const struct report_side *side, const char *file, int line, const char *what,
                  bool passed);
bool report_check_eq(const struct report_side *side, const char *file, int line, const char *what,
                     long got, long expected);
void report_checkpoint(const struct report_side *side, const char *file, const char *label);
int report_done(const struct report_side *side, const char *file);

/* Called when a check has failed, and at each checkpoint: places for a debugger to stop at. */
void check_failed(void);
void checkpoint_reached(void);
