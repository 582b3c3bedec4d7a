/* The workloads of the crash tests: see crash.h for what they are for, crash_work.c for the words.
   A new one is a line here, and nothing else.

   A disk has 64 blocks if there is no reason for more: 24 are the journal's, and 35 are for files.
   The first script of each is done, and brought to the disk, before the record begins. The others
   are what is looked at: of one thread, or of two. */
#include <test/crash.h>

#define SMALL   64

const struct workload crash_workloads[] = {
    { "a file is made", SMALL, "", { "make a; sync; make b" } },
    { "a file is written", SMALL, "make a", { "write a 0 5000 1; sync; write a 4096 9000 2" } },
    { "a file gets another name", SMALL, "make a; write a 0 5000 1; make b; write b 0 9000 2",
      { "rename a c; sync; rename c b; sync; rename b a" } },
    { "an open file loses its name", SMALL, "make a; write a 0 60000 1",
      { "hold a; unlink a; sync; make b; sync; drop; sync" } },
    { "two threads make files", SMALL, "", {
      "make a; write a 0 5000 1; sync; make a2; unlink a; sync",
      "make b; write b 0 9000 2; rename b b2; sync; make b" } },
};
const size_t crash_workload_count = ARRAY_SIZE(crash_workloads);
