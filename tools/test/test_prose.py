"""tools/check_prose.py: each of its rules is seen to fail and to pass.

The texts here are made up: a test of the real tree would only tell that it passes today. A comment
of another kind, an exercise's marker above all, must not be taken for the one that is wanted, and a
declaration must be found however it is written.

It needs nothing but Python. To run it alone: python3 tools/test/test_prose.py
"""
import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

import check_prose
import check_style

HEAD = "/* one\n   two\n   three\n   four\n   five */\n"
TALL = "{\n" + "    a;\n" * 10 + "}\n"                  # with one line of head 13 lines


def found(path, text, rule=None):
    """[(rule, line)] of the breaches in a file with this text."""
    functions = check_style.FUNCTIONS.get(os.path.splitext(path)[1], lambda _: ())
    breaches = check_prose.check(path, text, list(functions(text.split("\n"))))
    return [(each, line) for each, line, _ in breaches if rule in (None, each)]


class Heads(unittest.TestCase):
    def lines(self, path, text):
        return check_prose.head_lines(path, text)

    def test_from_5_to_15(self):
        for count, breaches in ((0, 1), (4, 1), (5, 0), (15, 0), (16, 1)):
            text = "/* " + "\n   ".join(["word"] * count) + " */\n"
            self.assertEqual(len(found("kern/mm/a.c", text)), breaches, count)
            text = "#!/bin/bash\n" + "# word\n" * count
            self.assertEqual(len(found("tools/a.sh", text)), breaches, count)
            text = '#!/usr/bin/env python3\n"""' + "word\n" * count + '"""\nimport os\n'
            self.assertEqual(len(found("tools/test/a.py", text)), breaches, count)

    def test_what_is_counted(self):
        self.assertEqual(self.lines("a.c", "/*\n * one\n *\n * two\n */\n/* three */\n"), 2)
        self.assertEqual(self.lines("a.h", "// one\n// two\n\n// three\n"), 2)
        self.assertEqual(self.lines("a.h", "#pragma once\n/* one */\n"), 0)
        self.assertEqual(self.lines("a.S", "\n/* one\n\n   two */\n# three\n"), 2)
        self.assertEqual(self.lines("a.py", "# one\nimport os\n"), 0)
        self.assertEqual(self.lines("a.sh", "# one\n# two\n\n# three\n"), 2)

    def test_where_it_holds(self):
        for path in ("kern/a.c", "libs/a.h", "user/libs/a.S", "tools/a.ld", "tools/labs/a.py"):
            self.assertEqual(found(path, '"not a comment"\n'), [("head", 1)], path)
        for path in ("user/a.c", "tools/build.mk", "Makefile", "kern/a.md"):
            self.assertEqual(found(path, "int a;\n"), [], path)

    def test_a_package_without_code(self):
        for text, breaches in (("", 0), ('"""Words."""\n', 0), ("import os\n", 1)):
            self.assertEqual(len(found("tools/a/__init__.py", text)), breaches)


class Public(unittest.TestCase):
    def names(self, text):
        text = HEAD + "#pragma once\n\n" + text
        declared = check_prose.declared(check_prose.Text(text))
        bare = [name for name, _, described in declared if not described]
        self.assertEqual(len(bare), len(found("kern/mm/a.h", text, "public")))
        return bare

    def test_declarations(self):
        self.assertEqual(self.names("int f(void);\n"), ["f"])
        self.assertEqual(self.names("/* Why. */\nint f(void);\n"), [])
        self.assertEqual(self.names("// Why.\nint f(void);\n"), [])
        self.assertEqual(self.names("int f(void);    /* why */\n"), [])
        self.assertEqual(self.names("/* Why. */\n\nint f(void);\n"), ["f"])
        self.assertEqual(self.names("int x;  /* of x */\nint f(void);\n"), ["f"])
        self.assertEqual(self.names("struct a *f(int a,\n         int b) __must_check;\n"), ["f"])
        self.assertEqual(self.names("extern void f(void (*g)(int), int a[]);\n"), ["f"])
        self.assertEqual(self.names("int f(int) __attribute__((format(printf, 3, 4)));\n"), ["f"])
        self.assertEqual(self.names('const char *s = "/* Why. */";\nint f(void);\n'), ["f"])

    def test_functions_with_a_body(self):
        body = "\n{\n    return a(b);\n}\n"
        self.assertEqual(self.names("static inline int f(void)" + body), ["f"])
        self.assertEqual(self.names("/* Why. */\nstatic inline int f(void)" + body), [])
        self.assertEqual(self.names("static inline int f(void)\n{\n    /* In it. */\n}\n"), ["f"])
        self.assertEqual(self.names("/* Why. */\nstatic inline int f(void)" + body
                                    + "static inline int g(void)" + body), ["g"])

    def test_a_comment_for_some(self):
        self.assertEqual(self.names("/* Why. */\nint f(void);\nint g(void);\n"), [])
        self.assertEqual(self.names("/* Why. */\nint f(void);\n\nint g(void);\n"), ["g"])
        self.assertEqual(self.names("/* Why. */\nstruct a;\n#define F 1\n"
                                    "int f(int a,\n      int b);\nint g(void);\n"), [])
        many = "/* Why. */\n" + "".join("int f%d(void);\n" % n for n in range(6))
        self.assertEqual(self.names(many), ["f4", "f5"])

    def test_a_marker_is_no_comment(self):
        marker = "/* EXERCISE 1.1 begin: f */\n"
        self.assertEqual(self.names(marker + "int f(void);\n"), ["f"])
        self.assertEqual(self.names("/* Why. */\n" + marker + "int f(void);\n"), [])

    def test_what_is_no_declaration(self):
        for text in ("#define F(x) \\\n    int f(x);\n", "typedef int (*f)(int);\n",
                     "struct a {\n    int (*f)(int);\n    int g;\n};\n",
                     "static_assert(sizeof(int) == 4, \"int\");\n",
                     "extern void (*f)(int);\n", "enum { F = G(1) };\n",
                     "static const int f = g(1);\n"):
            self.assertEqual(self.names(text), [], text)


