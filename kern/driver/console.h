/* The console: a 16550 UART. Output is for debug/printk.h; input arrives by interrupt and waits in
   a buffer, raw, until a process reads it. */
#pragma once

#include <defs.h>

/* Output goes to the UART from here on. Needs the machine's description. */
void console_init(void);
/* Input is taken by the hart that calls this. */
void console_init_input(void);

/* Look at 1 to n characters, as they were typed; sleeps until there is one. Returns how many; 0,
   end of file, where another group has the console; -E_KILLED where the caller was killed while it
   waited. After a number above 0 the caller must say by console_take() whether they went where they
   should: then they are gone, else the next reader finds them. Others wait until then. */
int console_peek(char *buf, size_t n, int group);
void console_take(bool all);

/* A character, without waiting for it; -1 where there is none. For the kernel monitor. */
int console_poll(void);

/* Groups of processes, by number: 0 is the first program's. Ctrl-C goes to the reader as a
   character while group 0 has the console; else to `interrupt`, which is called from the interrupt
   handler with the group that has it. */
void console_set_interrupt(int (*interrupt)(int group));
void console_set_group(int group);
int console_group(void);
