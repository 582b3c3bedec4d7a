/* exceptions [csrs | usercsrs]: all exceptions that a program can cause.

   Each kills the process that does it, or works as the instruction should, and nobody else notices:
   a process beside them checks that its registers and memory stay its own. With "csrs" it reads and
   writes all 4096 CSRs instead; with "usercsrs" only those 1024 that user mode may have by their
   number, because what becomes of these depends on how each hart was set up. Without floating-point
   registers, whatever uses them kills. */
#include <error.h>
#include <report.h>
#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <testing.h>
#include <ulib.h>

#define USERBASE        0x200000UL
#define USERTOP         0x4000000000UL
#define STACK_PAGES     256UL
#define GIB             (1UL << 30)
#define CSRS            4096
#define RET             0x8082          /* c.jr ra */

#define STRING(x)       #x
#define EXPAND(x)       STRING(x)

/* Arrays of functions of 8 bytes each: number n reads, or writes, the CSR n. */
#define CSR_FUNCTIONS(name, instruction) \
    asm(".pushsection .text." name ", \"ax\", @progbits\n" \
        ".balign 8\n" \
        ".globl " name "\n" \
        ".type " name ", @function\n" \
        name ":\n" \
        ".set csr, 0\n" \
        ".rept " EXPAND(CSRS) "\n" \
        ".4byte " instruction " | csr << 20\n"     /* csrrs t0, csr, x0 or csrrw x0, csr, a1 */ \
        ".4byte 0x00008067\n"                      /* ret */ \
        ".set csr, csr + 1\n" \
        ".endr\n" \
        ".size " name ", . - " name "\n" \
        ".popsection\n")

CSR_FUNCTIONS("csr_read", "0x000022F3");
CSR_FUNCTIONS("csr_write", "0x00059073");

/* Arrays of code of 8 bytes each: the instruction, then ret. */
#define LONG(code)      ".4byte " #code "\n.4byte 0x00008067\n"
#define SHORT(code)     ".2byte " #code "\n.2byte " EXPAND(RET) "\n.4byte 0x00008067\n"
#define CODE_ARRAY(name, list) \
    asm(".pushsection .text." name ", \"ax\", @progbits\n.balign 8\n" \
        ".globl " name "\n.type " name ", @function\n" name ":\n" list \
        ".globl " name "_end\n" name "_end:\n.size " name ", . - " name "\n.popsection\n")

/* Each of these kills, even if a0 is the address of memory that may be written. */
CODE_ARRAY("illegal",
           LONG(0x00000000) LONG(0xFFFFFFFF) SHORT(0x0000) SHORT(0xFFFF)
           SHORT(0x4002) SHORT(0x6002)          /* c.lwsp, c.ldsp to x0 */
           SHORT(0x2001) SHORT(0x6201)          /* c.addiw of x0, c.lui of 0 */
           SHORT(0x8002) SHORT(0x9000)          /* c.jr to x0, a reserved code */
           SHORT(0x001F) SHORT(0x003F) SHORT(0x007F)    /* longer than 32 bits */
           LONG(0x0000000B) LONG(0x0000002B) LONG(0x0000005B) LONG(0x0000007B)  /* custom */
           LONG(0x00057003) LONG(0x00A54023)    /* a load and a store of a reserved width */
           LONG(0x00002063) LONG(0x00001067) LONG(0x00056003 | 1 << 12) /* a reserved kind; ldu */
           LONG(0x0000702F) LONG(0x3000202F)    /* atomic: reserved width, reserved kind */
           LONG(0x02008057) LONG(0x06007053)    /* a vector instruction, fadd.q */
           LONG(0x00005053) LONG(0x00006053)    /* fadd.s with reserved rounding modes */
           LONG(0x10200073) LONG(0x30200073)    /* sret, mret */
           LONG(0x00200073) LONG(0x70200073) LONG(0x7B200073)   /* uret, mnret, dret */
           LONG(0x12000073) LONG(0x12050073)    /* sfence.vma, of everything and of a0 */
           LONG(0x16000073) LONG(0x18000073) LONG(0x18100073)   /* sinval.vma, its fences */
           LONG(0x22000073) LONG(0x62000073)    /* hfence.vvma, hfence.gvma */
           LONG(0x60054573) LONG(0x62A54073)    /* hlv.b, hsv.b */
           LONG(0x00004073) LONG(0x00300073)    /* reserved system instructions */
           LONG(0x00100073) SHORT(0x9002));     /* ebreak, c.ebreak */

