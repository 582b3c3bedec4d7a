"""Tests of the regions of exercises: they are found, blanked, and filled with a student's text.

Toy files are parsed, blanked and grafted, and compared line by line; markers that are damaged,
doubled or nested must be told with their line. Whatever a student's text is, all that stands
outside of the region must stay as it was. ThisTreeTest does the same with each region of this tree:
blank it, put the text back, and the file is the same; it fails for a region whose file does not
declare cprintf(), panic() and assert().

Nothing is built and no machine is booted.
Run alone: python3 tools/test/test_regions.py
"""
import os
import shutil
import sys
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
sys.path.insert(0, TOOLS)

from exercise import graft, regions
from exercise.regions import RegionError
from exercise.vet import vet

C_FILE = """/* A file. */
#include <defs.h>

static int helper(int a)
{
    return a;
}

/* EXERCISE 1.1 begin extra: constants */
#define LIMIT 3
/* EXERCISE 1.1 end */

int first(int a, const char *text[SIZE],
          bool flag)
{
    /* EXERCISE 1.1 begin: first */
    return helper(a) + LIMIT;
    /* EXERCISE 1.1 end */
}

int second(void)
{
    int x = 0;

    /* EXERCISE 1.2 begin: second */
    x = helper2(x);
    /* EXERCISE 1.2 end */
    return x;
}

static const int table[] = {
    /* EXERCISE 1.C begin extra: entry */
    /* EXERCISE 1.C end */
    4,
};
"""
ASM_FILE = """/* Assembly. */
label:
    /* EXERCISE 1.2 begin: label */
    sd ra, 0(a0)
    .irp reg, s0, s1
    sd \\reg, 8(a0)     # saved
    .endr
    ret
    /* EXERCISE 1.2 end */
"""
PATH = "kern/mm/a.c"


