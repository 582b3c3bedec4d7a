"""Tests of wrong solutions: mutants that are written by hand, changes by rule, and the workshop.

Toy texts are parsed, applied and changed, and the results are compared: a mutant whose lines do
not fit the tree is told with its place, an operator makes exactly the changes that are listed here.
test_all_mutants_of_the_tree_apply applies each mutant of tools/mutants to this tree: it fails if a
region was edited and the mutant quotes an old line. Whether a mutant is caught is not tested here;
tools/exercise/mutants.py does that. The workshop must leave a tree as it was, to the time stamp.

WorkshopTest needs a compiler, nothing needs QEMU.
Run alone: python3 tools/test/test_mutants.py
Only the fit: python3 tools/test/test_mutants.py ApplyTest.test_all_mutants_of_the_tree_apply
"""
import hashlib
import os
import sys
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
sys.path.insert(0, TOOLS)

from exercise import automutate, mutants, operators, regions, workshop
from labs.catalogue import load

TOOLCHAIN = os.path.basename(os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf"))

MUTANT = """exercise: 1.1
title: it is wrong
file: kern/a.c
---
    int a = 1;

    b(a);
+++
    b(2);
---
    c();
+++
file: kern/b.c
---
    d();
+++
    file: 3;
"""

C_FILE = """int first(void)
{
    /* EXERCISE 1.1 begin: first */
    int a = 1;

    b(a);
    c();
    e();
    e();
    /* EXERCISE 1.1 end */
    c(1);
}

int second(void)
{
    /* EXERCISE 1.2 begin: second */
    d();
    b(a);
    /* EXERCISE 1.2 end */
}
"""


def pair(old, new, exercise="1.1"):
    """The text of a mutant with one change."""
    return "exercise: %s\ntitle: t\nfile: kern/a.c\n---\n%s\n+++\n%s\n" % (exercise, old, new)


class ParseTest(unittest.TestCase):
    """How the file of a mutant is read."""

    def test_all_parts(self):
        mutant = mutants.parse(MUTANT, "x/1.1/some-name.txt")
        self.assertEqual((mutant.exercise, mutant.title, mutant.name),
                         ("1.1", "it is wrong", "some-name"))
        self.assertEqual([(edit.path, edit.line, edit.old, edit.new) for edit in mutant.edits], [
            ("kern/a.c", 4, ["    int a = 1;", "", "    b(a);"], ["    b(2);"]),
            ("kern/a.c", 10, ["    c();"], []),
            ("kern/b.c", 14, ["    d();"], ["    file: 3;"])])

    def test_what_is_wrong_is_told_with_its_line(self):
        for text, message in [
                ("", ":1: there is no exercise:"),
                ("exercise: 1.1\nfile: a\n---\nx\n+++\n", ":1: there is no title:"),
                ("exercise: 1.1\ntitle: t\nfile: a\n", ":1: there is no pair of"),
                ("exercise: 1.1\ntitle: t\n---\n", ":3: there must be a line \"file: PATH\""),
                ("exercise: 1.1\ntitle: t\nfile: a\n---\nx\n", ":4: this pair has no +++"),
                ("exercise: 1.1\ntitle: t\nfile: a\n---\nx\n---\n", ":6: the pair of line 4 has"),
                ("exercise: 1.1\ntitle: t\nfile: a\n---\n+++\nx\n", ":5: there are no old lines"),
                ("exercise: 1.1\ntitle: t\nfile: a\n+++\n", ":4: there is no --- before"),
                ("exercise: 1.1\nwhat is this\n", ":2: expected exercise:, title:,")]:
            with self.assertRaises(mutants.MutantError) as caught:
                mutants.parse(text, "m.txt")
            self.assertIn("m.txt" + message, str(caught.exception))


class ApplyTest(unittest.TestCase):
    """What a mutant makes of a tree, and mutants that do not fit."""

    def apply(self, text):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "kern"))
            with open(os.path.join(root, "kern", "a.c"), "w", encoding="utf-8") as file:
                file.write(C_FILE)
            return mutants.apply(mutants.parse(text, "m.txt"), root)

    def test_lines_change_and_others_stay(self):
        texts = self.apply(pair("    int a = 1;\n\n    b(a);", "    b(2);\n    b(3);")
                           + "---\n    c();\n+++\n")
        self.assertEqual(texts, {"kern/a.c": C_FILE.replace(
            "    int a = 1;\n\n    b(a);\n    c();\n", "    b(2);\n    b(3);\n")})

    def test_what_does_not_fit_is_told(self):
        for text, message in [
                (pair("    b(z);", "x"), "m.txt:4: the old lines are not in kern/a.c"),
                (pair("    b(a);\n    x();", "x"), "not in kern/a.c; the first of them is"),
                (pair("    e();", "    f();"), "2 times in the exercise's regions of kern/a.c, in "
                                               "the lines 8, 9"),
                (pair("    d();", "    f();"), "at kern/a.c:17, not inside one of the exercise's"),
                (pair("    c(1);", "    f();"), "not inside one"),
                (pair("    b(a);\n    c();", "x") + "---\n    c();\n+++\n", "another change one"),
                (pair("    b(a);", "    asm(\"\");"), "asm is not allowed"),
                (pair("    b(a);", "    }\n    {"), "closes nothing"),
                (pair("    b(a);", "    /* EXERCISE 1.1 end */\n    x();\n"
                                   "    /* EXERCISE 1.1 begin: more */"), "outside of the"),
                (pair("x", "y").replace("a.c", "../../etc/passwd"), "there is no such file")]:
            with self.assertRaises(mutants.MutantError, msg=message) as caught:
                self.apply(text)
            self.assertIn(message, str(caught.exception))

    def test_all_mutants_of_the_tree_apply(self):
        labs = load()
        for source in mutants.sources([], False):
            mutant, texts = mutants.read(source, ROOT, labs)
            self.assertTrue(texts, source)


