"""A part of the kernel that is one file: it is added or removed, and no other file is changed.

In a copy of the tree an allocator or a scheduler is added (a copy of one under another name), or
the default one is removed. The kernel must build without a warning, boot, and list the parts that
are there now. The test fails when a table outside of the file names the part again.

It needs a toolchain, the objects of a build, and QEMU. To run it alone:
python3 tools/test/test_parts.py
"""
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from trees import OBJECTS, TreeTest, build_command

QEMU = "qemu-system-riscv64"
SECONDS = 600                   # a boot takes one


class TestParts(TreeTest):
    """One tree for all; each test leaves it as it was."""

    SECONDS = 10

    def path(self, name):
        return os.path.join(self.tree, name)

    def boot(self, append):
        """Build the tree, without a warning, and boot it: (exit status, what it printed)."""
        built = subprocess.run(build_command().split(), cwd=self.tree, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        self.assertEqual(built.returncode, 0, built.stdout.decode())
        self.assertNotIn(b"warning", built.stdout)
        ran = subprocess.run(
            [QEMU, "-machine", "virt", "-bios", "default", "-nic", "none", "-display", "none",
             "-monitor", "none", "-serial", "stdio", "-m", "32M", "-smp", "1", "-kernel",
             os.path.join(OBJECTS, "kernel"), "-append", append], cwd=self.tree,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=SECONDS)
        return ran.returncode, ran.stdout.decode("utf-8", "replace")

    def copied(self, source, target, *changes):
        """A new file: the text of another one, changed."""
        with open(self.path(source), encoding="utf-8") as file:
            text = file.read()
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        with open(self.path(target), "w", encoding="utf-8") as file:
            file.write(text)
        self.addCleanup(os.remove, self.path(target))

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def removed(self, name):
        """Take a file out of the tree."""
        shutil.move(self.path(name), self.path("kept"))
        self.addCleanup(shutil.move, self.path("kept"), self.path(name))

    def test_allocator_added(self):
        self.copied("kern/mm/pmm_first_fit.c", "kern/mm/pmm_scratch.c",
                    ("PMM_MANAGER(2, ", "PMM_MANAGER(5, "), ("first_fit", "scratch"))
        status, output = self.boot("pmm=scratch init=hello")
        self.assertEqual(status, 0, output)
        self.assertIn("scratch allocator", output)
        status, output = self.boot("pmm=scratch selftest=pmm")
        self.assertEqual(status, 0, output)
        self.assertIn("there are buddy first_fit best_fit scratch own", self.boot("pmm=none")[1])

    def test_scheduler_added(self):
        self.copied("kern/sched/sched_mlfq.c", "kern/sched/sched_scratch.c",
                    ("SCHED_CLASS(2, ", "SCHED_CLASS(5, "), ("mlfq", "scratch"))
        status, output = self.boot("sched=scratch init=forktest")
        self.assertEqual(status, 0, output)
        self.assertIn("scheduler  scratch", output)
        self.assertIn("there are rr mlfq fifo stride scratch own", self.boot("sched=none")[1])

    def test_default_scheduler_removed(self):
        """All that is left of the classes is one file, which is not the default one."""
        self.removed("kern/sched/sched_rr.c")
        status, output = self.boot("init=hello")
        self.assertEqual(status, 0, output)
        self.assertIn("scheduler  mlfq", output)
        self.assertIn("there are mlfq stride own", self.boot("sched=none")[1])

    def test_scheduler_that_is_not_written(self):
        """The first class of which nothing is to be written is the default."""
        with open(self.path("kern/sched/sched_rr.c"), encoding="utf-8") as file:
            text = file.read()
        line = "    if (list_empty(&rq->run_list))\n"
        self.assertEqual(text.count(line), 1)
        with open(self.path("kern/sched/sched_rr.c"), "w", encoding="utf-8") as file:
            file.write(text.replace(line, '    not_written("6.1", "rr_pick_next", rq);\n' + line))
        self.addCleanup(self.write, "kern/sched/sched_rr.c", text)
        self.assertIn("scheduler  mlfq", self.boot("init=hello")[1])
        output = self.boot("sched=rr init=hello")[1]
        self.assertIn("scheduler  rr", output)
        self.assertIn("exercise 6.1 (rr_pick_next) is not written yet", output)

    def test_default_removed(self):
        self.removed("kern/mm/pmm_buddy.c")
        status, output = self.boot("init=hello")
        self.assertEqual(status, 0, output)
        self.assertIn("first_fit allocator", output)
        self.assertIn("there are first_fit best_fit own", self.boot("pmm=none")[1])


if __name__ == "__main__":
    unittest.main()
