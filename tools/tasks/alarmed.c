/* alarmed: the tests of task 5.A, one for each word that may follow the name.

   spin_kept() fills all registers with patterns, waits until the handler was called so often, and
   looks whether any register has changed. The handler uses as many registers as the compiler knows,
   and leaves by alarm_return() in the middle of a function: nothing has put them back by then. So
   what the kernel does not save is seen. Time is the guest's own, and is the same in each run. */
#include <error.h>
#include <report.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define PERIOD      2                   /* ticks */
#define TEXT(x)     #x
#define EVERY(do)   do(1, ra) do(3, gp) do(4, tp) do(5, t0) do(6, t1) do(7, t2) do(8, s0) \
    do(9, s1) do(10, a0) do(11, a1) do(12, a2) do(13, a3) do(14, a4) do(15, a5) do(16, a6) \
    do(17, a7) do(18, s2) do(19, s3) do(20, s4) do(21, s5) do(22, s6) do(23, s7) do(24, s8) \
    do(25, s9) do(26, s10) do(27, s11)
#define FILL(n, name)   "li " TEXT(name) ", " TEXT(n) " * 0x10101\n"
#define LOOK(n, name)   "li t5, " TEXT(n) " * 0x10101\nbne " TEXT(name) ", t5, 2f\n"

static volatile int calls, depth, deepest;
static volatile bool is_slow;
static uint64_t saved[20];

/* Fill the registers, wait until *count is `until`, and look: 0 if all are as they were. t3 to t6
   are what the loop needs; t3 and t6 are looked at too, and sp by what is found there. */
int spin_kept(volatile int *count, int until, uint64_t *keep);
asm (".text\n.globl spin_kept\nspin_kept:\n"
     "mv t3, a2\nmv t6, a0\nmv t4, a1\n"
     "sd ra, 0(t3)\nsd gp, 8(t3)\nsd tp, 16(t3)\nsd sp, 24(t3)\nsd s0, 32(t3)\nsd s1, 40(t3)\n"
     "sd s2, 48(t3)\nsd s3, 56(t3)\nsd s4, 64(t3)\nsd s5, 72(t3)\nsd s6, 80(t3)\nsd s7, 88(t3)\n"
     "sd s8, 96(t3)\nsd s9, 104(t3)\nsd s10, 112(t3)\nsd s11, 120(t3)\nsd t6, 128(t3)\n"
     "sd t3, 136(t3)\n"
     EVERY(FILL)
     "1: lw t5, 0(t6)\nblt t5, t4, 1b\n"
     EVERY(LOOK)
     "ld t5, 24(t3)\nbne sp, t5, 2f\nld t5, 128(t3)\nbne t6, t5, 2f\n"
     "ld t5, 136(t3)\nbne t3, t5, 2f\n"
     "li a0, 0\nj 3f\n2: li a0, 1\n3:\n"
     "ld ra, 0(t3)\nld gp, 8(t3)\nld tp, 16(t3)\nld s0, 32(t3)\nld s1, 40(t3)\n"
     "ld s2, 48(t3)\nld s3, 56(t3)\nld s4, 64(t3)\nld s5, 72(t3)\nld s6, 80(t3)\nld s7, 88(t3)\n"
     "ld s8, 96(t3)\nld s9, 104(t3)\nld s10, 112(t3)\nld s11, 120(t3)\nret\n");

/* Let this many ticks pass, without a system call in the loop that could hide an alarm. */
static void spin_ticks(unsigned int ticks)
{
    unsigned int end = gettime_msec() + ticks * 10;

    while ((int)(gettime_msec() - end) < 0)
        for (volatile int i = 0; i < 1000; i++)
            ;
}

static void handler(void)
{
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (is_slow)
        spin_ticks(4 * PERIOD);
    calls++;
    depth--;
    asm volatile ("li ra, -1\nli t0, -1\nli t1, -1\nli t2, -1\nli t3, -1\nli t4, -1\nli t5, -1\n"
                  "li t6, -1\nli s1, -1\nli s2, -1\nli s3, -1\nli s4, -1\nli s5, -1\nli s6, -1\n"
                  "li s7, -1\nli s8, -1\nli s9, -1\nli s10, -1\nli s11, -1\nli a1, -1\nli a2, -1\n"
                  "li a3, -1\nli a4, -1\nli a5, -1\nli a6, -1\nli a7, -1\n"
                  : : : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "s1", "s2", "s3", "s4",
                  "s5", "s6", "s7", "s8", "s9", "s10", "s11", "a1", "a2", "a3", "a4", "a5", "a6",
                  "a7", "memory");
    alarm_return();
    panic("alarm_return() has returned");       /* or the compiler would leave by a jump, and put
                                                   registers back before that */
}

