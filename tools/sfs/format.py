"""The numbers and structures of docs/sfs.md, and an image as a row of blocks.

An Image is a file of the host, or bytes. It is read block by block, so a large sparse one costs
nothing; what is changed stays in `changed` until flush(). Names and paths in an image are bytes,
because they may be any; shown() makes a text of them. All that is wrong with an image, or cannot
be done with it, is a DiskError, whose text is for the user.
"""
import collections
import errno
import fcntl
import os
import stat
import struct

BLOCK = 4096
MAGIC, VERSION = 0x53465652, 1
ROOT = 1
NAME_MAX, PATH_MAX = 255, 4095
DIRECT, PER = 12, BLOCK // 4
SIZE_MAX = 0xffffffff
LINKS_MAX = 0xffff
FREE, FILE, DIR, LINK, FIFO = 0, 1, 2, 3, 6
KINDS = {FILE: "file", DIR: "directory", LINK: "symbolic link", FIFO: "named pipe"}
INODE_SIZE = 128
PER_TABLE = BLOCK // INODE_SIZE
PER_MAP = 8 * BLOCK
HEAD = 8                                        # bytes of an entry before its name
JOURNAL_MAGIC, JOURNAL_HOMES = 0x4c4e4a52, 1024
JOURNAL_LEAST = 3                               # commit record, list of homes, one block
# More is not looked at: what a checker must remember of each block would take too much memory.
BLOCKS_MAX = 1 << 24
ZEROS = bytes(BLOCK)

SUPER = struct.Struct("<13I32s")
INODE = struct.Struct("<HHIQ14II52s")
ENTRY = struct.Struct("<IHBB")
COMMIT = struct.Struct("<3I")

Super = collections.namedtuple("Super", "magic version blocks inodes journal_start journal_blocks "
                               "map_start map_blocks table_start table_blocks swap_start "
                               "swap_blocks orphan info")
Inode = collections.namedtuple("Inode", "type nlinks blocks size direct indirect db_indirect "
                               "next_orphan unused")
Entry = collections.namedtuple("Entry", "ino length type name at")
Commit = collections.namedtuple("Commit", "magic sequence count")


class DiskError(Exception):
    """What is wrong with an image, or cannot be done; told without a traceback."""