/* Each of these kills the process, or does no harm. */
CODE_ARRAY("harmless",
           LONG(0x10500073) LONG(0x00D00073) LONG(0x01D00073)   /* wfi, wrs.nto, wrs.sto */
           LONG(0x0045200F) LONG(0x0025200F) LONG(0x0015200F)   /* cbo.zero, .flush, .clean */
           LONG(0x0000100F) LONG(0x0100000F));  /* fence.i, pause */

/* The same for addresses that the program may not use. */
CODE_ARRAY("block", LONG(0x0045200F) LONG(0x0005200F) LONG(0x0015200F) LONG(0x0025200F));

extern char illegal[], illegal_end[], harmless[], harmless_end[], block[], block_end[];
extern char csr_read[], csr_write[];

static uint64_t memory[1024] __attribute__((aligned(PGSIZE)));
static const uint64_t constant = 1;
static bool fpu;                        /* set by main */

/* Call the code with a0 and a1 as given; a7 makes an ebreak of kernel mode a system call. */
static void run(uintptr_t code, uintptr_t arg0, uintptr_t arg1)
{
    register uintptr_t a0 asm("a0") = arg0;
    register uintptr_t a1 asm("a1") = arg1;
    register uintptr_t a7 asm("a7") = 10;

    asm volatile("jalr %3" : "+r"(a0), "+r"(a1), "+r"(a7) : "r"(code)
                 : "ra", "t0", "memory");
}

static void run_on_memory(uintptr_t code)
{
    run(code, (uintptr_t)memory, 0);
}

static void run_on_kernel(uintptr_t code)
{
    run(code, KERNEL_TEXT, 0);
}

/* Call the code with registers as the kernel has them when it calls exit by an ebreak. */
static void run_as_call(uintptr_t code)
{
    run(code, SYS_exit, 77);
}

/* The dynamic rounding mode, too, can be a reserved one. */
static void round_badly(uintptr_t mode)
{
    asm volatile("fsrm %0\nfadd.s ft0, ft0, ft0, dyn" : : "r"(mode) : "ft0");
}

static void check_instructions(void)
{
    for (char *code = illegal; code < illegal_end; code += 8) {
        expect_killed("illegal instruction", run_on_memory, (uintptr_t)code);
        expect_killed("illegal instruction", run_as_call, (uintptr_t)code);
    }
    for (char *code = harmless; code < harmless_end; code += 8) {
        int result = child_code(run_on_memory, (uintptr_t)code);

        if (result != 0 && result != -E_KILLED)
            panic("instruction 0x%08x: exit code %d", *(unsigned int *)code, result);
    }
    for (char *code = block; code < block_end; code += 8)
        expect_killed("operation on a cache block of the kernel", run_on_kernel, (uintptr_t)code);
    for (uintptr_t mode = 5; mode < 7; mode++)
        expect_killed("reserved rounding mode", round_badly, mode);
}

/* An instruction that reads or writes memory. */
#define ACCESS(name, instruction) \
    static void name(uintptr_t addr) \
    { \
        asm volatile(instruction : : "r"(addr), "r"(0) : "t0", "t1", "ft0", "memory"); \
    }

