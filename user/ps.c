/* ps: lists the processes.

   It shows who is whose child, what each does or waits for, how many pages it has in memory, and
   how often it was given a hart. */
#include <stdio.h>
#include <ulib.h>

int main(void)
{
    struct procinfo info;

    cprintf("  PID PARENT STATE        PAGES  SHARED      RUNS NAME             WAITS FOR\n");
    for (int pid = 1; procinfo(pid, &info) == 0; pid = info.pid + 1)
        cprintf("%5d %6d %-10s %7lu %7lu %9lu %-16s %s\n", info.pid, info.parent, info.state,
                info.pages, info.shared_pages, info.runs, info.name, info.waits_for);
    return 0;
}
