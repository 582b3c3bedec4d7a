/* hello: the first program to try.

   It prints, asks for its pid, and ends by check_done(), which reports to the grader that the
   program came to its end. */
#include <report.h>
#include <stdio.h>
#include <ulib.h>

int main(void)
{
    cprintf("Hello world!!.\n");
    cprintf("I am process %d.\n", getpid());
    cprintf("hello pass.\n");
    return check_done();
}
