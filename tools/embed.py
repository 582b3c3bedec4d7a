#!/usr/bin/env python3
"""Write the assembly file that puts the user programs into the kernel's image.

    embed.py OUTPUT PROGRAM...          tools/build.mk calls it

Each PROGRAM is a linked file; its base name is the name by which exec finds it. Its bytes begin on
a page of their own, so that pages can be copied or mapped as they are, and zeros follow to the end
of the last page. They stand between the symbols that ucore's kernels use,
_binary_obj___user_NAME_out_start and _end. A program that cannot be mapped as it lies in its file
is refused. A table follows that is sorted by name:

    const struct user_program { const char *name; const uint8_t *start, *end; } user_programs[];
    const size_t user_program_count;
"""
import os
import re
import struct
import sys

USER_TOP = 1 << 38              # kern/riscv/memlayout.h has it too
HEAD = "# Written by tools/embed.py: the user programs.\n    .section .rodata\n"

PROGRAM = """
    .balign 4096
    .globl {symbol}_start, {symbol}_end, {symbol}_size
{symbol}_start:
    .incbin "{path}"
{symbol}_end:
    .set {symbol}_size, {symbol}_end - {symbol}_start
"""

TABLE = """
    .balign 4096
    .globl user_program_count, user_programs
user_program_count:
    .quad {count}
user_programs:
"""


def fail(message):
    sys.exit("embed.py: " + message)


def symbol_of(name):
    """The name of a program's symbol, made as `ld -b binary` makes it."""
    return "_binary_obj___user_%s_out" % re.sub("[^A-Za-z0-9_]", "_", name)


def programs(paths):
    """(name, symbol, path) of each program, sorted by name."""
    seen = {}
    result = []
    for path in paths:
        name = os.path.basename(path)
        symbol = symbol_of(name)
        if not re.match(r"[A-Za-z0-9_.+-]+$", name):
            fail("user/%s.c: a program's name has only letters, digits and _ . + -" % name)
        if symbol in seen:
            fail("user/%s.c and user/%s.c: the names are too alike" % (seen[symbol], name))
        seen[symbol] = name
        result.append((name, symbol, path))
    return sorted(result)


def check(name, path):
    """Refuse what kern/process/program_image.c could not map as it is: it believes all of this."""
    with open(path, "rb") as file:
        data = file.read()
    entry, phoff = struct.unpack_from("<QQ", data, 24)
    begins, taken = False, []
    for i in range(struct.unpack_from("<H", data, 56)[0]):
        kind, flags, offset, va, _, filesz, memsz, _ = struct.unpack_from(
            "<IIQQQQQQ", data, phoff + 56 * i)
        if kind != 1 or not memsz:
            continue
        first, last = va >> 12, (va + memsz - 1) >> 12
        if flags & 3 == 3 or filesz > memsz or va + memsz > USER_TOP \
                or any(first <= end and start <= last for start, end in taken) \
                or filesz and ((va - offset) % 4096 or offset + filesz > len(data)):
            fail("user/%s.c: segment %d is not as tools/user.ld makes it" % (name, i))
        taken.append((first, last))
        begins |= bool(flags & 1 and va <= entry < va + filesz)
    if not begins:
        fail("user/%s.c: its entry is in no code" % name)


def text(entries):
    """The assembly for programs(): first the contents, then the table, then the names."""
    parts = [HEAD]
    for _, symbol, path in entries:
        parts.append(PROGRAM.format(symbol=symbol, path=path))
    parts.append(TABLE.format(count=len(entries)))
    for number, (_, symbol, _) in enumerate(entries):
        parts.append("    .quad name%d, %s_start, %s_end\n" % (number, symbol, symbol))
    for number, (name, _, _) in enumerate(entries):
        parts.append('name%d:\n    .asciz "%s"\n' % (number, name))
    return "".join(parts)


def main():
    if len(sys.argv) < 2:
        fail("usage: embed.py OUTPUT PROGRAM...")
    try:
        with open(sys.argv[1], "w") as out:
            entries = programs(sys.argv[2:])
            for name, _, path in entries:
                check(name, path)
            out.write(text(entries))
    except OSError as error:
        fail(str(error))
    except (struct.error, OverflowError):       # the second: an offset of more than 63 bits
        fail("%s is no ELF file" % path)


if __name__ == "__main__":
    main()
