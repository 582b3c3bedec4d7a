"""Tests of what differs on other systems: compilers, C libraries, packages, git, and broken hosts.

Other systems are played by small scripts: Bin makes a folder of commands, PATH names that folder
only, and make, probe.sh and setup.sh run with it. CLibrary: no header of a C library gets into a
build. EndsOfLines: a tree with CR LF is told. Hosts: a full disk or a missing /proc is one line.
Roots: tools/systems.py without a root. `make test-systems` tests on real systems instead.

Needs the built objects; their toolchain is the one that is tested. git and unshare are used if
they are here.
Run alone: python3 tools/test/test_systems.py
"""
import argparse
import contextlib
import errno
import io
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

import cli
import systems
from exercise import handout
from grader import processor

OBJECTS = os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf")
TOOLCHAIN = os.path.basename(OBJECTS)
MIRROR = systems.mirror           # Roots replaces it
HEADERS = "limits stdarg stdbool stddef stdint".split()
# Beside sh, what probe.sh, setup.sh and the Makefile call.
BASICS = ("sh bash env make python3 sed grep head cmp mv mkdir rm cat printf id paste uname "
          "getconf dirname touch chmod ls").split()
TOOLS = {"unknown-elf": ["riscv64-unknown-elf-" + tool for tool in "gcc ld ar nm objcopy".split()],
         "linux-gnu": ["riscv64-linux-gnu-" + tool for tool in "gcc ld ar nm objcopy".split()],
         "clang": "clang ld.lld llvm-ar llvm-nm llvm-objcopy".split()}
ANY_COMPILER = 'case $1 in --version) echo "compiler 1.0" ;; -print-*) echo include ;; esac'
QEMU = 'case $1 in --version) echo "QEMU emulator version %s" ;; -L) echo %s ;; esac'


def run(command, **more):
    """Run a command: (exit status, stdout, stderr)."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **more)
    return (result.returncode, result.stdout.decode("utf-8", "replace"),
            result.stderr.decode("utf-8", "replace"))


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def flags(side):
    """The words of the command that compiles for the kernel, or for programs ("user")."""
    with open(os.path.join(TOP, OBJECTS, "flags")) as lines:
        return lines.read().splitlines()[side == "user"].split()


class WithFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, *names):
        return os.path.join(self.folder, *names)


class CLibrary(WithFolder):
    """A C library is installed: its headers must not be used, nor the words that they define."""

    def setUp(self):
        super().setUp()
        for name in HEADERS + ["float", "sys/types"]:
            write(self.path("library", name + ".h"), "#error a header of the C library\n")
        write(self.path("library", "words.h"), "".join(
            "#define %s another\n" % word
            for word in "__noreturn __always_inline __noinline __unused".split()))

    def compile(self, side, text, *more, **environment):
        write(self.path("program.c"), text)
        status, out, err = run(flags(side) + ["-Werror", "-fsyntax-only", self.path("program.c")]
                               + list(more), cwd=TOP, env=dict(os.environ, **environment))
        self.assertEqual(status, 0, err)

    def test_no_header_of_it_is_included(self):
        status, out, err = run(["python3", "tools/check_headers.py", OBJECTS], cwd=TOP,
                               env=dict(os.environ, CPATH=self.path("library")))
        self.assertEqual(status, 0, out + err)

    def test_its_words_are_no_words_of_ours(self):
        words = self.path("library", "words.h")
        self.compile("kernel", "#include <debug/panic.h>\n", "-include", words)
        self.compile("user", "#include <ulib.h>\n#include <stdio.h>\n", "-include", words)

    def test_programs_find_the_headers_of_the_standard(self):
        includes = "".join("#include <%s.h>\n" % name for name in HEADERS)
        self.compile("user", includes + "#include <ulib.h>\n#include <float.h>\n"
                     "int bits[CHAR_BIT == 8 && DBL_MANT_DIG == 53 ? 1 : -1];\n")
        self.compile("user", "#include <ulib.h>\n" + includes)

    def test_the_build_does_not_look_where_the_environment_says(self):
        shutil.copytree(os.path.join(TOP, "libs"), self.path("libs"))
        shutil.copytree(os.path.join(TOP, "user", "libs"), self.path("user", "libs"))
        shutil.copytree(os.path.join(TOP, "tools"), self.path("tools"))
        write(self.path("user", "new.c"), "#include <float.h>\nint main(void)\n{\n}\n")
        os.makedirs(self.path("obj", TOOLCHAIN))
        shutil.copy(os.path.join(TOP, OBJECTS, "config.mk"), self.path("obj", TOOLCHAIN))
        status, out, err = run(
            ["make", "-r", "-f", "tools/build.mk", "TC=" + TOOLCHAIN,
             "obj/%s/uobj/user/new.c.o" % TOOLCHAIN], cwd=self.folder,
            env=dict(os.environ, CPATH=self.path("library"), MAKEFLAGS=""))
        self.assertEqual(status, 0, out + err)

    def test_ucore_words_remain_for_programs(self):
        self.compile("user", "#include <defs.h>\n"
                     "static __noreturn __noinline void f(__unused int a)\n{\n"
                     "    for (;;)\n        ;\n}\n"
                     "static __always_inline int g(void)\n{\n    return 0;\n}\n"
                     "int main(void)\n{\n    f(g());\n}\n")

    def test_limits_are_those_of_the_types(self):
        with open(os.path.join(TOP, "libs", "stdint.h")) as lines:
            types = [line.split()[-1].rstrip(";") for line in lines if line.startswith("typedef")]
        names = {name: name[:-2].upper() for name in types}
        self.assertGreater(len(names), 20)
        names.update({"signed char": "SCHAR", "unsigned char": "UCHAR", "char": "CHAR",
                      "short": "SHRT", "unsigned short": "USHRT", "int": "INT", "size_t": "SIZE",
                      "unsigned int": "UINT", "long": "LONG", "unsigned long": "ULONG",
                      "long long": "LLONG", "unsigned long long": "ULLONG", "wchar_t": "WCHAR",
                      "ptrdiff_t": "PTRDIFF"})
        text = """#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#define SIGNED(t) ((t)-1 < (t)1)
