"""Tests of what a student's text may contain: hostile texts are refused, harmless ones are taken.

BAD and BAD_ASM list texts that could break out of their region, read files of the host, define
names of the kernel, or forge reports; each has a word that the refusal must contain, and its line
must be right. HARMLESS and HARMLESS_ASM list texts that look suspicious and are honest: they must
be taken. test_damage puts 20,000 random texts into a file and compares all that stands outside.
Time is bounded: no text may make the reader slow. A new trick becomes a line in one of the lists.

Nothing is built and no machine is booted.
Run alone: python3 tools/test/test_vet.py
"""
import contextlib
import os
import sys
import time
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TOOLS)
sys.path.insert(0, os.path.join(TOOLS, "test"))

from exercise import graft, regions
from exercise.regions import RegionError
from exercise.vet import MAX_BYTES, vet
from test_regions import ASM_FILE, C_FILE, PATH, region_of

GOOD = """
    int x = a["["] + '{' + '"' + '\\''; /* } */ // { /*
    char *s = "/* EXERCISE */ } \\" \\\\";
    if (x) { for (;;) { (void)s[0]; } }
    #define SIZE (1 + 2)    /* new */
    csr_write(sstatus, csr_read(sstatus) | 2);
    do_it(0x1e+1, 1.5e-3f, x ? a : b, a->b, u8"x", L'x', R, R "x", xR"y", "R(");
    /* Kommentar, \u8bf4\u660e: \u00fc */
label: ;
"""
# Texts in a region of C code, and a word of the refusal.
BAD = [
    ("x;", "no end"),
    ("}\nvoid evil(void) {\n", "closes nothing"),
    ("if (x) {\n", "{ is not closed"),
    ("%> <%\n", "closes nothing"), ("f(];\n", "closes nothing"), ("x = (;\n", "not closed"),
    ("/* open\n", "no end"), ('"open\n', "no end"), ("'open\n", "no end"),
    ('"\\\n";\n\\\n', "backslash"),
    ("x;\n// \\\n", "backslash"), ("x; \\ \n", "backslash"),
    ("a\\x69b;\n", "backslash outside"), ("\\u0061sm;\n", "backslash outside"),
    # A backslash at the end of a line joins the words around it.
    ("rep\\\nort_key[0] = 1;\n", "report_key is"), ("/\\\n* x;\n", "no end"),
    ("#inc\\ \nlude <x>\n", "preprocessor"), ("#\\\f\ndefine assert\n", "assert elsewhere"),
    ("// \\\n\\\n/* \n#include <x>\n", "preprocessor"),
    ("if (x)\n", 'ends with ")"'), ("x = \n", "middle"), ("return\n", "middle"),
    ("x, \n", "middle"), ("do_it(), else\n", "middle"),
    # Whichever branch is taken, the text must be whole.
    ("#if 0\n", "no #endif"), ("#endif\n", "without an #if"), ("x;\n#else\n", "without an #if"),
    ("#if A\n{\n#endif\n", "same brackets"), ("#if A\n}\n#endif\n", "closes nothing"),
    ("#if A\n{\n#else\n(\n#endif\n", "same brackets"),
    ("#if A\n{\n#elif B\n{\n#endif\n}\n", "same"),
    ("#if A\nx\n#else\ny;\n#endif\n", 'with "x"'), ("#if A\nx\n#endif\n", 'with "x"'),
    ("#if 0\n#else\n{\n#endif\n", "not closed"), ("#if 0\n#elif 1\n}\n#endif\n", "closes"),
    ("#if 0\n#if 1\n#else\n#endif\n", "no #endif"), ("#if 0 + 1\nasm;\n#endif\n", "asm is not"),
    ("#if 0\n/*\n#endif\n", "no end"), ("#if 0\n' /* '\n#endif\n'\n", "no end"),
    ('#if 0\nR"(\n#endif\n)"\n', "raw string"), ("#if 0\n#endif\n#include <x>\n", "preprocessor"),
    ("#ifdef A\n#else\n#else\n#endif\n", "behind #else"),
    ("#if __has_include(x)\n#endif\n", "not all"),
    ("#if 0\n#elifdef A\nasm;\n#endif\n", "elifdef"),
    ("x = (\n#if A\n1\n#endif\n;\n", "not closed"),
    ("#if 1\n" + "(" * 300 + ")" * 300 + ";\n#endif\n", "in one another"),
    ('#include "/etc/passwd"\n', "preprocessor"), ("%:include <x>\n", "preprocessor"),
    ("/* \n */ #include <x>\n", "preprocessor"), ("#embed <x>\n", "preprocessor"),
    ("# 1 \"x\"\n", "preprocessor"), ("#line 5\n", "preprocessor"), ("#pragma x\n", "preprocessor"),
    ("#define A {\n#define B }\n", "not closed"), ("#define A a##m\n", "preprocessor"),
    ("#define A(x, y) x ## y\n", "preprocessor"), ("#define A #x\n", "preprocessor"),
    ("#define A(x) %:%: x\n", "preprocessor"), ("#define A \\\n a##m\n", "preprocessor"),
    ("#define A(x, y) ,##__VA_ARGS__ x##y\n", "preprocessor"), ("#undef assert\n", "assert else"),
    ("#define A /* x\n\n", "no end"), ("#define assert(x)\n", "assert elsewhere"),
    ("#define A /* x\n*/ (\n", "not closed"), ("#define\n", "needs a name"),
    ("#define 1\n", "name"),
    ("x; #define A 1\n", "preprocessor"), ("x; /*\n*/ #define A 1\n", "preprocessor"),
    # Names of the compiler's own, and those of attributes.
    ("#define _Bool int\n", "compiler's"), ("#define __builtin_offsetof(a, b) 0\n", "compiler's"),
    ("#undef __riscv\n", "compiler's"), ("#define __FILE__ \"x\"\n", "compiler's"),
    ("#define defined 1\n", "compiler's"), ("#define unused section(\"x\")\n", "attribute"),
    ("#define asm x\n", "not allowed"), ("#elifdef A\n", "preprocessor"),
    ("#define A(x) csr_read(x)\n", "plain name"), ("csr_read(\n#define A 1\nx);\n", "is cut"),
    ("x;\n#define A asm\n", "asm is not allowed"), ("#define A csr_read\n", "plain name"),
    ('asm volatile (".incbin \\"x\\"");\n', "asm is not"), ("__asm__ (\"\");\n", "not allowed"),
    ("_Pragma(\"x\");\n", "not allowed"),
    ("int x __attribute__((section(\"a\")));\n", "not allowed"),
    ("int x __attribute__((unused, section(\"a\")));\n", "not allowed"),
    ("int x __attribute__((unused)(section(\"a\")));\n", "not allowed"),
    ("int x __attribute__((aligned(8), weak, alias(\"a\")));\n", "not allowed"),
    ("int x __attribute__;\n", "not allowed"), ("__attribute__((constructor)) x;\n", "not all"),
    ("int x __attribute__((\n#define A\nunused));\n", "is cut"),
    ("#define A __attribute__\n", "no end"),
    ("int x __attribute__((aligned(asm)));\n", "asm is not"),
    ("[[gnu::section(\"x\")]] int x;\n", "attribute"), ("<: /**/ [a]] int x;\n", "attribute"),
    ("f(x; .incbin y);\n", "incbin"), ("csr_read(x; .foo);\n", "plain name"),
    ("csr_read (a b);\n", "plain name"), ("__has_include(x);\n", "not allowed"),
    ("report_key[0] = 1;\n", "not allowed"), ("check_done();\n", "not allowed"),
    ("report_done(&report_side, \"x\");\n", "not allowed"), ("SELFTEST_AT(a, b, c);\n", "not all"),
    ("SCHED_CLASS(0, x);\n", "SCHED_CLASS is not"),
    ("return buddy_pmm_manager.alloc_pages(n);\n", "not allowed"),
    ("PMM_MANAGER(0, x);\n", "PMM_MANAGER is not"), ("DRIVER(a, b, c, d);\n", "DRIVER is not"),
    ("x = &mlfq_sched_class;\n", "mlfq_sched_class is not"),
    # A raw string ends where no other does, so that a line in a comment is none.
    ('s = R"x("/* )x";\n#include "/etc/passwd"\ns = R"y( */ ( )y"; //"\n;\n', "raw string"),
    ('s = u8R"(a)";\n', "raw string"), ('#define A LR"(a)"\n', "raw string"),
    # Macros can put together the brackets of an attribute.
    ("#define A\nint x[A [gnu::section(\"x\")]];\n", "gnu is not"),
    ("#define B [__gnu__::__alias__(\"x\")]\n", "__gnu__ is not"),
    ("s = __TIME__ __DATE__;\n", "__TIME__ is not"), ("s = __TIMESTAMP__;\n", "not allowed"),
    ("x; /* EXERCISE 1.1 end */\n", "marker"), ('"/* EXERCISE 5.3 begin: x";\n', "marker"),
    ("a\x00b;\n", "no text"), ("a\rb;\n", "no text"),
    ("a\x1bb;\n", "no text"),
    ("a \udcff;\n", "0xff"), ("/* \u202e */\n", "no text"), ("/* \u2028 */\n", "no text"),
    ("x;\n" * MAX_BYTES, "KiB"), ("@\n", "no end"), ("`x`\n", "no end"),
]
# No harm can come of these texts, though some of them were refused once.
HARMLESS = [
    "a\fb;\v\n", "x = y; \\\n    z = 1;\n", "if (a && \\ \n    b)\n    c();\n",
    "// it's \\\n so\nx;\n",
    "#define MAX(a, b) \\\n    ((a) > (b) ? (a) : (b))\nx = MAX(1, 2);\n#undef MAX\n",
    "#define LOG(f, ...) cprintf(f, ##__VA_ARGS__)\nLOG(\"x\");\n", "#define S(x) #x\n", "#\n",
    "#define DEBUG 0 /* or\n1 */\n#if DEBUG\nx;\n#elif defined(Y)\ny;\n#else\nz;\n#endif\n",
    "#if 0\nthis doesn't compile: { ( asm \"\n#include <x>\n#if A\n#else }\n#endif\n"
    "@ ` \\x\n#endif\n",
    "#ifdef A\nif (x) {\n#else\nif (y) {\n#endif\n    z();\n}\n", "#if 0\n}\n#else\nx;\n#endif\n",
    "# /* x */ ifdef A /* it's */\n#endif // it's\n", "#ifndef A\n# define A 1\n#endif\n",
    "static int f(void) __attribute__((unused));\n",
    "int x __attribute__((aligned(8), __packed__));\n",
    "__attribute__ ((format (printf, 1,\n 2))) void f(void);\n", "__attribute__((fallthrough));\n",
    "int x __attribute__(());\n", "/* What stands behind EXERCISE 2.2 begin,\n"
    "   EXERCISE 2.2 end and\n   EXERCISE 2.2 begin: x */\n", '"EXERCISE 5.3 begin: x";\n',
    "include_it(x);\n", "#define base 1\n", "/* \u4e2d\u6587 */ // \xfc\n",
]
HARMLESS_ASM = [
    "sd ra, 0(a0)    # the caller's\n# it's\n## don't\n",
    ".equ SIZE, 8\n.equiv x, 1\ni = 8\ni = i + 8\n",
    ".macro save reg, off\n    sd \\reg, \\off(a0)\n.endm\nsave ra, 0\nSAVE sp, 8*1\n",
    ".macro save r, n\nsd \\r, 8*\\n(a0)\n.endm\n.irp n, 0, 1\nsave s\\n, \\n+2\n.endr\n",
    ".macro Save n\nsd s\\n, 8*\\n(a0)\n.L\\@: j .L\\@\n.endm\nSave 3\n",
    "li a0, 'a'; li a1, '\\n'\n",
    ".rept 3\nnop\n.endr\n.if SIZE > 1\nnop\n.else\nret\n.endif\n",
    ".Lloop: j .Lloop\nj .\nj .+8\n",
    "#if 0\ndon't .section x /* it's */ \"\n#endif\n",
    "#define OFFSET (8 * 2)\nsd ra, OFFSET(a0)\n",
    "#ifdef A\nnop\n#else\nret\n#endif\n#undef OFFSET\n", "nop \\\n ; nop\n",
    "nop\f# 100%: it's so\n",
    ".option push\n.option norvc\nnop\n.option pop\n", "/* it's\n EXERCISE 1.2 begin */ nop\n",
    "# GBK \u4e2d\u6587 EXERCISE 2.2 begin\n", "lr.w.aq t0, (a0)\n", "# \\@ \\x `\n",
]
BAD_ASM = [
    ('.incbin "/etc/passwd"\n', "quotes"), (".include x\n", "not allowed here"),
    ("nop; .section x\n", "not allowed here"), ("1: .word 1\n", "not allowed here"),
    (".macro x\n", "no .endm"), (".irp x, a\n", "no .endr"), (".macro x\n.endr\n", "ends nothing"),
    (".endr\n", "ends nothing"), (".endm\n", "ends nothing"), (".if 1\n.else\n", "no .endif"),
    (".else\n", "no .if"), (".irp d, incbin\n.\\d x\n.endr\n", "not allowed"),
    (".irp d, x\n.\\d x\n.endr\n", "not allowed here"), ("\\d x\n", "not allowed here"),
    ("#include <x>\n", "preprocessor"), ("  # define A .section b\n", "for a value"),
    ("/* x */ #define A .b\n", "for a value"), ("#define A(x) x\n", "for a value"),
    ("#define A ;\n", "for a value"), ("#define irp section\n", "directive"),
    ("%: ; .section x\n", "not all"),
    ("#pragma x\n", "preprocessor"), ("# 1 \"x\"\n", "preprocessor"),
    ("#define ret nop\n", "elsewhere"),
    ("#undef ret\n", "elsewhere"), ("#if 0\n", "no #endif"),
    ("#if 1\n.section x\n#endif\n", "not all"),
    ("#if A\n.irp x, y\n#endif\n.endr\n", "same"),
    ("#if 0\n#endif\n.section x\n", "not allowed here"),
    (".macro RET\n.endm\n", "elsewhere"), (".macro\n.endm\n", "elsewhere"),
    (".macro m x\nnop\n.endm\nm .section\n", ".section is not"), ("m = .text\n", ".text is not"),
    (".macro m x\nnop\n.endm\nm .\n", ". is not"), (".option arch, +v\n", ".option"),
    ("# ' /* '\n.section x\n# */\n", "not allowed here"), ("# /*\n", "no end"),
    ("nop /*\n", "no end"),
    ("nop ' ; .section x\n", "quotes"), ("li a0, '#'; .section x\n", "quotes"),
    ("nop \"\n", "quotes"),
    ("# R\"x(\n.section x\n# )x\"\n", "raw string"), ("# it's\n.section x\n", "not allowed here"),
    ("rep\\\nort_done\n", "report_done is"), ("# \\\n\n.section x\n", "not allowed here"),
    ("nop \\\n", "backslash"), ("switch_to: .globl x\n", "not allowed here"),
    ("nop\n/* EXERCISE 1.2 end */\n", "marker"), ("\x00\n", "no text"),
    ("la t0, report_key\n", "report_key is not"), ("call report_done\n", "not allowed"),
    ("1: .set x, power_off\n", "power_off is not"),
    (".irp k, key\nla t0, report_\\k\n.endr\n", "report_\\k"),
    (".irp k, eport_key\nla t0, r\\k\n.endr\n", "eport_key"),
    (".irp k, rep\n.irp l, ort\nla t0, \\k\\l\n.endr\n.endr\n", "\\k\\"),
    (".macro m k\nla t0, r\\k\n.endm\nm eport_key\n", "report_key"),
    # A macro that hands on what it puts together.
    (".macro m k\nn e\\k\n.endm\n.macro n k\nla t0, r\\k\n.endm\nm port_key\n", "report_key"),
    (".macro m k\nN e\\k\n.endm\n.macro n k\nla t0, r\\k\n.endm\nm port_key\n", "report_key"),
    (".macro m k\nm a\\k\nm b\\k\nm c\\k\nm d\\k\n.endm\nm x\n", "3 such letters"),
    (".irp k, rep\n.irp l, o\\k\nla t0, r\\l\n.endr\n.endr\n", "one letter"),
]


