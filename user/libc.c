/* libc [lines]: the parts of user/libs that no other test program needs.

   Programs from ucore's courses and plain C programs may call any of them, so each is tried here
   once: what it returns, what it changes, and that it changes nothing else. With the argument
   "lines" it reads typed lines by getline() until one is "end", which asks for keys. What puts(),
   putchar(), fprintf() and warn() print is compared by the test, in tools/labs/lab0.py. Numbers in
   texts have a program of their own, numbers.c; nothing of the kernel is tested here. */
#include <atomic.h>
#include <error.h>
#include <lock.h>
#include <report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

/* Bit 37 is bit 5 of the second word. The words beside it show a wrong place or a wrong width. */
static void try_bits(void)
{
    uint32_t words[3] = { 0, 0, 0 };

    set_bit(37, words);
    check_eq("set_bit sets this bit and no other", words[1], 1 << 5);
    check("test_bit sees it, and not its neighbour", test_bit(37, words) && !test_bit(36, words));
    check("test_and_set_bit tells that it was set", test_and_set_bit(37, words));
    check("test_and_set_bit tells that another was not", !test_and_set_bit(63, words));
    check_eq("both are set then", words[1], 1U << 31 | 1 << 5);
    clear_bit(63, words);
    check_eq("clear_bit leaves the other one", words[1], 1 << 5);
    change_bit(38, words);
    change_bit(37, words);
    check_eq("change_bit sets and clears", words[1], 1 << 6);
    check("test_and_clear_bit tells that it was set", test_and_clear_bit(38, words));
    check("and then that it was not", !test_and_clear_bit(38, words));
    check("no bit of another word has changed", words[0] == 0 && words[1] == 0 && words[2] == 0);
}

static void try_lock_once(void)
{
    lock_t l = 5;

    lock_init(&l);
    check("a lock is free after lock_init", try_lock(&l));
    check("a lock that is taken is not taken again", !try_lock(&l));
    unlock(&l);
    check("it is free again after unlock", try_lock(&l));
}

/* The block that is freed has old bytes, and calloc gets the same one. */
static void try_memory(void)
{
    char *old = malloc(240);

    assert(old != NULL);
    memset(old, 'x', 240);
    free(old);
    char *zeros = calloc(12, 20);
    assert(zeros != NULL);
    size_t n = 0;
    while (n < 240 && zeros[n] == '\0')
        n++;
    check_eq("calloc gives zeros", n, 240);
    free(zeros);
    check("calloc refuses a product that does not fit", calloc(SIZE_MAX / 8, 16) == NULL);
}

/* Move 1,000 bytes by so many, up and down, over themselves. A copy in the wrong direction would
   read what it has just written. Long copies go by words, several at a time. */
static bool moves_right(size_t shift)
{
    static unsigned char bytes[1200];
    bool right = true;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = i * 7 / 3;
    memmove(bytes + shift, bytes, 1000);
    for (size_t i = 0; i < 1000; i++)
        right &= bytes[shift + i] == (unsigned char)(i * 7 / 3);
    memmove(bytes, bytes + shift, 1000);
    for (size_t i = 0; i < 1000; i++)
        right &= bytes[i] == (unsigned char)(i * 7 / 3);
    return right;
}

static void try_strings(void)
{
    char digits[11] = "0123456789", text[16] = "lab";

    memmove(digits + 2, digits, 8);
    check("memmove upwards, over itself", strcmp(digits, "0101234567") == 0);
    memmove(digits, digits + 2, 8);
    check("memmove downwards, over itself", strcmp(digits, "0123456767") == 0);
    check("memmove of many bytes, by 1, 8, 72 and 136",
          moves_right(1) && moves_right(8) && moves_right(72) && moves_right(136));
    check("strcat returns the string that has grown", strcat(text, "codes") == text);
    check("strcat appends", strcmp(text, "labcodes") == 0);
    check("strchr finds the first one", strchr(text, 'c') == text + 3);
    check("strchr finds the closing zero", strchr(text, '\0') == text + 8);
    check("strchr finds nothing else", strchr(text, 'x') == NULL);
}

static void end_by_abort(__not_used uintptr_t arg)
{
    abort();
}

static void try_others(void)
{
    check("abs has no sign", abs(-7) == 7 && abs(7) == 7 && abs(0) == 0);
    check_eq("hash32 mixes the bits of 1", hash32(1, 32), 0x9E3779B1);
    check_eq("hash32 gives as many bits as asked for", hash32(1, 4), 9);
    check_eq("abort ends as a panic does", child_code(end_by_abort, 0), -E_PANIC);
}

/* The reports come after it, because they are lines on the console too. */
static void print_all(void)
{
    int line = puts("libc: a line"), one = putchar('<'), more = fprintf(stderr, "%d%s", 42, ">\n");

    check_eq("puts counts the newline too", line, 13);
    check_eq("putchar returns what it printed", one, '<');
    check_eq("fprintf counts what it printed", more, 4);
    warn("the number is %d", 42);
}

/* Empty lines are passed over: the test types some before the kernel comes. The first line makes
   memory, a shorter one stays where it is, and a longer one needs more. */
static void read_lines(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length, total = 0;

    check_eq("getline reads from stdin only", getline(&line, &size, stdout), -1);
    do {
        length = getline(&line, &size, stdin);
        assert(length > 0 && line != NULL);
        check("a line has its newline, its zero and room for both",
              line[length - 1] == '\n' && strlen(line) == (size_t)length && size > (size_t)length);
        if (length > 1)
            total += length;
    } while (strcmp(line, "end\n") != 0);
    check_eq("as many characters as were typed", total, 5 + 6 + 3 + 31 + 4);
    free(line);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "lines") == 0) {
        read_lines();
        return check_done();
    }
    try_bits();
    try_lock_once();
    try_memory();
    try_strings();
    try_others();
    print_all();
    return check_done();
}
