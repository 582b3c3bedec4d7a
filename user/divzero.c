/* Division by zero is no exception on RISC-V (unprivileged spec 7.2): the quotient has all bits
   set, the remainder is the dividend. The smallest number divided by -1 is itself. The operands are
   volatile: C leaves both undefined. */
#include <report.h>
#include <stdio.h>
#include <ulib.h>

static volatile int one = 1, zero = 0, minus_one = -1, smallest = INT32_MIN;
static volatile long long_one = 1, long_zero = 0, long_minus_one = -1, long_smallest = INT64_MIN;

int main(void)
{
    int value = one / zero;

    cprintf("value is %d.\n", value);
    assert(value == -1);
    assert(one % zero == 1);
    assert((unsigned int)one / (unsigned int)zero == UINT32_MAX);
    assert(smallest / minus_one == INT32_MIN);
    assert(smallest % minus_one == 0);
    assert(long_one / long_zero == -1);
    assert(long_one % long_zero == 1);
    assert(long_smallest / long_minus_one == INT64_MIN);
    cprintf("divzero pass.\n");
    return check_done();
}
