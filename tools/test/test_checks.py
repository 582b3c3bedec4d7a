"""Tests of the checks of this tree: each one counts, and finds, what it says that it does.

Tested are check_budget.py (which lines are code), check_entries.py (who stores page table
entries, and in which order), check_style.py (words of C libraries), bench.py (bounds with other
compilers), and that libs/ defines what its headers declare, for the kernel and for programs.
They are called as Python functions with small texts that have the fault, or have it not. A check
that no longer finds its fault makes a test here fail.

Needs the built objects and their compiler (RVLAB_OBJECTS, or obj/unknown-elf), but no QEMU.
Run alone: python3 tools/test/test_checks.py
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tools"))

import bench
import bench_data
import check_budget
import check_entries
import check_layers
import check_style
import trees


class Budget(unittest.TestCase):
    """Only lines that hold code count. A comment costs nothing, so that there is no reason to leave
    it out."""

    def test_comments_and_blank_lines_cost_nothing(self):
        text = '/* one\n   two */\n\nint a; /* three */\n// four\nchar *b = "/* text */";\n'
        self.assertEqual(check_budget.code_lines(text), 2)

    def test_a_sign_in_quotes_begins_no_comment(self):
        self.assertEqual(check_budget.code_lines("c = '\"';\nd = \"\\\"/*\";\ne;\n"), 3)

    def test_code_before_behind_and_inside_of_a_comment(self):
        self.assertEqual(check_budget.code_lines("a; /* b\n c */ d;\n"), 2)

    def test_assembly(self):
        text = "#include <x.h>\n# why\n    li a0, 1    # one\n  #else\n/* no\n code */\n\nret\n"
        self.assertEqual(check_budget.code_lines(text, is_asm=True), 4)


class SharedHeaders(unittest.TestCase):
    """Each function that a header of libs/ declares is defined in the kernel and in programs."""

    OBJECTS = os.path.join(TOP, os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf"))
    PROTOTYPE = re.compile(r"^(?!static|typedef)[a-z_][\w \t]*[ *](\w+)\([^;{}]*\)[^;{}]*;", re.M)

    def test_each_declared_function_is_defined_in_libs(self):
        with open(os.path.join(self.OBJECTS, "config.mk")) as config:
            nm = re.search(r"^NM\s*:=\s*(.*)$", config.read(), re.M).group(1).split()
        for side in ("kobj", "uobj"):
            files = glob.glob(os.path.join(self.OBJECTS, side, "libs", "*.o"))
            text = subprocess.check_output(nm + ["-g", "--defined-only"] + files,
                                           universal_newlines=True)
            defined = {line.split()[-1] for line in text.splitlines() if " " in line}
            for header in glob.glob(os.path.join(TOP, "libs", "*.h")):
                with open(header) as file:
                    code = re.sub(r"/\*.*?\*/|\\\n", " ", file.read(), flags=re.S)
                code = check_budget.CHECKED.sub("", code)
                declared = set(self.PROTOTYPE.findall(code))
                self.assertEqual(declared - defined, set(), "%s: %s" % (side, header))


class Entries(unittest.TestCase):
    """tools/check_entries.py: who writes page table entries, and in which order."""

    OBJECTS = os.path.join(TOP, os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf"))

    def lines(self, text):
        return [line for line, _ in check_entries.stores(text)]

    def test_stores_through_pointers_are_found(self):
        text = ("void f(pte_t *a, pte_t *b)\n{\n    *a = 0;\n    a[1] = 2;\n    *b++ = 1;\n"
                "    *get_pte(p, la(x), true) |= 4;\n    b[i] &= ~PTE_V;\n}\n")
        self.assertEqual(self.lines(text), [3, 4, 5, 6, 7])

    def test_reading_and_declaring_are_not(self):
        text = ("static pte_t *g(const pte_t *from)\n{\n    pte_t *pte = get_pte(p, la, 0), *end;\n"
                "    for (pte_t *e = pte; e < end; e++)\n        if (*e == 0 || e[0] >= 1)\n"
                "            pte = table[*e];\n    pte_t value = *pte;\n"
                "    /* *pte = 0; */\n    return pte;\n}\n")
        self.assertEqual(self.lines(text), [])

    def test_other_parameters_are_no_entries(self):
        text = ("void f(pte_t *pte,\n       struct Page *page)\n{\n    struct Page *page = p;\n"
                "    *page = q;\n    *pte = 1;\n}\n")
        self.assertEqual(self.lines(text), [6])

    def test_its_own_functions_may(self):
        text = "static inline void set_pte(pte_t *entry, pte_t value)\n{\n    *entry = value;\n}\n"
        self.assertEqual(self.lines(text), [])
        self.assertEqual(self.lines(text.replace("set_pte", "other")), [3])

    def test_the_order_is_in_the_code(self):
        def errors(text):
            os.chdir(TOP)
            return list(check_entries.check_order(self.OBJECTS, text))
        self.assertEqual(errors(check_entries.PROBE), [])
        self.assertEqual(len(errors(check_entries.PROBE.replace("set_pte", "set_pte_relaxed"))), 1)


class Layers(unittest.TestCase):
    """tools/check_layers.py: what points up is found, in kern/ and in tools/."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)

    def tools(self, **files):
        """What is found in a tree with these files of tools/, {place__name: text}."""
        for name, text in files.items():
            path = os.path.join("tools", name.replace("__", os.sep) + ".py")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
        table = {path: list(check_layers.imports(path)) for path in check_layers.modules()}
        return list(check_layers.check_imports(table)), list(check_layers.check_circles(table))

    def test_imports_that_point_up(self):
        arrows, circles = self.tools(
            exercise__vet="import os\n", exercise__marks="from exercise import vet\nimport cli\n",
            grader__host='"""from exercise import vet, a sentence."""\nimport cli\n\n'
                         "from exercise import (graft,\n                      vet)\n",
            cli="import sys\n\ndef late():\n    from grader.host import Host\n", other__x="")
        self.assertEqual([arrow.split(", ")[0] for arrow in arrows], [
            "tools/cli.py:4: base imports tools/grader/host.py",
            "tools/grader/host.py:4: grader imports tools/exercise/vet.py",
            "tools/other/x.py:1: the folder other has no place in TOOLS in tools/check_layers.py"])
        self.assertEqual(circles, ["tools/grader/host.py:2: this import closes a circle: "
                                   "tools/cli.py -> tools/grader/host.py -> tools/cli.py"])

    def test_circles_inside_a_folder(self):
        arrows, circles = self.tools(grader__a="import grader.b\n", grader__c="import grader.a\n",
                                     grader__b="from grader import c\n", grader__d="import cli\n",
                                     cli="")
        self.assertEqual(arrows, [])
        self.assertEqual(circles, [
            "tools/grader/c.py:1: this import closes a circle: tools/grader/a.py -> "
            "tools/grader/b.py -> tools/grader/c.py -> tools/grader/a.py"])

    def test_make_fails(self):
        for name in trees.SOURCES:
            path = os.path.join(TOP, name)
            if os.path.isdir(path):
                shutil.copytree(path, name, ignore=shutil.ignore_patterns("__pycache__", "test"))
            else:
                shutil.copy(path, name)
        for path, line, found in (
                ("kern/mm/vma.c", "#include <process/proc.h>",
                 "mm includes kern/process/proc.h, which is above it"),
                ("tools/grader/told.py", "import exercise.vet",
                 "grader imports tools/exercise/vet.py, which is above it")):
            with open(path) as file:
                text = file.read()
            with open(path, "a") as file:
                file.write("\n" + line + "\n")
            result = subprocess.run(
                ["make", "TOOLCHAIN=" + os.path.basename(trees.OBJECTS)], stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, universal_newlines=True,
                env=dict(os.environ, MAKEFLAGS="", MFLAGS=""))
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("%s:%d: %s" % (path, text.count("\n") + 2, found), result.stdout)
            self.assertNotIn("  CC ", result.stdout)
            with open(path, "w") as file:
                file.write(text)


