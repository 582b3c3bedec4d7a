"""A small disk on which everything is that a disk can have, and changes that break one rule each.

build() is the image, as bytes. A Spoiler changes it by inodes, fields and names, so a corruption is
one line of PLANTED: a name, what is changed, and the sentence by which check must name it, of which
the beginning is enough. Numbers of inodes are those that writer.py gives in order: see NAMES.

    spoilt(lambda s: s.inode("a", "nlinks", 2))
"""
import struct

from sfs import format, writer

BLOCKS, JOURNAL = 160, 8
TABLE, FIRST = 10, 12                           # where the table begins, and the data
# What is on the disk. /far has a hole, and content in all three parts of the block map.
NAMES = {"root": 1, "readme": 2, "dir": 3, "a": 4, "sub": 5, "c": 6, "far": 7, "link": 8, "dots": 9}
FAR = (format.DIRECT + format.PER + 3) * 4096 + 100
FIELDS = {"type": (0, "<H"), "nlinks": (2, "<H"), "blocks": (4, "<I"), "size": (8, "<Q"),
          "indirect": (64, "<I"), "db_indirect": (68, "<I"), "next_orphan": (72, "<I"),
          "unused": (76, "<I")}
FIELDS.update(("direct%d" % i, (16 + 4 * i, "<I")) for i in range(format.DIRECT))
SUPER_FIELDS = {name: 4 * index for index, name in enumerate(format.Super._fields)}


def far_content():
    """The blocks of /far, nearly all of which are holes."""
    for index in range(format.DIRECT + format.PER + 3):
        yield b"x" * 4096 if index in (0, 11, 12, 900, format.DIRECT + format.PER + 1) \
            else format.ZEROS
    yield b"x" * 100


def build():
    """The bytes of the disk."""
    image = format.Image(bytes(BLOCKS * 4096))
    new = writer.format_disk(image, writer.plan(BLOCKS, JOURNAL, 60, 4, b"planted"))
    new.is_new = False
    new.write(new.make(format.ROOT, b"README", format.FILE), [b"hello\n"])
    folder = new.make(format.ROOT, b"dir", format.DIR)
    new.write(new.make(folder, b"a", format.FILE), [b"a" * 4096, b"a"])
    below = new.make(folder, b"sub", format.DIR)
    new.write(new.make(below, b"c", format.FILE), [b"c" * 5])
    new.write(new.make(format.ROOT, b"far", format.FILE), far_content())
    new.link(folder, b"same", NAMES["readme"])
    new.write(new.make(format.ROOT, b"link", format.LINK), [b"dir/sub/c"])
    new.make(format.ROOT, b"..dots", format.FILE)
    new.image.flush = lambda: None
    new.finish()
    return image.read(0, BLOCKS)