class Static(unittest.TestCase):
    def test_longer_than_12_lines(self):
        head = HEAD + "\nstatic void f(void)\n"
        for path in ("kern/a.c", "libs/a.c", "user/libs/a.c"):
            self.assertEqual(found(path, head + TALL), [("static", 7)])
        self.assertEqual(found("kern/a.c", head + TALL.replace("    a;\n", "", 1)), [])
        self.assertEqual(found("kern/a.c", head.replace("static ", "") + TALL), [])
        self.assertEqual(found("user/a.c", head + TALL), [])

    def test_comments(self):
        for above, breaches in (("/* Why. */\n", 0), ("/* Long\n   why. */\n", 0), ("// Why.\n", 0),
                                ("/* Why. */\n\n", 1), ("int x;  /* of x */\n", 1),
                                ("/* EXERCISE 1.1 begin: f */\n", 1),
                                ("/* Why. */\n/* EXERCISE 1.1 begin: f */\n", 0)):
            text = HEAD + "\n" + above + "static void f(int a,\n              int b)\n" + TALL
            self.assertEqual(len(found("kern/a.c", text)), breaches, above)


class Share(unittest.TestCase):
    def test_lines_with_a_comment(self):
        text = ("/* one\n\n   two */\nint a;    /* three */\nint b;\n// four\n"
                "char *c = \"/* five */\";\n/* EXERCISE 1.1 begin: f */\n")
        self.assertEqual(check_prose.Text(text).shares(), (4, 7))
        text = "# one\n#define X 1\n    li a0, 1  # two\n"
        self.assertEqual(check_prose.Text(text, is_asm=True).shares(), (2, 3))

    def test_the_kernel_only(self):
        files = [("kern/a/x.c", "/* a */\nint a;\n"), ("kern/a/y.h", "int b;\n\n"),
                 ("kern/b/z.S", "# c\n"), ("libs/x.c", "int d;\n"), ("tools/x.py", "# e\n")]
        self.assertEqual(check_prose.share(files), {"kern/a": (1, 3), "kern/b": (1, 1)})
        self.assertIn("2 of the 4", check_prose.kernel_share(check_prose.share(files))[0])

    def test_a_quarter(self):
        for commented, enough in ((24, False), (25, True), (26, True)):
            shares = {"kern/a": (20, 40), "kern/b": (commented - 20, 60)}
            self.assertEqual(check_prose.kernel_share(shares)[1], enough)
        self.assertIn("24.9 %", check_prose.kernel_share({"kern/a": (249, 1000)})[0])
        self.assertTrue(check_prose.kernel_share({})[1])


class Command(unittest.TestCase):
    """check_style.py in a tree of one file."""

    def run_on(self, text, *arguments):
        with tempfile.TemporaryDirectory() as tree:
            os.makedirs(os.path.join(tree, "kern", "mm"))
            with open(os.path.join(tree, "kern", "mm", "a.h"), "w") as file:
                file.write(text)
            result = subprocess.run(
                [sys.executable, os.path.join(TOP, "tools", "check_style.py")] + list(arguments),
                cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                universal_newlines=True)
        return result.returncode, result.stdout

    def test_breaches(self):
        self.assertEqual(self.run_on(HEAD + "\n/* Why. */\nint f(void);\n"),
                         (0, "1 files, 0 breaches of style\n"))
        status, said = self.run_on("/* Short. */\n\nint f(void);\n" + "int a;\n" * 9)
        self.assertEqual(status, 1)
        self.assertIn("kern/mm/a.h:1: the head has 1 lines of comment", said)
        self.assertIn("kern/mm/a.h:3: f() has no comment", said)
        self.assertIn("kern:1: 1 of the 11 lines that are not blank hold a comment, 9.0 %", said)

    def test_a_table(self):
        status, said = self.run_on("/* Short. */\nint a;\n", "--prose", "kern/mm")
        self.assertEqual(status, 0)
        self.assertRegex(said, r"kern/mm +1 +0 +0 +50 %")
        self.assertNotIn("kern/mm ", self.run_on("int a;\n", "--prose", "libs")[1])


if __name__ == "__main__":
    unittest.main()
