#!/usr/bin/env python3
"""The kernel's symbol table, for backtraces: it tells which function holds an address.

    ksyms.py KERNEL NM      fill in the table of a linked kernel, from the output of `nm -n`

tools/kernel.ld leaves room for the table, from ksyms_start to ksyms_end. So nothing moves when it
is filled in, and the kernel is linked once. It has numbers of 32 bits, and then the names:

    count       the number of functions
    offsets     of each: its address minus kernel_text_start, ascending
    names       of each: where its name begins in the strings
    strings     the names, each closed by a zero
"""
import os
import re
import struct
import sys

MARKS = BASE, START, END = "kernel_text_start", "ksyms_start", "ksyms_end"
# These are no functions: marks of the linker script, mapping symbols, and local labels.
NOT_A_FUNCTION = re.compile(r"[.$]|e?text$|_e?text$|kernel_.*(start|end)$")


def fail(message):
    sys.exit("ksyms.py: " + message)


def read(path):
    """({mark: address}, [(address, name)] of the functions, by address) of nm's output."""
    marks, found = {}, {}
    with open(path, encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            fields = line.split()
            if len(fields) != 3:
                continue
            if not re.fullmatch("[0-9a-f]{16}", fields[0]):
                fail("%s:%d: %r is no address: build it anew" % (path, number, fields[0]))
            address, kind, name = int(fields[0], 16), fields[1], fields[2]
            if name in MARKS and kind.isupper():    # a variable of a file may have that name too
                marks[name] = address
            elif kind in "tTwW" and not NOT_A_FUNCTION.match(name):
                found.setdefault(address, name)
    for mark in MARKS:
        if mark not in marks:
            fail("%s: no symbol %s; the linker script must define it" % (path, mark))
    return marks, sorted(item for item in found.items() if item[0] >= marks[BASE])


def table(base, functions):
    """The bytes of the table."""
    offsets, names, strings = [], [], b""
    for address, name in functions:
        offsets.append(address - base)
        names.append(len(strings))
        strings += name.encode() + b"\0"
    numbers = [len(functions)] + offsets + names
    return struct.pack("<%dI" % len(numbers), *numbers) + strings


def file_offset(path, data, address):
    """The place in an ELF file, which begins with this data, that has the content of an address."""
    headers, size, count = struct.unpack_from("<Q14xHH", data, 32)
    for number in range(count):
        _, _, place, start, _, length = struct.unpack_from("<IIQQQQ", data, headers + number * size)
        if start <= address < start + length:
            return place + address - start
    return fail("%s has no content at %#x: build it anew" % (path, address))


def fill_in(kernel, nm):
    """Write the table into the kernel."""
    marks, functions = read(nm)
    content, room = table(marks[BASE], functions), marks[END] - marks[START]
    if len(content) > room:
        fail("the names of %d functions take %d bytes, and there is room for %d: let KSYMS_ROOM in "
             "tools/kernel.ld be larger" % (len(functions), len(content), room))
    with open(kernel, "r+b") as file:
        place = file_offset(kernel, file.read(4096), marks[START])
        if place + room > os.fstat(file.fileno()).st_size:
            fail("%s ends before its table of functions: build it anew" % kernel)
        file.seek(place)
        file.write(content)


def main():
    if len(sys.argv) != 3:
        fail("usage: ksyms.py KERNEL NM")
    try:
        fill_in(*sys.argv[1:])
    except OSError as error:
        fail(str(error))
    except struct.error:
        fail("%s is no kernel, or not in one piece: build it anew" % sys.argv[1])


if __name__ == "__main__":
    main()
