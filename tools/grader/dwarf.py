"""Debug information as gcc and clang write it, DWARF 4 and 5: compile units and what they define.

A unit is a tree of entries. An entry begins with a code, which an abbreviation explains: the tag of
the entry, its attributes, and the form of each, which is how it is encoded. The numbers in the
tables below are the standard's.

Only what image.py needs is read: types, and variables outside of functions. All else is skipped
by its size. Nothing is checked: a damaged file makes struct or a table raise an exception, and
image.py turns that into a sentence.
"""
import functools
import struct
import threading

TAGS = {0x01: "array", 0x04: "enum", 0x0d: "member", 0x0f: "pointer", 0x13: "struct", 0x17: "union",
        0x16: "typedef", 0x26: "const", 0x35: "volatile", 0x37: "restrict", 0x47: "atomic",
        0x21: "range", 0x24: "base", 0x34: "variable"}
ATTRIBUTES = {0x01: "sibling", 0x02: "location", 0x03: "name", 0x0b: "size", 0x0d: "bits",
              0x2f: "last", 0x37: "count", 0x38: "offset", 0x3c: "declaration", 0x3e: "encoding",
              0x47: "specification", 0x49: "type", 0x72: "string base", 0x73: "address base"}
SIZES = {0x01: 8, 0x05: 2, 0x06: 4, 0x07: 8, 0x0b: 1, 0x0c: 1, 0x0e: 4, 0x10: 4, 0x11: 1, 0x12: 2,
         0x13: 4, 0x14: 8, 0x17: 4, 0x19: 0, 0x1c: 4, 0x1d: 4, 0x1e: 16, 0x1f: 4, 0x20: 8, 0x21: 0,
         0x24: 8, 0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4, 0x29: 1, 0x2a: 2, 0x2b: 3, 0x2c: 4}
BLOCKS = {0x0a: 1, 0x03: 2, 0x04: 4, 0x09: 0, 0x18: 0}  # bytes that tell the length; 0: variable
NUMBERS = {0x0d, 0x0f, 0x15, 0x1a, 0x1b, 0x22, 0x23}    # these forms have a variable length
STRING, STRP, LINE_STRP, SDATA, PRESENT, CONSTANT = 0x08, 0x0e, 0x1f, 0x0d, 0x19, 0x21
STRX, IN_UNIT = {0x1a, 0x25, 0x26, 0x27, 0x28}, {0x11, 0x12, 0x13, 0x14, 0x15}
COMPILE_UNIT, OP_ADDR, OP_ADDRX = 0x01, 0x03, 0xa1
TABLE = 1 << 16
NAMED = {"struct", "union", "enum", "typedef", "base", "variable"}


def leb(data, pos, signed=False):
    """(a number of variable length, which has seven bits in each byte; where it ends)."""
    value = data[pos]
    if value < 128:                             # nearly all of them, and there are many
        return value - (128 if signed and value & 64 else 0), pos + 1
    value = shift = 0
    while True:
        byte = data[pos]
        pos += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value - (1 << shift if signed and byte & 64 else 0), pos


def number(data, pos, size):
    return int.from_bytes(data[pos:pos + size], "little")


class Abbreviations(dict):
    """{code: (tag, has children, [(attribute, form, constant)])} of one unit. It is read only as
    far as codes are asked for, by one thread at a time: if another one read on meanwhile, the place
    would be behind the code that is sought, and the table would seem not to have it."""

    def __init__(self, data, pos):
        super().__init__()
        self.data, self.pos, self.lock = data, pos, threading.Lock()

    def __missing__(self, wanted):
        with self.lock:
            while wanted not in self:
                code, pos = leb(self.data, self.pos)
                if not code:
                    raise ValueError("no abbreviation %d" % wanted)
                self[code], self.pos = self.read(pos)
        return self[wanted]

    def read(self, pos):
        """(what the abbreviation at this place says, where it ends)."""
        data = self.data
        tag, pos = leb(data, pos)
        has_children, attributes, pos = data[pos], [], pos + 1
        while True:
            attribute, form = data[pos], data[pos + 1]
            if attribute < 128 and form < 128:
                pos += 2
            else:
                attribute, pos = leb(data, pos)
                form, pos = leb(data, pos)
            constant, pos = leb(data, pos, True) if form == CONSTANT else (1, pos)
            if not form:
                return (TAGS.get(tag), has_children, attributes), pos
            attributes.append((ATTRIBUTES.get(attribute), form, constant))


@functools.lru_cache(maxsize=1024)
def abbreviations(data):
    """The Abbreviations that these bytes begin with. Most units of a kernel have the same ones as
    in the kernel before, and to read them is most of the work."""
    return Abbreviations(data, 0)


