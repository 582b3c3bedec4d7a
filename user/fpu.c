/* fpu: the floating-point registers belong to a process.

   Several processes fill all of them and fcsr with values of their own, are switched away from, and
   compare. A forked child has its parent's values, and a new program finds zeros (that is what it
   does as `fpu zeros`). On a machine without such registers each instruction that uses them kills
   the process, and the others go on. */
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <syscall.h>
#include <testing.h>
#include <ulib.h>

#define REGISTERS       32
#define PROCESSES       8
#define ROUNDS          30
#define SPIN            20000           /* in some of the rounds a timer tick falls into it */

/* The registers as bits. Of fcsr 8 bits are used: the rounding mode and the exceptions. */
struct fpu {
    uint64_t f[REGISTERS];
    uint64_t fcsr;
};

#define EACH_REGISTER(instruction, base) \
    instruction " f0,0(" base ")\n"    instruction " f1,8(" base ")\n" \
    instruction " f2,16(" base ")\n"   instruction " f3,24(" base ")\n" \
    instruction " f4,32(" base ")\n"   instruction " f5,40(" base ")\n" \
    instruction " f6,48(" base ")\n"   instruction " f7,56(" base ")\n" \
    instruction " f8,64(" base ")\n"   instruction " f9,72(" base ")\n" \
    instruction " f10,80(" base ")\n"  instruction " f11,88(" base ")\n" \
    instruction " f12,96(" base ")\n"  instruction " f13,104(" base ")\n" \
    instruction " f14,112(" base ")\n" instruction " f15,120(" base ")\n" \
    instruction " f16,128(" base ")\n" instruction " f17,136(" base ")\n" \
    instruction " f18,144(" base ")\n" instruction " f19,152(" base ")\n" \
    instruction " f20,160(" base ")\n" instruction " f21,168(" base ")\n" \
    instruction " f22,176(" base ")\n" instruction " f23,184(" base ")\n" \
    instruction " f24,192(" base ")\n" instruction " f25,200(" base ")\n" \
    instruction " f26,208(" base ")\n" instruction " f27,216(" base ")\n" \
    instruction " f28,224(" base ")\n" instruction " f29,232(" base ")\n" \
    instruction " f30,240(" base ")\n" instruction " f31,248(" base ")\n"

/* The compiler is not told that f0 to f31 change, because it would restore half of them at once. */
static void load(const struct fpu *from)
{
    asm volatile(EACH_REGISTER("fld", "%0") "fscsr %1"
                 : : "r"(from->f), "r"(from->fcsr), "m"(*from));
}

static void store(struct fpu *to)
{
    asm volatile(EACH_REGISTER("fsd", "%1") : "=m"(*to) : "r"(to->f));
    asm volatile("frcsr %0" : "=r"(to->fcsr));
}

/* Choose values that differ for each process, round and register. There are NaNs and infinities
   among them. */
static void choose(struct fpu *fpu, int process, int round)
{
    for (uint64_t i = 0; i < REGISTERS; i++)
        fpu->f[i] = (0x7FF0000000000000UL >> (i % 3)) + ((uint64_t)process << 32)
            + ((uint64_t)round << 8) + i;
    fpu->fcsr = (process + round) % 5 << 5 | (process & 31);
}

static void compare(const struct fpu *wanted, const char *after)
{
    struct fpu found;

    store(&found);
    for (int i = 0; i < REGISTERS; i++)
        if (found.f[i] != wanted->f[i])
            panic("process %d, after %s: f%d is 0x%lx, not 0x%lx", getpid(), after, i,
                  found.f[i], wanted->f[i]);
    if (found.fcsr != wanted->fcsr)
        panic("process %d, after %s: fcsr is 0x%lx, not 0x%lx", getpid(), after, found.fcsr,
              wanted->fcsr);
}

/* Between load() and compare() there is no floating point, so the compiler uses no such
   register. */
static void keep_values(int process)
{
    struct fpu fpu;

    for (int round = 0; round < ROUNDS; round++) {
        choose(&fpu, process, round);
        load(&fpu);
        syscall0(SYS_yield);
        compare(&fpu, "yield");
        load(&fpu);
        for (volatile int i = 0; i < SPIN; i++)
            ;
        compare(&fpu, "waiting for a timer tick");
    }
}

static void check_fork(void)
{
    struct fpu fpu;
    int code;

    choose(&fpu, 20, 1);
    load(&fpu);
    int pid = syscall0(SYS_fork);

    compare(&fpu, "fork");
    if (pid == 0)
        exit(0);
    assert(pid > 0);
    assert(waitpid(pid, &code) == 0 && code == 0);
    compare(&fpu, "wait");
}

static void check_zeros(void)
{
    struct fpu zeros;

    memset(&zeros, 0, sizeof(zeros));
    compare(&zeros, "exec");
}

/* A program dies of a load of registers that are not there. Only loads are tried: with Zfinx, where
   the numbers are in the integer registers, there is arithmetic and fcsr. */
static void use_registers(uintptr_t addr)
{
    load((const struct fpu *)addr);
}

static void load_single(uintptr_t addr)
{
    asm volatile("flw ft0, (%0)" : : "r"(addr) : "ft0");
}

static void check_missing(void)
{
    static struct fpu fpu;

    for (int i = 0; i < PROCESSES; i++) {
        expect_killed("a load of registers that are not there", use_registers, (uintptr_t)&fpu);
        expect_killed("a load of a register that is not there", load_single, (uintptr_t)&fpu);
        yield();
    }
    check("without floating-point registers, a program that uses them is killed", true);
}

static void exec_check(uintptr_t arg)
{
    struct fpu fpu;

    (void)arg;
    choose(&fpu, 21, 2);
    load(&fpu);
    exit(exec("fpu", "zeros"));
}

int main(int argc, char **argv)
{
    int pids[PROCESSES], code;

    if (argc > 1 && strcmp(argv[1], "zeros") == 0) {
        check_zeros();
        return 0;
    }
    if (!have_fpu()) {
        cprintf("fpu: this machine has no floating-point registers\n");
        check_missing();
        return check_done();
    }
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        assert(pids[i] >= 0);
        if (pids[i] == 0) {
            keep_values(i);
            exit(0);
        }
    }
    check_fork();
    for (int i = 0; i < 3; i++)
        assert(child_code(exec_check, 0) == 0);
    for (int i = 0; i < PROCESSES; i++)
        assert(waitpid(pids[i], &code) == 0 && code == 0);
    return check_done();
}
