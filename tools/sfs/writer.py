"""Making and changing files in an image.

A Writer believes its image: make has just written it, put has had it checked. It changes blocks in
memory only; flush() of the image writes them, so a command that fails has changed nothing. Free
blocks are taken in order, so the same calls make the same bytes, and a file's blocks lie in a row.

    files = format_disk(image, plan(16384, 256, 4096, 0, b"rvlab"))
    files.write(files.make(ROOT, b"README", FILE), [b"hello"])
    files.finish()
"""
import struct

from sfs.format import (BLOCK, DIR, DIRECT, FILE, FREE, HEAD, INODE_SIZE, JOURNAL_HOMES,
                        JOURNAL_LEAST, JOURNAL_MAGIC, LINK, LINKS_MAX, MAGIC, NAME_MAX, PATH_MAX,
                        PER, PER_MAP, PER_TABLE, ROOT, SIZE_MAX, SUPER, VERSION, ZEROS, COMMIT,
                        ENTRY, DiskError, Inode, Super, blocks_of, entries, entry_length, numbers,
                        pack_inode, read_inode, shown)
from sfs.reader import Disk, split

EARLY = 4096                                    # so many changed blocks are kept at most
EMPTY = Inode(FREE, 0, 0, 0, (0,) * DIRECT, 0, 0, 0, bytes(52))


