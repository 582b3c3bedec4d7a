"""Tests of what this tree gives to editors: clangd, compile_commands.json, VS Code, make gdbserver.

clangd --check must find nothing wrong in any C file of this tree, nor in any of a handout in which
all is blank: some 500 files, a few seconds. Of the handout only those are looked at for which
clangd reads anything that it has not read in this tree. A file that needs an option or a header
which clangd does not get makes it fail; tests with a mistake show that one would be seen. The
files of .vscode must be JSON whose parts fit together. tools/gdbserver.py must serve one debugger
and then end.

Needs the built objects and QEMU; the tests of clangd are skipped if clangd is not installed.
Run alone: python3 tools/test/test_editor.py
"""
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TOOLS)
sys.path.insert(0, TOOLS)

import compile_commands
from exercise import handout

OBJECTS = os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf")
PATTERNS = ("kern/*/*.[ch]", "libs/*.[ch]", "user/*.c", "user/libs/*.[ch]")
SETTINGS = (".clangd", "compile_flags.txt")     # what clangd reads beside each file
FOLDERS = ("kern", "libs", "user/libs")         # where it looks for headers
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.M)
SECONDS = 300


def files_of(tree):
    """The C files of the kernel, of libs/ and of the programs, as paths in the tree."""
    found = [os.path.relpath(path, tree) for pattern in PATTERNS
             for path in glob.glob(os.path.join(tree, pattern))]
    return sorted(found)


def read_for(tree):
    """{path: {(path, text)} of all that clangd reads for it} of the C files in a tree: the file,
    the settings, and what is included, from any folder in which a header is looked for."""
    texts, found = {}, {}
    for path in files_of(tree) + list(SETTINGS):
        with open(os.path.join(tree, path), encoding="utf-8") as file:
            texts[path] = file.read()
    includes = {path: [os.path.join(folder, name) for name in INCLUDE.findall(text)
                       for folder in FOLDERS + (os.path.dirname(path),)]
                for path, text in texts.items()}
    for path in files_of(tree):
        waiting, seen = [path], set(SETTINGS)
        while waiting:
            each = waiting.pop()
            if each in texts and each not in seen:
                seen.add(each)
                waiting += includes[each]
        found[path] = {(each, texts[each]) for each in seen}
    return found


def unlike_here(tree):
    """The C files of a tree for which clangd reads anything else than in this tree."""
    here = read_for(TOP)
    return [path for path, read in read_for(tree).items() if read != here.get(path)]


def wrong_in(tree, path):
    """The errors that clangd finds in a file. --check-lines keeps it from trying its own functions,
    like completion, at every line, which takes long and is not what is tested."""
    result = subprocess.run(["clangd", "--check=" + path, "--check-lines=1-1"], cwd=tree,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, timeout=SECONDS)
    lines = result.stdout.decode("utf-8", "replace").splitlines()
    errors = [line for line in lines if line.startswith("E[")]
    if not errors and result.returncode:
        errors = lines[-1:] or ["exit status %d" % result.returncode]
    return ["%s: %s" % (path, line) for line in errors]


@unittest.skipUnless(shutil.which("clangd"), "clangd is not here: tools/setup.sh --all")
class Clangd(unittest.TestCase):
    """clangd understands each file, without settings of the student's own."""

    SECONDS = 55

    def check(self, tree, paths):
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(lambda path: wrong_in(tree, path), paths))
        self.assertEqual([line for lines in found for line in lines], [])

    def handout(self, lab):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        tree = os.path.join(folder, "tree")
        handout.make(TOP, handout.plan_of(lab, solved="none"), tree)
        return tree

    def test_every_file_of_a_handout_where_all_is_blank(self):
        tree = self.handout(6)
        paths = unlike_here(tree)
        self.assertGreater(len(paths), 40)
        self.check(tree, paths)

    def test_every_file_of_this_tree(self):
        paths = files_of(TOP)
        self.assertGreater(len(paths), 200)
        self.check(TOP, paths)

    def test_with_the_commands_of_the_compiler(self):
        tree = self.handout(1)
        with open(os.path.join(tree, "compile_commands.json"), "w") as file:
            json.dump(list(compile_commands.entries(os.path.join(TOP, OBJECTS), tree)), file)
        self.check(tree, ["kern/trap/trap.c", "kern/mm/vmm.h", "libs/string.c", "user/sh.c",
                          "user/libs/stdio.h"])

    def test_a_mistake_is_found(self):
        tree = self.handout(1)
        with open(os.path.join(tree, "user", "hello.c"), "a") as file:
            file.write("int wrong = no_such_thing;\n")
        self.assertTrue(wrong_in(tree, "user/hello.c"))


