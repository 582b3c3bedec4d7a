/* Runs the unit tests; see unit.h. To the driver in host.c it is a target that needs no input. */
#include "unit.h"
#include <printfmt.h>

const char *const target_name = "unit";
const char *const target_counts[] = { "checks", "failed", NULL };

bool unit_check(const char *file, int line, const char *what, bool holds)
{
    char text[256];

    host_counts[0]++;
    if (!holds) {
        host_counts[1]++;
        host_write(text, snprintf(text, sizeof(text), "FAILED at %s:%d: %s\n", file, line, what),
                   1);
    }
    return holds;
}

void unit_values(int64_t is, int64_t expected)
{
    char text[100];

    host_write(text, snprintf(text, sizeof(text), "    it is %ld, and not %ld\n", is, expected), 1);
}

int LLVMFuzzerTestOneInput(__not_used const host_byte *data, __not_used unsigned long size)
{
    static void (*const tests[])(void) = {
        unit_text, unit_bootargs, unit_fdt, unit_elf, unit_disk,
    };

    for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
        below_begin(0);
        tests[i]();
        below_end();
    }
    if (host_counts[1] > 0)
        host_abort();
    return 0;
}

unsigned long LLVMFuzzerCustomMutator(__not_used host_byte *data, __not_used unsigned long size,
                                      __not_used unsigned long max, __not_used unsigned int seed)
{
    return 0;
}
