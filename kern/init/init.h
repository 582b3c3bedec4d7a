/* What the parts of kern/init offer each other; and how a self test is declared. */
#pragma once

#include <riscv/memlayout.h>

/* What was asked for; NULL: nothing, the default holds. */
struct bootargs {
    const char *init;           /* the first program and its arguments */
    const char *selftest;       /* the self test to run instead of a program */
    const char *pmm;            /* pmm_manager */
    const char *sched;          /* sched_class */
    bool poison;                /* fill freed pages with junk */
    bool nocow;                 /* fork copies pages instead of sharing them */
    bool monitor;               /* a panic enters the kernel monitor */
};

/* Where the harts enter C code: entry.S jumps here, in S mode with paging on, and each hart has a
   stack of its own. The boot hart comes first, by kern_init(); it starts the others. */
__never_returns void kern_init(uint64_t hartid, paddr_t device_tree);
__never_returns void secondary_init(void);

/* Take a command line apart; it is changed. init= takes the rest of the line, which must name a
   program. Returns NULL, or the argument that is unknown. */
const char *bootargs_parse(char *line, struct bootargs *args);

/* Number the harts of the machine: the one that runs this is cpu 0. */
void smp_init_boot_hart(void);
/* Start the others, and wait until they run. */
void smp_start_others(void);

struct inventory {
    size_t pages, objects;
    uint32_t processes;
};

struct inventory inventory_take(void);
/* Has all that was taken since `before` come back? Prints the verdict, and what is missing. */
bool inventory_check(const struct inventory *before);

/* Make initproc, which runs the first program or a self test, and then switches the machine off. */
void user_start(const struct bootargs *args);

/* When a self test runs, so that it needs nothing of the labs that come later. */
enum selftest_stage {
    STAGE_BOOT,                 /* on the boot hart's idle process, while there is no other */
    STAGE_INIT,                 /* as initproc: with threads, none of which needs to end */
    STAGE_CHILD,                /* as a child of initproc */
};

/* Run the self test that was asked for, and switch off, where it is one of this stage. */
void selftest_run(const struct bootargs *args, enum selftest_stage stage);
/* What a thread that runs a self test calls, with its name. 0 where all is well. */
int selftest_thread(void *name);

/* A self test, kept in the section .selftests: one file in kern/test declares it, `selftest=`
   chooses it by its name. It reports by libs/report.h, and panics where it cannot go on. */
struct selftest {
    const char *name;
    void (*run)(void);
    enum selftest_stage stage;
};

#define SELFTEST_AT(selftest_stage, test_name, function) \
    static const struct selftest selftest_##function \
        __attribute__((used, section(".selftests"))) = { test_name, function, selftest_stage }
#define SELFTEST(test_name, function)   SELFTEST_AT(STAGE_CHILD, test_name, function)
