"""Tests of what a student's text may use of the kernel: a cheat is named, honest work passes.

LIARS are texts that use functions or variables which their exercise is not for, also by names that
the preprocessor puts together: each is built, and the grader and the student's own tools must name
the symbol. HONEST texts use what every exercise may use: neither they nor the reference may be
refused, with any compiler that has built here. Handout: a student is told the same by check, handin
and make grade, from lists in .handout.json that can be tried but not read.

Needs the built objects, their compiler and QEMU.
Run alone: python3 tools/test/test_symbols.py
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from types import SimpleNamespace

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from exercise import allowed, graft, handin, manifest, marks, regions, symbols
from forgeries import CALL_THE_END, FIND, MAKE_WRITABLE, OWN_CLONE, PUT_BACK, near
from labs.catalogue import load
from trees import OBJECTS, TOP, ShopTest

TOOLCHAIN = os.path.basename(OBJECTS)
ACCESS, OWN = ("1.2", "fault_access"), ("2.C", "own_pmm_manager")
CLASS, BACKTRACE = ("6.C", "own_sched_class"), ("1.3", "backtrace")
END = FIND % ("report_done", "power_off", near("report_done", "power_off")) + CALL_THE_END
WRITABLE = FIND % ("report_check_eq", "power_off", near("report_check_eq", "power_off")) \
    + MAKE_WRITABLE + PUT_BACK

# A "solution" of 2.C that finds a function of the buddy allocator by its name, and calls it.
BUDDY = """
void symbol_format(char *buf, size_t size, uintptr_t addr);
int strncmp(const char *, const char *, size_t);

static struct Page *alloc(size_t n)
{
    char word[64];
    uintptr_t at = (uintptr_t)free_area_put;

    for (symbol_format(word, sizeof(word), at); strncmp(word, "buddy_alloc_pages+", 18) != 0;)
        symbol_format(word, sizeof(word), at += 2);
    return ((struct Page *(*)(size_t))at)(n);
}

