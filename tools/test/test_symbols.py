"""What a text may use of the kernel: liars are named, honest work passes."""
import os
import sys
import tempfile
import unittest
from types import SimpleNamespace

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from exercise import handin, marks, symbols, workshop
from forgeries import CALL_THE_END, FIND, MAKE_WRITABLE, PUT_BACK, near
from grader.labs import load
from trees import OBJECTS, TOP

TOOLCHAIN = os.path.basename(OBJECTS)
ACCESS, OWN = ("1.2", "fault_access"), ("2.C", "own_pmm_manager")
CLASS, BACKTRACE = ("6.C", "own_sched_class"), ("1.3", "backtrace")
END = FIND % ("report_done", "power_off", near("report_done", "power_off")) + CALL_THE_END
WRITABLE = FIND % ("report_check_eq", "power_off", near("report_check_eq", "power_off")) \
    + MAKE_WRITABLE + PUT_BACK

# Buddy's functions by their names: nothing is written but this.
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
# (where, what is written before the reference's text there, what is named)
LIARS = [
    (ACCESS, END, "symbol_format"),
    (ACCESS, WRITABLE, "kernel_entry"),
    (ACCESS, "extern char kernel_text_start[];\n*(volatile char *)kernel_text_start = 1;\n",
     "kernel_text_start"),
    (ACCESS, JOIN + "void JOIN(power, _off)(int);\nif (cause == 99)\n    JOIN(power, _off)(0);\n",
     "power_off"),
    (ACCESS, JOIN + "int JOIN(report, _done)(void *, char *);\nif (cause == 99)\n"
     "    JOIN(report, _done)(NULL, NULL);\n", "report_done"),
    (OWN, BUDDY, "symbol_format"),
    (OWN, JOIN + "extern const struct pmm_manager JOIN(buddy, _pmm_manager);\n"
     "void *given = (void *)&JOIN(buddy, _pmm_manager);\n", "buddy_pmm_manager"),
    (CLASS, JOIN + "const struct sched_class *given = &JOIN(mlfq, _sched_class);\n",
     "mlfq_sched_class"),
    (BACKTRACE, "char word[64];\nsymbol_format(word, sizeof(word), fp);\n", "symbol_format"),
    (("4.1", "alloc_proc"), "program_symbol(NULL, 0, NULL, 0);\n", "program_symbol"),
    (("5.C", "declaration of do_vfork"), "void symbol_format(char *, size_t, uintptr_t);\n"
     "__attribute__((used)) static void find(void)\n{\n    symbol_format(NULL, 0, 0);\n}\n",
     "symbol_format"),
]
HONEST = [
    (ACCESS, "char a[40], b[40];\nmemset(a, cause, sizeof(a));\nmemcpy(b, a, 40);\n"
     "memmove(b + 1, b, 20);\nif (memcmp(a, b, 40) != 0 && cause == 99)\n"
     "    cprintf(\"%d\\n\", a[3]);\nassert(cause != 99);\nassert_eq(sizeof(a), sizeof(b));\n"),
    (OWN, "void use(void);\nvoid use(void)\n{\n    for (size_t i = 0; i < npage; i++)\n"
     "        assert(page2kva(&pages[i]) != NULL && pa2page(page2pa(&pages[i])) == &pages[i]);\n"
     "}\n"),
    (CLASS, "int helper(int);\nint helper(int a)\n{\n    return a + cpu_count;\n}\n"),
]


class Symbols(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        pristine = workshop.prepare(TOP, os.path.join(folder.name, "pristine"), TOOLCHAIN)
        cls.shop = workshop.Workshop(pristine, os.path.join(folder.name, "shop"), TOOLCHAIN)
        cls.reference = marks.Reference(TOP, load(), "0" * 12)
        cls.uses = symbols.Uses(cls.reference, pristine,
                                os.path.join(pristine, "obj", TOOLCHAIN))

    def texts(self, key, before):
        texts = {region.key: region.text for region in self.reference.of(key[0])}
        texts[key] = before + texts[key]
        return texts

    def foreign(self, key, before):
        texts = self.texts(key, before)
        with self.shop.variant(self.reference.variant(texts)) as built:
            self.assertTrue(built.succeeded, built.output)
            return self.uses.foreign(self.shop.objects, texts)

    def test_liars(self):
        for key, before, name in LIARS:
            with self.subTest(before):
                found = self.foreign(key, before)
                self.assertEqual(list(found), [key[0]])
                self.assertRegex(found[key[0]], r"\b%s\b" % name)

    def test_honest_work(self):
        for key, before in HONEST:
            with self.subTest(before):
                self.assertEqual(self.foreign(key, before), {})

    def test_the_reference(self):
        texts = {region.key: region.text for region in self.reference.regions}
        self.assertEqual(self.uses.foreign(self.shop.objects, texts), {})

    def test_names_are_of_the_kernel(self):
        """No name that this tree lists is stale."""
        listed = symbols.COMMON.union(*(exercise.uses for exercise
                                        in self.reference.exercises.values()))
        self.assertEqual(sorted(listed - self.uses.globals), [])
        for path in symbols.COMMON_OBJECTS:
            self.assertIn(path, self.uses.symbols)

    def test_what_is_refused_has_no_points(self):
        """Made writable and put back: the machine does not show it, and in a tree of one's own it
        has its points, as test_forgery shows."""
        found = handin.Handin(1, "")
        found.exercises = ["1.2", "1.3"]
        for number in found.exercises:
            found.texts.update({region.key: (region.text, 1)
                                for region in self.reference.of(number)})
        found.texts[ACCESS] = self.texts(ACCESS, WRITABLE)[ACCESS], 1
        work = marks.Work(SimpleNamespace(handin=found, place=str), self.reference,
                          found.exercises)
        for policy in ("best", "together", "alone"):
            result = marks.Marker(self.reference, self.shop).marks(work, policy)["exercises"]
            self.assertEqual((result["1.2"]["state"], result["1.2"]["mark"]), (marks.REFUSED, 0))
            self.assertIn("kernel_entry", result["1.2"]["why"])
            self.assertIs(type(result["1.2"]["why"]), str)
            self.assertEqual(result["1.3"]["mark"], result["1.3"]["max"])


if __name__ == "__main__":
    unittest.main()