class Unit:
    """A compile unit, which is what the compiler made of one source file.

    A place is an offset in .debug_info. `section` is a function that gives a section by its name.
    `name` is the source file.
    """

    def __init__(self, section, start):
        self.info, self.start, self.known = section(".debug_info"), start, None
        length, version, kind, _ = struct.unpack_from("<IHBB", self.info, start)
        if length >= 0xfffffff0 or version not in (4, 5) or (version == 5 and kind != COMPILE_UNIT):
            raise ValueError("DWARF %d of a kind that the grader does not read" % version)
        self.end, self.top = start + 4 + length, start + (12 if version == 5 else 11)
        self.abbreviations = abbreviations(self.own_table(section(".debug_abbrev")))
        self.strings = {STRP: section(".debug_str"), LINE_STRP: section(".debug_line_str")}
        self.indirect, self.addresses = section(".debug_str_offsets"), section(".debug_addr")
        self.bases = {}
        self.bases = self.entry(self.top)       # strings of this very entry need its own bases
        self.name = self.entry(self.top).get("name", "")

    def own_table(self, table):
        """The part of .debug_abbrev that begins with the unit's own table. It ends where the next
        unit's begins, if that is behind it; no table is longer than TABLE bytes."""
        first, next_one = (number(self.info, place + (8 if self.info[place + 4] == 5 else 6), 4)
                           if place < len(self.info) else len(table)
                           for place in (self.start, self.end))
        return bytes(table[first:min(next_one, first + TABLE) if next_one > first
                           else first + TABLE])

    def string(self, form, value):
        """The text of an attribute: in the entry itself, or in one of the sections for strings."""
        if form in STRX:
            place = self.bases.get("string base", 8) + 4 * value
            form, value = STRP, number(self.indirect, place, 4)
        data = self.strings.get(form, self.info)
        return data[value:data.find(0, value)].decode("utf-8", "replace")

    def value(self, form, pos):
        """(a number, or bytes, or where a string lies; where the attribute ends)."""
        if form in SIZES:
            value, pos = number(self.info, pos, SIZES[form]), pos + SIZES[form]
        elif form in NUMBERS:
            value, pos = leb(self.info, pos, form == SDATA)
        elif form == STRING:
            value, pos = pos, self.info.index(0, pos) + 1
        else:
            size = BLOCKS[form]
            size, pos = (number(self.info, pos, size), pos + size) if size else leb(self.info, pos)
            value, pos = self.info[pos:pos + size], pos + size
        return (value + self.start if form in IN_UNIT else value), pos

    def entry(self, place):
        """The entry at a place: {attribute: value, "tag": its tag, "end": where the next
        begins}."""
        code, pos = leb(self.info, place)
        tag, has_children, forms = self.abbreviations[code]
        entry = {"tag": tag, "has children": has_children}
        for attribute, form, constant in forms:
            value, pos = self.value(form, pos)
            if form in (PRESENT, CONSTANT):
                value = constant
            entry[attribute] = self.string(form, value) if attribute == "name" else value
        entry["end"] = pos
        return entry

    def children(self, parent, tags):
        """(place, entry) of each child with one of these tags, without what is below it."""
        pos, depth = parent["end"], parent["has children"]
        while depth:
            place = pos
            code, pos = leb(self.info, pos)
            if not code:
                depth -= 1
                continue
            tag, has_children, forms = self.abbreviations[code]
            if depth == 1 and (tag in tags or has_children):
                entry = self.entry(place)
                if tag in tags:
                    yield place, entry
                pos = entry.get("sibling", entry["end"])
                depth += has_children and "sibling" not in entry
            else:
                for _, form, _ in forms:
                    pos = pos + SIZES[form] if form in SIZES else self.value(form, pos)[1]
                depth += has_children

    def names(self):
        """What is defined outside of functions: {name: place}. The name of a struct begins with
        "struct ", that of a variable with "variable "."""
        if self.known is None:
            found = {}
            for place, entry in self.children(self.entry(self.top), NAMED):
                name, tag = entry.get("name"), entry["tag"]
                if "specification" in entry:        # the declaration of the variable has the name
                    name = self.entry(entry["specification"]).get("name")
                if name and "declaration" not in entry:
                    prefix = "" if tag in ("typedef", "base") else tag + " "
                    found.setdefault(prefix + name, place)
            self.known = found
        return self.known

    def address(self, location):
        """The constant address that a location names; None if it is something else."""
        value, pos = number(location, 1, 8), 9
        if location[:1] == bytes([OP_ADDRX]):
            index, pos = leb(location, 1)
            value = number(self.addresses, self.bases.get("address base", 8) + 8 * index, 8)
        elif location[:1] != bytes([OP_ADDR]):
            return None
        return value if pos == len(location) else None
