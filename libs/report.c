/* The lines of report.h and their tags.

   To make a line takes the same number of instructions with any key that is not zero, so two runs
   of a test are alike but for the tags. Lines are made in a buffer on the stack and printed in one
   piece. No lock is taken: a process reports from one thread, and each process has its own numbers.

   Three layers: siphash() and its helpers make a tag; begin(), add() and print() make a line; the
   functions of report.h choose the words. */
#include <printfmt.h>
#include <report.h>
#include <string.h>

#define LINE_SIZE       256             /* as much as one write prints in one piece */
#define PLACE_LETTERS   8
#define TAG_LETTERS     16
/* Beside " #", where it was reported from, the tag and the newline. */
#define TEXT_SIZE       (LINE_SIZE - PLACE_LETTERS - TAG_LETTERS - 3)

/* A line that is being made. */
struct line {
    int length;
    char text[LINE_SIZE];
};

/* In .data, though it is zero: the grader looks for its bytes in the program's file. */
volatile uint8_t report_key[16] __attribute__((section(".data.report_key")));

/* Of this process: after fork the child has a copy of its parent's, which another pid betrays. */
static struct {
    int pid, lines, checks, failed;
} process;

/* A word from n bytes, at most 8, the lowest first, wherever they are: they need not be aligned.
   The key is volatile, because it is written into the finished file: the compiler may not take it
   for zeros. */
static uint64_t load(const volatile uint8_t *bytes, size_t n)
{
    uint64_t word = 0;

    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)bytes[i] << 8 * i;
    return word;
}

/* To the left; `bits` is from 1 to 63. */
static uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

/* The rounds of SipHash on its four words of state: additions, rotations and exclusive ors, so that
   the time depends on no bit of them. */
static void sip_rounds(uint64_t v[4], int rounds)
{
    while (rounds-- > 0) {
        v[0] += v[1], v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0], v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1], v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2], v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

/* Take one word of the message in, by two rounds. */
static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_rounds(v, 2);
    v[0] ^= word;
}

/* SipHash-2-4: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, section 2. Whoever
   does not know the key k0, k1 cannot make the value for a message that he has not seen. That is
   what the tags rest on: a program that prints a line as a test does has no tag for it. The last
   word has the rest of the message and, in its top byte, the length. */
static uint64_t siphash(uint64_t k0, uint64_t k1, const void *message, size_t length)
{
    const uint8_t *bytes = message;
    size_t left = length;
    uint64_t v[4] = {
        k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
        k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573,
    };

    for (; left >= 8; left -= 8, bytes += 8)
        sip_word(v, load(bytes, 8));
    sip_word(v, load(bytes, left) | (uint64_t)length << 56);
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Append a text. If the line gets too long it is cut, so that there is room for place and tag: a
   line without a tag would be no report. */
static void __printf_like(2, 3) add(struct line *line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    line->length += vsnprintf(line->text + line->length, TEXT_SIZE - line->length, fmt, ap);
    va_end(ap);
    if (line->length >= TEXT_SIZE)
        line->length = TEXT_SIZE - 1;
}

/* Begin a line: its kind, its subject, pid and number. The subject is the name of the test's file
   without its folder and suffix, unless the side has a name. The numbers begin again at 1 if the
   pid is another one: this process was forked, and has a copy of its parent's counts. */
static void begin(struct line *line, const struct report_side *side, const char *file,
                  const char *kind)
{
    int pid = side->pid != NULL ? side->pid() : 0;
    const char *subject = side->subject != NULL ? side->subject : file;

    for (const char *c = subject; *c != '\0'; c++)
        if (*c == '/')
            subject = c + 1;
    if (process.pid != pid) {
        memset(&process, 0, sizeof(process));
        process.pid = pid;
    }
    line->length = 0;
    add(line, "[%s] %.*s %d %d", kind, (int)(strfind(subject, '.') - subject), subject, pid,
        ++process.lines);
}

/* Append the low half-bytes of a number as letters from a to p, the highest first. */
static void add_letters(struct line *line, uint64_t number, int letters)
{
    for (int shift = 4 * (letters - 1); shift >= 0; shift -= 4)
        line->text[line->length++] = 'a' + (number >> shift & 15);
}

/* Finish a line and print it. `place` is the address that the report returns to: who called. The
   tag is made from all that is before it, the place too, so neither can be changed without the
   key. */
static void print(struct line *line, const struct report_side *side, void *place)
{
    uint64_t k0 = load(report_key, 8), k1 = load(report_key + 8, 8);

    if ((k0 | k1) != 0) {
        line->text[line->length++] = ' ';
        line->text[line->length++] = '#';
        add_letters(line, (uintptr_t)place, PLACE_LETTERS);
        add_letters(line, siphash(k0, k1, line->text, line->length), TAG_LETTERS);
    }
    line->text[line->length++] = '\n';
    side->print(line->text, line->length);
}

/* These two do nothing: a debugger or the grader has a breakpoint on them. The comments make two
   functions of these that no compiler takes for one. */
__never_inlined void check_failed(void)
{
    asm volatile ("# a check has failed");
}

__never_inlined void checkpoint_reached(void)
{
    asm volatile ("# a checkpoint is reached");
}

/* The end of both kinds of check: where it stands if it failed, the line, and the counts. The line
   is printed before check_failed() is called, so that whoever stops there can read it. */
static bool end_check(struct line *line, const struct report_side *side, const char *file,
                      int line_number, bool passed, void *place)
{
    if (!passed)
        add(line, ", at %s:%d", file, line_number);
    print(line, side, place);
    process.checks++;
    if (!passed) {
        process.failed++;
        check_failed();
    }
    return passed;
}

/* The return address is taken here, in the function that the macro calls, not deeper. */
bool report_check(const struct report_side *side, const char *file, int line_number,
                  const char *what, bool passed)
{
    struct line line;

    begin(&line, side, file, "check");
    add(&line, " %s: %s", passed ? "ok" : "FAILED", what);
    return end_check(&line, side, file, line_number, passed, __builtin_return_address(0));
}

bool report_check_eq(const struct report_side *side, const char *file, int line_number,
                     const char *what, long got, long expected)
{
    bool passed = got == expected;
    struct line line;

    begin(&line, side, file, "check");
    add(&line, " %s: %s", passed ? "ok" : "FAILED", what);
    if (!passed)
        add(&line, ": expected %ld, got %ld", expected, got);
    return end_check(&line, side, file, line_number, passed, __builtin_return_address(0));
}

void report_checkpoint(const struct report_side *side, const char *file, const char *label)
{
    struct line line;

    begin(&line, side, file, "checkpoint");
    add(&line, ": %s", label);
    print(&line, side, __builtin_return_address(0));
    checkpoint_reached();
}

bool all_passed(void)
{
    return process.failed == 0;
}

/* A process that has made no check, a program that only ends for example, passed too: what it had
   to show is its exit code. The line comes last, so a test that ended early has none. */
int report_done(const struct report_side *side, const char *file)
{
    struct line line;

    begin(&line, side, file, "done");
    if (process.failed > 0)
        add(&line, ": %d of %d checks failed", process.failed, process.checks);
    else if (process.checks > 0)
        add(&line, ": %d checks passed", process.checks);
    else
        add(&line, ": passed");
    print(&line, side, __builtin_return_address(0));
    return process.failed;
}
