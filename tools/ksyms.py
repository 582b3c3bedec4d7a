#!/usr/bin/env python3
"""The kernel's symbol table, for backtraces: it tells which function holds an address.

    ksyms.py table NM OUTPUT    write an assembly file from the output of `nm -n`
    ksyms.py check NM NM        fail unless both have the same functions at the same addresses

tools/build.mk links the kernel twice: the first link tells where the functions are, the second one
has them in this table. The table is in the section .rodata.ksyms, which the linker script puts
last, so that no function moves when the table is filled; `check` makes sure of that.

    ksyms_count      .quad      number of functions
    ksyms_offset     .word[]    address minus kernel_text_start, ascending
    ksyms_name       .word[]    where the name begins in ksyms_strings
    ksyms_strings               the names, each closed by a zero
"""
import re
import sys

BASE = "kernel_text_start"
# These are no functions: marks of the linker script, mapping symbols, and local labels.
NOT_A_FUNCTION = re.compile(r"[.$]|e?text$|_e?text$|kernel_.*(start|end)$")


def fail(message):
    sys.exit("ksyms.py: " + message)


def read(path):
    """(start of the text, [(address, name)] of the functions, by address) of nm's output."""
    base, found = 0, {}
    with open(path, encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            fields = line.split()
            if len(fields) != 3:
                continue
            if not re.fullmatch("[0-9a-f]{16}", fields[0]):
                fail("%s:%d: %r is no address: build it anew" % (path, number, fields[0]))
            address, kind, name = int(fields[0], 16), fields[1], fields[2]
            if name == BASE:
                base = address
            elif kind in "tTwW" and not NOT_A_FUNCTION.match(name):
                found.setdefault(address, name)
    if found and not base:
        fail("%s: no symbol %s; the linker script must define it" % (path, BASE))
    return base, sorted(item for item in found.items() if item[0] >= base)


def table(path, output):
    """Write the assembly of the table for the functions that nm's output at `path` lists."""
    base, functions = read(path)
    offsets, names, strings, length = [], [], [], 0
    for address, name in functions:
        offsets.append("    .word %#x\n" % (address - base))
        names.append("    .word %d\n" % length)
        strings.append('    .asciz "%s"\n' % name)
        length += len(name) + 1
    with open(output, "w") as out:
        out.write('# Written by tools/ksyms.py.\n    .section .rodata.ksyms, "a"\n')
        out.write("    .globl ksyms_count, ksyms_offset, ksyms_name, ksyms_strings\n")
        out.write("    .balign 8\nksyms_count:\n    .quad %d\n" % len(functions))
        out.write("ksyms_offset:\n" + "".join(offsets))
        out.write("ksyms_name:\n" + "".join(names))
        out.write("ksyms_strings:\n" + "".join(strings))


def check(first, second):
    """Fail with a sentence if a function of the second link is elsewhere than in the first."""
    before, after = read(first), read(second)
    if before == after:
        return
    for (old, new) in zip(before[1], after[1]):
        if old != new:
            fail("%s moved from %#x to %s at %#x: the linker script must place "
                 ".rodata.ksyms behind all text" % (old[1], old[0], new[1], new[0]))
    fail("the second link has other functions than the first one")


def main():
    actions = {"table": table, "check": check}
    if len(sys.argv) != 4 or sys.argv[1] not in actions:
        fail("usage: ksyms.py table NM OUTPUT | check NM NM")
    try:
        actions[sys.argv[1]](sys.argv[2], sys.argv[3])
    except OSError as error:
        fail(str(error))


if __name__ == "__main__":
    main()
