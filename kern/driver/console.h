/* The console: a device that a human types on and reads from. Output belongs to debug/printk.h, to
   which the device's function is given. Input arrives by interrupt and waits in a buffer, raw,
   until a process reads it.

   Processes are in groups, numbered from 0, which is that of the first program, the shell. One
   group at a time has the console: only its reads wait for a key, those of others find the end of
   the file. While group 0 has it, a ctrl-C is a character like others; else it kills the group that
   has it. Ctrl-\ enters the kernel monitor at any time. */
#pragma once

#include <defs.h>

/* What a driver of such a device offers. */
struct console_device {
    void (*output)(const char *s, size_t n);    /* print at once; in any context */
    int (*receive)(void);                       /* a character that has come, or -1: none has */
    void (*listen)(bool on);                    /* interrupt when characters come, or do not */
    bool (*start)(void);    /* register the interrupt for the hart that calls, at boot; false: no */
};

/* The console has this device. From its driver's probe, once; output goes there from now on. */
void console_attach(const struct console_device *device);
/* Has it one? In any context. */
bool console_attached(void);

/* Take input from now on, on the hart that calls this. Once, at boot, when interrupts can be
   registered. */
void console_init_input(void);

/* The device has characters. From the interrupt handler of its driver. */
void console_interrupt(void);

/* Look at 1 to n characters, as they were typed; sleeps until there is one, so no spinlock may be
   held. Returns how many; 0, end of file, if another group than the caller's has the console, or
   gets it; -E_KILLED if the caller was killed while it waited. After a number above 0 the caller
   must call console_take(), and may sleep before: other readers wait until then. */
int console_peek(char *buf, size_t n);

/* After console_peek(): the characters have gone where they should (`all`), and leave the buffer;
   or they have not, and the next reader finds them. Does not sleep. */
void console_take(bool all);

/* A character, without waiting for it; -1 if there is none. For the kernel monitor, which has
   stopped all other harts: takes no lock. */
int console_poll(void);

/* Call `interrupt` with the group that has the console when a ctrl-C is for it: from the interrupt
   handler, without locks. Once, at boot. */
void console_set_interrupt(int (*interrupt)(int group));

/* Give the console to a group; readers of the others are woken. Does not sleep. */
void console_set_group(int group);
/* The group that has the console; it may be another one a moment later. Takes no lock. */
int console_group(void);
