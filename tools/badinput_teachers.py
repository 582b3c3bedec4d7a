"""The inputs of badinput.py that a teacher's own tools read: the register of regions, what the
compiler has made, and names of students that a spreadsheet would take for formulas.

TeacherMakers has one function for each kind, as Makers of badinput_inputs.py has, from which it
gets a good hand-in. Of the tables that were written it is looked at what a spreadsheet would do
with them: look_at_tables() is called after the run.
"""
import csv
import json
import os
import re
import shutil
import struct

from badinput_inputs import NUMBERS, damaged, write

REGISTER = os.path.join("tools", "exercise", "regions.txt")
PROGRAMS = os.path.join("tools", "hosted", "corpus", "elf")
READ = ("kern", "libs", "user", "tools", "docs")        # by a handout that is made
LINES = (b"5.4 | break_cow | kern/mm/fault.c | gone:", b"5.4 | | kern/mm/fault.c", b"|||||",
         b"5.1 | load_icode | ../../near/other.txt",
         b"5.1 | load_icode | kern/mm/fault.c | gone: x",
         b" | used: nobody", b" | split into: load_icode; load_icode", b"9.9 | x | kern/x.c | new",
         b" | title: " + b"x" * 3000, b"\xff\xfe", b"\0", b"\x1b[2J", b"#", b"\r", b" | new | new")
NM = (b"ffffffc080200000 T kernel_text_start\n", b"zz T x\n", b"-1 T x\n", b"0 T x\n",
      b"ffffffffffffffffffff t y\n", b"1 t \"\n", b"\xff T \xff\n", b"1 2 3 4\n", b"\0")
# What a student may call himself; more than one is a formula in some spreadsheet.
STUDENTS = ("=1+1", "+1", "-1", "@SUM(1)", "\uff1d1+1", "\t=1", "\u200b=1", "\u202e=1", "\u00a0=1",
            "a,b", "\"", "a\"\"b;c", "'=1", "\u2212" "1", "=HYPERLINK(\"http://x\",\"y\")",
            "a\u2028b",
            "\u0301=1", "x" * 300, "\ufeff=1", "=cmd|' /C calc'!A0", "%s", "NUL", "../../x")
FORMULA = re.compile("[\\s\u200b\u202e\ufeff\u0301]*[=+\\-@\u2212\uff1d\uff0b\uff0d\uff20]")