ACCESS(load_1, "lb t0, (%0)")
ACCESS(load_2, "lhu t0, (%0)")
ACCESS(load_4, "lw t0, (%0)")
ACCESS(load_8, "ld t0, (%0)")
ACCESS(load_float, "flw ft0, (%0)")
ACCESS(load_double, "fld ft0, (%0)")
ACCESS(reserve_4, "lr.w t0, (%0)")
ACCESS(reserve_8, "lr.d t0, (%0)")
ACCESS(store_1, "sb %1, (%0)")
ACCESS(store_2, "sh %1, (%0)")
ACCESS(store_4, "sw %1, (%0)")
ACCESS(store_8, "sd %1, (%0)")
ACCESS(store_float, "fsw ft0, (%0)")
ACCESS(store_double, "fsd ft0, (%0)")
ACCESS(swap_4, "amoswap.w.aqrl t0, %1, (%0)")
ACCESS(swap_8, "amoswap.d.aqrl t0, %1, (%0)")
ACCESS(add_4, "amoadd.w t0, %1, (%0)")
ACCESS(max_8, "amomaxu.d zero, %1, (%0)")
ACCESS(conditional_4, "lr.w t0, (%0)\nsc.w t0, %1, (%0)")
ACCESS(conditional_8, "lr.d t0, (%0)\nsc.d t0, %1, (%0)")

static const struct {
    const char *name;
    void (*make)(uintptr_t);
    bool writes, atomic;
    unsigned int size;
    bool floats;
} accesses[] = {
    { "lb", load_1, false, false, 1, false }, { "lhu", load_2, false, false, 2, false },
    { "lw", load_4, false, false, 4, false }, { "ld", load_8, false, false, 8, false },
    { "flw", load_float, false, false, 4, true },
    { "fld", load_double, false, false, 8, true },
    { "lr.w", reserve_4, false, true, 4, false }, { "lr.d", reserve_8, false, true, 8, false },
    { "sb", store_1, true, false, 1, false }, { "sh", store_2, true, false, 2, false },
    { "sw", store_4, true, false, 4, false }, { "sd", store_8, true, false, 8, false },
    { "fsw", store_float, true, false, 4, true },
    { "fsd", store_double, true, false, 8, true },
    { "amoswap.w", swap_4, true, true, 4, false },
    { "amoswap.d", swap_8, true, true, 8, false },
    { "amoadd.w", add_4, true, true, 4, false },
    { "amomaxu.d", max_8, true, true, 8, false },
    { "sc.w", conditional_4, true, true, 4, false },
    { "sc.d", conditional_8, true, true, 8, false },
};

/* Addresses that no program may use, aligned to 8 bytes. */
static const uintptr_t forbidden[] = {
    0, PGSIZE, USERBASE - 8, 0x20000000, 0x80200000, USERTOP, 0x8000000000, 0x8000000000000000,
    0xFFFFFF8000000000, KERNEL_TEXT, 0xFFFFFFC000000000, 0xFFFFFFC00C000000, 0xFFFFFFC010000000,
    0xFFFFFFC080000000, 0xFFFFFFE000002000, 0xFFFFFFFFC0200000, -8UL,
};

/* An access that is not aligned works, or kills: the machine chooses. */
static void check_misaligned(size_t i)
{
    for (unsigned int offset = 1; offset < accesses[i].size; offset++) {
        int code = child_code(accesses[i].make, (uintptr_t)memory + offset);

        if (code != 0 && code != -E_KILLED)
            panic("%s, misaligned: exit code %d", accesses[i].name, code);
        expect_killed(accesses[i].name, accesses[i].make, KERNEL_TEXT + offset);
        expect_killed(accesses[i].name, accesses[i].make, 0x20000000 + offset);
        expect_killed(accesses[i].name, accesses[i].make, USERBASE - offset);
    }
}