class Spoiler:
    """The disk, and ways to change it."""

    def __init__(self, data):
        self.data = bytearray(data)

    def put(self, at, code, value):
        struct.pack_into(code, self.data, at, value)

    def get(self, at, code):
        return struct.unpack_from(code, self.data, at)[0]

    def super(self, field, value):
        self.put(SUPER_FIELDS[field], "<I", value)

    def place(self, name):
        """Where an inode lies."""
        return TABLE * 4096 + NAMES.get(name, name) * format.INODE_SIZE

    def inode(self, name, field, value):
        at, code = FIELDS[field]
        self.put(self.place(name) + at, code, value)

    def field(self, name, field):
        at, code = FIELDS[field]
        return self.get(self.place(name) + at, code)

    def wipe(self, name):
        at = self.place(name)
        self.data[at:at + format.INODE_SIZE] = bytes(format.INODE_SIZE)

    def block(self, name):
        """Where the first block of a file lies."""
        return self.field(name, "direct0") * 4096

    def entry(self, name, text):
        """Where an entry of a directory lies."""
        at = start = self.block(name)
        while at < start + 4096:
            if self.data[at + 8:at + 8 + self.data[at + 6]] == text:
                return at
            at += self.get(at + 4, "<H")
        raise KeyError(text)

    def lead(self, name, text, ino, kind=None):
        """Have an entry lead to another inode."""
        self.put(self.entry(name, text), "<I", NAMES.get(ino, ino))
        if kind is not None:
            self.put(self.entry(name, text) + 7, "<B", kind)

    def rename(self, name, text, new):
        at = self.entry(name, text)
        self.data[at + 6] = len(new)
        self.data[at + 8:at + 8 + len(new)] = new

    def mark(self, block, is_free):
        """The bit of a block in the map."""
        at, bit = (1 + JOURNAL) * 4096 + block // 8, 1 << block % 8
        self.data[at] = self.data[at] | bit if is_free else self.data[at] & ~bit

    def journal(self, *homes, count=None, magic=format.JOURNAL_MAGIC):
        """A transaction whose blocks are as they are at home."""
        struct.pack_into("<3I", self.data, 4096, magic, 7, len(homes) if count is None else count)
        for index, home in enumerate(homes):
            self.put(2 * 4096 + 4 * index, "<I", home)
            if home < BLOCKS and index < JOURNAL - 2:
                to = (3 + index) * 4096
                self.data[to:to + 4096] = self.data[home * 4096:(home + 1) * 4096]

    def orphan(self, *names):
        """Make files that have no name any more orphans, in this order."""
        before = None
        for name in names:
            self.inode(name, "nlinks", 0)
            if before is None:
                self.super("orphan", NAMES.get(name, name))
            else:
                self.inode(before, "next_orphan", NAMES.get(name, name))
            before = name

    def forget(self, name, text):
        """Make an entry free room."""
        self.put(self.entry(name, text), "<I", 0)


def spoilt(change):
    """The bytes of the disk after change(Spoiler)."""
    spoiler = Spoiler(build())
    change(spoiler)
    return spoiler.data


