"""Looking at the files of an image: by inode, by path, by content.

    disk = Disk(Image(path))
    disk.data(disk.inode(disk.lookup(b"/README")))

A Disk believes nothing that it reads: a number out of range, a directory that is none, a path that
goes in circles is a DiskError. It does not look for all that may be wrong; check.py does. Symbolic
links are followed inside the image only, from its root, as the kernel does it.
"""
from sfs.format import (BLOCK, DIR, DIRECT, FIFO, FILE, KINDS, LINK, PATH_MAX, PER, ROOT, SIZE_MAX,
                        ZEROS, DiskError, blocks_of, entries, good_super, numbers, read_inode,
                        shown)

LINKS_ON_THE_WAY = 16


class Disk:
    """The files of an Image."""

    def __init__(self, image):
        self.image, self.sup = image, good_super(image)
        self.name = image.name

    def wrong(self, words, *values):
        return DiskError("%s: %s" % (self.name, words % values))

    def inode(self, ino):
        """The Inode of a number; one that is in use."""
        if not 1 <= ino < self.sup.inodes:
            raise self.wrong("there is no inode %d; run check", ino)
        node = read_inode(self.image, self.sup, ino)
        if node.type not in KINDS or node.size > SIZE_MAX:
            raise self.wrong("inode %d is damaged; run check", ino)
        return node

    def data_block(self, number):
        """The bytes of a block of a file; 0 is a hole."""
        if number == 0:
            return ZEROS
        if not self.sup.table_start + self.sup.table_blocks <= number < self.sup.swap_start:
            raise self.wrong("block %d of a file is none of the data; run check", number)
        return self.image.block(number)

    def block_numbers(self, node):
        """The number of each block of a file, in order; 0 for a hole."""
        left = blocks_of(node.size)
        yield from node.direct[:left]
        left -= DIRECT
        if left <= 0:
            return
        yield from numbers(self.data_block(node.indirect))[:left]
        left -= PER
        if left <= 0:
            return
        for single in numbers(self.data_block(node.db_indirect)):
            if left <= 0:
                return
            yield from numbers(self.data_block(single))[:left]
            left -= PER

    def present(self, node):
        """(index, number) of each block of a file that is no hole; nothing is slow here because a
        file is nearly 4 GiB of holes."""
        yield from ((i, number) for i, number in enumerate(node.direct) if number)
        singles = [(DIRECT, node.indirect)]
        if node.db_indirect:
            singles += ((DIRECT + PER * (1 + place), number) for place, number
                        in enumerate(numbers(self.data_block(node.db_indirect))))
        for first, single in singles:
            if single:
                yield from ((index, number) for index, number
                            in enumerate(numbers(self.data_block(single)), first) if number)

    def content(self, node):
        """The bytes of a file, block by block; None for a hole. The last may be longer than the
        file."""
        for number in self.block_numbers(node):
            yield self.data_block(number) if number else None

    def data(self, node):
        """All bytes of a small file."""
        return b"".join(block or ZEROS for block in self.content(node))[:node.size]

    def target(self, ino):
        """What a symbolic link stands for."""
        node = self.inode(ino)
        if node.size > PATH_MAX:
            raise self.wrong("the symbolic link of inode %d is too long; run check", ino)
        return self.data(node)

    def entries(self, ino):
        """The (name, inode number) of each entry of a directory, "." and ".." too."""
        node = self.inode(ino)
        if node.type != DIR:
            raise self.wrong("inode %d is no directory; run check", ino)
        for block in self.content(node):
            try:
                for entry in entries(block or ZEROS):
                    if entry.ino:
                        yield entry.name, entry.ino
            except DiskError as error:
                raise self.wrong("the directory of inode %d is damaged: %s; run check", ino, error)

    def children(self, ino):
        """The same without "." and "..", by name. A name that the host cannot have is left out."""
        return sorted((name, child) for name, child in self.entries(ino)
                      if name not in (b"", b".", b"..") and not set(name) & {0, ord("/")})

    def lookup(self, path, follow=True):
        """The number of the inode that a path leads to, from the root; DiskError if none."""
        rest, ino, links = split(path), ROOT, 0
        while rest:
            name = rest.pop(0)
            if self.inode(ino).type != DIR:
                raise self.wrong("%s: a part of this path is no directory", shown(path))
            child = next((child for each, child in self.entries(ino) if each == name), None)
            if child is None:
                raise self.wrong("there is no %s", shown(path))
            if self.inode(child).type != LINK or not (rest or follow):
                ino = child
                continue
            links += 1
            if links > LINKS_ON_THE_WAY:
                raise self.wrong("%s: too many symbolic links", shown(path))
            target = self.target(child)
            rest[:0] = split(target)
            ino = ROOT if target.startswith(b"/") else ino
        return ino


def split(path):
    """The names in a path. "." as a name means what it says."""
    return [name for name in path.split(b"/") if name not in (b"", b".")]


def kind_letter(node):
    return {FILE: "-", DIR: "d", LINK: "l", FIFO: "p"}[node.type]


def line_of(disk, name, ino, is_long):
    """How a file is told in a list."""
    text = shown(name)
    if not is_long:
        return text
    node = disk.inode(ino)
    if node.type == LINK:
        text += " -> " + shown(disk.target(ino))
    return "%6d %s %3d %6d %10d %s" % (ino, kind_letter(node), node.nlinks, node.blocks, node.size,
                                       text)


def listing(disk, path, is_long, is_deep):
    """The lines of `ls`. A directory is not entered twice, so the list ends on any image."""
    ino = disk.lookup(path, follow=not is_long)
    if disk.inode(ino).type != DIR:
        yield line_of(disk, path, ino, is_long)
        return
    seen, waiting = set(), [(path.rstrip(b"/") or b"/", ino)]
    while waiting:
        path, ino = waiting.pop()
        if ino in seen:
            yield "%s: a directory with two names; run check" % shown(path)
            continue
        seen.add(ino)
        if is_deep:
            yield "%s:" % shown(path)
        children = disk.children(ino)
        for name, child in children:
            yield line_of(disk, name, child, is_long)
        if is_deep:
            below = path.rstrip(b"/") + b"/"
            found = [(below + name, child) for name, child in children
                     if disk.inode(child).type == DIR]
            waiting.extend(reversed(found))
            if waiting:
                yield ""


def write_content(disk, node, file):
    """Write a file's bytes to a file of the host that is open: zeros too, for it may be a pipe."""
    left = node.size
    for block in disk.content(node):
        file.write((block or ZEROS)[:min(left, BLOCK)])
        left -= BLOCK
