/* Switching off: by the test device if there is one, else by the firmware.

   It must work after any panic. So it takes no lock, allocates nothing, and prints by the firmware
   alone. The device's register is in the kernel's map, as those of all devices are; one store of 32
   bits to it ends the machine. */
#include <riscv/csr.h>
#include <riscv/power.h>
#include <riscv/sbi.h>

/* Commands of the "sifive,test1" device. */
#define TEST_PASS           0x5555U
#define TEST_FAIL           0x3333U     /* with the exit status in the upper half */

static volatile uint32_t *test_device;  /* set once at boot; NULL: there is none */

void power_set_test_device(volatile uint32_t *reg)
{
    test_device = reg;
}

/* Newer versions of QEMU let the hart run a little further after the write: so there is a loop. */
void power_off(uint8_t code)
{
    if (test_device != NULL)
        *test_device = code == 0 ? TEST_PASS : (uint32_t)code << 16 | TEST_FAIL;
    sbi_shutdown(code != 0);
    if (test_device == NULL)
        for (const char *s = "The firmware cannot switch this machine off.\n"; *s != '\0'; s++)
            sbi_putchar(*s);
    for (;;)
        wait_for_interrupt();
}
