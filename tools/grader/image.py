"""A linked program, the kernel or one of the user programs: its symbols, types and variables.

    image = Image("obj/clang/kernel")
    image.address("power_off")
    image.type("proc_struct").member("pid")         # (offset, Type)
    image.variable("caches", "kern/mm/pmm.c")       # (address, Type)

A check of the grader names a member as the C code does, so a field that is added or moved breaks no
check. A name that is not there is an ImageError, whose text is for the user. The debug information
of a compile unit is looked through when a name is sought that the units before it do not have.
What was found stays right, so threads may share an Image.
"""
import bisect
import contextlib
import functools
import hashlib
import struct
import zlib
from collections import namedtuple

from grader.dwarf import Unit

PT_LOAD, PF_X, PF_W, SHF_COMPRESSED, STT_FUNC = 1, 1, 2, 0x800, 2
SIGNED = (0x05, 0x06, 0x0d)                 # DWARF's encodings of numbers that can be negative

Symbol = namedtuple("Symbol", "address size")


class ImageError(Exception):
    """The file is damaged, or lacks what is sought; the text is a sentence for the user."""


class Type:
    """A type of C.

    kind     int (also for char, bool and enum), pointer, array, struct (also for a union), or other
    size     in bytes
    count    the length of an array; None if the declaration gives none
    members  {name: (offset, place of the member's type)}; the offset of a bit field is None
    """

    def __init__(self, image, kind, name, size=0, target=None, count=None, signed=False):
        self.image, self.kind, self.name, self.size = image, kind, name, size
        self.place, self.count, self.signed = target, count, signed
        self.members = {}

    @property
    def target(self):
        """The type that a pointer points to, or that the elements of an array have."""
        return self.place if isinstance(self.place, Type) else self.image.type_at(self.place)

    def member(self, name):
        """(offset, Type) of a member; ImageError if there is none that can be read."""
        if name not in self.members:
            raise ImageError("%s has no member \"%s\", which a check reads; its members are: %s" % (
                self.name, name, " ".join(self.members) or "none"))
        offset, place = self.members[name]
        if offset is None:
            raise ImageError("%s.%s is a bit field, which no check can read" % (self.name, name))
        return offset, self.image.type_at(place)


