/* Names of addresses: symbol_format(), and the table that the build writes into the linked kernel
   (tools/ksyms.py).

   A backtrace asks for addresses behind a call, which lie inside of functions. Here the edges are
   asked for: the first byte of a function, the byte before it, and what is no code at all. It
   belongs to no exercise.

   Alone: make grade GRADE=--all TEST=symbols. */
#include <debug/backtrace.h>
#include <printfmt.h>
#include <report.h>
#include <string.h>
#include <test/testlib.h>

extern const char kernel_text_start[], kernel_text_end[];

static bool is_called(uintptr_t addr, const char *wanted)
{
    char name[64];

    symbol_format(name, sizeof(name), addr);
    if (strcmp(name, wanted) != 0)
        cprintf("%#lx is called %s, expected %s\n", addr, name, wanted);
    return strcmp(name, wanted) == 0;
}

/* An address without a name is its number. */
static bool has_no_name(uintptr_t addr)
{
    char number[20];

    snprintf(number, sizeof(number), "%#lx", addr);
    return is_called(addr, number);
}

/* If a name is wrong, all names in panics are: see the order of the table first. */
static void test_symbols(void)
{
    uintptr_t addr = (uintptr_t)symbol_format;
    char name[64], small[8];

    check("the first byte of a function is its own", is_called(addr, "symbol_format+0x0"));
    check("and so is the next instruction", is_called(addr + 2, "symbol_format+0x2"));
    symbol_format(name, sizeof(name), addr - 1);
    check("the byte before it is another one's",
          name[0] != '0' && strncmp(name, "symbol_format+", 14) != 0);
    check("the first function has a name",
          is_called((uintptr_t)kernel_text_start, "_start+0x0"));
    check("what is before it has none", has_no_name((uintptr_t)kernel_text_start - 1));
    check("nor has what is behind the code", has_no_name((uintptr_t)kernel_text_end));
    check("nor has 0", has_no_name(0));
    symbol_format(small, sizeof(small), addr);
    check("a name that is too long is cut", strcmp(small, "symbol_") == 0);
}

SELFTEST("symbols", test_symbols);