class OperatorsTest(unittest.TestCase):
    """The rules by which automutate.py changes a text."""

    def changed(self, operator, text, *arguments):
        """All that an operator makes of a text."""
        return [text[:change.start] + change.new + text[change.end:]
                for change in operator(operators.Code(text), *arguments)]

    def test_delete_statement(self):
        text = "int a; a = 1; if (a) f(a); else { b++; return; } for (;;) break; return a;"
        self.assertEqual(self.changed(operators.delete_statement, text), [
            text.replace("a = 1;", ";"), text.replace("f(a);", ";"), text.replace("b++;", ";"),
            text.replace("return;", ";"), text.replace("break;", ";")])

    def test_the_value_of_a_function_is_not_deleted(self):
        text = "static int f(int x)\n{\n    if (x)\n        return 1;\n    return 2;\n}\n"
        self.assertEqual(self.changed(operators.delete_statement, text),
                         [text.replace("return 1;", ";")])

    def test_change_value(self):
        text = "struct p *a = f(1); int b = 0, c[2] = { 1 }; a = 2; return -E_X;"
        self.assertEqual(self.changed(operators.change_value, text),
                         [text.replace("f(1)", "0"), text.replace("-E_X", "0")])

    def test_negate_condition(self):
        text = "if (a) x(); while (a == 1 && b) y(); for (;i < 3;) z(); if (!a) v(); if (a != b);"
        self.assertEqual(self.changed(operators.negate_condition, text), [
            text.replace("if (a) ", "if (!(a)) "),
            text.replace("(a == 1 && b)", "(!(a == 1 && b))"), text.replace("i < 3", "!(i < 3)")])

    def test_swap_operator(self):
        for old, new in [("a < b;", "a <= b;"), ("a->b >= c;", "a->b > c;"), ("a && b;", "a || b;"),
                         ("a == b;", "a != b;"), ("a + b;", "a - b;"), ("f(a) - 1;", "f(a) + 1;"),
                         ("a |= 1;", "a = 1;"), ("a++;", "a--;"), ("a & b;", "a | b;"),
                         ("a << 1;", "a >> 1;"), ("f(!a);", "f(a);")]:
            self.assertEqual(self.changed(operators.swap_operator, old), [new])
        for text in ("f(&a);", "return -1;", "a = -b;", "a = *b;", "\"a < b\";", "/* a < b */",
                     "'<';", "#include <a.h>"):
            self.assertEqual(self.changed(operators.swap_operator, text), [])

    def test_operands_are_left_out(self):
        self.assertEqual(self.changed(operators.leave_out_operand, "s = ~(A | B) & c;"), [
            "s = ~(A ) & c;", "s = ~( B) & c;", "s = ~(A | B) ;", "s =  c;"])
        self.assertEqual(self.changed(operators.leave_out_operand, "if (p == 0 || !f(a, -b))"), [
            "if (p == 0 )", "if ( !f(a, -b))"])
        self.assertEqual(self.changed(operators.leave_out_operand, "return a - 1;"), [
            "return a ;", "return  1;"])
        for text in ("f(&a, -b);", "x = y * z;", "if (!a)"):
            self.assertEqual(self.changed(operators.leave_out_operand, text), [])

    def test_bodies_are_left_out(self):
        self.assertEqual(self.changed(operators.leave_out_block, "if (a) { f(); g(); } h();"),
                         ["if (a) {} h();"])
        for text in ("if (a) { f(); }", "if (a) f();", "while (a) { f(); g(); }", "if (a"):
            self.assertEqual(self.changed(operators.leave_out_block, text), [])

    def test_change_number(self):
        self.assertEqual(self.changed(operators.change_number, "f(0, 1, 7, 0x10UL);"), [
            "f(1, 1, 7, 0x10UL);", "f(0, 0, 7, 0x10UL);", "f(0, 1, 8, 0x10UL);",
            "f(0, 1, 7, 17UL);"])

    def test_swap_constant(self):
        families = {"PTE_R": ["PTE_R", "PTE_W"], "PTE_W": ["PTE_R", "PTE_W"]}
        text = "PTE_R | PTE_W | SIZE | F(NULL) | true"
        self.assertEqual(self.changed(operators.swap_constant, text, families), [
            text.replace("PTE_R", "PTE_W"), text.replace("PTE_W", "PTE_R"),
            text.replace("SIZE", "(SIZE + 1)"), text.replace("true", "false")])

    def test_calls(self):
        text = "static int f(int a, int b) { if (a) g(x(1), b, b); y(2); return h(k); }"
        self.assertEqual(self.changed(operators.swap_arguments, text),
                         [text.replace("x(1), b, b", "b, x(1), b")])
        self.assertEqual(self.changed(operators.remove_call, text),
                         [text.replace("x(1)", "(1)"), text.replace("h(k)", "(k)")])

    def test_the_kernel_has_families_of_constants(self):
        families = operators.constant_families(ROOT)
        self.assertIn("PTE_W", families["PTE_R"])
        self.assertIn("PROC_ZOMBIE", families["PROC_RUNNABLE"])

    def test_a_mutation_keeps_the_lines_after_it(self):
        text = C_FILE.replace("    b(a);\n    c();", "    b(a,\n      a);\n    c();", 1)
        region = regions.parse(text, "kern/a.c")[0]
        found = [automutate.Mutation(region, change, text)
                 for change in operators.changes(region.text, {})]
        deleted = next(mutation for mutation in found if mutation.new == ";")
        self.assertEqual((str(deleted), deleted.texts), (
            "1.1 kern/a.c:6: b(a, a); -> ;",
            {"kern/a.c": text.replace("    b(a,\n      a);\n", "    ;\n\n")}))
        self.assertTrue(all(mutation.texts["kern/a.c"] != text for mutation in found))