static void check_accesses(void)
{
    uintptr_t area = 0, last = 0;

    assert(mmap(&area, 2 * PGSIZE, MMAP_WRITE) == 0 && munmap(area + PGSIZE, PGSIZE) == 0);
    for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(forbidden); k++)
            expect_killed(accesses[i].name, accesses[i].make, forbidden[k]);
        assert(child_code(accesses[i].make, (uintptr_t)memory)
               == (accesses[i].floats && !fpu ? -E_KILLED : 0));
        if (accesses[i].writes) {
            expect_killed(accesses[i].name, accesses[i].make, (uintptr_t)illegal);
            expect_killed(accesses[i].name, accesses[i].make, (uintptr_t)&constant);
        }
        check_misaligned(i);
        last = area + PGSIZE - accesses[i].size / 2;
        if (accesses[i].size > 1)       /* its second half is not mapped */
            expect_killed(accesses[i].name, accesses[i].make, last);
    }
    assert(munmap(area, PGSIZE) == 0);
}

/* Jumps to places where no program has code. Bit 0 of the address does not count. */
static void check_jumps(void)
{
    static uint16_t in_data[] = { RET };
    static uint16_t in_bss[2];
    uint16_t in_stack[] = { RET, RET };
    uintptr_t area = 0, stack = 0, heap = 0, end;

    for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
        for (int offset = 0; offset < 3; offset++)
            expect_killed("jump to a forbidden address", jump_to, forbidden[i] + offset);
    assert(brk(&heap) == 0);
    end = heap + PGSIZE;
    assert(brk(&end) == 0);
    assert(mmap(&area, PGSIZE, MMAP_WRITE) == 0);
    assert(mmap(&stack, PGSIZE, MMAP_WRITE | MMAP_STACK) == 0);
    uint16_t *places[] = {
        in_data, in_bss, in_stack, (uint16_t *)area, (uint16_t *)stack, (uint16_t *)heap,
        (uint16_t *)(area + PGSIZE) - 1,
    };

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        *places[i] = RET;
        asm volatile("fence.i" : : : "memory");
        expect_killed("jump into data", jump_to, (uintptr_t)places[i]);
    }
    expect_killed("jump into an argument", jump_to, USERTOP - 4);
    assert(munmap(area, PGSIZE) == 0 && munmap(stack, PGSIZE) == 0);
    assert(brk(&heap) == 0);
}

/* A call with 0 for each argument. */
static void call(uintptr_t number)
{
    syscall5(number, 0, 0, 0, 0, 0);
}

/* A child makes each call with a small number, whether there is such a call or not. A number that
   only has the lower bits of one, or is negative, must not be taken for a call. */
static void check_numbers(void)
{
    for (long number = -300; number <= 300; number++) {
        long result = number < 0 ? syscall5(number, 0, 0, 0, 0, 0) : -E_UNIMP;

        if (result != -E_UNIMP)
            panic("system call %ld returned %ld", number, result);
        assert(syscall5(number + (1L << 32), 0, 0, 0, 0, 0) == -E_UNIMP);
        assert(syscall5(number ^ INT64_MIN, 0, 0, 0, 0, 0) == -E_UNIMP);
        if (number >= 0)
            assert(child_code(call, number) == 0);
    }
}

/* A system call, the timer, and a page fault that is repaired, while sp, tp, gp and ra hold any
   value. s2 to s5 keep their right values. */
static void use_wild_registers(uintptr_t value)
{
    static volatile uint64_t fresh[2 * PGSIZE / 8];
    uintptr_t page = ROUNDUP((uintptr_t)fresh, PGSIZE), unchanged;

    asm volatile(
        "mv s2, sp\nmv s3, tp\nmv s4, gp\nmv s5, ra\n"
        "mv sp, %1\nmv tp, %1\nmv gp, %1\nmv ra, %1\n"
        "li a0, %3\necall\n"
        "li t0, 10000000\n1: addi t0, t0, -1\nbnez t0, 1b\n"
        "sd t0, (%2)\n"
        "xor t0, sp, %1\nxor t1, tp, %1\nxor t2, gp, %1\nxor t3, ra, %1\n"
        "or t0, t0, t1\nor t2, t2, t3\nor %0, t0, t2\n"
        "mv sp, s2\nmv tp, s3\nmv gp, s4\nmv ra, s5\n"
        : "=&r"(unchanged) : "r"(value), "r"(page), "i"(SYS_getpid)
        : "a0", "s2", "s3", "s4", "s5", "t0", "t1", "t2", "t3", "memory");
    assert(unchanged == 0);
}

