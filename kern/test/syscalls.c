/* Exercise 5.2: the dispatch of system calls, with frames made by hand. Which function is called,
   with which arguments, where its result goes, and what else of the frame changes: nothing.

   A wrong dispatch takes a number that no call has, and jumps to somewhere or to NULL; it mixes up
   arguments; or it puts the result into another register. A program decides what is in its
   registers, so each number is possible, also those that look right only after they were cut to 32
   bits.

   Runs as initproc, which takes some memory for it, because the calls copy to and from a program.

   Alone: make grade TEST=syscalls. The program badcalls tries the same from user mode. */
#include <error.h>
#include <mm/usercopy.h>
#include <process/proc.h>
#include <report.h>
#include <string.h>
#include <syscall/syscall.h>
#include <test/testlib.h>
#include <unistd.h>

#define BASE        0x10000000UL
#define WANTED      0x20000000UL

/* Checked once at the end: so one mistake is one failed check, not twenty. */
static size_t others_changed;           /* calls after which more than a0 was another */

/* A system call with these registers. In every other register there is something else. a7 looks
   like another call's number, for programs of other systems have the number there. What of the
   frame has changed beside a0 is counted, and checked at the end. */
static long call(uint64_t number, uint64_t arg1, uint64_t arg2, uint64_t arg3)
{
    struct trapframe tf, before;
    uint64_t *word = (uint64_t *)&tf;

    /* Each register its own number, epc, status and the others too. */
    for (size_t i = 0; i < sizeof(tf) / sizeof(*word); i++)
        word[i] = 0x100000 + 8 * i;
    tf.gpr.a0 = number;
    tf.gpr.a1 = arg1;
    tf.gpr.a2 = arg2;
    tf.gpr.a3 = arg3;
    tf.gpr.a7 = SYS_sleep;
    /* What the frame is compared with afterwards. */
    before = tf;
    syscall(&tf);
    long result = tf.gpr.a0;
    tf.gpr.a0 = before.gpr.a0;
    others_changed += memcmp(&tf, &before, sizeof(tf)) != 0;
    return result;
}

/* The number that was taken for a call is printed behind the failed check. */
static void test_numbers(void)
{
    static const uint64_t unknown[] = {
        0, 6, 9, 13, 29, 32, 46, 105, 254,              /* holes in the table */
        256, 257, 1000, 0x7fffffff, 0x80000000,         /* behind its end */
        -1UL, -2UL, -18UL, 1UL << 63, INT64_MAX,        /* negative, or as large as can be */
        (1UL << 32) + SYS_getpid, -(1UL << 32) + SYS_getpid,    /* known, if cut to 32 bits */
    };

    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
        /* The arguments are harmless, for the case that some call is made after all. */
        if (!check_eq("a number that no call has gives -E_UNIMP", call(unknown[i], 1, 2, 3),
                      -E_UNIMP))
            cprintf("    that was the number %ld\n", unknown[i]);
}

/* The calls need memory of a program; this thread takes some, and never returns to user mode. */
static void take_memory(void)
{
    struct mm_struct *mm = mm_create();

    assert(mm != NULL);
    assert_eq(mm_map(mm, BASE, 2 * PGSIZE, VM_READ | VM_WRITE), 0);
    proc_become_user();
    proc_set_mm(mm);
    sched_set_addrspace(&mm->as);
    assert_eq(copy_to_user(BASE, "a text\n", 7), 0);
}

/* What a call has stored for the program. */
static uint64_t user_word(void)
{
    uint64_t word = 0;

    assert_eq(copy_from_user(&word, BASE + 64, sizeof(word)), 0);
    return word;
}

/* mmap and munmap tell of each of their arguments, in what they store and do. */
static void test_arguments(void)
{
    uint64_t wanted = WANTED;

    assert_eq(copy_to_user(BASE + 64, &wanted, sizeof(wanted)), 0);
    check_eq("mmap(&addr, length, flags) succeeds",
             call(SYS_mmap, BASE + 64, 3 * PGSIZE, MMAP_WRITE), 0);
    /* The call has read the wish through that pointer, and stored the answer. */
    check_eq("its first argument comes from a1", user_word(), WANTED);
    struct vma_struct *vma = find_vma(current->mm, WANTED);
    if (check("the area is there", vma != NULL)) {
        check_eq("its second argument comes from a2", vma->vm_end - vma->vm_start, 3 * PGSIZE);
        check_eq("its third argument comes from a3", vma->vm_flags, VM_READ | VM_WRITE);
    }
    check_eq("munmap(addr, length) succeeds", call(SYS_munmap, WANTED, 3 * PGSIZE, 0), 0);
    check("the area is gone", find_vma(current->mm, WANTED) == NULL);
    /* The text appears among the lines of the test. */
    check_eq("write(fd, text, length) returns the length", call(SYS_write, 1, BASE, 7), 7);
}

/* An error must come out as a negative number of 64 bits: a program compares it as such. */
static void test_results(void)
{
    check_eq("the result of getpid is in a0", call(SYS_getpid, 0, 0, 0), current->pid);
    check_eq("an error is a negative number of 64 bits", call(SYS_write, 99, BASE, 7), -E_INVAL);
    /* A comparison that is off by one leaves it out. */
    check_eq("the last entry of the table is a call", call(SYS_lab6_set_priority, 1, 0, 0), 0);
    check_eq("a bad pointer is an error, too", call(SYS_write, 1, WANTED, 7), -E_FAULT);
}

/* Results first: if those do not arrive, nothing else can be seen. */
static void test_syscalls(void)
{
    take_memory();
    test_results();
    test_arguments();
    test_numbers();
    check_eq("no call changes another register, epc or status", others_changed, 0);
}

/* If the kernel panics with a jump to a wild address: a number was used as an index that is
   none. */
SELFTEST_AT(STAGE_INIT, "syscalls", test_syscalls);
