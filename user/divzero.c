/* divzero: division by zero is no exception on RISC-V (Unprivileged spec 20191213, 7.2).

   The quotient has all bits set, and the remainder is the dividend. The smallest number divided by
   -1 is itself. C leaves all of that undefined, and compilers make use of it; so the instructions
   are written in assembly here. */
#include <report.h>
#include <stdio.h>
#include <ulib.h>

#define DIVISION(name)                                                                          \
    static long name##_of(long dividend, long divisor)                                          \
    {                                                                                           \
        long result;                                                                            \
                                                                                                \
        asm volatile(#name " %0, %1, %2" : "=r"(result) : "r"(dividend), "r"(divisor));         \
        return result;                                                                          \
    }

DIVISION(div)
DIVISION(divu)
DIVISION(rem)
DIVISION(remu)
/* These divide 32 bits, as for an int; the result is sign-extended. */
DIVISION(divw)
DIVISION(divuw)
DIVISION(remw)
DIVISION(remuw)

int main(void)
{
    long value = divw_of(1, 0);

    cprintf("value is %ld.\n", value);
    assert(value == -1);
    assert(remw_of(1, 0) == 1);
    assert(divuw_of(1, 0) == -1);
    assert(remuw_of(1, 0) == 1);
    assert(divw_of(INT32_MIN, -1) == INT32_MIN);
    assert(remw_of(INT32_MIN, -1) == 0);
    assert(div_of(1, 0) == -1);
    assert(rem_of(1, 0) == 1);
    assert(divu_of(1, 0) == -1);
    assert(remu_of(1, 0) == 1);
    assert(div_of(INT64_MIN, -1) == INT64_MIN);
    assert(rem_of(INT64_MIN, -1) == 0);
    cprintf("divzero pass.\n");
    return check_done();
}
