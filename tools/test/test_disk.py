"""tools/disk as a user runs it: make, ls, cat, extract, put, check and replay, of odd inputs too.

What goes into an image comes out of it again, and the same folder makes the same bytes. Images that
want to write outside of the folder to which they are extracted must not. The command is run as a
process, so that its exit status and its one line of an error are looked at too. What check finds is
tested in test_disk_check.py.
"""
import filecmp
import os
import random
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.dirname(HERE)
sys.path[:0] = [TOOLS, HERE]

import planted
from sfs import check, format, local, reader, writer

DISK = os.path.join(TOOLS, "disk")
SOUND = planted.build()


class Hostile(unittest.TestCase):
    """Images that want to write outside of the folder to which they are extracted."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.outside = os.path.join(self.folder, "outside")
        os.mkdir(self.outside)

    def extract(self, fill):
        image = format.Image(bytes(1 << 20))
        new = writer.format_disk(image, writer.plan(256, 8, 64, 0, b""))
        new.is_new = False
        fill(new)
        target = os.path.join(self.folder, "out")
        told = list(local.extract(reader.Disk(image), os.fsencode(target)))
        self.assertEqual(os.listdir(self.outside), [])
        self.assertEqual(sorted(os.listdir(self.folder)), ["out", "outside"])
        return told

    def test_names(self):
        def fill(new):
            for name in (b"../evil", b"/evil", b"a/../../evil", b"nul\0"):
                new.write(new.make(format.ROOT, name, format.FILE), [b"evil"])
            up = new.make(format.ROOT, b"d", format.DIR)
            new.enter(up, b"..", format.ROOT, format.DIR)
        self.assertEqual(self.extract(fill), [])
        self.assertEqual(os.listdir(os.path.join(self.folder, "out")), ["d"])

    def test_through_a_link(self):
        """A link that leads out, then a directory and a file of its name."""
        def fill(new):
            new.write(new.make(format.ROOT, b"a", format.LINK), [os.fsencode(self.outside)])
            below = new.make(format.ROOT, b"a", format.DIR)
            new.write(new.make(below, b"evil", format.FILE), [b"evil"])
            new.write(new.make(format.ROOT, b"b", format.LINK),
                      [os.fsencode(self.outside) + b"/evil"])
            new.write(new.make(format.ROOT, b"b", format.FILE), [b"evil"])
        self.assertEqual(len(self.extract(fill)), 2)

    def test_circle(self):
        def fill(new):
            below = new.make(format.ROOT, b"d", format.DIR)
            new.enter(below, b"up", format.ROOT, format.DIR)
            new.enter(below, b"self", below, format.DIR)
        self.assertEqual(len(self.extract(fill)), 2)
        # ls and cat end too.
        image = format.Image(bytes(1 << 20))
        new = writer.format_disk(image, writer.plan(256, 8, 64, 0, b""))
        new.is_new = False
        fill(new)
        new.write(new.make(format.ROOT, b"l", format.LINK), [b"l"])
        self.assertIn("/d/up: a directory with two names; run check",
                      list(reader.listing(reader.Disk(image), b"/", False, True)))
        with self.assertRaisesRegex(format.DiskError, "too many symbolic links"):
            reader.Disk(image).lookup(b"/l")


class Command(unittest.TestCase):
    """tools/disk as a user runs it."""

    SECONDS = 12

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.image = self.path("disk.img")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def file(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def run_it(self, *words, limit=None):
        """Exit status, output and errors; never a traceback."""
        ended = subprocess.run(
            [sys.executable, DISK, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, timeout=300,
            preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))))
        errors = ended.stderr.decode()
        self.assertNotIn("Traceback", errors)
        return ended.returncode, ended.stdout, errors

    def good(self, *words):
        status, output, errors = self.run_it(*words)
        self.assertEqual((status, errors), (0, ""))
        return output.decode("utf-8", "surrogateescape")

    def bad(self, *words, tells):
        """Refused, by one line."""
        status, _, errors = self.run_it(*words)
        self.assertEqual(status, 2, errors)
        self.assertIn(tells, errors)
        self.assertTrue(errors.startswith("tools/disk: ") and errors.count("\n") == 1, errors)

    def sound(self, image=None):
        self.assertIn(": in order: ", self.good("check", image or self.image))

    def tree(self):
        """A folder with all kinds of files. Its path."""
        chance = random.Random(4)
        for index, size in enumerate((0, 1, 4095, 4096, 4097, 49152, 49153, 300000)):
            self.file("tree/sizes/%d" % index, bytes(chance.randrange(256) for _ in range(size)))
        self.file("tree/README", b"hello\n")
        os.link(self.path("tree/README"), self.path("tree/sizes/same"))
        os.symlink("../README", self.path("tree/sizes/link"))
        os.symlink("/nowhere", self.path("tree/nowhere"))
        self.file("tree/deep/" + "d/" * 40 + "end", b"deep")
        self.file("tree/" + "n" * 255, b"long")
        self.file("tree/odd\udcff\x01", b"odd")
        with open(self.path("tree/holes"), "wb") as file:
            file.truncate(5000000)
            file.seek(4999990)
            file.write(b"end")
        os.mkdir(self.path("tree/empty"))
        return self.path("tree")

    def same(self, one, other):
        """Two folders have the same files, links and contents."""
        names = sorted(os.listdir(one))
        self.assertEqual(names, sorted(os.listdir(other)))
        for name in names:
            a, b = os.path.join(one, name), os.path.join(other, name)
            if os.path.islink(a):
                self.assertEqual(os.readlink(a), os.readlink(b))
            elif os.path.isdir(a):
                self.same(a, b)
            else:
                self.assertTrue(filecmp.cmp(a, b, shallow=False), a)
                self.assertEqual(os.stat(a).st_nlink, os.stat(b).st_nlink, a)

    def test_round_trip(self):
        tree = self.tree()
        self.good("make", self.image, "--size", "8M", tree)
        self.assertEqual(os.stat(self.image).st_size, 8 << 20)
        self.sound()
        self.good("extract", self.image, self.path("out"))
        self.same(tree, self.path("out"))
        self.assertEqual(self.good("cat", self.image, "/README", "sizes/link"), "hello\nhello\n")
        self.good("make", self.path("again.img"), "--size", "8M", self.path("out"))
        with open(self.image, "rb") as one, open(self.path("again.img"), "rb") as other:
            self.assertEqual(one.read(), other.read())

    def test_ls(self):
        self.good("make", self.image, "--size", "8M", self.tree())
        text = self.good("ls", self.image, "-lR", "/sizes")
        self.assertRegex(text, r"\n +\d+ - +2 +1 +6 same\n")
        self.assertRegex(text, r"\n +\d+ l +1 +1 +9 link -> \.\./README\n")
        self.assertRegex(text, r"\n +\d+ - +1 +75 +300000 7\n")
        self.assertIn("odd\\xff\\x01\n", self.good("ls", self.image))
        self.assertRegex(self.good("ls", "-l", self.image, "holes"), r" - +1 +3 +5000000 holes\n")
        self.assertIn("/deep/d/d/d:\nd\n", self.good("ls", self.image, "/deep", "-R"))

    def test_in_its_own_folder(self):
        """The image lies in the folder of which it is made: it is not in itself."""
        self.file("a", b"a")
        for _ in range(2):
            self.good("make", self.image, "--size", "512K", self.folder)
            self.assertEqual(self.good("ls", self.image), "a\n")
        self.good("put", self.image, self.folder + ":/b")
        self.assertEqual(self.good("ls", self.image, "-R"), "/:\na\nb\n\n/b:\na\n")

    def test_put(self):
        tree = self.tree()
        self.good("make", self.image, "--size", "8M", "--put", tree + ":/")
        new = self.file("new", b"new" * 9999)
        self.good("put", self.image, new + ":/a/b/c", new + ":/a/", new + ":/README",
                  tree + "/sizes:/a/sizes")
        self.sound()
        for path in ("/a/b/c", "/a/new", "/README", "/sizes/same"):
            self.assertEqual(self.good("cat", self.image, path), "new" * 9999)
        before = self.good("ls", "-lR", self.image)
        self.good("put", self.image, new + ":/README")
        self.assertEqual(self.good("ls", "-lR", self.image), before)
        self.bad("put", self.image, new + ":/sizes/1/x", tells="1 is no directory there")
        self.bad("put", self.image, new + ":/nowhere/x", tells="nowhere is a symbolic link there")
        self.bad("put", self.image, tree + ":/README", tells="README is no directory there")
        self.bad("put", self.image, new + ":/" + "x" * 256, tells="a name has 1 to 255 bytes")
        self.bad("put", self.image, self.path("none") + ":/", tells="No such file")

    def test_put_needs_order(self):
        new = self.file("new", b"new")
        for title, change, words in planted.PLANTED:
            if title in ("a transaction", "too few links"):
                with open(self.image, "wb") as file:
                    file.write(planted.spoilt(change))
                self.bad("put", self.image, new + ":/", tells=words)
                with open(self.image, "rb") as file:
                    self.assertEqual(file.read(), planted.spoilt(change))

    def test_replay(self):
        log = planted.Spoiler(SOUND)
        log.journal(planted.TABLE, 12)
        log.inode("a", "nlinks", 3)             # the log has it right
        with open(self.image, "wb") as file:
            file.write(log.data)
        self.assertEqual(self.run_it("check", self.image)[0], 1)
        self.assertIn("2 blocks in the journal", self.good("check", "--replay", self.image))
        self.assertIn("   4 -   1 ", self.good("ls", "-l", self.image, "/dir"))
        self.assertIn("2 blocks were brought home", self.good("replay", self.image))
        self.sound()
        self.assertIn("the journal is empty", self.good("replay", self.image))

    def test_replay_of_a_home_twice(self):
        log = planted.Spoiler(SOUND)
        log.journal(planted.TABLE, 12, planted.TABLE)
        with open(self.image, "wb") as file:
            file.write(log.data)
        words = "two blocks for block %d" % planted.TABLE
        self.bad("replay", self.image, tells=words)
        status, text, _ = self.run_it("check", "--replay", self.image)
        self.assertEqual(status, 1)
        self.assertIn(words, text.decode())
        with open(self.image, "rb") as file:
            self.assertEqual(file.read(), bytes(log.data))

    def test_no_room(self):
        tree = self.tree()
        self.bad("make", self.image, tree, "--size", "256K", "--journal", "24",
                 tells="is full: there is no free block")
        self.bad("make", self.image, "--size", "8M", tree, "--inodes", "32",
                 tells="is full: there is no free inode")
        self.assertEqual(os.listdir(self.folder), ["tree"])
        self.good("make", self.image, "--size", "512K")
        with open(self.image, "rb") as file:
            before = file.read()
        self.bad("put", self.image, self.file("new", b"x" * 600000) + ":/", tells="is full")
        with open(self.image, "rb") as file:
            self.assertEqual(file.read(), before)
        # To the last block, and not one more.
        free = 128 - int(re.search(r"(\d+) used;", self.good("check", self.image)).group(1))
        self.good("put", self.image, self.file("new", b"x" * 4096 * (free - 1)) + ":/")
        self.sound()
        self.bad("put", self.image, self.file("more", b"x") + ":/", tells="is full")

    def test_odd_folders(self):
        for name, make in (("fifo", os.mkfifo), ("socket", self.socket)):
            os.makedirs(self.path(name, "below"))
            make(self.path(name, "below", "it"))
            self.bad("make", self.image, self.path(name), tells=name + "/below/it is no file, dir")
        self.bad("make", self.image, self.path("none"), tells="none: No such file")
        self.bad("make", self.path("fifo"), tells="is no file, so it is not written over")
        self.bad("make", self.path("none", "x"), tells="No such file")
        self.assertFalse(os.path.exists(self.image))

    @staticmethod
    def socket(path):
        with socket.socket(socket.AF_UNIX) as one:
            here = os.getcwd()
            os.chdir(os.path.dirname(path))     # a path of a socket must be short
            one.bind("it")
            os.chdir(here)

    def test_odd_images(self):
        short = self.file("short", b"abc")
        os.mkfifo(self.path("fifo"))
        for path, words in ((self.path("none"), "No such file"), (self.folder, "is no file"),
                            (self.path("fifo"), "is no file"), ("/dev/zero", "is no file"),
                            (short, "has 3 bytes"), (DISK, "this is no disk of rvlab")):
            for command in (["ls"], ["extract"], ["cat"], ["replay"]):
                with self.subTest(path=path, command=command):
                    last = {"extract": [self.path("out")], "cat": ["x"]}.get(command[0], [])
                    if command != ["replay"] or path.startswith(self.folder):
                        self.assertEqual(self.run_it(*command, path, *last)[0], 2)
            status, output, errors = self.run_it("check", path)
            self.assertIn(words, output.decode() + errors)
            self.assertEqual(status, 1 if path in (short, DISK) else 2)
        self.assertEqual(sorted(os.listdir(self.folder)), ["fifo", "short"])

    def test_odd_words(self):
        self.good("make", self.image, "--size", "1M")
        for words in ([], ["fly"], ["make"], ["make", "a", "b", "c"], ["put", self.image, "x"],
                      ["make", self.image, "--size", "3"], ["make", self.image, "--size", "-4K"],
                      ["make", self.image, "--swap", "6K"], ["make", self.image, "--swap", "-1"],
                      ["ls", self.image, "a", "b"], ["check"], ["make", self.image, "--what"]):
            status, _, errors = self.run_it(*words)
            self.assertEqual(status, 2, words)
        for words, tells in (
                (["--size", "8K"], "is too small"), (["--journal", "2"], "a journal of"),
                (["--journal", "23"], "needs a journal of 24 blocks"),
                (["--size", "4G", "--journal", "42"], "needs a journal of 43 blocks"),
                (["--journal", "1027"], "a journal of"), (["--inodes", "1"], "1 inodes"),
                (["--name", "x" * 32], "31 bytes"),
                (["--size", "1M", "--swap", "1000K"], "is too small"),
                (["--size", "128G"], "are the most")):
            self.bad("make", self.image, *words, tells=tells)
        self.bad("cat", self.image, "/", tells="is a directory")
        self.bad("cat", self.image, "/x", tells="there is no /x")
        self.bad("extract", self.image, self.folder, tells="is not empty")
        self.sound()                            # what was there before is still there

    def test_many_names(self):
        for index in range(3000):
            self.file("many/%d" % index, b"")
        self.good("make", self.image, self.path("many"), "--size", "8M", "--inodes", "3002")
        self.sound()
        self.assertEqual(self.good("ls", self.image).split(), sorted(os.listdir(self.path("many"))))

    def test_large(self):
        """Images of 4 and of 64 GiB, sparse, with little memory: sound, and one that lies."""
        self.good("make", self.image, "--size", "4G", self.tree(), "--inodes", "262144")
        self.assertLess(os.stat(self.image).st_blocks * 512, 16 << 20)
        status, _, _ = self.run_it("check", self.image, limit=400 << 20)
        self.assertEqual(status, 0)
        blocks, table = format.BLOCKS_MAX, 1 << 21
        sup = format.Super(format.MAGIC, 1, blocks, table * 32, 1, 3, 4, 512, 516, table, blocks, 0,
                           0, b"")
        with open(self.image, "r+b") as file:
            file.truncate(blocks * 4096)
            file.write(format.SUPER.pack(*sup))
        status, output, _ = self.run_it("check", self.image, limit=600 << 20)
        self.assertEqual(status, 1)
        self.assertLessEqual(output.count(b"\n"), check.MOST + 1)


if __name__ == "__main__":
    unittest.main()