class VetTest(unittest.TestCase):
    """The lists, and two tests with texts that are made by rule."""

    taken = {"assert", "if", "ret"}

    def refuse(self, region, text, word):
        """The text is refused with this word, and with a line that lies in it."""
        with self.assertRaises(RegionError, msg=repr(text[:80])) as caught:
            vet(region, text, 10, self.taken)
        self.assertIn(word, str(caught.exception), repr(text[:80]))
        self.assertTrue(10 <= caught.exception.line <= 10 + text.count("\n"))

    def test_code(self):
        code, extra = region_of(C_FILE, "first"), region_of(C_FILE, "constants")
        for text in (GOOD, "", "\n", "/* only this */\n", "x;\n", "{ }\n",
                     'not_written("1.1", "first", a, b,\n    c);\n'):
            vet(code, text, 10, self.taken)
            vet(extra, text, 10, self.taken)
        for text, word in BAD:
            self.refuse(code, text, word)
        for text in HARMLESS:
            vet(code, text, 10, self.taken)
        vet(extra, "&entry,\n", 10)
        self.refuse(extra, "static int\n", 'ends with "int"')

    def test_lab_7_turns_no_interrupts_off(self):
        region = region_of(C_FILE.replace("EXERCISE 1.1", "EXERCISE 7.1"), "first")
        for text in ("irq_push();\n", "bool on;\nlocal_intr_save(on);\n",
                     "csr_clear(sstatus, 2);\n", "this_cpu->locks_held &= ~1;\n",
                     "#define OFF irq_disable\nOFF();\n", "c->locks_held = HELD_WAS_ON;\n",
                     "char *s = \"/*\"; irq_push(); s = \"*/\";\n"):
            self.refuse(region, text, "is not allowed in lab 7")
            vet(region_of(C_FILE, "first"), text, 10, self.taken)
        for text in ("/* irq_push() */ x;\n", "cprintf(\"irq_push\");\n", "held = irq;\n"):
            vet(region, text, 10, self.taken)

    def test_line(self):
        with self.assertRaises(RegionError) as caught:
            vet(region_of(C_FILE, "first"), "a;\nb;\n/* */ asm;\n", 10)
        self.assertEqual(str(caught.exception)[:16], "kern/mm/a.c:12: ")
        for bracket in "{}":
            with self.assertRaises(RegionError) as caught:
                vet(region_of(C_FILE, "first"), "a_long_name;\nb;\n#define A %s\nc;\n" % bracket,
                    10)
            self.assertEqual(str(caught.exception)[:16], "kern/mm/a.c:12: ")

    def test_assembly(self):
        region = region_of(ASM_FILE, "label", "kern/a.S")
        for text in (region.text, '    not_written("1.2", "label")\n', "1: nop; 2: ret # it is\n",
                     ".irp n, 2, 11 \nsd s\\n, 8*\\n(a0)\n.endr\n.irp r, s0, ra\nsd \\r, 0(a0)\n"
                     ".endr\n", "# report_done\n", ".set check, 8\nsd ra, check(a0)\n",
                     "/* it doesn't */ nop // \"\n", ""):
            vet(region, text, 10)
        for text in HARMLESS_ASM:
            vet(region, text, 10, self.taken)
        for text, word in BAD_ASM:
            self.refuse(region, text, word)

    def test_long_texts_take_no_longer(self):
        """The time grows with the length only: long texts and long words take no longer."""
        code, assembly = region_of(C_FILE, "first"), region_of(ASM_FILE, "label", "kern/a.S")
        began = time.process_time()
        for piece in ("x", "/*", "(", '"', "'", "\\", "\\ ", "#if A\n", "#if 0\n", "a:", "x\\y",
        "s\\n ",
                      "a b\n", "#define A (\n", "EXERCISE ", "not_written(\"1.1\",", "[", "a.",
                      "_ ",
                      "__attribute__((", "csr_read(x)", "\f", "1.", "\\\n", "x ", "include",
                      ".macro a\n",
                      "s\\n\n", "r\\n, b\n", "/* */", "#", "'a'", ";", "' ", "gnu", ".irp a, b\n"):
            text = piece * (60000 // len(piece)) + "\n"
            for region in (code, assembly):
                with contextlib.suppress(RegionError):
                    vet(region, text, 10, self.taken)
                copy = regions.Region(*region.key, region.form, region.path, 1)
                copy.text = text
                self.assertIn(copy.is_blank, (True, False))
        self.assertLess(time.process_time() - began, 20)

    def test_damage(self):
        """Texts of random pieces are taken or refused; nothing outside of the region changes."""
        region, state = region_of(C_FILE, "first"), 1
        pieces = ["/*", "*/", "//", '"', "'", "\\", "\n", "{", "}", "(", ")", "#", "define A", "x",
                  ";", region.begin, region.end, "\udc80", "\x00", "\r", "%:", "<%", "%>", "if",
                  " "]
        taken = 0
        for _ in range(20000):
            text = ""
            for _ in range(6):
                state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
                text += pieces[(state >> 33) % len(pieces)]
            try:
                result = graft.graft(C_FILE, PATH, {region.key: (text + ";\n", 1)}, self.taken)
            except RegionError:
                continue
            taken += 1
            self.assertEqual([r.key for r in regions.parse(result, PATH)],
                             [r.key for r in regions.parse(C_FILE, PATH)])
            self.assertEqual(regions.replace(result, PATH, {region.key: region.text}), C_FILE)
        self.assertGreater(taken, 100)


if __name__ == "__main__":
    unittest.main()