def shown(name):
    """A name or a path as a text that a terminal can show."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else "\\x%02x" % ord(c) for c in text)


def journal_needed(map_blocks):
    """The least journal with which the kernel takes a disk; smaller ones are no error of the
    format."""
    return 24 + min(map_blocks - 1, 19)


def blocks_of(size):
    """How many blocks so many bytes need."""
    return (size + BLOCK - 1) // BLOCK


class Image:
    """Blocks, as a file or bytes has them, and what was changed."""

    def __init__(self, source, name="the image", writable=False):
        self.name, self.changed, self.descriptor = name, {}, None
        if isinstance(source, (bytes, bytearray, memoryview)):
            self.data, self.size = bytes(source), len(source)
            return
        self.name = os.fsdecode(source)
        # Without O_NONBLOCK the opening of a fifo waits for somebody who writes.
        self.descriptor = os.open(source, (os.O_RDWR if writable else os.O_RDONLY) | os.O_NONBLOCK)
        about = os.fstat(self.descriptor)
        self.size = about.st_size
        if not stat.S_ISREG(about.st_mode):
            self.close()
            raise DiskError("%s is no file, so it is no image of a disk" % self.name)
        if writable:
            self.lock()

    def lock(self):
        """Keep others out, as QEMU does: a machine that runs keeps in memory what is on its
        disk."""
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise DiskError("%s is the disk of a machine that runs: end it first" % self.name)

    def close(self):
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def stored(self, start, count):
        """The bytes of some blocks in a row, without what was changed."""
        at, length = start * BLOCK, count * BLOCK
        if self.descriptor is None:
            data = self.data[at:at + length]
        else:
            data = os.pread(self.descriptor, length, at)
        if len(data) != length:
            raise DiskError("%s ends before block %d" % (self.name, start + count))
        return data

    def block(self, number):
        return bytes(self.changed[number]) if number in self.changed else self.stored(number, 1)

    def read(self, start, count):
        """The bytes of some blocks in a row."""
        data = self.stored(start, count)
        here = [n for n in self.changed if start <= n < start + count]
        if here:
            data = bytearray(data)
            for number in here:
                at = (number - start) * BLOCK
                data[at:at + BLOCK] = self.changed[number]
        return bytes(data)

    def with_data(self, start, count):
        """The numbers of those of some blocks in a row that may have something but zeros: not what
        a sparse file lacks."""
        at, end = start, start + count
        while at < end:
            until = end
            if self.descriptor is not None:
                try:
                    at = max(at, os.lseek(self.descriptor, at * BLOCK, os.SEEK_DATA) // BLOCK)
                    until = blocks_of(os.lseek(self.descriptor, at * BLOCK, os.SEEK_HOLE))
                except OSError as error:
                    if error.errno == errno.ENXIO:      # there is no data behind this place
                        break
            yield from (n for n in range(at, min(until, end)) if n not in self.changed)
            at = max(until, at + 1)
        yield from (n for n in sorted(self.changed) if start <= n < end)

    def edit(self, number):
        """The bytes of a block, as a bytearray that may be changed."""
        if number not in self.changed:
            self.changed[number] = bytearray(self.stored(number, 1))
        return self.changed[number]

    def flush(self):
        """Write what was changed."""
        for number in sorted(self.changed):
            os.pwrite(self.descriptor, self.changed[number], number * BLOCK)
        self.changed.clear()


def read_super(image):
    """The Super of an image, which may have any values."""
    if image.size < BLOCK:
        raise DiskError("%s has %d bytes, so it is no image of a disk" % (image.name, image.size))
    return Super(*SUPER.unpack_from(image.block(0)))


def layout_problems(sup, size):
    """A sentence about each thing that is wrong with the superblock of an image of so many bytes.
    If there is none, all ranges are where they may be."""
    if sup.magic != MAGIC:
        return ["the superblock begins with 0x%08x, and not with 0x%08x: this is no disk of rvlab"
                % (sup.magic, MAGIC)]
    if sup.version != VERSION:
        return ["the format has version %d; only %d is known" % (sup.version, VERSION)]
    found = []
    if sup.blocks > BLOCKS_MAX:
        found.append("the superblock counts %d blocks; %d are the most that this tool takes"
                     % (sup.blocks, BLOCKS_MAX))
    elif sup.blocks > size // BLOCK:
        found.append("the superblock counts %d blocks, but the image has only %d"
                     % (sup.blocks, size // BLOCK))
    if not 2 <= sup.inodes <= sup.table_blocks * PER_TABLE:
        found.append("the superblock counts %d inodes, but its table has room for %d"
                     % (sup.inodes, sup.table_blocks * PER_TABLE))
    elif sup.table_blocks != -(-sup.inodes // PER_TABLE):
        found.append("the table of inodes has %d blocks; %d inodes need %d"
                     % (sup.table_blocks, sup.inodes, -(-sup.inodes // PER_TABLE)))
    if sup.map_blocks != -(-sup.blocks // PER_MAP):
        found.append("the map has %d blocks; a disk of %d blocks needs %d"
                     % (sup.map_blocks, sup.blocks, -(-sup.blocks // PER_MAP)))
    if not JOURNAL_LEAST <= sup.journal_blocks <= JOURNAL_HOMES + 2:
        found.append("the journal has %d blocks; %d to %d are possible"
                     % (sup.journal_blocks, JOURNAL_LEAST, JOURNAL_HOMES + 2))
    end, before = 1, "the superblock"
    for what, start, count in (("the journal", sup.journal_start, sup.journal_blocks),
                               ("the map", sup.map_start, sup.map_blocks),
                               ("the table of inodes", sup.table_start, sup.table_blocks)):
        if start != end:
            found.append("%s begins at block %d, but %s ends before block %d"
                         % (what, start, before, end))
        end, before = start + count, what
    if sup.swap_start < end:
        found.append("the swap range begins at block %d, but %s ends before block %d"
                     % (sup.swap_start, before, end))
    if sup.swap_start + sup.swap_blocks != sup.blocks:
        found.append("the swap range ends before block %d, but the disk before block %d"
                     % (sup.swap_start + sup.swap_blocks, sup.blocks))
    if 0 not in sup.info:
        found.append("the name in the superblock has no end")
    return found


def good_super(image):
    """The Super of an image; DiskError if it is not in order."""
    sup = read_super(image)
    for problem in layout_problems(sup, image.size):
        raise DiskError("%s: %s" % (image.name, problem))
    return sup


def unpack_inode(data, at=0):
    f = INODE.unpack_from(data, at)
    return Inode(f[0], f[1], f[2], f[3], f[4:16], f[16], f[17], f[18], f[19])


def pack_inode(node):
    return INODE.pack(node.type, node.nlinks, node.blocks, node.size, *node.direct, node.indirect,
                      node.db_indirect, node.next_orphan, node.unused)


def read_inode(image, sup, ino):
    """An Inode; its number must be one of the table's."""
    block, slot = divmod(ino, PER_TABLE)
    return unpack_inode(image.block(sup.table_start + block), slot * INODE_SIZE)