class Style(unittest.TestCase):
    """check_style.py finds words that the headers of a C library may define as macros."""

    def test_words_of_c_libraries(self):
        lines = ["static __noreturn void f(void);", "int __attribute__((noreturn)) g;",
                 "static __not_used int a;", "__unused int b;"]
        found = list(check_style.check_lines("kern/x.c", lines))
        self.assertEqual([line.split(": ")[0] for line in found], ["kern/x.c:1", "kern/x.c:4"])
        self.assertIn("__noreturn is a C library's too; libs/defs.h", found[0])
        self.assertEqual(list(check_style.check_lines("libs/defs.h", lines)), [])
        self.assertEqual(list(check_style.check_lines("tools/x.py", lines)), [])


class Bench(unittest.TestCase):
    """The bounds hold exactly for the course's compiler; another one has 15 % more, not beyond."""

    def compiler(self, toolchain, version):
        with tempfile.TemporaryDirectory() as folder:
            objects = os.path.join(folder, toolchain)
            os.mkdir(objects)
            with open(os.path.join(objects, "config.mk"), "w") as file:
                file.write("# Written by tools/probe.sh for %s\nCC := x\n" % version)
            return bench.Compiler(objects)

    def test_the_courses(self):
        for version in ("riscv64-unknown-elf-gcc (12.2.0-14+deb12u1+11+b2) 12.2.0",
                        "riscv64-unknown-elf-gcc () 12.2.0"):
            compiler = self.compiler("unknown-elf", version)
            self.assertEqual((compiler.tolerance, compiler.allows(120)), (0, 120))

    def test_others(self):
        for toolchain, version in (("unknown-elf", "riscv64-unknown-elf-gcc (14.2.0+19) 14.2.0"),
                                   ("unknown-elf", "riscv64-unknown-elf-gcc (12.2) 13.1.0 2023"),
                                   ("linux-gnu", "riscv64-linux-gnu-gcc (Debian 12.2.0) 12.2.0"),
                                   ("clang", "Debian clang version 12.0.6"), ("clang", "")):
            compiler = self.compiler(toolchain, version)
            self.assertEqual((compiler.tolerance, compiler.allows(120)), (15, 138), version)

    def test_what_is_more_than_that_fails(self):
        row = bench_data.row("null", "", 120)
        courses = self.compiler("unknown-elf", "gcc () 12.2.0")
        other = self.compiler("clang", "clang version 14.0.6")
        for compiler, most in ((courses, 120), (other, 138)):
            self.assertEqual(bench.verdict(row, {"null": most}, compiler), (most, True))
            self.assertEqual(bench.verdict(row, {"null": most + 1}, compiler), (most, False))


if __name__ == "__main__":
    unittest.main()