void *given = (void *)alloc;
"""
JOIN = "#define JOIN(a, b) a##b\n"
# (the region, what is written there before the reference's text, the symbol that must be named)
LIARS = [
    (ACCESS, END, "symbol_format"),
    (ACCESS, WRITABLE, "kernel_pte"),
    (ACCESS, "extern char kernel_text_start[];\n*(volatile char *)kernel_text_start = 1;\n",
     "kernel_text_start"),
    (ACCESS, JOIN + "void JOIN(power, _off)(int);\nif (cause == 99)\n    JOIN(power, _off)(0);\n",
     "power_off"),
    (ACCESS, JOIN + "int JOIN(report, _done)(void *, char *);\nif (cause == 99)\n"
     "    JOIN(report, _done)(NULL, NULL);\n", "report_done"),
    (OWN, BUDDY, "symbol_format"),
    (OWN, JOIN + "extern const struct pmm_manager JOIN(buddy, _pmm_manager);\n"
     "void *given = (void *)&JOIN(buddy, _pmm_manager);\n", "buddy_pmm_manager"),
    (CLASS, JOIN + "extern const struct sched_class JOIN(mlfq, _sched_class);\n"
     "const struct sched_class *given = &JOIN(mlfq, _sched_class);\n", "mlfq_sched_class"),
    (BACKTRACE, "char word[64];\nsymbol_format(word, sizeof(word), fp);\n", "symbol_format"),
    (("4.1", "alloc_proc"), "program_symbol(NULL, 0, NULL, 0);\n", "program_symbol"),
    (("5.C", "declaration of do_vfork"), "void symbol_format(char *, size_t, uintptr_t);\n"
     "__attribute__((used)) static void find(void)\n{\n    symbol_format(NULL, 0, 0);\n}\n",
     "symbol_format"),
]
OFFICE = ("7.0", "the box office")
LIARS += [
    (OFFICE, "int kill(int);\nint kill_all(void)\n{\n    return kill(-1);\n}\n", "kill"),
    (OFFICE, "int report_done(void *, char *);\nvoid *given = (void *)report_done;\n",
     "report_done"),
]
# What the tests of lab 7 go by, and what makes their races come.
LIARS += [
    (("7.4", "sync_mutex_unlock"), "extern uint32_t test_words[];\ntest_words[0] = 0;\n",
     "test_words"),
    (("7.3", "phi_put_forks_condvar"), "void actor_stall(int, int);\nactor_stall(0, 0);\n",
     "actor_stall"),
    (("7.2", "cond_signal"), "void irq_set_hook(void (*)(void));\nirq_set_hook(NULL);\n",
     "irq_set_hook"),
    (("7.5", "goes_on"), JOIN + "void JOIN(power, _off)(int);\nif (any)\n"
     "    JOIN(power, _off)(0);\n", "power_off"),
]
# Each of these exercises once gave points to such a text, or would.
LIARS += [(key, "uint64_t *kernel_pte(uintptr_t, int);\n*kernel_pte((uintptr_t)%s, 0) |= 4;\n"
           % function, "kernel_pte")
          for key, function in ((("4.1", "alloc_proc"), "alloc_proc"),
                                (("5.1", "set_user_frame"), "set_user_frame"),
                                (("2.2", "best_fit_alloc_pages"), "best_fit_alloc_pages"),
                                (("6.2", "stride_init"), "stride_init"),
                                (("7.1", "try_down"), "try_down"))]
HONEST = [
    (ACCESS, "char a[40], b[40];\nmemset(a, cause, sizeof(a));\nmemcpy(b, a, 40);\n"
     "memmove(b + 1, b, 20);\nif (memcmp(a, b, 40) != 0 && cause == 99)\n"
     "    cprintf(\"%d\\n\", a[3]);\nassert(cause != 99);\nassert_eq(sizeof(a), sizeof(b));\n"),
    (OWN, "void use(void);\nvoid use(void)\n{\n    for (size_t i = 0; i < npage; i++)\n"
     "        assert(page2kva(&pages[i]) != NULL && pa2page(page2pa(&pages[i])) == &pages[i]);\n"
     "}\n"),
    (CLASS, "int helper(int);\nint helper(int a)\n{\n    return a + cpu_count;\n}\n"),
]


class Symbols(ShopTest):
    """What the grader finds in the objects of a built hand-in."""

    SECONDS = 30

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reference = marks.Reference(TOP, load(), "0" * 12)
        cls.uses = symbols.Uses(cls.reference, cls.pristine,
                                os.path.join(cls.pristine, "obj", TOOLCHAIN))

    def texts(self, key, before):
        """The reference's texts of an exercise, one of them with `before` in front of it."""
        texts = {region.key: region.text for region in self.reference.of(key[0])}
        texts[key] = before + texts[key]
        return texts

    def foreign(self, key, before):
        """What the grader finds, and what a student's tools tell of the same."""
        texts = self.texts(key, before)
        with self.shop.variant(self.reference.variant(texts)) as built:
            self.assertTrue(built.succeeded, built.output)
            return (self.uses.foreign(self.shop.objects, texts),
                    self.told([key[0]], self.shop.folder).errors)

    def told(self, due, tree, objects=None):
        """What the tools of a handout tell, in which these exercises are due. The lists of symbols
        are written to .handout.json and read back, as in a real one."""
        own = [region for region in self.reference.regions if region.exercise in due]
        about = manifest.Manifest(9, "0" * 12, due, own, {}, self.uses.lists("0" * 12, due))
        about = manifest.decode(about.to_json().encode())
        return allowed.Foreign(tree, about, graft.extract_tree(tree, own)[0], objects)

    def test_liars(self):
        for key, before, name in LIARS:
            with self.subTest(before):
                found, told = self.foreign(key, before)
                self.assertEqual(list(found), [key[0]])
                self.assertRegex(found[key[0]], r"\b%s\b" % name)
                self.assertEqual({number for number, _ in told}, {key[0]})
                self.assertRegex(str(next(iter(told.values()))), r"\b%s\b" % name)

    def test_no_function_of_the_library(self):
        texts = self.texts(OFFICE, OWN_CLONE)
        with self.shop.variant(self.reference.variant(texts)) as built:
            self.assertTrue(built.succeeded, built.output)
            found = self.uses.foreign(self.shop.objects, texts)
        self.assertEqual(list(found), ["7.0"])
        self.assertIn("user/libs/boxoffice.c: the text uses __clone: not", found["7.0"])

    def test_honest_work(self):
        for key, before in HONEST:
            with self.subTest(before):
                self.assertEqual(self.foreign(key, before), ({}, {}))

    def test_the_reference(self):
        texts = {region.key: region.text for region in self.reference.regions}
        self.assertEqual(self.uses.foreign(self.shop.objects, texts), {})
        for due in (sorted(self.reference.exercises), ["1.2"], ["4.1", "4.C"], ["6.1"]):
            found = self.told(due, self.shop.folder)
            self.assertEqual((found.errors, found.unbuilt), ({}, []))

    def test_the_reference_of_other_compilers(self):
        """A student's compiler need not be the teacher's."""
        for name in ("clang", "linux-gnu"):
            objects = os.path.join(TOP, "obj", name)
            if os.path.isfile(os.path.join(objects, "kernel")):
                self.assertEqual(self.told(sorted(self.reference.exercises), TOP, objects).errors,
                                 {})

    def test_names_are_of_the_kernel(self):
        """Each name that this tree lists is still a name of the kernel."""
        listed = symbols.COMMON.union(*(exercise.uses for exercise
                                        in self.reference.exercises.values()))
        self.assertEqual(sorted(listed - self.uses.globals), [])
        for path in symbols.COMMON_OBJECTS:
            self.assertIn(path, self.uses.symbols)

    def test_what_is_refused_has_no_points(self):
        """A text makes an entry writable and puts it back. The machine does not show that at its
        end, so make grade gives points for it (see test_forgery); a hand-in must get none."""
        found = handin.Handin(1, "")
        found.exercises = ["1.2", "1.3"]
        for number in found.exercises:
            found.texts.update({region.key: (region.text, 1)
                                for region in self.reference.of(number)})
        found.texts[ACCESS] = self.texts(ACCESS, WRITABLE)[ACCESS], 1
        work = marks.Work(SimpleNamespace(handin=found, place=str), self.reference,
                          found.exercises)
        for policy in ("best", "together", "alone"):
            result = marks.Examiner(self.reference, self.shop).marks(work, policy)["exercises"]
            self.assertEqual((result["1.2"]["state"], result["1.2"]["mark"]), (marks.REFUSED, 0))
            self.assertIn("kernel_pte", result["1.2"]["why"])
            self.assertIs(type(result["1.2"]["why"]), str)
            self.assertEqual(result["1.3"]["mark"], result["1.3"]["max"])


