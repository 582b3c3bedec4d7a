/* secrets: what the kernel or other processes leave behind must not be seen.

   It must not be in fresh memory, nor in registers after exec, a system call, a fault or the timer,
   nor in what system calls store. Other processes run beside, which fill all that they can get with
   a marker and free it. `secrets fresh` is what this program becomes by exec, to look at the memory
   and registers of a new program; so it has a _start of its own, which keeps the registers. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <syscall.h>
#include <testing.h>
#include <ulib.h>

#define USERTOP         0x4000000000UL
#define MARKER          0x5EC2E75EC2E75EC2UL
#define HOGS            3
#define ROUNDS          12
#define AREA_PAGES      64
#define STACK_PAGES     100
#define GUARD           64              /* bytes around an object, which must not change */
#define LOOPS           3000000         /* so long that a timer tick falls into it */

enum { RA = 1, SP = 2, TP = 4, A0 = 10, A1 = 11, REGISTERS = 32 };

/* The registers with which this program began; _start has stored them. */
static uint64_t at_start[REGISTERS];

__never_returns void umain(int argc, char **argv);
__never_returns void first(int argc, char **argv, const uint64_t *registers);

/* The beginning of this program, in place of that of user/libs. First it stores x1 to x31 below sp,
   before any other instruction can change them. */
asm(".pushsection .text.start, \"ax\", @progbits\n"
    ".globl _start\n"
    ".type _start, @function\n"
    "_start:\n"
    ".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
    "sd x\\n, 8*\\n-256(sp)\n"
    ".endr\n"
    "addi a2, sp, -256\n"
    "mv sp, a2\n"
    "andi sp, sp, -16\n"
    "li ra, 0\n"
    "li s0, 0\n"
    "call first\n"
    ".size _start, . - _start\n"
    ".popsection\n");

void first(int argc, char **argv, const uint64_t *registers)
{
    for (int i = 1; i < REGISTERS; i++)
        at_start[i] = registers[i];
    umain(argc, argv);
}

/* void name(uint64_t registers[32]): load x1 and x3 to x31 from the array, do something, and store
   all registers there. */
#define WITH_REGISTERS(name, something) \
    void name(uint64_t *registers); \
    asm(".pushsection .text." #name ", \"ax\", @progbits\n" \
        ".globl " #name "\n" \
        ".type " #name ", @function\n" \
        #name ":\n" \
        "addi sp, sp, -528\n" \
        "sd a0, 512(sp)\n" \
        ".irp n, 1,3,4,8,9,18,19,20,21,22,23,24,25,26,27\n" \
        "sd x\\n, 256+8*\\n(sp)\n" \
        ".endr\n" \
        ".irp n, 1,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n" \
        "ld x\\n, 8*\\n(a0)\n" \
        ".endr\n" \
        "ld a0, 8*10(a0)\n" \
        something "\n" \
        ".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28\n" \
        "sd x\\n, 8*\\n(sp)\n" \
        ".endr\n" \
        "sd x29, 8*29(sp)\nsd x30, 8*30(sp)\nsd x31, 8*31(sp)\n" \
        "ld t0, 512(sp)\n" \
        ".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28\n" \
        "ld t1, 8*\\n(sp)\nsd t1, 8*\\n(t0)\n" \
        ".endr\n" \
        "ld t1, 8*29(sp)\nsd t1, 8*29(t0)\n" \
        "ld t1, 8*30(sp)\nsd t1, 8*30(t0)\n" \
        "ld t1, 8*31(sp)\nsd t1, 8*31(t0)\n" \
        ".irp n, 1,3,4,8,9,18,19,20,21,22,23,24,25,26,27\n" \
        "ld x\\n, 256+8*\\n(sp)\n" \
        ".endr\n" \
        "addi sp, sp, 528\n" \
        "ret\n" \
        ".size " #name ", . - " #name "\n" \
        ".popsection\n")

WITH_REGISTERS(do_call, "ecall");
WITH_REGISTERS(do_loop, "1: addi a0, a0, -1\nbnez a0, 1b");
WITH_REGISTERS(do_store, "sd zero, (a0)");
WITH_REGISTERS(do_load, "ld zero, (a0)");
WITH_REGISTERS(do_first_float, "frflags zero");

static void choose_registers(uint64_t *registers)
{
    for (uint64_t i = 0; i < REGISTERS; i++)
        registers[i] = 0xA1B2C3D4E5F60000 + 0x100 * i + i;
}

/* Do something, and check that only a0 has another value afterwards, and of the child of a fork tp,
   which is its pid. The value of a0 is returned. */
