/* What the device tree says about the machine. Nothing of it is known otherwise:
   see the Devicetree Specification 0.4, chapters 2, 3 and 5. */
#pragma once

#include <riscv/cpu.h>
#include <riscv/memlayout.h>

#define MAX_RESERVED    16
#define HARTS_LISTED    64              /* more than are used: any of them may be the boot hart */
#define BOOTARGS_LENGTH 1024
#define MODEL_LENGTH    64

struct memory_range {
    paddr_t start, end;
};

struct hart_info {
    uint64_t hartid;
    uint32_t intc_phandle;          /* its interrupt controller, as other nodes name it */
    int plic_context;               /* of its supervisor mode, -1 where it has none */
};

struct machine {
    struct memory_range memory;
    struct memory_range reserved[MAX_RESERVED];
    uint32_t reserved_count;
    struct memory_range device_tree;
    struct hart_info harts[HARTS_LISTED];
    uint32_t hart_count;
    uint32_t harts_ignored;         /* those with a number that the firmware's calls cannot name */
    uint64_t timebase_hz;
    struct memory_range uart, plic, test_device;    /* start is 0 where there is none */
    uint32_t uart_irq;
    char model[MODEL_LENGTH];
    char bootargs[BOOTARGS_LENGTH]; /* as much of them as there is room for */
    size_t bootargs_length;         /* of all */
};

extern struct machine machine;      /* set once at boot */

/* Read a device tree. Returns NULL, or what is wrong with it in words. Any bytes are safe to give:
   nothing outside of [blob, blob + limit) is read. */
const char *fdt_parse(const void *blob, size_t limit, struct machine *m);
