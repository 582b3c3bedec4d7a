/* Bringing devices and drivers together: see driver.h. The table of drivers is what the linker has
   collected in the section .drivers; the list of devices is in struct machine. Both are looked at
   only at boot, by the boot hart, while no other hart runs; so there is no lock. A machine has some
   tens of devices and the kernel few drivers: each device is compared with each driver.

   What is not here: how a device works, which its driver knows, and what it is good for, which the
   layer knows that the driver tells of it. */
#include <debug/printk.h>
#include <driver/driver.h>

extern const struct driver drivers_start[], drivers_end[];

/* The first driver in the table that knows one of the device's names, or NULL. */
static const struct driver *find_driver(const struct device *device)
{
    for (const struct driver *driver = drivers_start; driver < drivers_end; driver++)
        if (device_is(device, driver->compatible))
            return driver;
    return NULL;
}

/* It prints, so it is called when the firmware at least can print; devices that are left out are
   told of, because a keyboard that is missing would else be a riddle. */
void drivers_match(void)
{
    for (uint32_t i = 0; i < machine.device_count; i++)
        machine.devices[i].driver = find_driver(&machine.devices[i]);
    if (machine.devices_ignored > 0)
        cprintf("devices: %u that the device tree names are left out: the kernel keeps %d, with "
                "addresses below %#lx\n", machine.devices_ignored, MAX_DEVICES, PHYS_MAX);
}

/* In the order of the device tree: of several UARTs, for example, the first one gets to be the
   console. A driver whose device cannot be used says why, and the boot goes on without it; what the
   kernel cannot do without is checked by kern/init/init.c. */
void drivers_probe(enum driver_stage stage)
{
    for (uint32_t i = 0; i < machine.device_count; i++) {
        struct device *device = &machine.devices[i];

        if (device->driver == NULL || device->driver->stage != stage)
            continue;
        const char *problem = device->driver->probe(device);
        if (problem != NULL)
            cprintf("device %s at %#lx cannot be used: %s\n", device->driver->name,
                    device->registers.start, problem);
    }
}
