"""Test that docs/peers.md is true.

For each test of files that xv6 and ucore_os_plus have the page names a program of ours, a function
in it and a case: each of them must be there, and the program must be run by a lab. The lists of
names stand here too, so that a line which is taken out of the page is missed.

Run alone: python3 tools/test/test_peers.py
"""
import os
import re
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
XV6 = """truncate1 truncate2 truncate3 openiput exitiput iput opentest writetest writebig createtest
    sharedfd fourfiles createdelete unlinkread linktest concreate linkunlink subdir bigwrite bigfile
    fourteen rmdot dirfile iref bigdir manywrites badwrite diskfull outofinodes pipe1"""
PLUS = """pipetest pipetest2 sfs_filetest1 sfs_filetest2 sfs_filetest3 sfs_dirtest1 sfs_dirtest2
    sfs_dirtest3 sfs_exectest1 sfs_exectest2 semtest semtest2 semtest3 semtest4"""


def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as file:
        return file.read()


def body(source, function):
    """The text of a function of a C file; None if it has none of this name."""
    found = re.search(r"^[a-z][^\n;]*\b%s\([^;{]*\)\n\{\n.*?^\}" % re.escape(function), source,
                      re.DOTALL | re.MULTILINE)
    return found and found.group(0)


class Peers(unittest.TestCase):
    """The page, line by line."""

    def lines(self):
        """(name, program, function, case) of each line of a table."""
        rows = [[cell.strip() for cell in line.strip("|\n").split("|")]
                for line in read("docs", "peers.md").splitlines() if line.startswith("| ")]
        return [(row[0],) + tuple(row[2].split(", ")) + (row[3],) for row in rows
                if row[0] not in ("name", "---")]

    def test_each_name_is_there_once(self):
        self.assertEqual([line[0] for line in self.lines()], XV6.split() + PLUS.split())

    def test_each_case_is_there(self):
        for name, program, function, case in self.lines():
            with self.subTest(name=name):
                text = body(read("user", program + ".c"), function)
                self.assertIsNotNone(text, "user/%s.c has no function %s" % (program, function))
                self.assertRegex(text, r'\bcheck(_eq)?\("%s"' % re.escape(case))

    def test_each_program_is_run(self):
        labs = read("tools", "labs", "beyond.py") + read("tools", "labs", "lab8.py")
        for program in {line[1] for line in self.lines()}:
            self.assertTrue(re.search(r'\b(program|everywhere)\("%s"' % program, labs),
                            "no lab runs " + program)

    def test_a_function_is_found_whole(self):
        source = "int f(void);\n\nint f(void)\n{\n    g();\n}\n\nint h(void)\n{\n    i();\n}\n"
        self.assertEqual(body(source, "f"), "int f(void)\n{\n    g();\n}")
        self.assertIsNone(body(source, "g"))


if __name__ == "__main__":
    unittest.main()