class Handout(unittest.TestCase):
    """What a student is told before the hand-in."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.tree = os.path.join(folder.name, "tree")
        cls.kept = os.path.join(TOP, "tools", "lab")
        cls.said = cls.lab("handout", "1", "-o", cls.tree, tool=cls.kept)
        shutil.copytree(os.path.join(TOP, OBJECTS), os.path.join(cls.tree, OBJECTS),
                        ignore=shutil.ignore_patterns("grade", "mended", "lock", "kobj"))
        with open(os.path.join(cls.tree, handin.STUDENT), "w") as file:
            file.write("name: A\nemail: a@example.org\n")

    @classmethod
    def lab(cls, *arguments, tool=None):
        result = subprocess.run(
            [sys.executable, tool or os.path.join(cls.tree, "tools", "lab")] + list(arguments),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return result.returncode, result.stdout.decode()

    def write(self, before):
        """Put this before the text of exercise 1.2; the line in which it begins is returned."""
        own = next(each for each in regions.parse_tree(TOP) if each.key == ACCESS)
        text = regions.replace(regions.read(self.tree, own.path), own.path,
                               {ACCESS: before + own.text})
        with open(os.path.join(self.tree, own.path), "w") as file:
            file.write(text)
        return next(each.first for each in regions.parse(text, own.path) if each.key == ACCESS)

    def build(self):
        place = os.path.join(OBJECTS, "kobj", "kern/trap/trap.c.o")
        result = subprocess.run(["make", "-r", "-f", "tools/build.mk", "TC=" + TOOLCHAIN, place],
                                cwd=self.tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                env=dict(os.environ, MAKEFLAGS="", LC_ALL="C"))
        self.assertEqual(result.returncode, 0, result.stdout)

    def everywhere(self):
        """([exit statuses of check and handin], [what check, handin and make grade tell])."""
        check = self.lab("check", self.tree)
        written = self.lab("handin", self.tree)
        notes = manifest.notes(self.tree, os.path.join(self.tree, OBJECTS))
        return [check[0], written[0]], [check[1], written[1], "\n".join(notes)]

    def test_it_is_told_everywhere(self):
        self.assertEqual(self.said[0], 0, self.said[1])
        line = self.write("\nextern char kernel_text_start[];\n"
                          "if (cause == 99)\n    return kernel_text_start[0];\n")
        for status, outputs in [self.everywhere()]:
            self.assertEqual(status, [0, 0])
            for output in outputs:
                self.assertIn("trap.c uses of the kernel is not known", output)
        self.build()
        status, outputs = self.everywhere()
        self.assertEqual(status, [1, 1])
        for output in outputs:
            self.assertIn("kern/trap/trap.c:%d: kernel_text_start is not for this exercise: do "
                          "without." % (line + 1), output)
            self.assertNotIn("not known", output)
        self.write("")
        self.build()
        status, outputs = self.everywhere()
        self.assertEqual(status, [0, 0])
        for output in outputs:
            self.assertNotRegex(output, "not for this|not known")

    def test_without_lists_nothing_is_said(self):
        about = manifest.load(self.tree)
        self.assertIn("kern/trap/trap.c", about.uses.files)
        about.uses = None
        self.write("extern char kernel_text_start[];\nif (cause == 99)\n"
                   "    return kernel_text_start[0];\n")
        self.build()
        found = manifest.look(manifest.decode(about.to_json().encode()), self.tree)
        self.assertEqual((found[0]["1.2"].word, found[2]), ("begun", []))

    def test_damaged_objects(self):
        self.write("")
        self.build()
        place = os.path.join(self.tree, OBJECTS, "kobj", "kern/trap/trap.c.o")
        with open(place, "rb") as file:
            data = file.read()
        about = manifest.load(self.tree)
        for bad in (b"", data[:50], data[:len(data) // 2], data[:40] + b"\xff" * 8 + data[48:],
                    data[:58] + b"\xff" * 4 + data[62:]):
            with open(place, "wb") as file:
                file.write(bad)
            self.assertEqual(len(manifest.look(about, self.tree)[2]), 1)

    def test_no_names(self):
        """A student can ask whether a name is in a list, but cannot read the names out of it."""
        with open(os.path.join(self.tree, manifest.NAME)) as file:
            line = next(line for line in file if line.startswith(' "uses"'))
        self.assertLess(len(line), 16 << 10)
        paths = re.compile(r'"[\w/]+\.[chS]": ')
        self.assertRegex(paths.sub("", line), r'^ "uses": \{"common": "[0-9a-f]+", "files": '
                         r'\{(\{?("([0-9].\w)?": "[0-9a-f]*"|[{}, ])*)\}\},\n$')

    def test_no_compiler(self):
        """Without a compiler the handout is made all the same, and a note says what it lacks."""
        target = os.path.join(self.tree, "..", "other")
        environment = dict(os.environ, PATH=os.path.join(self.tree, "nowhere"))
        result = subprocess.run([sys.executable, self.kept, "handout", "1", "-o", target],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
        output = result.stdout.decode()
        self.assertEqual(result.returncode, 0, output)
        self.assertRegex(output, "note: students are not told .* cannot be built here: .+\n")
        self.assertIsNone(manifest.load(target).uses)


if __name__ == "__main__":
    unittest.main()
