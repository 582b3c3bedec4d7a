"""Files of the host into an image, and back.

What comes from the host is taken as it is there: a folder with all below it, in the order of its
names; hard links stay links; a symbolic link is taken, not followed. What an image has is not
believed: extract() writes into a folder that is empty before, makes each file and folder anew, and
follows no link, so no image can write outside of it. Times, owners and rights are not kept.
"""
import os
import stat

from sfs.format import BLOCK, DIR, FIFO, FILE, KINDS, LINK, ROOT, SIZE_MAX, DiskError, shown
from sfs.reader import split

PIECE = 256 * BLOCK


def pieces(path):
    """The content of a file of the host, block by block."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while True:
            data = b""
            while len(data) < PIECE:
                more = file.read(PIECE - len(data))
                if not more:
                    break
                data += more
            for at in range(0, len(data), BLOCK):
                yield data[at:at + BLOCK]
            if len(data) < PIECE:
                return


def kind_of(path, about):
    """The kind of a file of the host, which must be one that an image can have."""
    for test, kind in ((stat.S_ISREG, FILE), (stat.S_ISDIR, DIR), (stat.S_ISLNK, LINK)):
        if test(about.st_mode):
            if kind == FILE and about.st_size > SIZE_MAX:
                raise DiskError("%s has %d bytes; %d are the most of a file on a disk" % (
                    shown(path), about.st_size, SIZE_MAX))
            return kind
    raise DiskError("%s is no file, directory or symbolic link, so a disk cannot have it; take it "
                    "out of the folder" % shown(path))


class Import:
    """Files of the host on their way into the image of a Writer. `without` are files that do not
    go there though they lie in a folder that does: the image itself."""

    def __init__(self, writer, *without):
        self.writer, self.links = writer, {}
        self.without = [path for path in without if os.path.exists(path)]

    def one(self, path, parent, name, there, about):
        """A file of the host into a directory, whose names are `there`. Its inode."""
        writer, kind, old = self.writer, kind_of(path, about), there.get(name)
        if old is not None and writer.inode(old).type != kind:
            raise DiskError("%s is a %s, but the disk has a %s of that name" % (
                shown(path), KINDS[kind], KINDS[writer.inode(old).type]))
        if kind == DIR:
            return old or writer.make(parent, name, DIR)
        key = (about.st_dev, about.st_ino)
        if old is None and about.st_nlink > 1 and key in self.links:
            writer.link(parent, name, self.links[key])
            return self.links[key]
        ino = old or writer.make(parent, name, kind)
        if old:
            writer.clear(ino)
        writer.write(ino, pieces(path) if kind == FILE else [os.readlink(path)])
        self.links[key] = ino
        return ino

    def folder(self, path, ino):
        """All that is in a folder of the host, into a directory."""
        waiting = [(path, ino)]
        while waiting:
            path, ino = waiting.pop()
            there = dict(self.writer.entries(ino))
            for name in sorted(os.listdir(path)):
                below = os.path.join(path, name)
                about = os.lstat(below)
                if any(os.path.samestat(about, os.stat(each)) for each in self.without):
                    continue
                child = self.one(below, ino, name, there, about)
                if stat.S_ISDIR(about.st_mode):
                    waiting.append((below, child))

    def put(self, path, target):
        """A file of the host, or what is in a folder, to a path of the image; a link is followed
        here. A file goes into a directory that is there, or whose path ends with a slash."""
        about = os.stat(path)
        if kind_of(path, about) == DIR:
            self.folder(path, self.writer.directory(target))
            return
        path = os.path.realpath(path)
        names = split(target)
        parent = self.writer.directory(b"/".join(names[:-1]))
        old = dict(self.writer.entries(parent)).get(names[-1]) if names else ROOT
        is_below = target.endswith(b"/") or old and self.writer.inode(old).type == DIR
        if is_below:
            parent = self.writer.directory(target)
            names.append(os.path.basename(path))
        self.one(path, parent, names[-1], dict(self.writer.entries(parent)), about)


def extract(disk, target):
    """All files of a Disk into a folder, which is made, or is empty. Yields a sentence about each
    thing that could not be done."""
    os.makedirs(target, exist_ok=True)
    if os.listdir(target):
        raise DiskError("%s is not empty; name a new folder" % shown(target))
    seen, waiting = {ROOT: target}, [(target, ROOT)]
    while waiting:
        path, ino = waiting.pop()
        try:
            children = disk.children(ino)
        except DiskError as error:
            yield "%s: %s" % (shown(path), error)
            continue
        for name, child in children:
            below = os.path.join(path, name)
            try:
                if bring_out(disk, child, below, seen):
                    waiting.append((below, child))
            except OSError as error:
                yield "%s: %s" % (shown(below), error.strerror)
            except DiskError as error:
                yield "%s: %s" % (shown(below), error)


def bring_out(disk, ino, path, seen):
    """Make one file of an image; `seen` are inodes and where they are. Is it a directory?"""
    node = disk.inode(ino)
    if ino in seen:
        if node.type == DIR:
            raise DiskError("a directory with two names; run check")
        os.link(seen[ino], path, follow_symlinks=False)
        return False
    if node.type == DIR:
        os.mkdir(path)
    elif node.type == LINK:
        target = disk.target(ino)
        if b"\0" in target:             # check tells of it; the host has no such links
            raise DiskError("a symbolic link with a NUL byte in its path; run check")
        os.symlink(target, path)
    elif node.type == FIFO:
        os.mkfifo(path, 0o666)
    else:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
            for index, block in enumerate(disk.content(node)):
                if block:
                    file.seek(index * BLOCK)
                    file.write(block)
            file.truncate(node.size)
    seen[ino] = path
    return node.type == DIR
