"""What tools/disk check finds, and that no bytes of an image surprise it.

Planted corruptions are in planted.py: each must be named, each sentence that check can say must be
said by one of them, and the disk without them must be in order. docs/sfs.md, from which check is
written, and the kernel's header must have the same numbers. Images with random bytes give messages
only, and soon.
"""
import ast
import os
import random
import re
import struct
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.dirname(HERE)
sys.path[:0] = [TOOLS, HERE]

import planted
from sfs import check, format, local, reader

SOUND = planted.build()
FLIPS = 3000


def problems(data, crashed=False):
    return check.Check(format.Image(bytes(data)), crashed).run()


class Planted(unittest.TestCase):
    """What check finds."""

    def test_sound(self):
        self.assertEqual(problems(SOUND), [])

    def test_each_is_named(self):
        for title, change, words in planted.PLANTED:
            with self.subTest(title):
                found = problems(planted.spoilt(change))
                self.assertTrue(any(words in each for each in found), "%s\n%s" % (words, found))
                self.assertFalse(any("0x7f" in each or "{" in each for each in found), found)

    def test_each_sentence_is_said(self):
        """A sentence that nothing brings up is not tested."""
        said = [each for _, change, _ in planted.PLANTED
                for each in problems(planted.spoilt(change))]
        path = os.path.join(TOOLS, "sfs", "check.py")
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read(), path)
        sentences = [node.args[0].value for node in ast.walk(tree)
                     if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "tell"
                     and isinstance(node.args[0], ast.Constant)]
        self.assertGreater(len(sentences), 35)
        for words in sentences:
            form = re.sub("%[sd]", ".*", re.escape(words).replace("\\%", "%"))
            self.assertTrue(any(re.fullmatch(form, each) for each in said), words)

    def test_after_a_crash(self):
        """With crashed, a transaction and orphans are in order; what is not, is still told."""
        def crash(s):
            s.forget("sub", b"c")
            s.orphan("c")
            s.journal(planted.TABLE, 0)
        data = planted.spoilt(crash)
        self.assertEqual(problems(data, crashed=True), [])
        self.assertEqual(len(problems(data)), 2)
        data = planted.spoilt(lambda s: (crash(s), s.inode("a", "nlinks", 3)))
        self.assertEqual(problems(data, crashed=True), [])      # it is right in the log
        data = planted.spoilt(lambda s: (s.inode("a", "nlinks", 3), crash(s),
                                         s.inode("a", "nlinks", 1)))
        self.assertEqual(problems(data, crashed=True),
                         ["inode 4 (/dir/a) counts 3 links, but has 1"])

    def test_removed_directory(self):
        """Somebody stood in it: it has its two entries, or nothing any more."""
        def remove(s):
            s.forget("sub", b"c")
            s.wipe("c")
            s.mark(block, True)
            s.forget("dir", b"sub")
            s.inode("dir", "nlinks", 2)
            s.orphan("sub")
        block = planted.Spoiler(SOUND).block("c") // 4096
        self.assertEqual(problems(planted.spoilt(remove), crashed=True), [])
        # A link that was never complete.
        data = planted.spoilt(lambda s: (remove(s), s.forget("root", b"link"), s.wipe("link"),
                                         s.mark(planted.Spoiler(SOUND).block("link") // 4096, True),
                                         s.orphan("sub", "link"), s.inode("link", "type", 3)))
        self.assertEqual(problems(data, crashed=True), [])
        # Its blocks are freed from the end on.
        data = planted.spoilt(lambda s: (remove(s), s.inode("sub", "size", 40960)))
        self.assertEqual(problems(data, crashed=True), [])

    def test_many(self):
        """Not more than some are told."""
        data = bytearray(SOUND)
        data[planted.TABLE * 4096:(planted.TABLE + 2) * 4096] = b"\xff" * 8192
        data[9 * 4096:10 * 4096] = b"\xaa" * 4096
        found = problems(data)
        self.assertEqual(len(found), check.MOST + 1)
        self.assertRegex(found[-1], r"^and \d+ more$")


class Page(unittest.TestCase):
    """docs/sfs.md, the kernel's header and format.py say the same."""

    def text(self, name):
        with open(os.path.join(os.path.dirname(TOOLS), name), encoding="utf-8") as file:
            return file.read()

    def test_tables(self):
        """The fields of each table follow each other, and lie where format.py has them."""
        tables = re.findall(r"\| byte \| bytes \| field.*\n\| ---.*\n((?:\|.*\n)+)",
                            self.text("docs/sfs.md"))
        self.assertEqual(len(tables), 3)
        sizes = []
        for table in tables:
            at, rows = 0, []
            for row in table.splitlines():
                start, size, name = [cell.strip() for cell in row.split("|")[1:4]]
                self.assertEqual(int(start.replace(",", "")), at, row)
                if size.isdigit() and name:
                    rows.append((name.split("[")[0], int(size)))
                at += int(size) if size.isdigit() else 0
            sizes.append((at, rows))
        self.assertEqual([total for total, _ in sizes], [4096, format.INODE_SIZE, format.HEAD])
        self.assertEqual([name for name, _ in sizes[0][1]], list(format.Super._fields))
        self.assertEqual([name for name, _ in sizes[1][1]], list(format.Inode._fields))
        self.assertEqual(sum(size for _, size in sizes[0][1]), format.SUPER.size)
        self.assertEqual(sum(size for _, size in sizes[1][1]), format.INODE.size)
        self.assertEqual([size for _, size in sizes[2][1]], [4, 2, 1, 1])

    def test_header(self):
        """Constants and fields of kern/fs/sfs_format.h."""
        text = self.text("kern/fs/sfs_format.h")
        for name, here in (("MAGIC", "MAGIC"), ("VERSION", "VERSION"), ("ROOT", "ROOT"),
                           ("NAME_MAX", "NAME_MAX"), ("NDIRECT", "DIRECT"),
                           ("SIZE_MAX", "SIZE_MAX"), ("TYPE_FREE", "FREE"), ("TYPE_FILE", "FILE"),
                           ("TYPE_DIR", "DIR"), ("TYPE_LINK", "LINK"),
                           ("JOURNAL_MAGIC", "JOURNAL_MAGIC"),
                           ("JOURNAL_HOMES", "JOURNAL_HOMES")):
            value = re.search(r"#define SFS_%s\s+(\w+)" % name, text).group(1).rstrip("UL")
            self.assertEqual(int(value, 0), getattr(format, here), name)
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        for struct_name, fields in (("sfs_super", format.Super._fields),
                                    ("sfs_disk_inode", format.Inode._fields),
                                    ("sfs_commit", format.Commit._fields)):
            body = re.search(r"struct %s \{(.*?)\n\}" % struct_name, text, re.S).group(1)
            names = re.findall(r"(\w+)(?:\[\w+\])?\s*[,;]", body)
            self.assertEqual([n for n in names if n != "roots"], list(fields), struct_name)


class AnyBytes(unittest.TestCase):
    """Whatever an image has, there is a list of sentences or a DiskError, and soon."""

    def look(self, data, folder=None):
        found = problems(data)
        self.assertLessEqual(len(found), check.MOST + 1)
        problems(data, crashed=True)
        try:
            image = format.Image(bytes(data))
            format.replay(image, format.good_super(image))
            disk = reader.Disk(image)
            list(reader.listing(disk, b"/", True, True))
            if folder:
                list(local.extract(disk, os.fsencode(folder)))
        except format.DiskError:
            pass
        return found

    def test_flips(self):
        """Bytes and numbers changed by chance, most of them where the structure is."""
        chance, quiet = random.Random(1), 0
        structure = [0, 4096, 8192, 9 * 4096] + [10 * 4096] * 8 + [12 * 4096] * 3 + \
            [planted.Spoiler(SOUND).block(name) for name in ("root", "dir", "sub", "dir", "sub")]
        for turn in range(FLIPS):
            data = bytearray(SOUND)
            for _ in range(chance.choice((1, 1, 2, 5, 40))):
                at = chance.choice(structure) + chance.randrange(chance.choice((64, 512, 1500)))
                if chance.random() < 0.5:
                    data[at] ^= 1 << chance.randrange(8)
                else:
                    number = chance.choice((0, 1, 2, 3, 5, 12, 25, 155, 156, 160, 0xffffffff,
                                            chance.randrange(1 << 32), chance.randrange(160)))
                    struct.pack_into("<I", data, at & ~3, number)
            with self.subTest(turn):
                quiet += not self.look(data)
        self.assertLess(quiet, FLIPS // 3)      # most changes break something

    def test_extract(self):
        chance = random.Random(2)
        for turn in range(60):
            data = bytearray(SOUND)
            for _ in range(6):
                at = chance.choice((10 * 4096, 12 * 4096, 13 * 4096)) + chance.randrange(900)
                data[at] = chance.randrange(256)
            with tempfile.TemporaryDirectory() as folder:
                self.look(data, os.path.join(folder, "out"))

    def test_noise(self):
        chance = random.Random(3)
        for length in (0, 1, 3, 4095, 4096, 4097, 40960):
            found = self.look(bytes(chance.randrange(256) for _ in range(length)))
            self.assertEqual(len(found), 1, found)
        for length in range(4096, len(SOUND), 4096):
            self.assertNotEqual(self.look(SOUND[:length]), [])


if __name__ == "__main__":
    unittest.main()
