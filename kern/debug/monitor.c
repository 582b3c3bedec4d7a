/* The monitor's command loop, and the commands that need nothing but this folder. Commands about
   processes and memory are in the folders that know these.

   The hart that runs the monitor has interrupts off, polls the console for keys, and holds no lock.
   The other harts wait in their handler of software interrupts until monitor_active() says no, so
   nothing changes while somebody looks. After a panic they have stopped for good. */
#include <debug/backtrace.h>
#include <debug/monitor.h>
#include <debug/panic.h>
#include <debug/printk.h>
#include <debug/diagnosis.h>
#include <riscv/atomic.h>
#include <riscv/cpu.h>
#include <riscv/power.h>
#include <string.h>

/* A command is a word or a few; the line is on the stack of whatever was interrupted, so it is
   short. */
#define LINE_LENGTH 80
#define MAX_WORDS   8

extern const struct monitor_command monitor_start[], monitor_end[];

static int (*poll_input)(void);         /* set once at boot; NULL: there is no console yet */
static bool on_panic;                   /* set once at boot */
static uint32_t active;                 /* atomic: 1 while the other harts have to wait */

/* See monitor.h. Before this call the monitor cannot be entered. */
void monitor_set_input(int (*poll)(void))
{
    poll_input = poll;
}

/* The boot argument `monitor` is read after the console is there, so a panic before that switches
   the machine off as if there were no such argument. */
void monitor_set_on_panic(bool enter)
{
    on_panic = enter;
}

/* A plain load is enough: a hart that sees the old value asks again, and a hart that comes too late
   finds the monitor gone. */
bool monitor_active(void)
{
    return atomic_load(&active) != 0;
}

/* Both are needed: the wish, and a console to type on. */
bool monitor_on_panic(void)
{
    return on_panic && poll_input != NULL;
}

/* Read a line from the console, with an echo; backspace works. What does not fit is not taken. The
   loop polls, because interrupts are off: no key would arrive in the usual way. */
static void read_line(char *line)
{
    size_t n = 0;

    for (;;) {
        int c = poll_input();
        if (c == '\r' || c == '\n') {
            cprintf("\n");
            line[n] = '\0';
            return;
        }
        if ((c == '\b' || c == 0x7f) && n > 0) {
            cprintf("\b \b");
            n--;
        } else if (c >= ' ' && c < 0x7f && n < LINE_LENGTH - 1) {
            cprintf("%c", c);
            line[n++] = c;
        }
    }
}

/* Cut a line into words at its blanks, by zeros that are written into it. Returns how many there
   are; what comes after MAX_WORDS of them is left out. Quotes mean nothing here. */
static int split(char *line, char **words)
{
    int n = 0;

    while (n < MAX_WORDS) {
        while (*line == ' ')
            line++;
        if (*line == '\0')
            break;
        words[n++] = line;
        line = strfind(line, ' ');
        if (*line != '\0')
            *line++ = '\0';
    }
    return n;
}

/* Run the command of this name, from whatever folder; say so if there is none. */
static void run_command(struct monitor_state *state, int argc, char **argv)
{
    for (const struct monitor_command *c = monitor_start; c < monitor_end; c++) {
        if (strcmp(c->name, argv[0]) == 0) {
            c->run(state, argc, argv);
            return;
        }
    }
    cprintf("there is no command %s; help lists them\n", argv[0]);
}

/* The order matters. First `active` is set, then the other harts are called: a hart that takes the
   software interrupt finds it set, and waits. At the end they go on by themselves, as soon as they
   see it cleared. The state is on the stack, so it is gone with the call. */
void monitor(const struct trapframe *tf)
{
    struct monitor_state state = { .tf = tf };
    char line[LINE_LENGTH], *words[MAX_WORDS];

    if (poll_input == NULL)
        panic("the monitor was called before the console was there");
    atomic_store(&active, 1);
    interrupt_others();
    cprintf("\nkernel monitor on hart %lu; help lists the commands\n", this_cpu->hartid);
    while (!state.leave) {
        cprintf("monitor> ");
        read_line(line);
        int argc = split(line, words);
        if (argc > 0)
            run_command(&state, argc, words);
    }
    atomic_store(&active, 0);
    IF_CHECK(check_irq_off());          /* from here on their time counts again */
}

/* help: all commands, in the order in which the linker put them. The table has no end mark: the
   linker script gives the addresses of its first entry and behind its last. */
static void command_help(__not_used struct monitor_state *state, __not_used int argc,
                         __not_used char **argv)
{
    for (const struct monitor_command *c = monitor_start; c < monitor_end; c++)
        cprintf("  %-10s %-12s %s\n", c->name, c->arguments, c->help);
}
MONITOR_COMMAND("help", "", "list the commands", command_help);

/* backtrace: from the trap that entered the monitor, or after a panic from here. The call stacks of
   other harts are printed by the panic itself; those of processes that sleep, by the message of
   a deadlock. */
static void command_backtrace(struct monitor_state *state, __not_used int argc,
                              __not_used char **argv)
{
    if (state->tf != NULL)
        backtrace_trap(state->tf);
    else
        backtrace((uintptr_t)__builtin_frame_address(0));
}
MONITOR_COMMAND("backtrace", "", "the call stack of what was interrupted", command_backtrace);

/* registers: those of the frame, as the trap has saved them. */
static void command_registers(struct monitor_state *state, __not_used int argc,
                              __not_used char **argv)
{
    if (state->tf == NULL)
        cprintf("there was no trap: the panic printed the registers\n");
    else
        print_registers(state->tf);
}
MONITOR_COMMAND("registers", "", "the registers of what was interrupted", command_registers);

/* continue: leave the monitor, unless there is nothing to go back to. */
static void command_continue(struct monitor_state *state, __not_used int argc,
                             __not_used char **argv)
{
    if (panicked())
        cprintf("the kernel has panicked and cannot go on; off switches the machine off\n");
    else
        state->leave = true;
}
MONITOR_COMMAND("continue", "", "go on with what was interrupted", command_continue);

/* off: the exit status is that of a panic, because nobody can say that all was well. The leak check
   is left out: what is in use now is no leak. */
static void command_off(__not_used struct monitor_state *state, __not_used int argc,
                        __not_used char **argv)
{
    power_off(PANIC_EXIT_STATUS);
}
MONITOR_COMMAND("off", "", "switch the machine off", command_off);
