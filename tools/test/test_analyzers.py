"""tools/check_analyzers.py: planted mistakes are found, and the list of false alarms is held to.

Each mistake is a function of a few lines, as somebody could write it in the kernel. An analyzer
that is called with an option too few finds nothing and says nothing, so what each of the three must
find is written down here. These tests need all three and are skipped without them; tools/setup.sh
--all installs them. Run alone: python3 tools/test/test_analyzers.py
"""
import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

import check_analyzers
from check_analyzers import AnalyzerError, Finding

PLANTED = """#include <mm/kmalloc.h>
int null(int *p);
int leak(size_t n);
int leak_from(struct kmem_cache *cache);
int twice(size_t n);
int unset(int n);

int null(int *p)
{
    int *q = NULL;

    if (p != NULL)
        q = p;
    return *q;                          /* null */
}

int leak(size_t n)
{
    char *text = kmalloc(n);

    if (text == NULL)
        return -1;
    text[0] = 1;
    return 0;                           /* leak */
}

int leak_from(struct kmem_cache *cache)
{
    char *text = kmem_cache_alloc(cache);

    if (text == NULL)
        return -1;
    text[0] = 1;
    return 0;                           /* leak_from */
}

int twice(size_t n)
{
    char *text = kmalloc(n);

    if (text == NULL)
        return -1;
    kfree(text);
    kfree(text);                        /* twice */
    return 0;
}

int unset(int n)
{
    int a;

    if (n > 3)
        a = 2;
    return a;                           /* unset */
}
"""
# What each finds of these, by the comment at the line.
FOUND = {"gcc": {"null", "leak", "leak_from", "twice", "unset"},
         "clang": {"null", "leak", "leak_from", "twice", "unset"},
         "cppcheck": {"null", "unset"}}


def analyzers():
    try:
        return check_analyzers.find_analyzers()
    except AnalyzerError:
        return None


class Planted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.chdir(TOP)
        cls.analyzers = analyzers()

    def look(self, name, text):
        """What the analyzers find in a file of this name with this text."""
        if self.analyzers is None:
            self.skipTest("an analyzer is not here: tools/setup.sh --all")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, name)
            with open(path, "w") as file:
                file.write(text)
            return check_analyzers.look([path], self.analyzers)

    def test_each_mistake_is_found(self):
        findings = self.look("planted.c", PLANTED)
        lines = PLANTED.split("\n")
        places = {tool: set() for tool in FOUND}
        for finding in findings:
            if finding.path.endswith("planted.c"):
                # A leak may be told at the end of the function, or at what is done last before.
                at = next((n for n in (finding.line, finding.line + 1)
                           if "/*" in lines[n - 1]), finding.line)
                places[finding.tool].add(lines[at - 1].partition("/* ")[2].partition(" */")[0])
        for tool, wanted in FOUND.items():
            self.assertEqual(wanted - places[tool], set(), tool)

    def test_what_does_not_compile_is_found(self):
        findings = self.look("broken.c", "#include <there_is_none.h>\n")
        found = {finding.tool for finding in findings}
        self.assertLessEqual({"gcc", "clang"}, found)

    def test_what_is_missing_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(sys.executable, os.path.join(folder, "python3"))
            result = subprocess.run(["python3", "tools/check_analyzers.py"], cwd=TOP,
                                    env=dict(os.environ, PATH=folder), stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, universal_newlines=True)
        self.assertEqual((result.returncode, result.stdout),
                         (2, "check_analyzers: cppcheck is not installed: "
                             "run tools/setup.sh --all\n"))


class Alarms(unittest.TestCase):
    """check_analyzers.txt, with findings that are made up."""

    LEAK = Finding("gcc", "-Wanalyzer-malloc-leak", "kern/mm/a.c", 7, "leak of 'text' [CWE-401]")

    def judge(self, text, findings, all_files=True):
        return list(check_analyzers.judge(findings, check_analyzers.read_alarms(text), all_files))

    def test_a_finding_without_a_line(self):
        self.assertEqual(self.judge("# none\n", [self.LEAK]),
                         ["kern/mm/a.c:7: gcc: leak of 'text' [CWE-401] [-Wanalyzer-malloc-leak]"])

    def test_a_line_fits_by_all_its_parts(self):
        line = "gcc -Wanalyzer-malloc-leak kern/*/a.c leak of 'text'\n    It is kept.\n"
        self.assertEqual(self.judge(line, [self.LEAK]), [])
        for old, new in (("gcc", "clang"), ("malloc-leak", "double-free"), ("/a.c", "/b.c"),
                         ("'text'", "'words'")):
            self.assertEqual(len(self.judge(line.replace(old, new), [self.LEAK])), 2, new)

    def test_a_line_that_fits_nothing(self):
        line = "# head\n\ngcc -Wanalyzer-malloc-leak kern/mm/a.c leak\n    It is kept.\n"
        self.assertEqual(self.judge(line, []), [
            "tools/check_analyzers.txt:3: no analyzer says that any more: take it out"])
        self.assertEqual(self.judge(line, [], all_files=False), [])

    def test_a_line_needs_a_reason(self):
        for text in ("gcc rule kern/a.c leak\n",
                     "gcc rule a.c leak\ngcc rule b.c leak\n    Why.\n"):
            with self.assertRaisesRegex(AnalyzerError, "txt:1: no reason is given"):
                check_analyzers.read_alarms(text)
        with self.assertRaisesRegex(AnalyzerError, "txt:2: give an analyzer, a rule"):
            check_analyzers.read_alarms("# one\ngcc leak\n")


if __name__ == "__main__":
    unittest.main()
