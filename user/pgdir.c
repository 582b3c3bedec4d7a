/* pgdir: lets the kernel print this process's page table.

   Look for the text at 800000, the data behind it, and the stack at the top of the user's
   addresses, with their rights. */
#include <report.h>
#include <stdio.h>
#include <syscall.h>
#include <ulib.h>

int main(void)
{
    cprintf("I am %d, print pgdir.\n", getpid());
    assert(syscall0(SYS_pgdir) == 0);
    cprintf("pgdir pass.\n");
    return check_done();
}
