/* How tests report to whoever reads the console: a person or the grader. Programs in user/ and self
   tests in kern/test use the same words.

   A test checks one property after the other, each with a sentence that names it, and ends with
   check_done(). Each is a line on the console. A check that fails does not end the test. If it
   makes no sense to go on, that is a matter for assert(): a test that panics is never done.

   One thread of a process reports, or of a self test. A forked child may report too, with numbers
   of its own; by its exit code it tells its parent, and only the parent calls check_done(). */
#pragma once

/* The lines:

       [check] cow 3 1 ok: a child reads what its parent wrote
       [check] cow 3 2 FAILED: the parent's page is its own: expected 7, got 9, at user/cow.c:41
       [checkpoint] cow 3 3: shared
       [done] cow 3 4: 1 of 2 checks failed

   The words are the kind of line, the name of the program or self test, the pid (0 in the kernel),
   and the line's number within this process, from 1.

   A grader that must know that a line is the test's own writes a random key into report_key before
   it boots. Each line then ends with " #", 8 letters from a to p that tell where it was reported
   from (the lower half of the address that the call returns to), and a tag: 16 letters that nobody
   can make who does not know the key. Only a call in the test's own code counts: no other function
   can lead here by a call of its own. */

#include <defs.h>

/* The value of a call, after which the caller does something more. Without that, a call that comes
   last in a function could be made a jump, which returns to the caller's caller: the report would
   seem to come from there. */
#define report_here(call)   ({ __auto_type reported_ = (call); asm volatile (""); reported_; })

/* Report whether the condition is true, as the property that the sentence `what` tells. The value
   is the condition's. */
#define check(what, condition) \
    report_here(report_check(&report_side, __FILE__, __LINE__, what, condition))
/* The same for two integers that must be equal; if they are not, both are shown. */
#define check_eq(what, got, expected) \
    report_here(report_check_eq(&report_side, __FILE__, __LINE__, what, (long)(got), \
                                (long)(expected)))
/* A moment at which the grader stops the machine and looks at its memory. `label` names it. */
#define checkpoint(label) \
    ({ report_checkpoint(&report_side, __FILE__, label); asm volatile (""); })
/* Have all checks of this process passed so far? */
bool all_passed(void);
/* The end of a test: a line that says how many checks failed. The value is that number, so that 0
   is the exit code of success. */
#define check_done()        report_here(report_done(&report_side, __FILE__))

/* What is different in the kernel and in programs: each defines one object report_side. */
struct report_side {
    void (*print)(const char *text, size_t length);     /* in one piece */
    int (*pid)(void);                   /* NULL: it is 0 */
    const char *subject;                /* the test's name; NULL: the file's name tells */
};

extern struct report_side report_side;
extern volatile uint8_t report_key[16]; /* all zero: no tags */

/* Only for check(): print the line of a check, count it, and return `passed`. Like the next three
   it prints one line by side->print, and may be called wherever that may be. */
bool report_check(const struct report_side *side, const char *file, int line, const char *what,
                  bool passed);
/* Only for check_eq(): the same, with both numbers if they differ. True if they are equal. */
bool report_check_eq(const struct report_side *side, const char *file, int line, const char *what,
                     long got, long expected);
/* Only for checkpoint(). */
void report_checkpoint(const struct report_side *side, const char *file, const char *label);
/* Only for check_done(): print the last line; returns how many checks of this process have
   failed. */
int report_done(const struct report_side *side, const char *file);

/* Called when a check has failed: a place for a debugger to stop at. `make debug TEST=name`
   does. */
void check_failed(void);
/* The same at each checkpoint: here the grader looks at the machine's memory. */
void checkpoint_reached(void);