class Image:
    """One ELF file.

    symbols   {name: Symbol}
    offset    virtual less physical address; it is the same for all of the kernel
    segments  the program headers of what is loaded, as tuples
    found     {what was looked for: what find() or variable() gave}: each boot asks for the same
    """

    def __init__(self, path):
        self.path, self.types, self.found = path, {}, {}
        try:
            with open(path, "rb") as file:
                self.data = file.read()
        except OSError as error:
            raise ImageError("%s cannot be read (%s): build it first" % (path, error.strerror))
        if self.data[:6] != b"\x7fELF\2\1" or self.data[18:20] != b"\xf3\0":
            raise ImageError("%s is not an ELF file of 64-bit RISC-V: build it anew" % path)
        with self.reading():
            self.read_headers()
            self.symbols = self.read_symbols()
            self.units, place = [], 0
            while place < len(self.section(".debug_info")):
                self.units.append(Unit(self.section, place))
                place = self.units[-1].end
        self.starts = [unit.start for unit in self.units]

    @functools.cached_property
    def digest(self):
        """A digest of the whole file, with what it tells of types and lines."""
        return hashlib.sha256(self.data).hexdigest()

    @contextlib.contextmanager
    def reading(self):
        """An exception while the file is read means that the file is damaged: an ImageError."""
        try:
            yield
        except (struct.error, zlib.error, LookupError, TypeError, ValueError) as error:
            raise ImageError("%s cannot be understood (%s): build it anew" % (self.path, error))

    def read_headers(self):
        """Read the ELF headers: the segments that are loaded, and the sections by name."""
        programs, sections, size, count, each, total, names = struct.unpack_from(
            "<QQ6xHHHHH", self.data, 32)
        segments = [struct.unpack_from("<IIQQQQQQ", self.data, programs + i * size)
                    for i in range(count)]
        headers = [struct.unpack_from("<IIQQQQIIQQ", self.data, sections + i * each)
                   for i in range(total)]
        self.segments = [segment for segment in segments if segment[0] == PT_LOAD]
        self.offset = next((s[3] - s[4] for s in self.segments), 0)
        start = headers[names][4]
        self.sections = {self.text(self.data, start + header[0]): self.content(header)
                         for header in headers}

    @staticmethod
    def text(data, pos):
        return data[pos:data.index(0, pos)].decode("utf-8", "replace")

    def content(self, header):
        content = self.data[header[4]:header[4] + header[5]]
        return zlib.decompress(content[24:]) if header[2] & SHF_COMPRESSED else content

    def section(self, name):
        return self.sections.get(name, b"")

    def read_symbols(self):
        """{name: Symbol}. If several have one name the global one counts, else the first."""
        strings, local, others = self.section(".strtab"), {}, {}
        for name, info, _, section, value, size in struct.iter_unpack(
                "<IBBHQQ", self.section(".symtab")):
            if name and section:
                symbols = others if info >> 4 else local
                symbols.setdefault(self.text(strings, name), Symbol(value, size))
        return {**local, **others}

    @functools.cached_property
    def functions(self):
        """The addresses where functions begin, those too whose names others have as well."""
        with self.reading():
            return {value for _, info, _, section, value, _ in struct.iter_unpack(
                "<IBBHQQ", self.section(".symtab")) if section and info & 15 == STT_FUNC}

    @property
    def memory_size(self):
        """How many bytes it takes when it is loaded, from the lowest to the highest, with its
        zeros."""
        return max((s[4] + s[6] for s in self.segments), default=0) - \
            min((s[4] for s in self.segments), default=0)

    def largest(self):
        """(name, size) of the largest symbol."""
        return max(((name, symbol.size) for name, symbol in self.symbols.items()),
                   key=lambda pair: pair[1], default=("", 0))

    def address(self, name):
        """The address of a symbol; ImageError if there is none."""
        if name not in self.symbols:
            raise ImageError("%s has no symbol \"%s\", which the grader needs" % (self.path, name))
        return self.symbols[name].address

    def file_offset(self, address):
        """The place in the file that has the content of an address."""
        for _, _, offset, start, _, size, _, _ in self.segments:
            if start <= address < start + size:
                return address - start + offset
        raise ImageError("%s has no content at %#x" % (self.path, address))

    def nearest(self, address):
        """The function that an instruction belongs to, as "name+0x12"; None if no code is there."""
        code = [range(s[3], s[3] + s[6]) for s in self.segments if s[1] & PF_X]
        if not any(address in part for part in code):
            return None
        start, _, name = max(((symbol.address, symbol.size > 0, name)
                              for name, symbol in self.symbols.items()
                              if symbol.address <= address and name[0] not in "$."),
                             default=(0, 0, "?"))
        return name + (address > start and "+%#x" % (address - start) or "")

    def find(self, *names, file=""):
        """(unit, place) of the first entry with one of these names, or (None, None). Only units
        whose source file ends with `file` are looked through."""
        if not self.units:
            raise ImageError("%s has no debug information: compile it with -g" % self.path)
        if (names, file) not in self.found:
            with self.reading():
                self.found[names, file] = next(
                    ((unit, unit.names()[name]) for unit in self.units
                     if unit.name.endswith(file) for name in names if name in unit.names()),
                    (None, None))
        return self.found[names, file]

    def type(self, name):
        """The Type with this name. The word "struct", "union" or "enum" may be left out."""
        _, place = self.find(name, "struct " + name, "union " + name, "enum " + name)
        if place is None:
            raise ImageError("%s has no type \"%s\", which a check reads" % (self.path, name))
        return self.type_at(place)

    def variable(self, name, file=""):
        """(address, Type) of a variable outside of functions. `file` is the source that defines it,
        or the end of that path; it is needed if other sources have a variable of that name."""
        if (name, file) not in self.found:
            self.found[name, file] = self.read_variable(name, file)
        return self.found[name, file]

    def read_variable(self, name, file):
        """The same, read from the debug information."""
        unit, place = self.find("variable " + name, file=file)
        if place is None:
            raise ImageError("%s has no variable \"%s\"%s, which a check reads" % (
                self.path, name, file and " in " + file))
        with self.reading():
            entry = unit.entry(place)
            address = unit.address(entry.get("location", b""))
            if "type" not in entry:
                entry = unit.entry(entry["specification"])
            return self.address(name) if address is None else address, self.type_at(entry["type"])

    def type_at(self, place):
        """The Type that the entry at a place describes. None stands for void."""
        if place not in self.types:
            with self.reading():
                self.types[place] = self.read_type(place)
        return self.types[place]

    def read_type(self, place):
        """The Type that the debugging information has at a place; None is void."""
        if place is None:
            return Type(self, "other", "void")
        unit = self.units[bisect.bisect_right(self.starts, place) - 1]
        entry = unit.entry(place)
        tag, target, size = entry["tag"], entry.get("type"), entry.get("size", 0)
        name = entry.get("name", "without a name")
        if tag in ("typedef", "const", "volatile", "restrict", "atomic"):
            return self.type_at(target)
        if tag == "pointer":
            return Type(self, "pointer", name, 8, target)
        if tag == "array":
            return self.read_array(unit, entry)
        if tag in ("base", "enum"):
            signed = entry.get("encoding") in SIGNED or (target and self.type_at(target).signed)
            return Type(self, "int", name, size, signed=bool(signed))
        if tag not in ("struct", "union"):
            return Type(self, "other", name, size)
        if "declaration" in entry:
            return self.type(tag + " " + name)
        return self.read_struct(unit, entry, Type(self, "struct", tag + " " + name, size))

    def read_array(self, unit, entry):
        """The Type of an array; one of several dimensions is an array of arrays."""
        result = self.type_at(entry["type"])
        for _, child in reversed(list(unit.children(entry, {"range"}))):
            count = child.get("count")
            if count is None and "last" in child:
                count = (child["last"] + 1) % (1 << 64)
            result = Type(self, "array", "array", result.size * (count or 0), result, count)
        return result

    def read_struct(self, unit, entry, result):
        """Add the members of a struct. Those of a member without a name count as the struct's
        own."""
        for _, child in unit.children(entry, {"member"}):
            offset = None if "bits" in child else child.get("offset", 0)
            if "name" in child:
                result.members[child["name"]] = offset, child["type"]
            else:
                for name, (more, place) in self.type_at(child["type"]).members.items():
                    result.members[name] = None if more is None else offset + more, place
        return result