class Unlike(unittest.TestCase):
    """Which files of another tree must be looked at."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = folder.name
        for path in files_of(TOP) + list(SETTINGS):
            os.makedirs(os.path.dirname(os.path.join(self.tree, path)), exist_ok=True)
            shutil.copy(os.path.join(TOP, path), os.path.join(self.tree, path))

    def test_a_copy(self):
        self.assertEqual(unlike_here(self.tree), [])

    def test_what_is_included_by_what_is_included(self):
        with open(os.path.join(self.tree, "kern", "mm", "vmm.h"), "a") as file:
            file.write("/* more */\n")
        found = unlike_here(self.tree)
        self.assertIn("kern/mm/vmm.h", found)
        self.assertIn("kern/process/fork.c", found)
        self.assertNotIn("user/hello.c", found)

    def test_a_header_that_is_gone(self):
        os.remove(os.path.join(self.tree, "libs", "list.h"))
        self.assertIn("kern/sched/sched.c", unlike_here(self.tree))

    def test_settings(self):
        with open(os.path.join(self.tree, ".clangd"), "a") as file:
            file.write("# more\n")
        self.assertEqual(unlike_here(self.tree), files_of(self.tree))


class Files(unittest.TestCase):
    """The settings for VS Code and for containers."""

    def test_json(self):
        for path in (".vscode/tasks.json", ".vscode/launch.json",
                     ".devcontainer/devcontainer.json"):
            with open(os.path.join(TOP, path), encoding="utf-8") as file:
                json.load(file)

    def test_launches_have_their_tasks(self):
        def read(name):
            with open(os.path.join(TOP, ".vscode", name), encoding="utf-8") as file:
                return json.load(file)
        tasks = {task["label"] for task in read("tasks.json")["tasks"]}
        for launch in read("launch.json")["configurations"]:
            self.assertIn(launch["preLaunchTask"], tasks)


class Server(unittest.TestCase):
    """make gdbserver, as an editor's debugger meets it."""

    def serve(self, *options):
        command = [sys.executable, "tools/gdbserver.py", "--objects", OBJECTS] + list(options)
        return subprocess.Popen(command, cwd=TOP, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def test_one_debugger_is_served(self):
        process = self.serve("--port", "0", "--prog", "hello")
        with process:
            line = ""
            while not line.startswith("gdbserver: "):
                line = process.stdout.readline().decode("utf-8", "replace")
                self.assertTrue(line, "it ended before it served")
            port = int(re.search(r"remote :(\d+)$", line).group(1))
            with socket.create_connection(("127.0.0.1", port)) as link:
                link.sendall(b"$?#3f")
                said = b""
                while b"$T05" not in said:
                    data = link.recv(4096)
                    self.assertTrue(data, said)
                    said += data
            process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 0)

    def test_a_wrong_port_is_told(self):
        for port, text in (("x", "give a number"), ("70000", "give a number")):
            process = self.serve("--port", port)
            said = process.communicate(timeout=SECONDS)[0].decode()
            self.assertEqual(process.returncode, 1)
            self.assertIn(text, said)
            self.assertNotIn("Traceback", said)

    def test_a_port_that_is_taken_is_told(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen(1)
            process = self.serve("--port", str(taken.getsockname()[1]))
            said = process.communicate(timeout=SECONDS)[0].decode()
        self.assertEqual(process.returncode, 1)
        self.assertIn("PORT= chooses another", said)


if __name__ == "__main__":
    unittest.main()