class Tree:
    """A small tree in a folder of its own: {path: text or bytes}."""

    def __init__(self, test, files):
        self.root = tempfile.mkdtemp()
        test.addCleanup(shutil.rmtree, self.root)
        for path, text in files.items():
            full = os.path.join(self.root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as file:
                file.write(text if isinstance(text, bytes) else text.encode())


def region_of(text, label, path=PATH):
    return next(region for region in regions.parse(text, path) if region.id == label)


class ParseTest(unittest.TestCase):
    """Markers are read, and wrong ones are told."""

    def error(self, text, line, *words, known=None):
        with self.assertRaises(RegionError) as caught:
            regions.parse(text, PATH, known)
        self.assertEqual(caught.exception.line, line, caught.exception)
        self.assertTrue(str(caught.exception).startswith("%s:%d: " % (PATH, line)))
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_regions(self):
        found = regions.parse(C_FILE, PATH)
        self.assertEqual([(r.exercise, r.number, r.id, r.form) for r in found], [
            ("1.1", 1, "constants", "extra"), ("1.1", 2, "first", "code"),
            ("1.2", 1, "second", "code"), ("1.C", 1, "entry", "extra")])
        self.assertEqual(found[1].text, "    return helper(a) + LIMIT;\n")
        self.assertEqual((found[1].first, found[1].last), (17, 17))
        self.assertEqual((found[3].first, found[3].last, found[3].text), (33, 32, ""))

    def test_errors(self):
        begin, end = "/* EXERCISE 1.1 begin: x */\n", "/* EXERCISE 1.1 end */\n"
        self.error("a\n" + begin + "b\n", 2, "no end", end.strip())
        self.error(begin + "\n" + begin.replace("x", "y") + end, 3, "expected " + end.strip())
        self.error(begin + "/* EXERCISE 1.2 end */\n", 2, "region of line 1")
        self.error(end, 1, "does not fit")
        self.error(begin + "x\n" + end + begin + end, 4, '"x" already')
        self.error(begin + end, 1, "no exercise 1.1", "2.1, 2.2", known={"2.2", "2.1"})
        self.error("/* EXERCISE 1.1 begin x */\n" + end, 1, "TITLE")
        self.error("int x; " + begin + end, 1)
        self.error('char *s = "/* EXERCISE 1.1 end";\n', 1)
        prose = "/* What follows EXERCISE 1.1 begin,\n   EXERCISE 1.1 end */\n"
        prose += '"EXERCISE 1.1 end"; /* EXERCISE 1.1 ends */\n'
        self.assertEqual(regions.parse(prose, PATH), [])

    def test_tree(self):
        tree = Tree(self, {"kern/b/b.S": ASM_FILE, PATH: C_FILE, "kern/a/x.txt": "EXERCISE 1.1 end",
                           "tools/a.c": "/* EXERCISE 1.1 end */"})
        twice = Tree(self, {"kern/b/b.c": C_FILE, PATH: C_FILE})
        with self.assertRaisesRegex(RegionError, "kern/mm/a.c:9: .* already, in kern/b/b.c"):
            regions.parse_tree(twice.root)
        found = regions.parse_tree(tree.root)
        self.assertEqual([(r.path, r.id, r.number) for r in found if r.exercise == "1.2"],
                         [("kern/b/b.S", "label", 1), (PATH, "second", 2)])

    def test_read(self):
        tree = Tree(self, {PATH: b"\xef\xbb\xbfa\r\nb\xff\n", "kern/big.c": b" " * (2 << 20),
                           "secret": b"x"})
        self.assertEqual(regions.read(tree.root, PATH), "a\nb\xff\n")
        os.symlink("/etc/passwd", os.path.join(tree.root, "kern/link.c"))
        os.symlink("/etc", os.path.join(tree.root, "kern/etc"))
        os.mkfifo(os.path.join(tree.root, "kern/fifo.c"))
        for path in ("kern/link.c", "kern/etc/passwd", "kern/fifo.c", "kern/none.c", "kern",
                     "kern/big.c", "../" + os.path.basename(tree.root) + "x/secret"):
            with self.assertRaises(RegionError, msg=path):
                regions.read(tree.root, path)

    def test_find(self):
        tree = Tree(self, {PATH: C_FILE + "/* EXERCISE 1.3 begin: no end */\nint y;\n"})
        path = os.path.join(tree.root, PATH)
        expected = {10: "1.1", 13: "1.1", 16: "1.1", 17: "1.1", 18: "1.1", 19: "1.1", 23: "1.2",
                    27: "1.2", 28: "1.2", 29: "1.2", 31: "1.C", 1: None, 4: None, 36: "1.3"}
        self.assertEqual({line: regions.find(path, line) for line in expected}, expected)
        self.assertEqual(regions.find(path, 1000), "1.3")

    def test_find_between(self):
        part = "    /* EXERCISE 1.%d begin: x */\n    a;\n    /* EXERCISE 1.%d end */\n    b;\n"
        tree = Tree(self, {PATH: "void f(void)\n{\n" + part % (1, 1) + part % (2, 2) + "}\n"})
        self.assertEqual([regions.find(os.path.join(tree.root, PATH), line)
                          for line in range(1, 11)],
                         [None, None, "1.1", "1.1", "1.1", None, "1.2", "1.2", "1.2", None])


class BlankTest(unittest.TestCase):
    """What a handout has in place of the reference's text."""

    def test_code(self):
        text = regions.blank(C_FILE, PATH, {"1.1"})
        self.assertIn("    /* Write here: first. See labcodes.md, exercise 1.1. */\n"
                      '    not_written("1.1", "first", a, text, flag, helper);\n', text)
        self.assertIn("/* Room for: constants. See labcodes.md, exercise 1.1. */\n"
                      "/* EXERCISE 1.1 end */\n", text)
        self.assertNotIn("LIMIT", text)
        self.assertIn("helper2(x)", text)
        for region in regions.parse(text, PATH):
            self.assertEqual(region.is_blank, region.exercise in ("1.1", "1.C"))

    def test_void_and_asm(self):
        self.assertIn('    not_written("1.2", "second");\n    /* EX',
                      regions.blank(C_FILE, PATH, {"1.2"}))
        text = regions.blank(ASM_FILE, "kern/a.S", {"1.2"})
        self.assertIn('\n    not_written("1.2", "label")\n    /* EXERCISE 1.2 end */\n', text)
        self.assertNotIn("sd ra", text)
        self.assertTrue(region_of(text, "label", "kern/a.S").is_blank)

    def test_all_but_the_regions_stays(self):
        text = regions.blank(C_FILE, PATH, {"1.1", "1.2", "1.C"})
        old = {region.key: region.text for region in regions.parse(C_FILE, PATH)}
        self.assertEqual(regions.replace(text, PATH, old), C_FILE)
        self.assertEqual(regions.blank(text, PATH, {"1.1", "1.2", "1.C"}).count("not_written"), 2)
        self.assertEqual(regions.blank(C_FILE, PATH, set()), C_FILE)

    def test_hints(self):
        hint = "All of it.\nMore.\n\nfirst: only\nhere\n\nother: nowhere"
        text = regions.blank(C_FILE, PATH, {"1.1"}, {"1.1": hint})
        self.assertIn("exercise 1.1.\n   All of it.\n   More. */\n/* EXERCISE 1.1 end", text)
        self.assertIn("exercise 1.1.\n       only\n       here */\n    not_written(", text)
        self.assertNotIn("nowhere", text)
        with self.assertRaisesRegex(RegionError, "hint"):
            regions.blank(C_FILE, PATH, {"1.1"}, {"1.1": "x */ y"})

    def test_long_lists_are_wrapped(self):
        names = ["argument_number_%d" % i for i in range(9)]
        text = C_FILE.replace("int a, const", ", ".join("int " + n for n in names) + ", const")
        text = regions.blank(text, PATH, {"1.1"})
        self.assertLessEqual(max(map(len, text.split("not_written")[1].split("\n"))), 100)
        self.assertIn(",\n                argument_number_", text)

    def test_tree(self):
        tree = Tree(self, {"kern/b/b.S": ASM_FILE, PATH: C_FILE, "README.md": "x", "obj/x/y": "y",
                           ".git/z": "z"})
        copy = os.path.join(tree.root, "obj", "copy")
        regions.blank_tree(tree.root, copy, {"1.2"})
        self.assertEqual(sorted(os.listdir(copy)), ["README.md", "kern"])
        for path in ("kern/b/b.S", PATH):
            self.assertEqual(regions.read(copy, path),
                             regions.blank(regions.read(tree.root, path), path, {"1.2"}))


USER_FILE = """#include <lock.h>

/* EXERCISE 7.1 begin given: the shop */
int sell(void)
{
    return 1;
}
/* EXERCISE 7.1 end */
"""
GIVEN_FILE = "/* Given. */\n" + USER_FILE.partition("\n\n")[2].replace("return 1", "return 0")


class GivenTest(unittest.TestCase):
    """A region of a program, which a handout has complete and wrong."""

    def setUp(self):
        self.tree = Tree(self, {"user/libs/shop.c": USER_FILE, "tools/given/7.1.c": GIVEN_FILE,
                                "user/libs/lock.h": "#define lock(x) user_word\n",
                                "kern/lock.h": "#define lock(x) kern_word\n"}).root

    def test_form(self):
        region, = regions.parse_tree(self.tree)
        self.assertEqual((region.form, region.path, region.is_blank),
                         ("given", "user/libs/shop.c", False))
        self.assertEqual(region.begin, "/* EXERCISE 7.1 begin given: the shop */")

    def test_blank(self):
        copy = os.path.join(self.tree, "obj", "copy")
        regions.blank_tree(self.tree, copy, {"7.1"}, {"7.1": "the shop: Mend it.\n\nother: no"})
        region, = regions.parse_tree(copy)
        self.assertEqual(region.text,
                         "/* the shop. See labcodes.md, exercise 7.1.\n   Mend it. */\n"
                         "int sell(void)\n{\n    return 0;\n}\n")
        given = regions.load_given(self.tree)[region.key]
        self.assertTrue(regions.is_as_given(region.text, given))
        self.assertTrue(regions.is_as_given("/* Mine. */\n" + given.replace("    ", "\t"), given))
        self.assertFalse(regions.is_as_given(given.replace("0", "1"), given))

    def test_no_text(self):
        os.remove(os.path.join(self.tree, "tools/given/7.1.c"))
        with self.assertRaisesRegex(RegionError, "user/libs/shop.c:3: tools/given/7.1.c has no"):
            regions.blank_tree(self.tree, os.path.join(self.tree, "obj", "copy"), {"7.1"})

    def test_names(self):
        """A header of the library counts, and not the kernel's of the same name."""
        taken = graft.Names(self.tree).taken("user/libs/shop.c")
        self.assertIn("user_word", taken)
        self.assertNotIn("kern_word", taken)

    def test_attacks(self):
        region, = regions.parse_tree(self.tree)
        for text, word in (
                ("#include <report.h>\n" + region.text, "not #include"),
                ("#pragma GCC optimize 0\n" + region.text, "not #pragma"),
                (region.text.replace("return", 'asm("ecall"); return'), "asm is not allowed"),
                (region.text + "}\nint more(void)\n{\n", "} closes nothing"),
                (region.text.replace("return 1;", "return check_done();"), "check_done is not"),
                (region.text.replace("return 1;", 'return report_done(0, "");'), "report_done is"),
                ("#define user_word 1\n" + region.text, "the word user_word elsewhere"),
                ("#define JOIN(a, b) a##b\n" + region.text, "not allowed"),
                (region.text + "#if 1\nint x = 3\n#endif\n", "in the middle of something"),
                ("/* EXERCISE 7.1 begin given: the shop */\n" + region.text, "like a marker")):
            with self.subTest(word), self.assertRaisesRegex(RegionError, word):
                vet(region, text, 1, graft.Names(self.tree).taken(region.path))
        vet(region, region.text, 1, graft.Names(self.tree).taken(region.path))

    def test_twice(self):
        region, = regions.parse_tree(self.tree)
        for text, word in ((USER_FILE + USER_FILE, "is there twice"),
                           (USER_FILE.replace("7.1 begin", "7.2 begin"), "missing or changed"),
                           ("int x;\n", "missing or changed")):
            with self.subTest(word), self.assertRaisesRegex(RegionError, word):
                graft.extract(text, region)


class GraftTest(unittest.TestCase):
    """A student's text is taken out of a file, and put into the reference's."""

    def extract(self, text, label="first"):
        return graft.extract(text, region_of(C_FILE, label))

    def error(self, text, line, word, label="first"):
        with self.assertRaises(RegionError) as caught:
            self.extract(text, label)
        self.assertIn(word, str(caught.exception))
        self.assertEqual(caught.exception.line, line)

    def test_extract(self):
        text, line = self.extract("\n" + C_FILE)
        self.assertEqual((text, line), ("    return helper(a) + LIMIT;\n", 18))
        moved = C_FILE.replace("    /* EXERCISE 1.1", "\t/*  EXERCISE 1.1")
        self.assertEqual(self.extract(moved)[0], text)
        # Changes outside of this region do not matter.
        broken = C_FILE.replace("/* EXERCISE 1.2 end */", "").replace("extra: constants", "x")
        self.assertEqual(self.extract(broken)[0], text)
        self.error(broken, 32, "/* EXERCISE 1.2 end */", "second")
        self.error(broken, 1, "missing or changed", "constants")

    def test_markers_of_the_student(self):
        mark = "    /* EXERCISE 1.1 begin: first */\n"
        self.error(C_FILE + mark, C_FILE.count("\n") + 1, "twice")
        self.error(C_FILE.replace("return helper", "/* EXERCISE 1.1 begin */ return helper"), 17,
                   "/* EXERCISE 1.1 end */")
        self.error(C_FILE.replace("return helper", "/* EXERCISE 1.2 end */ return helper"), 17,
                   "/* EXERCISE 1.1 end */")
        # A marker that comes too early ends the text. What follows is outside, and is not read.
        early = C_FILE.replace("    return helper", "x;\n    /* EXERCISE 1.1 end */\n    return h")
        self.assertEqual(self.extract(early)[0], "x;\n")
        cut = C_FILE[:C_FILE.index("    return helper")]
        self.error(cut, cut.count("\n") + 1, "expected /* EXERCISE 1.1 end */")

    def test_graft(self):
        key = ("1.1", "first")
        text = graft.graft(C_FILE, PATH, {key: ("    return 7;\n", 50)})
        self.assertEqual(text, C_FILE.replace("    return helper(a) + LIMIT;", "    return 7;"))
        self.assertEqual(graft.graft(C_FILE, PATH, {key: ("", 50)}).count("\n"),
                         C_FILE.count("\n") - 1)
        with self.assertRaises(RegionError) as caught:
            graft.graft(C_FILE, PATH, {key: ("    x;\n    }\n", 50)})
        self.assertEqual(caught.exception.line, 51)

    def test_extract_tree(self):
        files = {"kern/b/b.S": ASM_FILE, PATH: C_FILE}
        found = regions.parse_tree(Tree(self, files).root)
        files[PATH] = C_FILE.replace("\n", "\r\n").replace("begin: second", "begin: third").encode()
        del files["kern/b/b.S"]
        texts, errors = graft.extract_tree(Tree(self, files).root, found)
        self.assertEqual(texts["1.1", "first"], ("    return helper(a) + LIMIT;\n", 17))
        self.assertEqual(set(errors), {("1.2", "second"), ("1.2", "label")})

    def test_other_encodings(self):
        """A comment that an editor wrote in GBK or Latin-1 is decoded and kept, and told."""
        utf8 = "/* \u8bf4\u660e \u00fc */".encode()
        for name, word, shown in (("gb18030", "\u7f16\u8bd1\u5668", "GBK"),
                                  ("latin-1", "d\u00e9j\u00e0 vu", "Latin-1")):
            text = C_FILE.replace("return helper", "/* %s */ return helper" % word)
            data = text.encode(name).replace(b"\n", b"\r\r\n") + utf8
            tree = Tree(self, {PATH: data})
            self.assertEqual(regions.read_noting(tree.root, PATH),
                             (text + utf8.decode(), shown))
            self.assertEqual(graft.faults(tree.root), {})
            found = regions.parse_tree(tree.root)
            self.assertEqual(graft.foreign(tree.root, found), [
                PATH + " is not UTF-8, and is read as %s: save it as UTF-8" % shown])
            self.assertIn(word, graft.extract_tree(tree.root, found)[0]["1.1", "first"][0])
        self.assertEqual(graft.foreign(Tree(self, {PATH: C_FILE}).root, found), [])

    def test_faults(self):
        tree = Tree(self, {PATH: C_FILE.replace("LIMIT;", "(LIMIT;")})
        (exercise, (error,)), = graft.faults(tree.root).items()
        self.assertEqual((exercise, str(error)),
                         ("1.1", "kern/mm/a.c:17: this ( is not closed"))

    def test_names(self):
        """A text may not #define a word that stands behind it in the compiled file, nor one that
        the macros there make."""
        files = {PATH: C_FILE.replace("x = 0", "x = 0 * sizeof(\"WORD\")").replace(
                     "<defs.h>", "<b.h>"),
                 "kern/b.h": "#include <d.h>\n#define OTHER(a) \\\n    from_macro(a) /* word */\n"
                             "int declared(int parameter);\n",
                 "kern/test/c.c": "#include <b.h>\nint far;\n", "kern/e.c": "int farther;\n",
                 "libs/d.h": "int in_libs;\n#define DEEP deep\n",
                 "libs/z.h": "#define NOT_HERE 1\n"}
        names = graft.Names(Tree(self, files).root)
        words = names.taken(PATH)
        self.assertTrue({"OTHER", "from_macro", "DEEP", "deep", "helper", "return", "first", "x",
                         "while"} <= words)
        self.assertFalse({"LIMIT", "helper2", "WORD", "word", "file", "far", "declared",
                          "parameter", "in_libs", "NOT_HERE"} & words)
        words = names.taken("libs/d.h")                 # its regions are in all files including it
        self.assertTrue({"far", "helper", "declared", "OTHER", "in_libs"} <= words)
        self.assertFalse({"farther", "NOT_HERE"} & words)

    def test_a_student_is_told_of_names(self):
        text = C_FILE.replace("#define LIMIT 3", "#define OTHER 3")
        tree = Tree(self, {PATH: text, "kern/defs.h": "#define OTHER 1\n"})
        (exercise, (error,)), = graft.faults(tree.root).items()
        self.assertEqual(exercise, "1.1")
        self.assertRegex(str(error), "^kern/mm/a.c:10: the kernel has the word OTHER elsewhere")


class ThisTreeTest(unittest.TestCase):
    """The regions of this tree."""

    def test_regions(self):
        found = regions.parse_tree(ROOT)
        self.assertEqual(graft.faults(ROOT), {})
        for path in sorted({region.path for region in found}):
            text = regions.read(ROOT, path)
            blank = regions.blank(text, path, {region.exercise for region in found}, None,
                                  regions.load_given(ROOT))
            old = {region.key: (region.text, region.first) for region in found
                   if region.path == path}
            self.assertEqual(graft.graft(blank, path, old), text)
            for region in regions.parse(blank, path):
                self.assertEqual(region.is_blank, region.form != "given", region.key)
                vet(region, region.text)
                self.assertLessEqual(max(map(len, region.text.split("\n"))), 100)

    def test_every_exercise_can_print(self):
        """cprintf(), panic() and assert() are declared before each region of C: #include is not
        allowed there, and GCC 14 takes no function that is not declared."""
        names = graft.Names(ROOT)
        for path in {region.path for region in regions.parse_tree(ROOT)}:
            if path.endswith(".c"):
                self.assertLessEqual({"user/libs/stdio.h", "user/libs/assert.h"}
                                     if path.startswith("user/") else
                                     {"kern/debug/panic.h", "kern/debug/printk.h"},
                                     names.closure(path), path)

    def test_given_texts(self):
        """Each region of the form "given" has one, which is another text than the reference's; and
        there is none for any other region."""
        found = {region.key: region for region in regions.parse_tree(ROOT)
                 if region.form == "given"}
        given = regions.load_given(ROOT)
        self.assertEqual(set(given), set(found))
        self.assertTrue(given)
        for key, region in found.items():
            self.assertFalse(regions.is_as_given(region.text, given[key]), key)
            vet(region, given[key], 1, graft.Names(ROOT).taken(region.path))

    def test_ids_of_code_are_names(self):
        for region in regions.parse_tree(ROOT):
            if region.form == "code":
                self.assertRegex(region.id, r"\A\w+\Z")


if __name__ == "__main__":
    unittest.main()
