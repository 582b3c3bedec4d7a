/* The kernel monitor: a small shell inside the kernel, to look at a system that has stopped. An
   ebreak in kernel code and ctrl-\ on the console enter it at any time; a panic does if the boot
   argument `monitor` is given.

   It runs with interrupts off while the other harts wait. So a command must not sleep and must not
   take a lock: what it interrupted may hold it. Commands only read what they show.

   A command is added with MONITOR_COMMAND in any file of any folder; no list names them all. The
   linker collects them, and the order of `help` is the linker's. */
#pragma once

#include <defs.h>

struct trapframe;

/* What a command is given. */
struct monitor_state {
    const struct trapframe *tf;     /* what was interrupted; NULL in a panic without a trap */
    bool leave;                     /* set to go on with what was interrupted */
};

/* A command: its name, its arguments as help shows them, a line of help, and what it does. argv[0]
   is the name. A command checks its own arguments. */
struct monitor_command {
    const char *name, *arguments, *help;
    void (*run)(struct monitor_state *state, int argc, char **argv);
};

/* Put a command into the section .monitor, between monitor_start and monitor_end of the linker
   script. A function can be the function of one command only. */
#define MONITOR_COMMAND(command_name, command_arguments, command_help, function) \
    static const struct monitor_command monitor_##function \
        __attribute__((used, section(".monitor"))) = { \
            command_name, command_arguments, command_help, function \
        }

/* Read and run commands until one leaves; after a panic none can leave but by switching the machine
   off. `tf` is what was interrupted, or NULL. Interrupts must be off. Panics if there is no console
   yet. */
void monitor(const struct trapframe *tf);

/* Tell the monitor where it reads from: a function that returns a character, or -1 if none has
   come. The console's driver calls this once at boot. */
void monitor_set_input(int (*poll)(void));

/* Is the monitor at work? A hart that it interrupted asks until it is not. With interrupts off. */
bool monitor_active(void);

/* Say whether a panic enters the monitor. Once, at boot. */
void monitor_set_on_panic(bool enter);
/* Does a panic enter it, and can it: was that asked for, and is there a console? From a panic. */
bool monitor_on_panic(void);
