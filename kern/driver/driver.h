/* Drivers. A driver is one file that no other file names: it declares itself by DRIVER(), which
   puts an entry into the section .drivers, and the linker makes one table of all of them. To add a
   driver, add the file; to leave it out, take the file away.

   At boot, drivers_match() looks for a driver of each device that the device tree names. The kernel
   maps the registers of those devices that have one (kern/mm/kmap.c). Then drivers_probe() calls
   each driver with its device: at once if it is needed before there is memory, in a second pass
   if not. A probe finds out whether the device can be used, sets it up, and tells a layer of the
   kernel that it is there: console_attach(), irq_set_controller(), power_set_device(). */
#pragma once

#include <machine/machine.h>

/* When a driver's probe is called, by the boot hart, on the boot stack or in its idle process. In
   both cases it must not sleep. */
enum driver_stage {
    DRIVER_EARLY,               /* before there is memory: it may not allocate. Interrupts are off,
                                   and none can be registered yet */
    DRIVER_NORMAL,              /* it may allocate, and register an interrupt */
};

struct driver {
    const char *name;           /* for messages */
    const char *compatible;     /* it drives the devices that have this name in the tree */
    const char *(*probe)(struct device *device);    /* NULL, or why it cannot be used, in words */
    enum driver_stage stage;
};

/* Declare a driver. `driver_name` is an identifier; a driver of devices with several names has as
   many entries, each with a name of its own. */
#define DRIVER(driver_name, driver_compatible, driver_stage, function) \
    static const struct driver driver_##driver_name \
        __attribute__((used, section(".drivers"))) = { \
            #driver_name, driver_compatible, function, driver_stage \
        }

/* Find the driver of each of the machine's devices. Once, at boot, before the kernel's map. */
void drivers_match(void);
/* Call the probes of one stage; a device that cannot be used is told of in one line. */
void drivers_probe(enum driver_stage stage);

/* The kernel's own address of the first register. */
static inline uintptr_t device_registers(const struct device *device)
{
    return (uintptr_t)kva(device->registers.start);
}

/* How many bytes of registers it has, by the tree. A driver whose registers go further than it
   would touch what is not mapped: it must compare. */
static inline size_t device_size(const struct device *device)
{
    return device->registers.end - device->registers.start;
}