#define MOST(t) (SIGNED(t) ? (1UL << (sizeof(t) * 8 - 1)) - 1 : ~0UL >> (64 - sizeof(t) * 8))
#define HAS(t, max) _Static_assert((max) == MOST(t), #t)
#define FROM(t, min) _Static_assert(SIGNED(t) && (min) < 0 && (min) + 1 == -(long)MOST(t), #t)
"""
        text += "".join("HAS(%s, %s_MAX);\n" % pair for pair in names.items())
        text += "".join("#ifdef %s_MIN\nFROM(%s, %s_MIN);\n#endif\n" % (limit, name, limit)
                        for name, limit in names.items() if name not in ("char", "wchar_t"))
        text += "".join("_Static_assert(sizeof(int%d_t) == %d && sizeof(uint%d_t) == %d, \"\");\n"
                        % (bits, bits // 8, bits, bits // 8) for bits in (8, 16, 32, 64))
        text += "_Static_assert(INT64_C(1) << 62 > 0 && UINT64_C(-1) == UINT64_MAX, \"\");\n"
        self.compile("user", text)

class Bin(WithFolder):
    """A base class for tests in which PATH names one folder, with commands that the test makes.
    A copy of what setting up needs lies beside it."""

    def setUp(self):
        super().setUp()
        for name in BASICS:
            os.makedirs(self.path("bin"), exist_ok=True)
            os.symlink(shutil.which(name), self.path("bin", name))
        for name in ("Makefile", "tools", "libs"):
            place = os.path.join(TOP, name)
            (shutil.copytree if os.path.isdir(place) else shutil.copy)(place, self.path(name))

    def command(self, name, script=""):
        path = self.path("bin", name)
        if os.path.lexists(path):
            os.remove(path)
        write(path, "#!/bin/sh\n%s\n" % script)
        os.chmod(path, 0o755)

    def toolchain(self, name, compiler=ANY_COMPILER):
        for tool in TOOLS[name]:
            self.command(tool)
        self.command(TOOLS[name][0], compiler)

    def run(self, *arguments, **more):
        # unittest itself calls run(result) to run the test.
        if not arguments or not isinstance(arguments[0], str):
            return super().run(*arguments, **more)
        return run(list(arguments), cwd=self.folder,
                   env=dict(os.environ, PATH=self.path("bin"), MAKEFLAGS="", **more))


class Probe(Bin):
    def test_order_and_a_word_where_it_is_another_than_the_courses(self):
        self.toolchain("clang")
        status, out, err = self.run("tools/probe.sh", "toolchain", "")
        self.assertEqual((status, out), (0, "clang\n"))
        self.assertIn("TOOLCHAIN=clang is taken, because unknown-elf is not installed", err)
        self.toolchain("linux-gnu")
        self.assertEqual(self.run("tools/probe.sh", "toolchain", "")[1], "linux-gnu\n")
        self.toolchain("unknown-elf")
        status, out, err = self.run("tools/probe.sh", "toolchain", "")
        self.assertEqual(out, "unknown-elf\n")
        self.assertIn("TOOLCHAIN=unknown-elf, compiler 1.0", err)
        self.assertEqual(self.run("tools/probe.sh", "toolchain", "")[1:], ("unknown-elf\n", ""))

    def test_asked_for_is_taken_without_a_word_more(self):
        self.toolchain("clang")
        self.run("tools/probe.sh", "toolchain", "clang")
        self.assertEqual(self.run("tools/probe.sh", "toolchain", "clang"), (0, "clang\n", ""))

    def test_a_compiler_that_assembles_but_does_not_compile(self):
        self.toolchain("linux-gnu", ANY_COMPILER + "\ncase \"$*\" in *-ffreestanding*) "
                       "echo 'x.h:1: fatal error: stdint.h: No such file' >&2; exit 1 ;; esac")
        status, out, err = self.run("tools/probe.sh", "toolchain", "linux-gnu")
        self.assertEqual(status, 1)
        self.assertEqual(out, "TOOLCHAIN=linux-gnu: riscv64-linux-gnu-gcc does not compile this "
                         "tree: x.h:1: fatal error: stdint.h: No such file\n")
        self.assertEqual(os.listdir(self.path("obj", "linux-gnu")), [])

    def test_what_newer_compilers_refuse_is_no_error(self):
        """Since GCC 14 and clang 16 two old habits of C are errors. Which options make warnings
        of them differs by compiler. WERROR=1 stays strict."""
        self.toolchain("linux-gnu", ANY_COMPILER + "\ncase \"$*\" in *-Wno-error=*) case \"$*\" in "
                       "*implicit-function*|*int-conversion*) ;; *) exit 1 ;; esac ;; esac")
        self.assertEqual(self.run("tools/probe.sh", "toolchain", "linux-gnu")[0], 0)
        wanted = "-Wno-error=implicit-function-declaration -Wno-error=int-conversion"
        for strict in ("", "1"):
            status, out, err = self.run("make", "-r", "-f", "tools/build.mk", "TC=linux-gnu",
                                        "V=1", "try", "WERROR=" + strict)
            self.assertEqual(status, 0, err)
            self.assertEqual(out.count(wanted), 0 if strict else 2, out)

    def test_noise_on_stderr_is_no_answer(self):
        self.toolchain("unknown-elf")
        self.command("qemu-system-riscv64", QEMU % ("7.2.0", "/nowhere"))
        self.command("python3", "echo 'setlocale: cannot change locale' >&2")
        status, out, err = self.run("make", "-n", "build")
        self.assertEqual(status, 0, err)
        self.assertIn("TC=unknown-elf", out)
        self.assertIn("setlocale", err)

    def test_no_answer_is_told(self):
        write(self.path("tools", "probe.sh"), "#!/bin/sh\n")
        status, out, err = self.run("make", "-n", "build")
        self.assertEqual(status, 2)
        self.assertIn("tools/probe.sh gives no answer", err)


class Processor(Bin):
    def test_zfa_is_off_with_f_where_this_qemu_knows_it(self):
        for number, wanted in (("6.2.0", ""), ("8.0.4", ""), ("8.1.0", ",zfa=off"),
                               ("10.0.13", ",zfa=off")):
            name = self.path("bin", "qemu-" + number)
            self.command("qemu-" + number, QEMU % (number, "/nowhere"))
            for text in ("rv64,f=off,d=off", "rv64,f=off,d=off,zfinx=on"):
                self.assertEqual(processor.options(name, text), ["-cpu", text + wanted])
            self.assertEqual(processor.options(name, "rv64,c=off"), ["-cpu", "rv64,c=off"])
            self.assertEqual(processor.options(name, ""), [])


class Setup(Bin):
    """tools/setup.sh, with packages that are commands of three lines."""

    def setUp(self):
        super().setUp()
        write(self.path("qemu", "opensbi-riscv64-generic-fw_dynamic.bin"), "firmware")
        self.command("qemu-system-riscv64", QEMU % ("7.2.0", self.path("qemu")))
        self.command("gdb-multiarch")
        self.command("id", "echo 0")
        self.command("dpkg", "exit 0")
        self.packages("gcc-riscv64-unknown-elf gcc-riscv64-linux-gnu qemu-system-riscv")

    def packages(self, names):
        """Say which packages the system has. Installing a compiler makes its commands."""
        self.command("apt-cache", 'case " %s " in *" $2 "*) ;; *) exit 100 ;; esac' % names)
        made = "".join("case \"$*\" in *gcc-riscv64-%s*) for t in %s; do cp bin/model bin/$t; "
                       "done ;; esac\n" % (name, " ".join(TOOLS[name]))
                       for name in ("unknown-elf", "linux-gnu"))
        self.command("model", ANY_COMPILER)
        self.command("cp", 'IFS= read -r _ <bin/model; cat "$1" >"$2"; chmod 755 "$2"')
        self.command("apt-get", 'echo "$*" >>apt.log\n' + made)

    def log(self):
        if not os.path.exists(self.path("apt.log")):
            return ""
        with open(self.path("apt.log")) as file:
            return file.read()

    def test_the_courses_compiler_is_installed_beside_another(self):
        self.toolchain("clang")
        status, out, err = self.run("tools/setup.sh")
        self.assertEqual(status, 0, out + err)
        self.assertIn("gcc-riscv64-unknown-elf", self.log())
        self.assertIn("setup: all tools are there; TOOLCHAIN=unknown-elf", out)

    def test_where_there_is_no_package_of_it_another_does(self):
        self.toolchain("clang")
        self.packages("gcc-riscv64-linux-gnu")
        status, out, err = self.run("tools/setup.sh")
        self.assertEqual(status, 0, out + err)
        self.assertNotIn("install", self.log())
        self.assertIn("setup: all tools are there; TOOLCHAIN=clang", out)

    def test_where_there_is_neither_linux_gnu_is_installed(self):
        self.packages("gcc-riscv64-linux-gnu")
        status, out, err = self.run("tools/setup.sh")
        self.assertEqual(status, 0, out + err)
        self.assertIn("gcc-riscv64-linux-gnu", self.log())
        self.assertIn("TOOLCHAIN=linux-gnu", out)

    def test_what_can_be_done_without_root(self):
        self.toolchain("clang")
        self.command("id", "echo 1000")
        status, out, err = self.run("tools/setup.sh")
        self.assertEqual(status, 1)
        self.assertIn("as root run: apt-get install gcc-riscv64-unknown-elf (or take "
                      "TOOLCHAIN=clang, which is here)", err)

    def test_firmware_that_is_not_in_qemus_folder(self):
        self.toolchain("unknown-elf")
        os.remove(self.path("qemu", "opensbi-riscv64-generic-fw_dynamic.bin"))
        status, out, err = self.run("tools/setup.sh")
        self.assertEqual(status, 1)
        self.assertIn("opensbi-riscv64-generic-fw_dynamic.bin is in none of QEMU's folders (%s): "
                      "install again" % self.path("qemu"), err)
        self.assertNotIn("all tools are there", out)

    def test_a_gdb_that_cannot(self):
        """On other systems than Debian gdb may know RISC-V or not. It is asked, and this one does
        not."""
        self.toolchain("unknown-elf")
        for name in ("gdb-multiarch", "apt-get"):
            os.remove(self.path("bin", name))
        os.symlink(shutil.which("mktemp"), self.path("bin", "mktemp"))
        self.command("gdb", "echo 'Undefined item: \"riscv:rv64\".'")
        status, out, err = self.run("tools/setup.sh")
        self.assertEqual((status, out), (1, ""), err)
        self.command("gdb", "grep -q riscv:rv64 $4 && echo rvlab-yes")
        status, out, err = self.run("tools/setup.sh")
        self.assertEqual((status, err), (0, ""), out)

    def test_it_does_not_advise_itself(self):
        self.toolchain("unknown-elf")
        self.command("qemu-system-riscv64", QEMU % ("5.2.0", self.path("qemu")))
        status, out, err = self.run("tools/setup.sh")
        self.assertEqual(status, 1)
        self.assertIn("QEMU 5.2 is too old, 6.2 or newer is needed: use a newer release", err)
        self.assertNotIn("make setup", out + err)


class EndsOfLines(Bin):
    """The lines of a tree end with CR LF, because git or an editor has changed them."""

    def change(self, folder, old, new):
        for place, folders, names in os.walk(folder):
            for name in names:
                path = os.path.join(place, name)
                with open(path, "rb") as file:
                    data = file.read()
                with open(path, "wb") as file:
                    file.write(data.replace(old, new))

    def test_make_says_so_and_how_to_mend_it(self):
        self.toolchain("unknown-elf")
        self.command("qemu-system-riscv64", QEMU % ("7.2.0", "/nowhere"))
        os.symlink(shutil.which("find"), self.path("bin", "find"))
        self.assertEqual(self.run("make", "-n", "build")[0], 0)
        os.mkdir(self.path("tree"))
        for name in ("tools", "Makefile", "libs"):
            os.rename(self.path(name), self.path("tree", name))
        self.change(self.path("tree"), b"\n", b"\r\n")
        for target in ("build", "setup", "help", "handin"):
            status, out, err = self.run("make", "-C", "tree", target)
            self.assertEqual((status, err.count("\n")), (2, 1), err)
            self.assertIn("the lines of this tree end with CR LF", err)
        mend = err.strip().split("or mend it by ")[1].split(".  Stop")[0]
        status, out, err = self.run("sh", "-c", "cd tree && " + mend)
        self.assertEqual((status, err), (0, ""))
        status, out, err = self.run("make", "-n", "-C", "tree", "build")
        self.assertEqual(status, 0, err)

    @unittest.skipUnless(shutil.which("git"), "there is no git")
    def test_git_leaves_them_alone(self):
        shutil.copy(os.path.join(TOP, ".gitattributes"), self.path("libs"))
        def git(*words):
            status, out, err = run(["git", "-c", "core.autocrlf=true", "-c", "user.name=x", "-c",
                                    "user.email=x@example.org"] + list(words), cwd=self.folder)
            self.assertEqual(status, 0, err)
        git("init", "-q", "libs")
        git("-C", "libs", "add", ".")
        git("-C", "libs", "commit", "-q", "-m", "all")
        git("clone", "-q", "libs", "again")
        with open(self.path("again", "defs.h"), "rb") as file:
            self.assertNotIn(b"\r", file.read())

    def test_handouts_tell_git_too(self):
        plan = handout.plan_of(1)
        self.assertIn(".gitattributes", list(handout.sources(TOP, plan)))


class Hosts(WithFolder):
    """Hosts that lack something: one line says what."""

    def test_a_full_disk_is_not_the_file_that_was_read(self):
        status, out, err = run(["sh", "-c", "ulimit -f 4; exec python3 tools/lab handout 1 -o %s"
                                % self.path("lab1")], cwd=TOP)
        self.assertEqual(status, 2)
        self.assertTrue(err.startswith("tools/lab: %s/.handout-" % self.folder), err)
        self.assertEqual(err.count("\n"), 1, err)

    def test_errors_of_copies(self):
        full = OSError(errno.ENOSPC, "No space", "from", None, "to")
        self.assertEqual(cli.words_of(full), "to: No space")
        self.assertEqual(cli.words_of(OSError(errno.EACCES, "Denied", "from", None, "to")),
                         "from: Denied")
        many = shutil.Error([("from", "to", "[Errno 28] No space: 'from' -> 'to'"),
                             ("a", "b", "c")])
        self.assertEqual(cli.words_of(many), "to: No space")

    def test_no_marks_where_no_machine_can_run(self):
        hidden = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
        if not shutil.which("unshare") or run(hidden + ["true"])[0] != 0:
            self.skipTest("this host cannot hide /proc")
        status, out, err = run(hidden + ["python3", "tools/grade.py", "--objects", OBJECTS,
                                         "hello"], cwd=TOP)
        self.assertEqual((status, out), (2, ""))
        self.assertIn("grade: no machine can run on this host: /dev/fd/", err)
        self.assertIn("is /proc mounted?", err)


class Roots(WithFolder):
    """tools/systems.py, with everything replaced that needs a root of another system."""

    def setUp(self):
        super().setUp()
        for name, value in (("needs", lambda: None), ("mirror", lambda: "http://mirror/debian")):
            patch = unittest.mock.patch.object(systems, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        self.options = argparse.Namespace(folder=self.folder, keep=True, suites=["one", "two"])

    def outcome_of(self, outcomes, roots=("one", "two")):
        """(exit status, the table and what follows it). `outcomes` says how each check ends and
        what it prints; `roots` are the systems that could be made."""
        def inside(system, command, log):
            status, text = outcomes.get(command, (0, "1.2.3"))
            write(log, text)
            return status

        def make_root(system):
            if system.suite not in roots:
                system.left_out = "no root: see a log"

        said = io.StringIO()
        with unittest.mock.patch.multiple(systems.System, inside=inside, make_root=make_root), \
                unittest.mock.patch.object(systems, "CHECKS", (
                    ("good", "a", "a (.)"), ("bad", "b", "b (.)"), ("plain", "c", "c"))), \
                contextlib.redirect_stdout(said):
            status = systems.test_all(self.options)
        return status, said.getvalue()[said.getvalue().index("| check"):]

    def test_all_is_well(self):
        status, text = self.outcome_of({"a": (0, "a 1"), "b": (0, "b 2"), "c": (0, "c")})
        self.assertEqual(status, 0)
        self.assertIn("| check | one | two |\n| --- | --- | --- |\n| GCC | 1.2.3 | 1.2.3 |", text)
        self.assertIn("| good | 1 | 1 |\n| bad | 2 | 2 |\n| plain | ok | ok |\n", text)

    def test_a_wrong_end_and_a_missing_word_are_failures(self):
        for outcome in ((1, "b 2"), (0, "c"), (None, "")):
            status, text = self.outcome_of({"a": (0, "a 1"), "b": outcome, "c": (0, "c")})
            self.assertEqual(status, 1)
            self.assertRegex(text, r"\| bad \| failed(: 2)? \| failed(: 2)? \|")

    def test_what_is_left_out_is_told(self):
        status, text = self.outcome_of({"a": (0, "a 1"), "b": (0, "b 2"), "c": (0, "c")}, ["two"])
        self.assertEqual(status, 1)
        self.assertIn("| good | left out | 1 |", text)
        self.assertIn("one was left out: no root: see a log", text)

    def test_the_mirror_is_this_systems_own(self):
        texts = {"sources": "Types: deb\nURIs: http://a.example/debian\nSuites: x\n",
                 "list": "# deb http://no/debian x\ndeb [signed-by=/x] https://b.example/debian/ x "
                         "main\n"}
        for ending, address in (("sources", "http://a.example/debian"),
                                ("list", "https://b.example/debian/")):
            path = self.path("sources.list.d", "x." + ending)
            write(path, texts[ending])
            self.assertEqual(MIRROR(self.folder), address)
            os.remove(path)
        self.assertRaisesRegex(systems.SystemsError, "name no mirror", MIRROR, self.folder)


if __name__ == "__main__":
    unittest.main()