class EquivalentTest(unittest.TestCase):
    """The list of changes that no test can tell, and the share of those that are caught."""

    def test_lines(self):
        text = "# a comment\n\n5.4 ## a == b; ## a != b; ## no test can tell\n"
        self.assertEqual(automutate.read_equivalent(text),
                         {("5.4", "a == b;", "a != b;"): (3, "no test can tell")})
        for text, message in [("5.4 ## a ## b\n", "line 1: expected EXERCISE ##"),
                              ("5.4 ## a ## b ## c\n" * 2, "line 2: this is there already")]:
            with self.assertRaisesRegex(ValueError, message):
                automutate.read_equivalent(text)

    def test_the_marks(self):
        tally = automutate.Tally({})
        tally.states = {"1.1": {"caught": 19, "SURVIVED": 1, "the same code": 3}}
        self.assertEqual(tally.share(), 95)
        tally.states["1.1"]["SURVIVED"] = 2
        self.assertLess(tally.share(), automutate.BAR)


def contents(folder):
    """{path: (time, hash)} of all files of a tree."""
    found = {}
    for path, (time, _) in workshop.files(folder).items():
        with open(os.path.join(folder, path), "rb") as file:
            found[path] = time, hashlib.sha256(file.read()).digest()
    return found


class WorkshopTest(unittest.TestCase):
    """Variants are built in a copy of this tree, and taken back."""

    def test_a_variant_is_built_and_leaves_nothing(self):
        with tempfile.TemporaryDirectory(prefix="a b ") as folder:
            pristine = workshop.prepare(ROOT, os.path.join(folder, "pristine"), TOOLCHAIN)
            shop = workshop.Workshop(pristine, os.path.join(folder, "a shop"), TOOLCHAIN)
            before, path = contents(shop.folder), "kern/mm/vma.c"
            kernel = os.path.join("obj", TOOLCHAIN, "kernel")
            text = regions.read(ROOT, path)
            with shop.variant({path: text.replace("{\n", "{ *(volatile int *)8 = 1;\n", 1),
                               "kern/mm/new.c": "int new_variable;\n"}) as built:
                self.assertTrue(built.succeeded, built.output)
                self.assertNotEqual(contents(shop.folder)[kernel], before[kernel])
                self.assertIn("new_variable", shop.host().image.symbols)
            self.assertEqual(contents(shop.folder), before)
            with shop.variant({path: text.replace("{\n", "{ wrong;\n", 1)}) as built:
                self.assertFalse(built.succeeded)
                self.assertIn("'wrong' undeclared", built.problem.replace("‘", "'"))
            self.assertEqual(contents(shop.folder), before)
            with self.assertRaises(KeyboardInterrupt):
                with shop.variant({path: "x\n"}):
                    raise KeyboardInterrupt
            self.assertEqual(contents(shop.folder), before)
            again = workshop.make(shop.folder, TOOLCHAIN)
            self.assertEqual((again.succeeded, again.output), (True, ""))

    def test_a_tree_that_does_not_build_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(workshop.WorkshopError, "cannot be copied"):
                workshop.prepare(os.path.join(folder, "none"), os.path.join(folder, "a"), TOOLCHAIN)


if __name__ == "__main__":
    unittest.main()
