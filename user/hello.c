/* The first program to try. */
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