class TeacherMakers:
    """The kinds of inputs for teachers. `kept` is a folder for what is made once."""

    def __init__(self, root, kept, handin):
        self.root, self.tree, self.handin = root, os.path.join(kept, "reference"), handin
        for name in READ:
            shutil.copytree(os.path.join(root, name), os.path.join(self.tree, name),
                            ignore=shutil.ignore_patterns("__pycache__", "mutants", "test"))
        for name in os.listdir(root):
            if os.path.isfile(os.path.join(root, name)):
                shutil.copy2(os.path.join(root, name), self.tree)
        with open(os.path.join(root, REGISTER), "rb") as file:
            self.good = file.read()
        self.programs = []
        for name in sorted(os.listdir(os.path.join(root, PROGRAMS))):
            with open(os.path.join(root, PROGRAMS, name), "rb") as file:
                self.programs.append(file.read())
        self.kinds = {"register": self.register, "objects": self.objects, "table": self.table}

    def register(self, chance, place):
        """tools/lab handout of a tree whose register is damaged, or no file at all."""
        tree = os.path.join(place, "tree")
        shutil.copytree(self.tree, tree, copy_function=os.link)
        path = os.path.join(tree, REGISTER)
        os.unlink(path)
        how = chance.randrange(12)
        if how == 0:
            os.mkdir(path)
        elif how == 1:
            os.mkfifo(path)
        elif how == 2:
            with open(path, "wb") as file:
                file.truncate(1 << 40)
        elif how == 3:
            write(path, damaged(chance, self.good.replace(b" | ", b"|"), LINES))
        else:
            lines = self.good.split(b"\n")
            at = chance.randrange(len(lines))
            lines[at] = chance.choice((lines[at] + chance.choice(LINES), chance.choice(LINES),
                                       damaged(chance, lines[at], LINES), chance.choice(lines)))
            write(path, b"\n".join(lines))
        os.makedirs(os.path.join(place, "out"))
        return "lab", ["handout", "5", "-o", "out/lab5"], ["regions.txt"], ["out"], tree

    def objects(self, chance, place):
        """What tools/build.mk calls after the compiler: on a program, or on what is linked and nm's
        words about it."""
        os.makedirs(os.path.join(place, "out"))
        data = bytearray(chance.choice(self.programs))
        if chance.randrange(3) == 0:
            start = struct.unpack_from("<Q", data, 24)[0]
            lines = [b"%016x R ksyms_start\n" % start, b"%016x R ksyms_end\n" % (
                start + chance.choice((0, 64, 256, 4096, 1 << 40)) & (1 << 64) - 1)]
            lines += [b"ffffffc080200000 T kernel_text_start\n"] * chance.randrange(3) + [
                b"ffffffc0802%05x %s name%d\n" % (number * 16, chance.choice((b"t", b"T", b"d")),
                                                  number) for number in range(9)]
            write(os.path.join(place, "kernel.nm"), damaged(chance, b"".join(lines), NM))
            write(os.path.join(place, "out", "kernel"),
                  data if chance.randrange(2) else damaged(chance, bytes(data)))
            return ("ksyms.py", ["out/kernel", "kernel.nm"],
                    ["kernel.nm", "out/kernel", "kernel.ld"], ["out"])
        for _ in range(chance.choice((1, 2, 4))):       # the header, and those of the segments
            at = chance.randrange(24, min(len(data) - 8, 64 + 56 * 4)) & ~3
            form = chance.choice("HIQ")
            struct.pack_into("<" + form, data, at, chance.choice(NUMBERS) & (
                (1 << 8 * struct.calcsize(form)) - 1))
        if chance.randrange(4) == 0:
            data = damaged(chance, data)
        write(os.path.join(place, "prog"), data)
        return "embed.py", ["out/programs.S", "prog"], ["prog"], ["out"]

    def table(self, chance, place):
        """tools/lab grade of hand-ins whose students have names that are formulas."""
        for number in range(chance.randrange(1, 4)):
            data = self.handin
            for field in (b"Ada", b"ada@example.org", b"id: 7"):
                if chance.randrange(3):
                    word = chance.choice(STUDENTS).encode()
                    data = data.replace(field, b"id: " + word if field[:2] == b"id" else word, 1)
            name = chance.choice(("=1", "+1", "-1", "@x", "a,b", "\u200b=1", "'")) + str(number)
            write(os.path.join(place, "in", name + ".txt"), data)
        os.makedirs(os.path.join(place, "out"))
        return "lab", ["grade", "in", "--csv", "out/marks.csv", "--json", "out/marks.json",
                       "--texts", "out/texts", "--lab", "5"], [""], ["out"], None, look_at_tables


def look_at_tables(place):
    """What is wrong with the tables that were written; "" if nothing is."""
    students = os.listdir(os.path.join(place, "in"))
    table = os.path.join(place, "out", "marks.csv")
    try:
        with open(table, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, strict=True))
        with open(os.path.join(place, "out", "marks.json"), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError, csv.Error) as error:
        return "a table cannot be read: %s" % error
    if len(rows) != 1 + len(students) or len(found["students"]) != len(students):
        return "the table has %d rows for %d hand-ins" % (len(rows) - 1, len(students))
    if len({len(row) for row in rows}) != 1:
        return "the rows have different numbers of columns"
    formulas = [cell for row in rows for cell in row if FORMULA.match(cell)]
    return "a cell is a formula: %r" % formulas[0] if formulas else ""
