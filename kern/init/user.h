/* The first kernel threads, from which all processes come; and the end of the system. */
#pragma once

#include <init/bootargs.h>

/* Make initproc, which runs the first program or a self test, and then switches the machine off. */
void user_start(const struct bootargs *args);

/*
 * A self test, kept in the section .selftests: one file in kern/test declares it,
 * `selftest=` chooses it by its name. It panics where something is wrong.
 */
struct selftest {
    const char *name;
    void (*run)(void);
};

#define SELFTEST(test_name, function) \
    static const struct selftest selftest_##function \
        __attribute__((used, section(".selftests"))) = { test_name, function }
