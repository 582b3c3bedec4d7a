/* faultread: the first page is not mapped.

   Reading, writing or calling through a NULL pointer, with or without an offset, kills the process
   instead of going on with some value. */
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

int main(void)
{
    expect_killed("read from NULL", read_from, 0);
    expect_killed("write to NULL", write_to, 0);
    expect_killed("call of NULL", jump_to, 0);
    expect_killed("read from the end of the first page", read_from, PGSIZE - 1);
    cprintf("faultread pass.\n");
    return check_done();
}