# (what is planted, how, how check names it). Where two files are concerned both must be named.
PLANTED = [
    # the superblock
    ("another magic", lambda s: s.super("magic", 0x12345678), "begins with 0x12345678"),
    ("another version", lambda s: s.super("version", 2), "the format has version 2"),
    ("more blocks than the image", lambda s: s.super("blocks", 161), "counts 161 blocks, but"),
    ("more blocks than any", lambda s: s.super("blocks", 0xffffffff), "counts 4294967295 blocks"),
    ("more inodes than the table", lambda s: s.super("inodes", 65), "counts 65 inodes, but"),
    ("a table too large", lambda s: s.super("table_blocks", 3), "table of inodes has 3 blocks"),
    ("a map of no blocks", lambda s: s.super("map_blocks", 0), "the map has 0 blocks"),
    ("a journal of one block", lambda s: s.super("journal_blocks", 1), "the journal has 1 blocks"),
    ("the map over the journal", lambda s: s.super("map_start", 8),
     "the map begins at block 8, but"),
    ("the table over the map", lambda s: s.super("table_start", 9),
     "inodes begins at block 9, but"),
    ("a journal over the superblock", lambda s: s.super("journal_start", 0),
     "the journal begins at block 0, but the superblock ends"),
    ("swap over the table", lambda s: (s.super("swap_start", 11), s.super("swap_blocks", 149)),
     "the swap range begins at block 11, but the table of inodes ends"),
    ("swap behind the disk", lambda s: s.super("swap_blocks", 5), "the swap range ends before"),
    ("a name without an end", lambda s: s.put(52, "32s", b"x" * 32), "name in the superblock"),
    ("something in the superblock", lambda s: s.put(4000, "<I", 1), "the superblock has something"),
    # the journal
    ("a foreign commit record", lambda s: s.journal(magic=1), "the commit record begins with"),
    ("a transaction too long", lambda s: s.journal(*range(10, 17)), "tells of 7 blocks, but"),
    ("a transaction", lambda s: s.journal(10, 12), "the journal is not empty"),
    ("a home in the journal", lambda s: s.journal(10, 3), "has a block for 3, which"),
    ("a home in swap", lambda s: s.journal(157), "has a block for 157, which"),
    ("a home twice", lambda s: s.journal(10, 10), "two blocks for block 10"),
    ("another superblock in the log",
     lambda s: (s.super("version", 9), s.journal(0), s.super("version", 1)),
     "after the journal is done"),
    # inodes
    ("inode 0", lambda s: s.inode(0, "type", 1), "inode 0 is not all zeros"),
    ("an inode behind the last", lambda s: s.inode(61, "size", 1), "inode 61 is not all zeros"),
    ("a free inode with something", lambda s: s.inode(20, "blocks", 1), "inode 20 is free, but"),
    ("an unknown type", lambda s: s.inode("a", "type", 9), "inode 4 (/dir/a) has the type 9"),
    ("unused bytes", lambda s: s.inode("a", "unused", 9),
     "inode 4 (/dir/a) has something in its un"),
    ("no root", lambda s: s.wipe("root"), "inode 1, the root, is free"),
    ("a file as the root", lambda s: s.inode("root", "type", 1),
     "inode 1 (/), the root, is no dir"),
    ("a file too large", lambda s: s.inode("a", "size", 1 << 32),
     "inode 4 (/dir/a) has a bad size"),
    ("a link too long", lambda s: s.inode("link", "size", 4096),
     "inode 8 (/link) has a bad size: a"),
    ("an empty link", lambda s: s.inode("link", "size", 0),
     "inode 8 (/link) has a bad size: a sym"),
    ("a named pipe with blocks", lambda s: s.inode("a", "type", 6),
     "inode 4 (/dir/a) has a bad size: a named pipe of"),
    ("half a directory", lambda s: s.inode("sub", "size", 2048),
     "inode 5 (/dir/sub) has a bad size"),
    ("an empty directory", lambda s: s.inode("sub", "size", 0),
     "inode 5 (/dir/sub) has a bad size"),
    ("a directory with a hole", lambda s: s.inode("sub", "size", 8192),
     "inode 5 (/dir/sub) has a bad size, or holes"),
    ("a size too small", lambda s: s.inode("a", "size", 4096),
     "inode 4 (/dir/a) has a bad size: 4096 bytes, but 1 blocks behind its end"),
    ("an indirect block too many",
     lambda s: (s.inode("readme", "indirect", 100), s.mark(100, False),
                s.inode("readme", "blocks", 2)),
     "inode 2 (/README) has a bad size: 6 bytes, which need no indirect block for block 12"),
    ("a double indirect block too many",
     lambda s: (s.inode("readme", "db_indirect", 100), s.mark(100, False),
                s.inode("readme", "blocks", 2)),
     "inode 2 (/README) has a bad size: 6 bytes, which need no indirect block for block 1036"),
    ("a wrong count of blocks", lambda s: s.inode("far", "blocks", 8),
     "inode 7 (/far) counts 8 bl"),
    ("something behind the end", lambda s: s.put(s.block("c") + 5, "<B", 1),
     "inode 6 (/dir/sub/c) has something behind its end"),
    ("a NUL in a link", lambda s: s.put(s.block("link") + 2, "<B", 0),
     "inode 8 (/link) is a symbol"),
    # blocks
    ("a block of the table in a file", lambda s: s.inode("a", "direct1", 10),
     "inode 4 (/dir/a) has block 10 as block 1 of its content, but"),
    ("a block behind the disk", lambda s: s.inode("far", "indirect", 1 << 31),
     "inode 7 (/far) has block 2147483648 as its indirect block, but"),
    ("a block of swap in a file", lambda s: s.inode("far", "db_indirect", 156),
     "inode 7 (/far) has block 156 as its double indirect block, but"),
    ("a number out of range in an indirect block",
     lambda s: s.put(s.field("far", "indirect") * 4096 + 40, "<I", 5000),
     "inode 7 (/far) has block 5000 as block 22 of its content, but"),
    ("a block in two files", lambda s: s.inode("c", "direct0", s.field("a", "direct0")),
     "is used twice: by inode 4 (/dir/a) and by inode 6 (/dir/sub/c), as block 0"),
    ("a block twice in a file", lambda s: s.inode("a", "direct1", s.field("a", "direct0")),
     "is used twice: by inode 4 (/dir/a) and by inode 4 (/dir/a), as block 1"),
    ("an indirect block in itself",
     lambda s: s.put(s.field("far", "db_indirect") * 4096, "<I", s.field("far", "db_indirect")),
     "is used twice: by inode 7 (/far) and by inode 7 (/far), as an indirect block"),
    # orphans
    ("an orphan", lambda s: (s.forget("sub", b"c"), s.orphan("c")),
     "inode 6 (an orphan) is an orph"),
    ("a list of orphans in a circle",
     lambda s: (s.forget("sub", b"c"), s.forget("dir", b"a"), s.orphan("c", "a", "c")),
     "the list of orphans is a circle: inode 6 (an orphan)"),
    ("a free inode as an orphan", lambda s: s.super("orphan", 30),
     "goes from the superblock to inode 30, which is not in use"),
    ("an orphan out of range", lambda s: (s.forget("sub", b"c"), s.orphan("c"),
                                          s.inode("c", "next_orphan", 1000)),
     "goes from inode 6 to inode 1000, which is not in use"),
    ("an orphan with a name", lambda s: s.orphan("a"),
     "inode 4 (/dir/a) is an orphan, but has a name"),
    ("an orphan with links", lambda s: (s.forget("sub", b"c"), s.orphan("c"),
                                        s.inode("c", "nlinks", 1)),
     "inode 6 (an orphan) is an orphan, but counts 1 links"),
    ("a removed directory with an entry", lambda s: (s.forget("dir", b"sub"), s.orphan("sub")),
     "inode 5 (an orphan) is a directory that was removed, but has an entry \"c\""),
    ("a list of orphans from nowhere", lambda s: s.inode("a", "next_orphan", 6),
     "inode 4 (/dir/a) is not in the list of orphans"),
    # directories
    ("no dot", lambda s: s.rename("sub", b".", b"x"), "inode 5 (/dir/sub): its first entry is not"),
    ("no dot dot", lambda s: s.rename("sub", b"..", b"x"),
     "inode 5 (/dir/sub): its second entry is"),
    ("a dot of another", lambda s: s.lead("sub", b".", "dir"),
     "inode 5 (/dir/sub): its \".\" leads to"),
    ("a dot dot of another", lambda s: s.lead("sub", b"..", "root"),
     "inode 5 (/dir/sub): its \"..\" leads to inode 1, and not to inode 3 (/dir)"),
    ("the root's dot dot", lambda s: s.lead("root", b"..", "dir"),
     "inode 1 (/): its \"..\" leads to in"),
    ("a dot that is a file", lambda s: s.lead("sub", b".", "sub", 1), "entry \".\" has the type 1"),
    ("one entry only", lambda s: s.put(s.entry("sub", b".") + 4, "<H", 4096),
     "inode 5 (/dir/sub): its second entry is missing"),
    ("an entry of length 0", lambda s: s.put(s.entry("dir", b"a") + 4, "<H", 0),
     "inode 3 (/dir): bad entry in its block 0, byte 24: an entry with the length 0"),
    ("an entry of odd length", lambda s: s.put(s.entry("dir", b"a") + 4, "<H", 14),
     "inode 3 (/dir): bad entry in its block 0, byte 24: an entry with the length 14"),
    ("an entry over the end", lambda s: s.put(s.entry("sub", b"c") + 4, "<H", 4096),
     "inode 5 (/dir/sub): bad entry in its block 0, byte 24"),
    ("a name longer than its entry", lambda s: s.put(s.entry("dir", b"a") + 6, "<B", 5),
     "inode 3 (/dir): bad entry in its block 0, byte 24: a name of 5 bytes in an entry of 12"),
    ("entries that end too early", lambda s: s.put(s.entry("sub", b"c") + 4, "<H", 4068),
     "inode 5 (/dir/sub): bad entry in its block 0, byte 4092: the last entry"),
    ("a name with a slash", lambda s: s.rename("dir", b"same", b"sa/e"),
     "inode 3 (/dir): bad name"),
    ("a name with a NUL", lambda s: s.rename("dir", b"same", b"sa\0e"), "inode 3 (/dir): bad name"),
    ("an empty name", lambda s: s.rename("dir", b"same", b""),
     "inode 3 (/dir): bad name \"\", for i"),
    ("dot dot twice", lambda s: s.rename("dir", b"a", b".."),
     "inode 3 (/dir): bad name \"..\", for in"),
    ("a name twice", lambda s: s.rename("root", b"link", b"far"),
     "inode 1 (/): the name \"far\" is there twice"),
    ("an entry without an inode", lambda s: s.wipe("c"),
     "inode 5 (/dir/sub): the entry \"c\" leads to inode 6, which is not in use"),
    ("an entry out of range", lambda s: s.lead("sub", b"c", 60),
     "inode 5 (/dir/sub): the entry \"c\" leads to inode 60, but"),
    ("an entry of another type", lambda s: s.lead("sub", b"c", "c", 3),
     "inode 5 (/dir/sub): the entry \"c\" has the type 3, but inode 6 (/dir/sub/c) has 1"),
    ("a directory with two names", lambda s: s.lead("dir", b"a", "sub", 2),
     "inode 5 (/dir/a) is a directory with two names, or in itself: also \"sub\" in inode 3 ("),
    ("a directory in itself", lambda s: s.lead("sub", b"c", "dir", 2),
     "inode 3 (/dir) is a directory with two names, or in itself: also \"c\" in inode 5 (/"),
    ("a circle that nobody reaches", lambda s: (s.forget("root", b"dir"),
                                                s.lead("sub", b"c", "dir", 2)),
     "inode 3 (without a name) is a directory with two names, or in itself: also \"c\" in inode 5"),
    ("an unreachable directory", lambda s: s.forget("dir", b"sub"),
     "inode 5 (without a name) is an unreachable directory"),
    # links
    ("an unreachable file", lambda s: s.forget("sub", b"c"),
     "inode 6 (without a name) is an unreach"),
    ("too many links", lambda s: s.inode("readme", "nlinks", 3),
     "inode 2 (/README) counts 3 links, b"),
    ("too few links", lambda s: s.inode("readme", "nlinks", 1),
     "inode 2 (/README) counts 1 links, bu"),
    ("links of a directory", lambda s: s.inode("dir", "nlinks", 2),
     "inode 3 (/dir) counts 2 links, "),
    ("links of the root", lambda s: s.inode("root", "nlinks", 4),
     "inode 1 (/) counts 4 links, but ha"),
    ("no links", lambda s: s.inode("c", "nlinks", 0),
     "inode 6 (/dir/sub/c) counts 0 links, but has 1"),
    # the map
    ("a used block that is free", lambda s: s.mark(s.block("c") // 4096, True),
     "as free, used by inode 6 (/dir/sub/c)"),
    ("an unreachable block", lambda s: s.mark(120, False),
     "the map has block 120 as used, which is"),
    ("unreachable blocks", lambda s: [s.mark(n, False) for n in range(120, 125)],
     "the map has blocks 120 to 124 as used, which is"),
    ("the table as free", lambda s: s.mark(TABLE, True),
     "the map has block 10 as free, which no file"),
    ("swap as free", lambda s: s.mark(156, True), "the map has block 156 as free, which no file"),
    ("a bit behind the end", lambda s: s.mark(160, True),
     "the map has block 160 as free, behind the"),
]