static long keeps_registers(const char *what, void (*something)(uint64_t *), uint64_t *registers)
{
    uint64_t before[REGISTERS];

    memcpy(before, registers, sizeof(before));
    something(registers);
    if (strcmp(what, "fork") == 0 && registers[A0] == 0)
        before[TP] = getpid();
    for (int i = 1; i < REGISTERS; i++)
        if (i != SP && i != A0 && registers[i] != before[i])
            panic("%s changed x%d from 0x%lx to 0x%lx", what, i, before[i], registers[i]);
    return registers[A0];
}

static void check_traps(uintptr_t unused)
{
    uint64_t registers[REGISTERS];
    uintptr_t area = 0;

    (void)unused;
    assert(mmap(&area, 2 * PGSIZE, MMAP_WRITE) == 0);
    choose_registers(registers);
    registers[A0] = area;
    assert(keeps_registers("a fault of a store", do_store, registers) == (long)area);
    registers[A0] = area + PGSIZE;
    keeps_registers("a fault of a load", do_load, registers);
    keeps_registers("a fault of a store", do_store, registers);
    registers[A0] = MARKER;
    assert(keeps_registers("the first use of the FPU", do_first_float, registers) == MARKER);
    registers[A0] = LOOPS;
    assert(keeps_registers("the timer", do_loop, registers) == 0);
}

/* fork keeps the registers as any other call does, in both processes. */
static void check_fork(long number)
{
    uint64_t registers[REGISTERS];
    int code;

    choose_registers(registers);
    registers[A0] = number;
    registers[A1] = registers[A1 + 1] = 0;
    int pid = keeps_registers("fork", do_call, registers);

    if (pid == 0)
        exit(0);
    assert(pid > 0);
    choose_registers(registers);
    registers[A0] = SYS_wait;
    registers[A1] = pid;
    registers[A1 + 1] = (uintptr_t)&code;
    assert(keeps_registers("wait", do_call, registers) == 0 && code == 0);
}

/* Results are ints, whose sign fills the register. */
static void check_calls(void)
{
    static uint64_t object[32];
    static char name[] = "nowhere";
    uintptr_t o = (uintptr_t)object, n = (uintptr_t)name;
    const struct {
        uint64_t number, args[3];
        long result;                    /* 1 stands for any that is not negative */
    } calls[] = {
        { SYS_getpid, { 0 }, getpid() },        { SYS_gettime, { 0 }, 1 },
        { SYS_yield, { 0 }, 0 },                { SYS_sleep, { 1 }, 0 },
        { SYS_brk, { o }, 0 },                  { SYS_mmap, { o, PGSIZE, MMAP_WRITE }, 0 },
        { SYS_munmap, { 0x300000, PGSIZE }, 0 }, { SYS_munmap, { KERNEL_TEXT, 1 }, -E_INVAL },
        { SYS_wait, { 1, o }, -E_BAD_PROC },    { SYS_trywait, { 1, o }, -E_BAD_PROC },
        { SYS_kill, { -1 }, -E_INVAL },
        { SYS_write, { 1, 0, 0 }, 0 },          { SYS_write, { 1, n + 7, 1 }, 1 },
        { SYS_write, { 1, 0, 1 }, -E_FAULT },   { SYS_read, { 0, 0, 0 }, 0 },
        { SYS_progname, { 0, o, 64 }, 1 },      { SYS_procinfo, { 1, o }, 0 },
        { SYS_procinfo, { INT32_MAX, o }, -E_NOENT },
        { SYS_meminfo, { o }, 0 },              { SYS_meminfo, { KERNEL_TEXT }, -E_FAULT },
        { SYS_job, { 99 }, -E_INVAL },          { SYS_lab6_set_priority, { 1 }, 0 },
        { SYS_putc, { 0 }, 0 },                 { SYS_exec, { n, 1, o }, -E_FAULT },
        { SYS_exec, { n, 0, 0 }, -E_NOENT },    { 300, { 0 }, -E_UNIMP },
        { UINT64_MAX, { 0 }, -E_UNIMP },
    };

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        uint64_t registers[REGISTERS];
        char what[32];

        snprintf(what, sizeof(what), "system call %ld", (long)calls[i].number);
        choose_registers(registers);
        memset(object, 0, sizeof(object));
        registers[A0] = calls[i].number;
        memcpy(&registers[A1], calls[i].args, sizeof(calls[i].args));
        long result = keeps_registers(what, do_call, registers);
        bool right = calls[i].result == 1 ? result >= 0 : result == calls[i].result;

        if (!right || result != (int)result)
            panic("%s returned 0x%lx", what, result);
        if (calls[i].number == SYS_mmap)
            assert(munmap(object[0], PGSIZE) == 0);
    }
    check_fork(SYS_fork);
    check_fork(SYS_clone);
}

static void check_zero(const char *what, uintptr_t start, uintptr_t end)
{
    for (; start < end; start++) {
        unsigned char byte = *(volatile unsigned char *)start;

        if (byte != 0)
            panic("%s: 0x%lx holds 0x%02x", what, start, byte);
    }
}