static void test_calls(void)
{
    unsigned int begin;

    check_eq("an alarm is set", alarm(PERIOD, handler), 0);
    begin = gettime_msec();
    check_eq("all registers are as before, after one call of the handler",
             spin_kept(&calls, 1, saved), 0);
    check_eq("and after ten", spin_kept(&calls, 10, saved), 0);
    check("they came at the rate that was asked for", gettime_msec() - begin >= 8 * PERIOD * 10
          && gettime_msec() - begin <= 14 * PERIOD * 10);
    check_eq("it is turned off", alarm(0, NULL), 0);
    int before = calls;
    spin_ticks(6 * PERIOD);
    check_eq("then nothing calls the handler", calls, before);

    is_slow = true;
    check_eq("an alarm whose handler takes longer than its period", alarm(PERIOD, handler), 0);
    check_eq("comes again", spin_kept(&calls, before + 3, saved), 0);
    check_eq("and never while the handler runs", deepest, 1);
    is_slow = false;
    assert(alarm(PERIOD, handler) == 0);
    before = calls;
    check_eq("a sleep of 10 ticks is not cut short", sleep(10), 0);
    assert(alarm(0, NULL) == 0);
}

static int forked;

/* Both go on in the handler after the fork, and both return from it. */
static void fork_in_handler(void)
{
    forked = fork();
    calls++;
    alarm_return();
}

static void child_without_alarm(uintptr_t before)
{
    spin_ticks(6 * PERIOD);
    exit(calls != (int)before);
}

static void exec_with_alarm(uintptr_t unused)
{
    (void)unused;
    assert(alarm(1, handler) == 0);
    exec("alarmed", "after");
    exit(9);
}

static void test_fork(void)
{
    int code = -1;

    assert(alarm(PERIOD, handler) == 0);
    check_eq("a child has no alarm", child_code(child_without_alarm, calls), 0);
    check_eq("its parent still has it", spin_kept(&calls, calls + 2, saved), 0);
    check_eq("an exec turns it off", child_code(exec_with_alarm, 0), 0);
    assert(alarm(PERIOD, fork_in_handler) == 0);
    calls = 0;
    bool kept = spin_kept(&calls, 1, saved) == 0;
    if (forked == 0)
        exit(kept ? 7 : 8);
    assert(alarm(0, NULL) == 0);
    check("a fork in the handler: the parent goes on with its registers", kept && forked > 0);
    assert(waitpid(forked, &code) == 0);
    check_eq("and so does the child", code, 7);
}

static void spin_for_ever(uintptr_t address)
{
    assert(alarm(1, (void (*)(void))address) == 0);
    for (;;)
        ;
}

static void end_in_handler(void)
{
    exit(5);
}

static void test_bad(void)
{
    check_eq("there is no handler to return from", (int)alarm_return(), -E_INVAL);
    check_eq("too many ticks", alarm(0x80000000U, handler), -E_INVAL);
    check_eq("and no alarm is set by that", alarm(0, NULL), 0);
    expect_killed("a handler at address 0", spin_for_ever, 0);
    expect_killed("a handler in the kernel", spin_for_ever, KERNEL_TEXT);
    expect_killed("a handler on a page without code", spin_for_ever, (uintptr_t)saved);
    check_eq("a handler may end the program", child_code(spin_for_ever, (uintptr_t)end_in_handler),
             5);
    check_eq("there is still none to return from", (int)alarm_return(), -E_INVAL);
}

int main(int argc, char **argv)
{
    assert(argc == 2);
    if (strcmp(argv[1], "after") == 0) {
        spin_ticks(6);
        return calls == 0 && alarm_return() == -E_INVAL ? 0 : 3;
    }
    if (strcmp(argv[1], "calls") == 0)
        test_calls();
    else if (strcmp(argv[1], "fork") == 0)
        test_fork();
    else
        test_bad();
    return check_done();
}
