#!/usr/bin/env python3
"""Check that the registers of devices are accessed in one place, and in order.

    check_mmio.py OBJECTS       OBJECTS is obj/TOOLCHAIN, with a kernel built

Why it matters is said at the head of kern/driver/mmio.h. Two things are checked. No driver has a
volatile pointer of its own. And in the code that the compiler makes of each function of mmio.h the
access stands between two fences, which order it with other memory. No test could find a fence
missing, because QEMU runs on hosts that order all of this by themselves. `make test` runs it.
"""
import glob
import os
import re
import sys

import cli
from check_entries import assembly_of, without_comments

HEADER = "kern/driver/mmio.h"
FUNCTION = re.compile(r"^static inline \w+ (mmio_(read|write)(\d+))\(", re.M)
ACCESS = {"read8": "lbu", "read32": "lwu?", "write8": "sb", "write32": "sw"}
# In assembly an access consists of fences, and of loads and stores that do not use the stack.
STEP = re.compile(r"^\s*(fence)\s+(\w+),\s*(\w+)|^\s*(\w+)\s+\w+,\s*\d+\((?!sp)\w+\)", re.M)
PROBES = {
    "read": "uint%s_t probe(uintptr_t a); uint%s_t probe(uintptr_t a) { return %s(a); }",
    "write": "void probe(uintptr_t a, uint%s_t v);\n"
             "void probe(uintptr_t a, uint%s_t v) { %s(a, v); }",
}


def check_texts(paths):
    """Complaints about volatile accesses outside of mmio.h."""
    for path in paths:
        with open(path) as file:
            lines = without_comments(file.read()).split("\n")
        for number, line in enumerate(lines, 1):
            if re.search(r"\bvolatile\b(?!\s*\()", line) and path != HEADER:
                yield "%s:%d: a volatile access of its own; %s has those in order" % (
                    path, number, HEADER)


def check_order(objects, header):
    """Complaints about functions of the header that are not compiled to fence, access, fence."""
    functions = FUNCTION.findall(header)
    if not functions:
        yield "%s:1: has no function that this check knows" % HEADER
    for name, kind, bits in functions:
        made = assembly_of(objects, "#include <driver/mmio.h>\n"
                           + PROBES[kind] % (bits, bits, name))
        device = "i" if kind == "read" else "o"
        code = made[made.find("probe:"):]
        found = [" ".join(filter(None, words)) for words in STEP.findall(code)]
        wanted = "fence iorw %s / %s / fence %s iorw" % (device, ACCESS[kind + bits], device)
        if not re.fullmatch(wanted, " / ".join(found)):
            yield "%s:1: %s() is not an access between two fences:\n%s" % (HEADER, name, made)


def main():
    if len(sys.argv) != 2 or not os.path.exists(os.path.join(sys.argv[1], "flags")):
        sys.exit("usage: tools/check_mmio.py obj/TOOLCHAIN, with a kernel built there")
    paths = sorted(glob.glob("kern/driver/*.[ch]") + glob.glob("kern/machine/*.[ch]"))
    with open(HEADER) as file:
        errors = list(check_texts(paths)) + list(check_order(sys.argv[1], file.read()))
    return cli.tell(errors, "%d files, %d accesses to devices that are wrong" % (
        len(paths), len(errors)))


if __name__ == "__main__":
    sys.exit(main())
