/* The device "sifive,test0" of QEMU's virt machine: it has one register of 32 bits, and a write
   there ends the machine with an exit status. The firmware can switch off too, but then QEMU's exit
   status is 0 in any case; with this device a shell script sees whether the kernel was content. The
   machine also lists it as "syscon" with the commands for poweroff and reboot, of which the kernel
   needs none. If a machine has no such device, power_off() does with the firmware alone.

   power_off() is called in any context, by a hart that will do nothing else; there is no lock. */
#include <driver/driver.h>
#include <driver/mmio.h>
#include <riscv/power.h>

#define PASS    0x5555U
#define FAIL    0x3333U                 /* with the exit status in the upper half */

static uintptr_t test_register;         /* set once at boot */

/* What power_off() calls, at the very end. The exit status has 8 bits, in the upper half of the
   word. */
static void end_machine(uint8_t code)
{
    mmio_write32(test_register, code == 0 ? PASS : (uint32_t)code << 16 | FAIL);
}

/* Nothing is written to the device here: any write could end the machine. */
static const char *probe(struct device *device)
{
    test_register = device_registers(device);
    power_set_device(end_machine);
    return NULL;
}

DRIVER(sifive_test, "sifive,test0", DRIVER_EARLY, probe);
