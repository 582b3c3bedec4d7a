"""Where a test's own code reports: the calls of libs/report.h in its object, in the linked file.

Each signed line tells the address that the report returned to. It counts if a call of that very
function stands before that address, in the test's own object: the linker scripts mark where that
begins and ends. So other code gains nothing if it finds the function and calls it.

Calls are found by the bytes of the pair of instructions that a compiler makes for a call of a
function in another object (auipc, jalr); the build has no linker relaxation, which would shorten
it.
"""
import re

# The functions that report, and the kind of line that each prints.
REPORTERS = {"report_check": "check", "report_check_eq": "check", "report_done": "done",
             "report_checkpoint": "checkpoint"}
# auipc ra, upper; jalr ra, lower(ra). The lowest four bits of each captured part belong to the
# instruction, the others to the number.
LOWER_0 = b"[%s]" % b"".join(b"\\x%x0" % digit for digit in range(16))
CALL = re.compile(rb"(?=\x97(%s..)\xe7\x80(%s.))" % (LOWER_0, LOWER_0), re.S)
PLACE_MASK = (1 << 32) - 1              # a line tells the lower 32 bits of the address


def signed(value, bits):
    """A number of so many bits, taken as a signed one."""
    return value - (value >> bits - 1 << bits)


def sites(image):
    """{kind of line: the addresses that its reports may return to}, of the kernel or a program."""
    found = {kind: set() for kind in REPORTERS.values()}
    kinds = {image.symbols[name].address: kind for name, kind in REPORTERS.items()
             if name in image.symbols}
    for prefix in ("kernel_test", "program"):
        if prefix + "_start" in image.symbols:
            start, end = (image.address(prefix + edge) for edge in ("_start", "_end"))
            place = image.file_offset(start)
            for call in CALL.finditer(image.data[place:place + end - start]):
                at = start + call.start()
                upper = int.from_bytes(call.group(1), "little") >> 4 << 12
                lower = int.from_bytes(call.group(2), "little") >> 4
                kind = kinds.get(at + signed(upper, 32) + signed(lower, 12))
                if kind:
                    found[kind].add(at + 8 & PLACE_MASK)
    return found
