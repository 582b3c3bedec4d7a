/* uptime: how long the machine has been up, and how many processes there are.

   The time counts from the machine's start, as gettime_msec() does. */
#include <stdio.h>
#include <ulib.h>

int main(void)
{
    unsigned int msec = gettime_msec();
    struct meminfo mem;
    int error = meminfo(&mem);

    if (error != 0) {
        cprintf("uptime: %e\n", error);
        return 1;
    }
    cprintf("up %u min %u.%02u s, %lu processes\n", msec / 60000, msec / 1000 % 60,
            msec % 1000 / 10, mem.processes);
    return 0;
}
