/* What the device tree says about the machine: its memory, its harts, its devices. The firmware
   gives the tree to the kernel at boot, and nothing about the machine is known otherwise. The words
   used here are those of the Devicetree Specification 0.4, chapters 2 (nodes and properties),
   3 (the nodes that every tree has) and 5 (how the bytes lie).

   The one object is `machine`. The boot hart fills it in by fdt_parse() before there is any other
   hart or any memory management; after that only drivers_match() and init.c write to it, at boot,
   so that every hart may read it at any time without a lock. Strings and lists are not copied: they
   point into the tree, whose memory is reserved for ever and stays mapped. */
#pragma once

#include <riscv/cpu.h>
#include <riscv/memlayout.h>

#define MAX_RESERVED    16
#define MAX_DEVICES     64
#define HARTS_LISTED    64              /* more than are used: any of them may be the boot hart */
#define BOOTARGS_LENGTH 1024
#define MODEL_LENGTH    64

/* Physical addresses, in bytes; `end` is the first one behind the range. */
struct memory_range {
    paddr_t start, end;
};

/* The value of a property, as it stands in the tree: numbers are big-endian, texts end with 0. */
struct property {
    const uint8_t *data;
    uint32_t length;                    /* in bytes; 0: the node has no such property */
};

struct hart_info {
    uint64_t hartid;
    uint32_t intc_phandle;              /* its interrupt controller, as other nodes name it */
};

struct driver;

/* A node that has a name for drivers, and registers in the space of physical addresses. */
struct device {
    struct property compatible;         /* its names, from the best one to the most general */
    struct memory_range registers;      /* the first range of its "reg", below PHYS_MAX */
    uint32_t irq;                       /* its number at the interrupt controller, 0: it has none */
    struct property interrupts_extended;    /* of a controller: what it signals, see below */
    const struct driver *driver;        /* the one that drives it, or NULL; set by driver.c */
};

struct machine {
    struct memory_range memory;         /* the one range that the kernel uses: it lies in it */
    struct memory_range reserved[MAX_RESERVED];
    uint32_t reserved_count;
    struct memory_range device_tree;
    struct memory_range initrd;     /* what the boot loader has put into memory for the kernel, as
                                       the tree says: nobody has checked it; 0, 0: nothing */
    struct hart_info harts[HARTS_LISTED];
    uint32_t hart_count;
    uint32_t harts_ignored;         /* those with a number that the firmware's calls cannot name */
    uint64_t timebase_hz;           /* how fast rdtime() counts */
    struct device devices[MAX_DEVICES];
    uint32_t device_count;
    uint32_t devices_ignored;       /* those for which there was no room, or no address */
    char model[MODEL_LENGTH];
    char bootargs[BOOTARGS_LENGTH]; /* as much of them as there is room for */
    size_t bootargs_length;         /* of all */
};

extern struct machine machine;      /* set once at boot */

/* Read a device tree of at most `limit` bytes into *m, whose device_tree begins at 0: the caller
   knows where the tree is. Returns NULL, or what is wrong with the tree in words; *m then has what
   was found before. Any bytes are safe to give: nothing outside of [blob, blob + limit) is read.
   Takes no lock, allocates nothing, does not sleep. */
const char *fdt_parse(const void *blob, size_t limit, struct machine *m);

/* Is `wanted` one of the names in the device's "compatible"? In any context. */
bool device_is(const struct device *device, const char *wanted);

/* A controller's outputs lead to the inputs of others: "interrupts-extended" lists them in pairs of
   (phandle of the other, number there). Give the pair with this index, from 0; false behind the
   last one. In any context. */
bool device_output(const struct device *device, uint32_t index, uint32_t *phandle, uint32_t *irq);
