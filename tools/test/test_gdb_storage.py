"""Tests of the gdb commands of tools/gdb_storage.py: blocks, files, disk.

Each test gives commands to gdb by tools/debug.py, as test_debug.py does, and looks into what gdb
prints. The commands must tell what the machine has: a test that opens a pipe has its descriptors,
a fresh disk its parts. Some tests change a link, a property or a count in the machine's memory, and
then the command must name the page or the number.

Needs the built objects, QEMU and gdb-multiarch.
Run alone: python3 tools/test/test_gdb_storage.py
"""
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from grader.disk import Disk
from test_debug import debug
from trees import OBJECTS, TOP

FREE = "(*'kern/mm/pmm.c'::pmm_manager->free_count)"
# The struct Page of the first block of the largest list that has one.
HEAD = ("set $k = 24", "while 'kern/mm/pmm.c'::pmm_manager->free_lists[$k].next == "
        "&'kern/mm/pmm.c'::pmm_manager->free_lists[$k]\nset $k = $k - 1\nend",
        "set $head = (struct Page *)((char *)'kern/mm/pmm.c'::pmm_manager->free_lists[$k].next - "
        "(long)&((struct Page *)0)->page_link)")


class Storage(unittest.TestCase):
    def run_gdb(self, commands, *arguments):
        """What gdb prints for these commands."""
        with tempfile.TemporaryDirectory(prefix="rvlab-") as folder:
            for name in ("tools", "obj"):
                os.symlink(os.path.join(TOP, name), os.path.join(folder, name))
            text = debug(folder, list(commands), *arguments)
        self.assertNotIn("Traceback", text)
        return text.partition("BEGIN")[2]

    def test_blocks(self):
        """The lists have as many pages as the allocator counts, and a list shows all its blocks."""
        part = self.run_gdb(["blocks", "printf \"count %%d\\n\", %s" % FREE, "blocks 3", "blocks x",
                             "blocks 25", "blocks 1 2"], "--test", "hello")
        self.assertIn("allocator buddy, 25 lists", part)
        count = int(re.search(r"count (\d+)", part).group(1))
        self.assertIn("%d pages in all lists\n" % count, part)
        lists = re.findall(r"list (\d+) \((\d+) pages? each\): (\d+) blocks?", part)
        whole = lists[:-1] if [each[0] for each in lists].count("3") > 1 else lists
        self.assertEqual(sum(int(size) * int(blocks) for _, size, blocks in whole), count)
        self.assertRegex(part, r"hart 0 keeps \d+ free pages? of its own")
        self.assertEqual(part.count("is no list; buddy has 25 lists, from 0 on"), 2)
        self.assertIn("usage: blocks [LIST]", part)
        self.assertNotIn("wrong:", part)

    def test_one_list(self):
        """In the list of first fit each block has its own length."""
        part = self.run_gdb(["blocks"], "--test", "pmm-first-fit")
        self.assertIn("allocator first_fit, 1 list\n", part)
        blocks = re.findall(r"0x[0-9a-f]+\+(\d+)", part)
        if "more" not in part:
            self.assertIn("%d pages in all lists\n" % sum(map(int, blocks)), part)
        self.assertNotIn("wrong:", part)

    def test_damaged_blocks(self):
        part = self.run_gdb(list(HEAD) + [
            "set var $head->property = 7", "set var %s = 5" % FREE, "blocks",
            "set var $head->flags = 2", "blocks", "set var $head->page_link.next = 0", "blocks"],
            "--test", "hello")
        self.assertRegex(part, r"wrong: page 0x\w+ is in list 13, but its property is 7")
        self.assertRegex(part, r"pages in all lists, but the allocator counts 5")
        self.assertRegex(part, r"wrong: page (0x\w+), block 0 of its list, has the flags 0x2: it is"
                         " no head of a free block")
        self.assertRegex(part, r"wrong: the list is damaged behind page 0x\w+, block 0 of it")

    def on_a_disk(self, commands):
        """What these commands print where the program filetable first closes a file."""
        with tempfile.TemporaryDirectory(prefix="rvlab-") as folder:
            image = os.path.join(folder, "disk.img")
            Disk().make(image, os.path.join(TOP, OBJECTS))
            return self.run_gdb(["hbreak sys_close", "continue"] + commands,
                                "--prog", "filetable", "--disk", image)

    def test_files_and_disk(self):
        """The table of a program, and the disk of 4 MiB that it is on."""
        part = self.on_a_disk(["files", "files 1", "files 99", "disk"])
        count, = re.findall(r"descriptors of filetable \(pid \d+\): (\d+) in use", part)
        self.assertRegex(part, r"current directory: directory, inode 1 of sfs")
        table = part.partition("descriptors of initproc")[0]
        opened = re.findall(r"(?m)^ +(\d+)  (read|write|read and write) +(\w+)", table)
        self.assertEqual(opened[:3], [("0", "read", "device"), ("1", "write", "device"),
                                      ("2", "write", "device")])
        self.assertEqual(len(opened), int(count))
        self.assertRegex(table, r"read +file, inode \d+ of sfs, \d references?, position \d+")
        self.assertIn("descriptors of initproc (pid 1): the constant table", part)
        self.assertIn("there is no process 99; ps lists them", part)
        self.assertIn("disk0: 1024 blocks, sfs version 1", part)
        parts = [(int(first), int(last)) for first, last in re.findall(
            r"(?m)^  (?:superblock|journal|map|table|data|swap) +(\d+)-(\d+) ", part)]
        self.assertEqual([first for first, _ in parts[1:]], [last + 1 for _, last in parts[:-1]])
        free = re.search(r"blocks \d+-\d+: (\d+) free: ([\d -]+)", part)
        runs = [run.split("-") for run in free.group(2).split()]
        self.assertEqual(sum(int(b) - int(a) + 1 for a, b in runs), int(free.group(1)))
        self.assertIn("the kernel counts %s free\n" % free.group(1), part)
        self.assertRegex(part, r"journal: \d+ of \d+ blocks changed")
        self.assertNotIn("wrong:", part)

    def test_damaged_files_and_disk(self):
        """Counts that are wrong are told, beside what they should be."""
        part = self.on_a_disk([
            "disk", "set var ((struct proc_struct *)cpus[0].task)->files->files_count = 9", "files",
            "set var ((struct sfs_fs *)'kern/fs/mount.c'::root_fs)->free_blocks = 3",
            "set var 'kern/fs/journal.c'::journal.logged = 99", "disk"])
        self.assertRegex(part, "disk0: 1024 blocks")
        self.assertRegex(part, r"wrong: files_count is 9, and \d are open")
        free = re.search(r"blocks \d+-\d+: (\d+) free: ", part).group(1)
        self.assertIn("the kernel counts 3 free, but the map has %s\n" % free, part)
        self.assertRegex(part, r"wrong: the list has \d+ blocks")

    def test_a_pipe(self):
        """Both ends of a pipe are told, and that they are no files."""
        part = self.run_gdb(["hbreak sys_close", "continue", "files"], "--prog", "pipes")
        self.assertRegex(part, r"(?m)^ +3  read +pipe, uses \d$")
        self.assertRegex(part, r"(?m)^ +4  write +pipe, uses \d$")

    def test_nothing_to_look_at(self):
        part = self.run_gdb(["files", "disk"], "--test", "hello")
        self.assertIn("the constant table", part)
        self.assertIn('no disk is mounted: the root is the file system "image"', part)


if __name__ == "__main__":
    unittest.main()
