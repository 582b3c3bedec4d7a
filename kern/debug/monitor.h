/* The kernel monitor: a small shell inside the kernel, to look at a system that has stopped. A
   panic enters it where the boot argument `monitor` is given; an ebreak in kernel code and ctrl-\
   on the console enter it at any time. It runs with interrupts off; the other harts wait. */
#pragma once

#include <defs.h>

struct trapframe;

/* What a command is given: what was interrupted, or NULL in a panic without a trap. */
struct monitor_state {
    const struct trapframe *tf;
    bool leave;                     /* set to go on with what was interrupted */
};

/* A command, kept in the section .monitor; any folder may have some. */
struct monitor_command {
    const char *name, *arguments, *help;
    void (*run)(struct monitor_state *state, int argc, char **argv);
};

#define MONITOR_COMMAND(command_name, command_arguments, command_help, function) \
    static const struct monitor_command monitor_##function \
        __attribute__((used, section(".monitor"))) = { \
            command_name, command_arguments, command_help, function \
        }

/* Read and run commands until one leaves; after a panic none can but by switching off. */
void monitor(const struct trapframe *tf);

/* Where the monitor reads from: a function that returns a character, or -1 where none has come. */
void monitor_set_input(int (*poll)(void));

/* Is the monitor at work? Then a hart that it interrupts waits until it is not. */
bool monitor_active(void);

/* Whether a panic enters the monitor. */
void monitor_set_on_panic(bool enter);
bool monitor_on_panic(void);
