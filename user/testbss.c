/* Memory that the program file does not hold: it is zero at first, and all of it is its own. */
#include <stdio.h>
#include <ulib.h>

#define SIZE    (1024 * 1024)

static volatile uint32_t array[SIZE];

int main(void)
{
    cprintf("Making sure bss works right...\n");
    for (int i = 0; i < SIZE; i++)
        if (array[i] != 0)
            panic("array[%d] isn't cleared: 0x%x", i, array[i]);
    for (int i = 0; i < SIZE; i++)
        array[i] = i;
    for (int i = 0; i < SIZE; i++)
        if (array[i] != (uint32_t)i)
            panic("array[%d] does not hold its value: 0x%x", i, array[i]);
    cprintf("Yes, good.  bss is all right.\n");
    cprintf("testbss pass.\n");
    return 0;
}