/* A fault that kills while these registers hold any value. */
static void die_with_wild_registers(uintptr_t value)
{
    asm volatile("mv sp, %0\nmv tp, %0\nmv gp, %0\nmv ra, %0\nmv s0, %0\nld t0, (zero)\n"
                 : : "r"(value) : "t0", "memory");
}

static void check_wild_registers(void)
{
    static const uintptr_t wild[] = {
        0, 1, USERBASE - 1, USERTOP, 0x8000000000000000, KERNEL_TEXT, 0xFFFFFFE000004000,
        0xFFFFFFE000003FFF, 0xFFFFFFC010000000, UINTPTR_MAX,
    };

    for (size_t i = 0; i < ARRAY_SIZE(wild); i++) {
        assert(child_code(use_wild_registers, wild[i]) == 0);
        expect_killed("NULL used with wild registers", die_with_wild_registers, wild[i]);
    }
}

/* Take 1 GiB of stack and touch it in steps. */
static void grow(uintptr_t step)
{
    for (uintptr_t size = step; size <= GIB; size += step)
        asm volatile("mv t0, sp\nsub sp, sp, %0\nsd zero, (sp)\nmv sp, t0\n"
                     : : "r"(size) : "t0", "memory");
}

static void map_at(uintptr_t addr, uint32_t flags)
{
    assert(mmap(&addr, PGSIZE, flags) == 0);
}

/* An area that is a stack grows to STACK_PAGES, and no further. */
static void grow_area(uintptr_t below)
{
    map_at(USERBASE + 300 * PGSIZE, MMAP_WRITE | MMAP_STACK);
    *(volatile uint8_t *)(USERBASE + 300 * PGSIZE - below) = 1;
}

/* It does not grow below the lowest user address. */
static void grow_below_user(uintptr_t start)
{
    map_at(start, MMAP_WRITE | MMAP_STACK);
    *(volatile uint64_t *)USERBASE = 1;
    *(volatile uint64_t *)(USERBASE - 8) = 1;
}

/* It does not grow up to a neighbour: a page between them stays free. A read-only one stays so. */
static void grow_over_neighbour(uintptr_t flags)
{
    uint64_t found;

    map_at(USERBASE, 0);
    map_at(USERBASE + 3 * PGSIZE, flags);
    found = *(volatile uint64_t *)(USERBASE + 2 * PGSIZE);
    if (flags & MMAP_WRITE)
        *(volatile uint64_t *)(USERBASE + 2 * PGSIZE) = 1;
    assert(found == 0 && *(volatile uint64_t *)USERBASE == 0);
    *(volatile uint64_t *)(USERBASE + (flags & MMAP_WRITE ? 1 : 2) * PGSIZE) = 1;
}

/* The same growth, but it is the kernel that touches the memory. */
static void grow_by_call(uintptr_t start)
{
    struct meminfo *info = (struct meminfo *)USERBASE;

    map_at(start, MMAP_WRITE | MMAP_STACK);
    assert(meminfo(info) == 0 && info->free_pages <= info->total_pages);
    assert(syscall1(SYS_meminfo, USERBASE - 8) == -E_FAULT);
    assert(syscall1(SYS_meminfo, USERBASE - PGSIZE) == -E_FAULT);
}