static uintptr_t new_area(uint32_t flags)
{
    uintptr_t area = 0;

    assert(mmap(&area, AREA_PAGES * PGSIZE, flags) == 0);
    return area;
}

/* Let the heap grow by AREA_PAGES, and return where the new part begins. */
static uintptr_t new_heap(void)
{
    uintptr_t start = 0, end;

    assert(brk(&start) == 0);
    start = ROUNDUP(start, PGSIZE);
    end = start + AREA_PAGES * PGSIZE;
    assert(brk(&end) == 0);
    return start;
}

/* The end of the part of the stack that is not in use: the page below this function's. */
static uintptr_t unused_stack(void)
{
    return ROUNDDOWN((uintptr_t)__builtin_frame_address(0), PGSIZE) - PGSIZE;
}

static void check_areas(void)
{
    uintptr_t area = new_area(MMAP_WRITE), readonly = new_area(0), heap = new_heap();

    check_zero("mmap", area, area + AREA_PAGES * PGSIZE);
    check_zero("read-only mmap", readonly, readonly + AREA_PAGES * PGSIZE);
    check_zero("brk", heap, heap + AREA_PAGES * PGSIZE);
    assert(munmap(area, AREA_PAGES * PGSIZE) == 0);
    assert(munmap(readonly, AREA_PAGES * PGSIZE) == 0);
    assert(brk(&heap) == 0);
}

/* The floating-point registers are zero before anything has used them. */
static void check_floats(void)
{
    uint64_t value;

#define ADD_UP(n)       "fmv.x.d t0, f" #n "\nor %0, %0, t0\n"
    asm volatile("frcsr %0\n"
                 ADD_UP(0) ADD_UP(1) ADD_UP(2) ADD_UP(3) ADD_UP(4) ADD_UP(5) ADD_UP(6) ADD_UP(7)
                 ADD_UP(8) ADD_UP(9) ADD_UP(10) ADD_UP(11) ADD_UP(12) ADD_UP(13) ADD_UP(14)
                 ADD_UP(15) ADD_UP(16) ADD_UP(17) ADD_UP(18) ADD_UP(19) ADD_UP(20) ADD_UP(21)
                 ADD_UP(22) ADD_UP(23) ADD_UP(24) ADD_UP(25) ADD_UP(26) ADD_UP(27) ADD_UP(28)
                 ADD_UP(29) ADD_UP(30) ADD_UP(31)
                 : "=&r"(value) : : "t0");
    if (value != 0)
        panic("the floating-point registers of a new program hold 0x%lx", value);
}

/* What is in a register of a new program: it is told its arguments, its stack and its pid. */
static uint64_t expected_at_start(int i, int argc, char **argv)
{
    switch (i) {
    case A0:
        return argc;
    case A1:
    case SP:
        return (uintptr_t)argv;
    case TP:
        return getpid();
    default:
        return 0;
    }
}

/* Check what a new program finds: first its registers, then its memory. */
static void check_fresh(int argc, char **argv)
{
    static char room[16 * PGSIZE];
    extern char end[];

    check_floats();
    for (int i = 1; i < REGISTERS; i++) {
        if (at_start[i] != expected_at_start(i, argc, argv))
            panic("a new program's x%d holds 0x%lx", i, at_start[i]);
    }
    check_zero("bss", (uintptr_t)room, (uintptr_t)room + sizeof(room));
    check_zero("behind the data", (uintptr_t)end, ROUNDUP((uintptr_t)end, PGSIZE));
    check_zero("stack", unused_stack() - STACK_PAGES * PGSIZE, unused_stack());
    check_areas();
}

static void exec_fresh(uintptr_t unused)
{
    (void)unused;
    exit(exec("secrets", "fresh"));
}

static void fill(uintptr_t start, size_t pages)
{
    for (uintptr_t addr = start; addr < start + pages * PGSIZE; addr += sizeof(uint64_t))
        *(volatile uint64_t *)addr = MARKER;
}

/* Fill memory of all kinds, and all registers, with the marker. The stack below sp is not in use,
   so it may be filled too. */
static void fill_all(uintptr_t unused)
{
    uint64_t registers[REGISTERS];

    (void)unused;
    fill(new_area(MMAP_WRITE), AREA_PAGES);
    fill(new_area(MMAP_WRITE | MMAP_STACK), AREA_PAGES);
    fill(new_heap(), AREA_PAGES);
    fill(unused_stack() - STACK_PAGES * PGSIZE, STACK_PAGES);
#define FILL(n)         "fmv.d.x f" #n ", %0\n"
    asm volatile(FILL(0) FILL(1) FILL(2) FILL(3) FILL(4) FILL(5) FILL(6) FILL(7) FILL(8) FILL(9)
                 FILL(10) FILL(11) FILL(12) FILL(13) FILL(14) FILL(15) FILL(16) FILL(17) FILL(18)
                 FILL(19) FILL(20) FILL(21) FILL(22) FILL(23) FILL(24) FILL(25) FILL(26) FILL(27)
                 FILL(28) FILL(29) FILL(30) FILL(31) "fscsr %0\n" : : "r"(MARKER));
    for (int i = 0; i < REGISTERS; i++)
        registers[i] = MARKER;
    registers[A0] = SYS_yield;
    do_call(registers);
}

