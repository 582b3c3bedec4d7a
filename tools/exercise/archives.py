"""The files in an archive, one after the other, for what a teacher collected.

No file of an archive is ever written to a disk, so no path in it can lead anywhere; links and
devices are not followed. Sizes have limits, so a bomb ends at the limit. Whatever is wrong with one
file is told of that file (Member.wrong); an archive that cannot be read to its end is Refused at
that point, and the files before it count.

members() is what submissions.py uses: it gives the Members of a zip or tar archive, or the one file
that gzip, bzip2 or xz has packed.
"""
import bz2
import gzip
import io
import lzma
import posixpath
import re
import tarfile
import zipfile
import zlib

from exercise import incoming, kinds

MAX_MEMBERS = 100000
MAX_UNPACKED = 1 << 30                  # bytes of a student's archive, with all archives in it
MAX_COURSE = 16 << 30                   # bytes of a course's archive, with all that is in it
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError,
          ValueError, RuntimeError, OverflowError, MemoryError, KeyError, IndexError)
OPENERS = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}


class Refused(Exception):
    """A file cannot be graded; the text says why."""


def printable(text):
    """The text with question marks for what no terminal should get."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in text)


class Budget:
    """How much may still be unpacked of an archive. Each archive in that of a course has a Budget
    of its own (inner), so that a huge one costs no other student anything. The archives in a
    student's archive share one."""

    def __init__(self, outer=None):
        self.most = self.left = MAX_UNPACKED if outer else MAX_COURSE       # bytes
        self.members, self.outer = MAX_MEMBERS, outer

    def inner(self):
        """The Budget for an archive that lies in this one."""
        return self if self.outer else Budget(self)

    def take(self, count):
        """Count so many bytes that were unpacked; raise Refused if that is too much."""
        self.left -= count
        if self.outer:
            self.outer.take(count)
        if self.left < 0:
            raise Refused("it holds more than %d MiB" % (self.most >> 20))

    def member(self):
        """One more file was met; Refused if there are too many."""
        self.members -= 1
        if self.members < 0:
            raise Refused("it holds more than %d files" % MAX_MEMBERS)


class Limited(io.RawIOBase):
    """A stream whose bytes are taken from a Budget."""

    def __init__(self, stream, budget):
        super().__init__()
        self.stream, self.budget = stream, budget

    def readable(self):
        return True

    def read(self, size=-1):
        if size is None or size < 0 or size > MAX_UNPACKED:
            raise Refused("it says that a part of it has %d bytes" % (size or -1))
        data = self.stream.read(size)
        self.budget.take(len(data))
        return data


class Member:
    """One file of an archive.

    path   below the root of the archive; that of a folder ends in "/"
    wrong  why it cannot be read; "" if it can
    """

    def __init__(self, path, wrong="", reader=None, budget=None):
        self.path, self.wrong, self.reader, self.budget = path, wrong, reader, budget

    def read(self, size):
        """The next bytes, at most so many; Refused if they cannot be read."""
        data = b""
        try:
            while len(data) < size:
                more = self.reader.read(min(size - len(data), 1 << 20))
                if not more:
                    break
                data += more
                if self.budget:
                    self.budget.take(len(more))
        except BROKEN as error:
            raise Refused("it cannot be read: %s" % (printable(str(error)) or
                                                     type(error).__name__)) from None
        return data


def path_of(name):
    """(the path of a name below the root of the archive, why it is refused or "")."""
    plain = name.replace("\\", "/")
    path = posixpath.normpath(plain)
    if plain.startswith("/") or re.match(r"[A-Za-z]:", plain) or path.split("/")[0] == "..":
        return printable(path.lstrip("./")), "the name %r leads out of the archive" \
            % printable(name)[:100]
    return path, ""


def zip_name(info):
    """The name of a file in a zip. Windows writes names in the encoding of its country, and zipfile
    decodes them as cp437; so that is undone, and the encoding is guessed."""
    if not info.flag_bits & 0x800:
        try:
            raw = info.filename.encode("cp437").decode("utf-8", "surrogateescape")
            return incoming.guessed(raw)[0]
        except UnicodeEncodeError:
            pass
    return info.filename


def zip_members(file, budget):
    """The Members of a zip archive."""
    archive = zipfile.ZipFile(file)
    entries = archive.infolist()
    if len(entries) > min(MAX_MEMBERS, budget.members):
        raise Refused("it holds more than %d files" % MAX_MEMBERS)
    for info in entries:
        budget.member()
        path, wrong = path_of(zip_name(info))
        if info.is_dir():
            yield Member(path + "/")
            continue
        if not wrong and info.external_attr >> 28 not in (0, 8):
            wrong = "this is a link or a device, which is not followed"
        if not wrong and info.flag_bits & 1:
            wrong = "it needs a password"
        if wrong:
            yield Member(path, wrong)
            continue
        try:
            reader = archive.open(info)
        except BROKEN as error:
            yield Member(path, "it cannot be read: %s" % printable(str(error)))
            continue
        with reader:
            yield Member(path, "", reader, budget)


def opener_of(head):
    """The function that unpacks a file which begins so; None if it is not packed."""
    for start, name in kinds.PACKERS.items():
        if head.startswith(start):
            return OPENERS[name]
    return None


def unpacked(file, budget):
    """A stream of a file from its beginning, unpacked if the file is packed."""
    file.seek(0)
    opener = opener_of(file.read(8))
    file.seek(0)
    return Limited(opener(file) if opener else file, budget)


def tar_members(file, budget):
    """The Members of a tar archive, which may be packed."""
    with tarfile.open(fileobj=unpacked(file, budget), mode="r|") as archive:
        for info in archive:
            budget.member()
            path, wrong = path_of(info.name)
            if info.isdir():
                yield Member(path + "/")
            elif wrong or not info.isreg():
                yield Member(path, wrong or "this is a link or a device, which is not followed")
            else:
                yield Member(path, "", archive.extractfile(info))


def packed_member(file, name, budget):
    """The one Member of a file that gzip, bzip2 or xz has packed. These keep no list of names."""
    inside = kinds.PACKER_ENDINGS.sub("", name.rpartition("/")[2]) or "file"
    yield Member(inside, "", unpacked(file, budget))


def members(file, name, budget):
    """All Members of an archive, which is a binary file. Refused at the point where it cannot be
    read any more."""
    try:
        head = file.read(kinds.HEAD)
        if head[:2] == b"PK":
            yield from zip_members(file, budget)
            return
        start = head
        if opener_of(head):
            start = unpacked(file, budget).read(512)
        yield from (tar_members(file, budget) if kinds.is_tar(start)
                    else packed_member(file, name, budget))
    except BROKEN as error:
        raise Refused("this archive cannot be read: %s" % (printable(str(error)) or
                                                           type(error).__name__)) from None