static void check_stacks(void)
{
    static const uintptr_t steps[] = { PGSIZE, 64 * PGSIZE, GIB / 64, GIB };

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        expect_killed("1 GiB of stack", grow, steps[i]);
    assert(child_code(grow_area, 1) == 0);
    assert(child_code(grow_area, (STACK_PAGES - 1) * PGSIZE) == 0);
    expect_killed("a stack area that is too large", grow_area, STACK_PAGES * PGSIZE - PGSIZE + 8);
    expect_killed("a stack area that is too large", grow_area, 299 * PGSIZE);
    for (uintptr_t start = USERBASE; start < USERBASE + 16 * PGSIZE; start += 5 * PGSIZE) {
        expect_killed("a stack area below the user's addresses", grow_below_user, start);
        assert(child_code(grow_by_call, start) == 0);
    }
    expect_killed("write into a stack's neighbour", grow_over_neighbour,
                  MMAP_WRITE | MMAP_STACK);
    expect_killed("write into a read-only stack", grow_over_neighbour, MMAP_STACK);
}

static void run_csr_read(uintptr_t csr)
{
    run((uintptr_t)csr_read + csr * 8, 0, 0);
}

static void run_csr_write(uintptr_t csr)
{
    run((uintptr_t)csr_write + csr * 8, 0, UINTPTR_MAX);
}

/* Bits 8 and 9 of a CSR's number tell the lowest mode that may use it; bits 10 and 11 are both set
   if it is read-only. Which others user mode has depends on the machine. But the event counters are
   never for programs: the kernel keeps them for itself. */
static void check_csrs(bool all)
{
    static const unsigned int allowed[] = {
        0x001, 0x002, 0x003, 0xC00, 0xC01, 0xC02        /* fcsr and parts; cycle, time, instret */
    };

    for (unsigned int csr = 0; csr < CSRS; csr++) {
        bool may_read = false, privileged = (csr & 0x300) != 0 || (csr > 0xC02 && csr < 0xC20);

        if ((csr & 0x300) != 0 && !all)
            continue;
        for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
            may_read |= allowed[i] == csr;
        int read = child_code(run_csr_read, csr), write = child_code(run_csr_write, csr);

        may_read &= fpu || csr >= 0xC00;
        if (read != (may_read ? 0 : -E_KILLED) && (read != 0 || privileged))
            panic("read of CSR 0x%03x: exit code %d", csr, read);
        if (write != -E_KILLED && (write != 0 || privileged || csr >= 0xC00))
            panic("write of CSR 0x%03x: exit code %d", csr, write);
        assert(write == 0 || !may_read || csr >= 0xC00);
    }
}

/* Not inlined: there may be no floating-point registers, and no other function may use them. */
static __attribute__((noinline)) uint64_t float_sum(void)
{
    double sum = 0;
    uint64_t bits;

    for (int i = 1; i < 1000; i++)
        sum += 1.0 / i;
    memcpy(&bits, &sum, sizeof(bits));
    return sum > 7.48 && sum < 7.49 ? bits : 0;
}

/* A sum that is computed in floating point, if there is any. */
static uint64_t harmonic_sum(void)
{
    uint64_t sum = 0;

    if (fpu)
        return float_sum();
    for (uint64_t i = 1; i < 1000; i++)
        sum += 1000000 / i;
    return sum;
}

/* Start a process beside all this. What it computes must be the same each time. It ends when its
   parent has ended. */
static int start_canary(void)
{
    struct procinfo info = { .pid = 0 };
    int parent = getpid(), pid = fork();
    uint64_t first = harmonic_sum();

    assert(pid >= 0);
    if (pid > 0)
        return pid;
    do {
        assert(first != 0 && harmonic_sum() == first);
        sleep(1);
    } while (procinfo(getpid(), &info) == 0 && info.parent == parent);
    exit(0);
}

int main(int argc, char **argv)
{
    fpu = have_fpu();

    int canary = start_canary(), code;

    if (argc > 1) {
        check_csrs(strcmp(argv[1], "csrs") == 0);
    } else {
        check_instructions();
        check_accesses();
        check_jumps();
        check_numbers();
        check_wild_registers();
        check_stacks();
    }
    assert(kill(canary) == 0 && waitpid(canary, &code) == 0 && code == -E_KILLED);
    return check_done();
}
