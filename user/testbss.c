/* testbss: memory that the program's file does not hold.

   The file only says how large the bss is. The kernel gives it as pages of zeros, and all of it
   belongs to this program alone. */
#include <report.h>
#include <stdio.h>
#include <ulib.h>

#define SIZE    (1024 * 1024)

static volatile uint32_t array[SIZE];

int main(void)
{
    int junk = 0, lost = 0;

    cprintf("Making sure bss works right...\n");
    for (int i = 0; i < SIZE; i++)
        junk += array[i] != 0;
    check_eq("no word of the bss holds junk at first", junk, 0);
    for (int i = 0; i < SIZE; i++)
        array[i] = i;
    for (int i = 0; i < SIZE; i++)
        lost += array[i] != (uint32_t)i;
    if (check_eq("no word loses the value that was written to it", lost, 0))
        cprintf("Yes, good.  bss is all right.\n");
    if (all_passed())
        cprintf("testbss pass.\n");
    return check_done();
}
