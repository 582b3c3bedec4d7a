"""Tests of how the grader reads programs and their debug information (DWARF).

The compiler is the judge: a sample with types of all kinds, and the kernel's headers, are compiled
together with tables of the sizes and offsets that the compiler itself found. What image.py reads
must equal these tables, with DWARF 4, DWARF 5 and compressed sections. Damage gives it files that
are cut, empty, of another machine or filled with nonsense: it must refuse each with a sentence.
LAYOUT names what the grader reads in the kernel; add to it what a new check reads.

Needs the built objects; their toolchain is the one that is tested. No QEMU.
Run alone: python3 tools/test/test_image.py
"""
import os
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from types import SimpleNamespace

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from grader import dwarf
from grader.image import Image, ImageError
from grader.memory import Memory, MemoryFault

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OBJECTS = os.path.join(TOP, os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf"))
KERNEL = os.path.join(OBJECTS, "kernel")

HEADER = """
#include <stddef.h>
#include <stdint.h>
struct later;
typedef struct entry { struct entry *prev, *next; } entry_t;
enum colour { RED = -5, GREEN, BLUE = 100000 };
union both { uint16_t half[4]; double whole; };
typedef struct sample {
    char first;
    union { int32_t number; struct { char low, high; }; };
    const volatile uint64_t wide;
    entry_t link;
    union both both;
    enum colour colour;
    short grid[3][5];
    struct later *later;
    int (*call)(int);
    struct { int inner; } named;
    uint32_t bits : 3, more : 7;
    _Bool yes;
    signed char minus;
    char name[12];
    const char *words;
    long double big;
    void *anything;
    struct { uint8_t flag : 1; char plain; };
    int none[0];
    int tail[];
} sample_t;
extern int unsized[];
extern sample_t shared;
extern int *const pointers[3];
"""
FIRST = HEADER + """
static long twin = 0x1111, local = 0x1111;
static short only_here[7] = { 1, -2, 3 };
extern struct later later_one;
entry_t head = { &shared.link, &shared.link };
#define AT(member) offsetof(sample_t, member)
const unsigned long expected[] = {
    sizeof(sample_t), AT(first), AT(number), AT(low), AT(high), AT(wide), AT(link), AT(both),
    AT(colour), AT(grid), AT(later), AT(call), AT(named), AT(yes), AT(minus), AT(name), AT(words),
    AT(big), AT(anything), AT(plain),
    AT(none), AT(tail)
};
sample_t shared = { .first = 'x', .high = 3, .wide = 1UL << 63 | 5, .link = { &head, &head },
    .both = { .half = { 0, 0, 9, 0 } }, .colour = RED, .grid = { { 0 }, { 0, 0, -77 } },
    .later = &later_one, .named = { 12 }, .bits = 5, .yes = 1, .minus = -3, .name = "a\\tname",
    .words = "some words" };
long *volatile use_first = &twin, *volatile use_local = &local;
short *volatile use_here = only_here;
"""
SECOND = HEADER + """
static char twin = 0x22;
struct later { int a; long b; } later_one = { 7, -8 };
int local = 3, unsized[4] = { 1, 2, 3, 4 };
static int number = -6;
int *const pointers[3] = { &number, 0, (int *)0x123456789abc };
char *volatile use_second = &twin;
static char empty_table[4096] __attribute__((aligned(4096))) = { 0 };
struct addrspace { char *pgdir; } kernel_as = { empty_table };
"""
MEMBERS = ("first number low high wide link both colour grid later call named yes minus name words "
           "big anything plain none tail").split()

# What the grader reads in the kernel.
LAYOUT = {
    "Page": "ref flags property page_link", "addrspace": "pgdir harts",
    "kmem_cache": "name size objects next", "mm_struct": "as mmap_list",
    "proc_struct": "task pid program name mm parent list_link", "task": "kstack state as",
    "cpu": "task locks_held id", "list_entry": "prev next", "pmm_manager": "name check",
}
LAYOUT_HEADERS = "mm/pmm.h mm/kmalloc.h process/proc.h riscv/cpu.h riscv/tlb.h".split()


SCRIPT = """
SECTIONS {
    . = 0x80000000;
    data_start = .;
    .data : { *(.data .data.* .sdata .sdata.*) *(.rodata .rodata.* .srodata .srodata.*) *(.bss) }
    .text : { *(.text .text.*) }
}
"""


def build(folder, sources, debug="-g", options=()):
    """The Image of a program that is built from {file name: text}, with the options of the kernel,
    and linked for the start of RAM."""
    with open(os.path.join(OBJECTS, "flags")) as lines:
        flags = [debug if word == "-g" else word for word in lines.readline().split()]
    with open(os.path.join(OBJECTS, "config.mk")) as lines:
        linker = next(line.split()[-1] for line in lines if line.startswith("LD "))
    for file, text in sources.items():
        with open(os.path.join(folder, file), "w") as out:
            out.write(text)
    names = [os.path.join(folder, file) for file in sources if file.endswith(".c")]
    for name in names:
        subprocess.run(flags + ["-c", name, "-o", name + ".o"], check=True, cwd=TOP)
    path = os.path.join(folder, "program")
    script = os.path.join(folder, "script.ld")
    subprocess.run([linker, "-static", "-nostdlib", "-e", "data_start", "-T", script, "-o", path]
                   + list(options) + [name + ".o" for name in names], check=True)
    return Image(path)


def load(image):
    """A Memory that holds the data of this image at its addresses, as if a machine ran it."""
    ram = bytearray(1 << 16)
    start, data = image.symbols["data_start"].address - 0x80000000, image.section(".data")
    ram[start:start + len(data)] = data
    return Memory(ram, image)


class Sample:
    """Tests of a program with types of all kinds. A subclass has one kind of debug information."""
    version, options = 5, ()

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            cls.image = build(folder, {"first.c": FIRST, "second.c": SECOND, "script.ld": SCRIPT},
                              "-gdwarf-%d" % cls.version, cls.options)
        cls.memory = load(cls.image)
        cls.shared = cls.memory.variable("shared")

    def test_version(self):
        self.assertEqual(self.image.section(".debug_info")[4], self.version)

    def test_offsets_and_size(self):
        table = self.memory.variable("expected")
        sample = self.image.type("sample_t")
        self.assertEqual(len(table), len(MEMBERS) + 1)
        self.assertEqual(sample.size, int(table[0]))
        for i, name in enumerate(MEMBERS, 1):
            self.assertEqual((name, sample.member(name)[0]), (name, int(table[i])))

    def test_one_type_by_all_its_names(self):
        self.assertIs(self.image.type("sample"), self.image.type("struct sample"))
        self.assertIs(self.image.type("sample"), self.image.type("sample_t"))
        self.assertEqual(self.image.type("both").size, 8)
        self.assertEqual(self.image.type("colour").size, 4)

    def test_numbers(self):
        shared = self.shared
        self.assertEqual(shared.first.text(), "x")
        self.assertEqual(int(shared.number), 0x300)
        self.assertEqual(int(shared.high), 3)
        self.assertEqual(int(shared.wide), 1 << 63 | 5)
        self.assertEqual((int(shared.colour), int(shared.minus), int(shared.yes)), (-5, -3, 1))

    def test_structs_arrays_and_unions(self):
        self.assertEqual(int(self.shared.both.half[2]), 9)
        self.assertEqual(int(self.shared.grid[1][2]), -77)
        self.assertEqual((len(self.shared.grid), len(self.shared.grid[1])), (3, 5))
        self.assertEqual(int(self.shared["named"]["inner"]), 12)

    def test_text(self):
        self.assertEqual(self.shared.name.text(), "a?name")
        self.assertEqual(self.shared.words.text(), "some words")
        self.assertEqual(self.shared.words.text(4), "some")

    def test_pointer_to_a_struct_that_is_defined_elsewhere(self):
        self.assertEqual((int(self.shared.later.a), int(self.shared.later.deref.b)), (7, -8))
        self.assertEqual(int(self.memory.variable("pointers")[0][0]), -6)
        self.assertEqual(int(self.memory.variable("pointers")[2]), 0x123456789abc)
        self.assertFalse(self.memory.variable("pointers")[1])

    def test_variables_of_one_name_in_two_files(self):
        self.assertEqual(int(self.memory.variable("twin", "first.c")), 0x1111)
        self.assertEqual(int(self.memory.variable("twin", "second.c")), 0x22)
        self.assertEqual(int(self.memory.variable("only_here")[1]), -2)
        self.assertEqual(self.image.address("local"), self.image.variable("local", "second.c")[0])

    def test_list(self):
        found = list(self.memory.list(self.memory.variable("head"), "sample", "link"))
        self.assertEqual([entry.address for entry in found], [self.shared.address])
        self.assertEqual(int(found[0].named.inner), 12)

    def test_index_beyond_the_end(self):
        with self.assertRaisesRegex(MemoryFault, r"shared.grid has 3 elements, .* 3 is used"):
            self.shared.grid[3]
        with self.assertRaisesRegex(MemoryFault, "number -1 is used"):
            self.shared.grid[-1]
        with self.assertRaisesRegex(MemoryFault, "has 0 elements"):
            self.shared.none[0]
        self.assertEqual(self.shared.tail[2].address, self.shared.tail.address + 8)
        self.assertEqual(len(self.memory.variable("unsized")), 4)

    def test_what_is_not_there(self):
        for call, sentence in (
                (lambda: self.shared.bits, "struct sample.bits is a bit field"),
                (lambda: self.shared.flag, "struct sample.flag is a bit field"),
                (lambda: int(self.shared.link), "shared.link is no number"),
                (lambda: int(self.shared.anything.deref), "anything.* is no number"),
                (lambda: self.shared.nothing, 'sample has no member "nothing".*: first number'),
                (lambda: self.shared.number.x, 'int has no member "x"'),
                (lambda: self.image.type("nothing"), 'no type "nothing"'),
                (lambda: self.image.variable("nothing"), 'no variable "nothing"'),
                (lambda: self.image.variable("shared", "none.c"), 'no variable "shared" in none.c'),
                (lambda: self.image.address("nothing"), 'no symbol "nothing"')):
            with self.assertRaisesRegex(ImageError, sentence):
                call()

    def test_bad_pointers(self):
        for value, sentence in ((self.memory.variable("pointers")[2].deref, "0x123456789abc"),
                                (self.memory.variable("pointers")[1].deref, "cannot be read")):
            with self.assertRaisesRegex(MemoryFault, sentence):
                int(value)


class Dwarf4(Sample, unittest.TestCase):
    version = 4


class Dwarf5(Sample, unittest.TestCase):
    pass


class Compressed(Sample, unittest.TestCase):
    options = ["--compress-debug-sections=zlib"]


class Kernel(unittest.TestCase):
    """What is read of the built kernel equals its headers, and the list of its symbols."""

    @classmethod
    def setUpClass(cls):
        cls.image = Image(KERNEL)

    def test_layout(self):
        pairs = [(name, member) for name, members in LAYOUT.items() for member in members.split()]
        source = "".join("#include <%s>\n" % header for header in LAYOUT_HEADERS)
        source += "const unsigned long expected[] = {%s};\n" % ", ".join(
            ["offsetof(struct %s, %s)" % pair for pair in pairs]
            + ["sizeof(struct %s)" % name for name in LAYOUT])
        with tempfile.TemporaryDirectory() as folder:
            memory = load(build(folder, {"table.c": source, "script.ld": SCRIPT}))
        table = memory.variable("expected")
        for i, (name, member) in enumerate(pairs):
            offset = self.image.type(name).member(member)[0]
            self.assertEqual((name, member, offset), (name, member, int(table[i])))
        for i, name in enumerate(LAYOUT, len(pairs)):
            self.assertEqual((name, self.image.type(name).size), (name, int(table[i])))

    def test_symbols(self):
        with open(KERNEL + ".nm") as lines:
            known = {words[2]: int(words[0], 16) for words in map(str.split, lines)}
        for name in ("power_off", "inventory_take", "boot_pgdir", "kernel_text_start", "pages"):
            self.assertEqual((name, self.image.address(name)), (name, known[name]))
        self.assertEqual(self.image.variable("pages")[0], known["pages"])

    def test_offset_between_addresses(self):
        self.assertEqual(self.image.address("_start") - self.image.offset, 0x80200000)

    def test_nearest(self):
        start = self.image.address("power_off")
        self.assertEqual(self.image.nearest(start), "power_off")
        self.assertEqual(self.image.nearest(start + 6), "power_off+0x6")
        self.assertIsNone(self.image.nearest(self.image.address("pages")))
        self.assertIsNone(self.image.nearest(0x1000))

    def test_file_offset(self):
        address = self.image.address("boot_pgdir") + 8 * 258
        entry = int.from_bytes(self.image.data[self.image.file_offset(address):][:8], "little")
        self.assertEqual(entry >> 10 << 12, 2 << 30)
        with self.assertRaisesRegex(ImageError, "no content"):
            self.image.file_offset(0)


class Threads(unittest.TestCase):
    """The threads of a grading share an Image."""

    def test_two_read_one_table_of_abbreviations(self):
        """One thread has seen that a code is not known yet; before it reads on, another one does,
        up to the end of the table. An honest solution lost a test by that: "no abbreviation 55"."""
        class Overtaken(dwarf.Abbreviations):
            other = None

            @property
            def pos(self):
                if self.other is None:
                    self.other = threading.Thread(target=self.__getitem__, args=(1,))
                    self.other.start()
                    self.other.join(0.2)            # it ends now, or waits for the first one
                return self.place

            @pos.setter
            def pos(self, place):
                self.place = place

        table = Overtaken(b"\1\x24\0\0\0" b"\0", 0)
        self.assertEqual(table[1], ("base", 0, []))
        table.other.join()


class Damage(unittest.TestCase):
    """Files that are not what they should be are refused with a sentence that says why."""

    def refuse(self, content, sentence):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "file")
            with open(path, "wb") as file:
                file.write(content)
            with self.assertRaisesRegex(ImageError, sentence):
                image = Image(path)
                image.type("Page")
                image.variable("nr_process")

    def kernel(self):
        with open(KERNEL, "rb") as file:
            return file.read()

    def test_missing_and_empty(self):
        with self.assertRaisesRegex(ImageError, "cannot be read .*build it first"):
            Image(KERNEL + "/nothing")
        self.refuse(b"", "not an ELF file")

    def test_program_of_another_machine(self):
        content = bytearray(self.kernel())
        content[18] = 0x3e
        self.refuse(bytes(content), "not an ELF file of 64-bit RISC-V")
        self.refuse(b"?" + self.kernel()[1:], "not an ELF file")

    def test_cut_off(self):
        content = self.kernel()
        for size in (20, 100, len(content) // 2, len(content) - 100):
            self.refuse(content[:size], "build it anew|no debug information")

    def test_without_debug_information(self):
        image = Image(os.path.join(OBJECTS, "image", "hello"))
        self.assertGreater(image.address("main"), 0)
        with self.assertRaisesRegex(ImageError, "no debug information: compile it with -g"):
            image.type("Page")

    def test_other_kinds_of_debug_information(self):
        content = self.kernel()
        at = content.index(Image(KERNEL).section(".debug_info"))
        for place, value in ((at, b"\xff\xff\xff\xff"), (at + 4, b"\x06"), (at + 4, b"\x03")):
            self.refuse(content[:place] + value + content[place + len(value):],
                        "DWARF . of a kind that the grader does not read")

    def test_debug_information_of_nonsense(self):
        content, image = self.kernel(), Image(KERNEL)
        for name in (b".debug_info", b".debug_abbrev"):
            part = image.section(name.decode())
            at = content.index(part)
            damaged = content[:at + 40] + b"\xa5" * (len(part) - 40) + content[at + len(part):]
            self.refuse(damaged, "build it anew")


class Tables(unittest.TestCase):
    """Which bytes hold the abbreviations of a unit: what has the same ones is read once."""

    @staticmethod
    def table(*places, size=90):
        """That of the first of some units, whose tables are at these places of `size` bytes."""
        info = b"".join(struct.pack("<IHBBI", 8, 5, 1, 8, place) for place in places)
        unit = SimpleNamespace(info=info, start=0, end=12)
        return dwarf.Unit.own_table(unit, bytes(n % 251 for n in range(size)))

    def test_where_it_ends(self):
        all_bytes = bytes(n % 251 for n in range(90))
        self.assertEqual(self.table(10, 30), all_bytes[10:30])
        self.assertEqual(self.table(10), all_bytes[10:])        # it is the last one
        self.assertEqual(self.table(10, 10), all_bytes[10:])    # two units share it
        self.assertEqual(self.table(30, 10), all_bytes[30:])
        for places in ((5, 200000), (5,), (5, 5), (5, 0)):      # a damaged file is not kept whole
            self.assertEqual(len(self.table(*places, size=300000)), dwarf.TABLE)


if __name__ == "__main__":
    unittest.main()
