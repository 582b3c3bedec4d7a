/* Switching off: by a device if a driver has one, else by the firmware.

   It must work after any panic. So it takes no lock, allocates nothing, and prints by the firmware
   alone; and what a driver does for it must keep to the same. The driver of QEMU's device is
   kern/driver/sifive_test.c. If neither way works the hart waits for ever, with a line that says
   so: a machine that only stops would look as if the kernel hung. */
#include <riscv/csr.h>
#include <riscv/power.h>
#include <riscv/sbi.h>

static void (*power_device)(uint8_t code);      /* set once at boot; NULL: there is none */

/* A second device takes the place of the first; no machine that was met has two. */
void power_set_device(void (*off)(uint8_t code))
{
    power_device = off;
}

/* Newer versions of QEMU let the hart run a little further after the write: so there is a loop. */
void power_off(uint8_t code)
{
    if (power_device != NULL)
        power_device(code);
    sbi_shutdown(code != 0);
    if (power_device == NULL)
        for (const char *s = "The firmware cannot switch this machine off.\n"; *s != '\0'; s++)
            sbi_putchar(*s);
    for (;;)
        wait_for_interrupt();
}