def numbers(data):
    """The block numbers of an indirect block."""
    return struct.unpack("<%dI" % PER, data)


def entry_length(name_length):
    """How many bytes an entry needs at least."""
    return HEAD + (name_length + 3) // 4 * 4


def entries(data):
    """The Entry objects of a block of a directory, free ones with ino 0 too. DiskError at the
    first one that is impossible."""
    at = 0
    while at < BLOCK:
        if at + HEAD > BLOCK:
            raise DiskError("byte %d: the last entry ends before the block does" % at)
        ino, length, name_length, kind = ENTRY.unpack_from(data, at)
        if length % 4 or length < HEAD or at + length > BLOCK:
            raise DiskError("byte %d: an entry with the length %d" % (at, length))
        if ino and entry_length(name_length) > length:
            raise DiskError("byte %d: a name of %d bytes in an entry of %d" % (
                at, name_length, length))
        yield Entry(ino, length, kind, bytes(data[at + HEAD:at + HEAD + name_length]), at)
        at += length


def read_commit(image, sup):
    return Commit(*COMMIT.unpack_from(image.block(sup.journal_start)))


def journal_problems(sup, commit, homes):
    """A sentence about each thing that is wrong with a commit record and its list of homes."""
    if commit.magic != JOURNAL_MAGIC:
        return ["the commit record begins with 0x%08x, and not with 0x%08x"
                % (commit.magic, JOURNAL_MAGIC)]
    if commit.count > sup.journal_blocks - 2:
        return ["the commit record tells of %d blocks, but the log has only %d"
                % (commit.count, sup.journal_blocks - 2)]
    found, seen = [], set()
    for home in homes[:commit.count]:
        if home and not sup.map_start <= home < sup.swap_start:
            found.append("the journal has a block for %d, which no transaction can change" % home)
        elif home in seen:
            found.append("the journal has two blocks for block %d" % home)
        seen.add(home)
    return found


def replay(image, sup):
    """Bring the journal's transaction home, in image.changed. How many blocks; DiskError if the
    journal is not in order."""
    commit = read_commit(image, sup)
    homes = numbers(image.block(sup.journal_start + 1))
    for problem in journal_problems(sup, commit, homes):
        raise DiskError("%s: %s" % (image.name, problem))
    for index, home in enumerate(homes[:commit.count]):
        image.changed[home] = bytearray(image.block(sup.journal_start + 2 + index))
    COMMIT.pack_into(image.edit(sup.journal_start), 0, JOURNAL_MAGIC, commit.sequence, 0)
    return commit.count
