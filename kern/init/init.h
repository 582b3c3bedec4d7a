/* What the parts of kern/init offer each other; and how a self test is declared. This folder is the
   top of the kernel: it brings up all others, in the order that init.c tells, and nothing but the
   self tests of kern/test uses it.

   Everything here runs once: functions are called by the boot hart or by initproc, if nothing else
   is said, and hold no lock. */
#pragma once

#include <mm/fail.h>
#include <riscv/memlayout.h>

/* What was asked for on the kernel's command line. NULL: nothing was, the default holds. The texts
   lie in machine.bootargs. */
struct bootargs {
    const char *init;           /* the first program and its arguments */
    const char *selftest;       /* the self test to run instead of a program */
    const char *pmm;            /* pmm_manager */
    const char *sched;          /* sched_class */
    const char *swap;           /* swap_manager */
    const char *chaos;          /* the seed of chance on purpose: see sched/chaos.h */
    const char *fail;           /* what fails on purpose: see mm/fail.h */
    struct fail_plan fails;     /* the same as a plan */
    const char *mem;            /* how much memory the allocator has at most */
    bool poison;                /* fill freed pages with junk */
    bool nocow;                 /* fork copies pages instead of sharing them */
    bool monitor;               /* a panic enters the kernel monitor */
};

/* Where the boot hart enters C code: entry.S jumps here, in S mode with paging on and interrupts
   off, on the boot stack. The arguments are what the firmware gave: the hart's number and the
   physical address of the device tree, which nobody has looked at yet. */
__never_returns void kern_init(uint64_t hartid, paddr_t device_tree);
/* The same for the other harts, one after the other, when the boot hart starts them; each is on the
   stack of its idle process. */
__never_returns void secondary_init(void);

/* Take a command line apart; it is changed, and *args points into it. init= takes the rest of the
   line, which must name a program. Returns NULL, or the argument that is unknown. It does not
   sleep. */
const char *bootargs_parse(char *line, struct bootargs *args);

/* The entry of a table of structs, [start, end) of `size` bytes each, whose first member, a string,
   is `name`; the first entry if `name` is NULL. If there is no such entry, prints the names that
   there are, as values of the boot argument `argument`, and returns NULL. */
const void *bootargs_choose(const char *argument, const char *name, const void *start,
                            const void *end, size_t size);

/* Number the harts of the machine: the one that runs this is cpu 0. Before sched_init(). */
void smp_init_boot_hart(void);
/* Start the others, and wait until they run; panics if one does not come. Allocates. */
void smp_start_others(void);

/* What is in use: see inventory.c. */
struct inventory {
    size_t pages;               /* free ones: fewer at the end means a leak */
    size_t objects;             /* of kmalloc, in use */
    uint32_t processes;
    IF_CHECK(uint32_t period;)  /* of what came later: check_leaks() */
};

/* Count now. Gives back what is kept for later use, so it takes the locks of the allocators. */
struct inventory inventory_take(void);
/* Has all that was taken since `before` come back? Prints the verdict, and what is missing. Checks
   the allocator's own lists too, and panics if they are damaged. */
bool inventory_check(const struct inventory *before);

/* Make initproc, which runs the first program or a self test, and then switches the machine off.
   From the boot hart's idle process; returns at once. *args must stay. */
void user_start(const struct bootargs *args);

/* exec of a kernel thread, by ebreak: the thread becomes the program of this name. The strings are
   the thread's own. Returns only if that cannot be, with the error. */
int kernel_execve(const char *name, int argc, const char **argv);

/* When a self test runs, so that it needs nothing of the labs that come later. */
enum selftest_stage {
    STAGE_BOOT,                 /* on the boot hart's idle process, while there is no other */
    STAGE_INIT,                 /* as initproc: with threads, none of which needs to end */
    STAGE_CHILD,                /* as a child of initproc */
};

/* Run the self test that was asked for, and switch off, if it is one of this stage; else return. */
void selftest_run(const struct bootargs *args, enum selftest_stage stage);
/* What a thread that runs a self test calls, with its name. Returns how many checks have failed, or
   -E_NOENT if there is no test of that name; then it lists those that there are. */
int selftest_thread(void *name);

/* A self test, kept in the section .selftests: one file in kern/test declares it, `selftest=`
   chooses it by its name. It reports by libs/report.h, and panics if it cannot go on. */
struct selftest {
    const char *name;
    void (*run)(void);
    enum selftest_stage stage;
};

#define SELFTEST_AT(selftest_stage, test_name, function) \
    static const struct selftest selftest_##function \
        __attribute__((used, section(".selftests"))) = { test_name, function, selftest_stage }
#define SELFTEST(test_name, function)   SELFTEST_AT(STAGE_CHILD, test_name, function)