/* Start a process that does so again and again, until its parent has ended. */
static int start_hog(int parent)
{
    struct procinfo info = { .pid = 0 };
    int pid = fork();

    assert(pid >= 0);
    if (pid > 0)
        return pid;
    do
        assert(child_code(fill_all, 0) == 0);
    while (procinfo(getpid(), &info) == 0 && info.parent == parent);
    exit(0);
}

/* An object that the kernel stores, and bytes around it that it must not touch. */
static struct {
    unsigned char before[GUARD], object[sizeof(struct procinfo)], after[GUARD];
} guarded;

static void guard(void)
{
    memset(&guarded, 0xA5, sizeof(guarded));
}

/* Check that only `size` bytes were stored, and none around them. */
static void check_guard(const char *what, size_t size)
{
    const unsigned char *bytes = guarded.before;

    for (size_t i = 0; i < sizeof(guarded); i++)
        if ((i < GUARD || i >= GUARD + size) && bytes[i] != 0xA5)
            panic("%s stored 0x%02x at byte %ld of its %ld", what, bytes[i],
                  (long)i - GUARD, size);
}

static void check_text(const char *what, const char *text, size_t size)
{
    size_t length = strnlen(text, size);

    assert(length < size);
    for (size_t i = length; i < size; i++)
        if (text[i] != 0)
            panic("%s: byte %lu behind the text is 0x%02x", what, i, (unsigned char)text[i]);
}

/* Fixed arrays have zeros behind their texts, and no struct has a hole. */
static void check_info(void)
{
    struct procinfo *info = (struct procinfo *)guarded.object;

    static_assert(sizeof(struct procinfo) == 2 * 4 + 9 * 8 + 32 + 16 + 32);
    static_assert(sizeof(struct meminfo) == 11 * 8);
    for (int pid = 1;; pid = info->pid + 1) {
        guard();
        if (procinfo(pid, info) != 0)
            break;
        check_guard("procinfo", sizeof(*info));
        check_text("name", info->name, sizeof(info->name));
        check_text("state", info->state, sizeof(info->state));
        check_text("waits_for", info->waits_for, sizeof(info->waits_for));
    }
    check_guard("procinfo of nobody", 0);
    guard();
    assert(meminfo((struct meminfo *)guarded.object) == 0);
    check_guard("meminfo", sizeof(struct meminfo));
}

static void check_names(void)
{
    char *name = (char *)guarded.object;
    int length;

    for (int i = 0; (length = progname(i, name, sizeof(guarded.object))) >= 0; i++) {
        for (int size = 0; size <= length; size++) {
            guard();
            assert(progname(i, name, size) == -E_TOO_BIG);
            check_guard("progname without room", 0);
        }
        assert(progname(i, name, length + 1) == length && (int)strlen(name) == length);
        check_guard("progname", length + 1);
    }
}

static void check_words(void)
{
    uintptr_t *word = (uintptr_t *)guarded.object;
    int pid = fork();

    if (pid == 0)
        exit(0);
    assert(pid > 0);
    guard();
    assert(waitpid(pid, (int *)word) == 0);
    check_guard("wait", sizeof(int));
    guard();
    *word = 0;
    assert(brk(word) == 0);
    check_guard("brk", sizeof(*word));
    guard();
    *word = 0;
    assert(mmap(word, PGSIZE, 0) == 0 && munmap(*word, PGSIZE) == 0);
    check_guard("mmap", sizeof(*word));
}

int main(int argc, char **argv)
{
    int hogs[HOGS], code, self = getpid();

    if (argc > 1 && strcmp(argv[1], "fresh") == 0) {
        check_fresh(argc, argv);
        return 0;
    }
    for (int i = 0; i < HOGS; i++)
        hogs[i] = start_hog(self);
    for (int round = 0; round < ROUNDS; round++) {
        check_areas();
        assert(child_code(exec_fresh, 0) == 0);
        assert(child_code(check_traps, 0) == 0);
        check_calls();
        check_info();
        check_names();
        check_words();
    }
    for (int i = 0; i < HOGS; i++)
        assert(kill(hogs[i]) == 0 && waitpid(hogs[i], &code) == 0 && code == -E_KILLED);
    return check_done();
}