def plan(blocks, journal, inodes, swap, info):
    """The Super of a new disk; DiskError if the ranges do not fit."""
    if not JOURNAL_LEAST <= journal <= JOURNAL_HOMES + 2:
        raise DiskError("a journal of %d blocks; %d to %d are possible" % (
            journal, JOURNAL_LEAST, JOURNAL_HOMES + 2))
    if not 2 <= inodes < 1 << 24:
        raise DiskError("%d inodes; 2 to %d are possible" % (inodes, (1 << 24) - 1))
    if swap < 0 or len(info) > 31 or b"\0" in info:
        raise DiskError("a swap range of %d blocks" % swap if swap < 0 else
                        "the name of a disk has 31 bytes at most")
    map_start = 1 + journal
    table_start = map_start + -(-blocks // PER_MAP)
    table_blocks = -(-inodes // PER_TABLE)
    needed = table_start + table_blocks + 1 + swap
    if blocks < needed:
        raise DiskError("a disk of %d blocks of 4096 bytes is too small: with this journal, these "
                        "inodes and this swap range, and one block for the root, it needs %d"
                        % (blocks, needed))
    return Super(MAGIC, VERSION, blocks, inodes, 1, journal, map_start, table_start - map_start,
                 table_start, table_blocks, blocks - swap, swap, 0, info)


def format_disk(image, sup):
    """Write an empty file system into an image that is all zeros. The Writer of it."""
    SUPER.pack_into(image.edit(0), 0, *sup)
    COMMIT.pack_into(image.edit(sup.journal_start), 0, JOURNAL_MAGIC, 0, 0)
    first = sup.table_start + sup.table_blocks
    bits = ((1 << sup.swap_start) - 1) >> first << first
    free = bits.to_bytes(sup.map_blocks * BLOCK, "little")
    for index in range(sup.map_blocks):
        image.edit(sup.map_start + index)[:] = free[index * BLOCK:(index + 1) * BLOCK]
    writer = Writer(image, is_new=True)
    writer.set_inode(ROOT, EMPTY._replace(type=DIR, nlinks=2))
    writer.first_entries(ROOT, ROOT)
    return writer


class Writer(Disk):
    """A Disk that can be changed. Its map is kept apart until finish(). Below `lowest` no block is
    free, below `lowest_inode` no inode; `with_room` has the block of each directory that got the
    last entry. Of an image that is new, and thrown away after an error, much is written early."""

    def __init__(self, image, is_new=False):
        super().__init__(image)
        self.is_new, self.with_room = is_new, {}
        self.map = bytearray(image.read(self.sup.map_start, self.sup.map_blocks))
        self.lowest, self.lowest_inode = self.sup.table_start + self.sup.table_blocks, ROOT

    def finish(self):
        """Write all that was changed."""
        for index in range(self.sup.map_blocks):
            number, new = self.sup.map_start + index, self.map[index * BLOCK:(index + 1) * BLOCK]
            if self.image.block(number) != new:
                self.image.edit(number)[:] = new
        self.image.flush()

    # -- what is free

    def take_block(self):
        """The number of the first free block. It is all zeros now."""
        at = self.lowest // 8
        while at < len(self.map) and not self.map[at]:
            at += 1
        if at == len(self.map):
            raise DiskError("%s is full: there is no free block" % self.name)
        bit = (self.map[at] & -self.map[at]).bit_length() - 1
        self.map[at] &= ~(1 << bit)
        self.lowest = at * 8 + bit
        self.image.changed[self.lowest] = bytearray(BLOCK)
        return self.lowest

    def free_block(self, number):
        self.map[number // 8] |= 1 << number % 8
        self.image.changed.pop(number, None)
        self.lowest = min(self.lowest, number)

    def take_inode(self):
        """The number of the first free inode."""
        for ino in range(self.lowest_inode, self.sup.inodes):
            if read_inode(self.image, self.sup, ino).type == FREE:
                self.lowest_inode = ino
                return ino
        raise DiskError("%s is full: there is no free inode" % self.name)

    def set_inode(self, ino, node):
        block, slot = divmod(ino, PER_TABLE)
        data = self.image.edit(self.sup.table_start + block)
        data[slot * INODE_SIZE:(slot + 1) * INODE_SIZE] = pack_inode(node)

    def add_links(self, ino, count):
        node = self.inode(ino)
        if node.nlinks + count > LINKS_MAX:
            raise DiskError("%s: inode %d has %d links already" % (self.name, ino, node.nlinks))
        self.set_inode(ino, node._replace(nlinks=node.nlinks + count))

    # -- content

    def add_block(self, ino, index):
        """A new block in the place of a hole of a file: its bytes."""
        node = self.inode(ino)
        added, number = 1, self.take_block()
        if index < DIRECT:
            direct = node.direct[:index] + (number,) + node.direct[index + 1:]
            node = node._replace(direct=direct)
        else:
            index -= DIRECT
            if index < PER:
                above, field = node.indirect, "indirect"
            else:
                above, field = node.db_indirect, "db_indirect"
            if not above:
                above, added = self.take_block(), added + 1
                node = node._replace(**{field: above})
            if field == "db_indirect":
                place, index = divmod(index - PER, PER)
                above, outer = numbers(self.image.block(above))[place], above
                if not above:
                    above, added = self.take_block(), added + 1
                    struct.pack_into("<I", self.image.edit(outer), place * 4, above)
            struct.pack_into("<I", self.image.edit(above), index * 4, number)
        self.set_inode(ino, node._replace(blocks=node.blocks + added))
        return self.image.edit(number)

    def clear(self, ino):
        """Free all blocks of a file, and make it empty."""
        node = self.inode(ino)
        above = [node.indirect, node.db_indirect]
        if node.db_indirect:
            above += numbers(self.image.block(node.db_indirect))
        for number in [*self.block_numbers(node), *above]:
            if number:
                self.free_block(number)
        self.set_inode(ino, EMPTY._replace(type=node.type, nlinks=node.nlinks))

    def write(self, ino, blocks):
        """Fill an empty file with these pieces, each of which has the size of a block but the last.
        A block of zeros becomes a hole."""
        size = 0
        for index, data in enumerate(blocks):
            if self.is_new and len(self.image.changed) > EARLY:
                self.image.flush()
            size += len(data)
            if size > SIZE_MAX:
                raise DiskError("a file has %d bytes at most" % SIZE_MAX)
            if data.count(0) != len(data):
                self.add_block(ino, index)[:len(data)] = data
        self.set_inode(ino, self.inode(ino)._replace(size=size))

    # -- directories

    def first_entries(self, ino, parent):
        """Give a new directory its first block."""
        data = self.add_block(ino, 0)
        ENTRY.pack_into(data, 0, ino, 12, 1, DIR)
        data[HEAD:HEAD + 1] = b"."
        ENTRY.pack_into(data, 12, parent, BLOCK - 12, 2, DIR)
        data[12 + HEAD:12 + HEAD + 2] = b".."
        self.set_inode(ino, self.inode(ino)._replace(size=BLOCK))

    def put_entry(self, number, name, ino, kind):
        """An entry in a block of a directory, if there is room: whether there is."""
        length = entry_length(len(name))
        for entry in entries(self.image.block(number)):
            used = entry_length(len(entry.name)) if entry.ino else 0
            if entry.length - used < length:
                continue
            data, at = self.image.edit(number), entry.at + used
            if used:
                struct.pack_into("<H", data, entry.at + 4, used)
            ENTRY.pack_into(data, at, ino, entry.length - used, len(name), kind)
            data[at + HEAD:at + length] = name.ljust(length - HEAD, b"\0")
            return True
        return False

    def enter(self, parent, name, ino, kind):
        """A new name in a directory, which must not have it."""
        if not 1 <= len(name) <= NAME_MAX:
            raise DiskError("%s: a name has 1 to %d bytes" % (shown(name), NAME_MAX))
        node = self.inode(parent)
        first = self.with_room.get(parent, 0)
        for index, number in enumerate(self.block_numbers(node)):
            if index >= first and self.put_entry(number, name, ino, kind):
                self.with_room[parent] = index
                return
        ENTRY.pack_into(self.add_block(parent, node.size // BLOCK), 0, 0, BLOCK, 0, FREE)
        self.set_inode(parent, self.inode(parent)._replace(size=node.size + BLOCK))
        self.enter(parent, name, ino, kind)

    def make(self, parent, name, kind):
        """A new file, directory or symbolic link, still empty: the number of its inode."""
        ino = self.take_inode()
        self.set_inode(ino, EMPTY._replace(type=kind, nlinks=2 if kind == DIR else 1))
        if kind == DIR:
            self.first_entries(ino, parent)
            self.add_links(parent, 1)
        self.enter(parent, name, ino, kind)
        return ino

    def link(self, parent, name, ino):
        """One more name for a file."""
        self.add_links(ino, 1)
        self.enter(parent, name, ino, self.inode(ino).type)

    def directory(self, path):
        """The inode of a directory, which is made with all that are above it, if need be."""
        ino = ROOT
        for name in split(path):
            child = dict(self.entries(ino)).get(name)
            if child is None:
                child = self.make(ino, name, DIR)
            elif self.inode(child).type == LINK:
                raise DiskError("%s: %s is a symbolic link there" % (shown(path), shown(name)))
            elif self.inode(child).type != DIR:
                raise DiskError("%s: %s is no directory there" % (shown(path), shown(name)))
            ino = child
        return ino
