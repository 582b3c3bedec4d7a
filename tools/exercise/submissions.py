"""What a teacher collected: hand-ins, trees, folders and archives of these, opened as data.

Nothing of an archive is written to this host's disk, so no path in it can lead anywhere. Of a tree
only the files that have regions are read. All sizes have limits, and what is refused says why.
"""
import bz2
import gzip
import io
import lzma
import os
import posixpath
import re
import tarfile
import zipfile
import zlib

from exercise import graft, handin, manifest
from exercise.regions import MAX_FILE, RegionError, read

MAX_MEMBERS = 100000
MAX_PACKED = 256 << 20                  # of an archive file
MAX_UNPACKED = 1 << 30                  # of an archive and those in it, in all
MAX_MEMBER = 4 << 20
MAX_DEPTH = 2                           # an archive of archives of hand-ins
ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError,
          ValueError, RuntimeError, OverflowError, MemoryError, KeyError, IndexError)
WIDE = "this hand-in is UTF-16: hand in the file as `make handin` writes it"


class Refused(Exception):
    """A file cannot be graded; the text says why."""


class Submission:
    """One student's work.

    source   where it came from, for people
    handin   a handin.Handin; None where it is refused as a whole
    refused  why
    in_file  its lines are those of the one file of a hand-in, not of a tree
    """

    def __init__(self, source, found=None, refused="", in_file=False):
        self.source, self.handin, self.refused = printable(source), found, refused
        self.in_file = in_file

    @property
    def student(self):
        return self.handin.student if self.handin else dict.fromkeys(handin.FIELDS, "")

    @property
    def title(self):
        """Whose it is: the student, or the name of the file."""
        return self.student["name"] or self.student["email"] or os.path.basename(self.source)

    def place(self, error):
        """A RegionError, as the student's own file has it."""
        return "line %d: %s" % (error.line, error.message) if self.in_file else str(error)


def printable(text):
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in text)


class Wanted:
    """What the files of a tree are read for: the regions that this tree, the reference, has."""

    def __init__(self, regions, exercises=None):
        self.regions, self.exercises = regions, exercises
        self.paths = {region.path for region in regions}
        self.others = {manifest.NAME, handin.STUDENT, handin.ANSWERS}


# -- trees

class Folder:
    """A tree on the disk."""

    def __init__(self, root):
        self.root = root

    def text(self, path):
        return read(self.root, path)

    def data(self, path, limit):
        full, root = os.path.join(self.root, path), os.path.realpath(self.root)
        if not os.path.isfile(full) or os.path.dirname(os.path.realpath(full)) != root:
            return None
        with open(full, "rb") as file:
            return file.read(limit)


class Packed:
    """A tree in an archive: {path: bytes}, paths below the tree's root."""

    def __init__(self, files):
        self.files = files

    def text(self, path):
        if path not in self.files:
            raise RegionError(path, 1, "there is no such file in this tree")
        if len(self.files[path]) > MAX_FILE:
            raise RegionError(path, 1, "the file has more than %d bytes" % MAX_FILE)
        text = self.files[path].decode("utf-8", "surrogateescape")
        return text.lstrip("\ufeff").replace("\r\n", "\n")

    def data(self, path, limit):
        return self.files[path][:limit] if path in self.files else None


def from_tree(tree, source, wanted):
    """The Submission of a tree: the exercises that are wanted, or those that its handout names."""
    result, about = handin.Handin(), None
    try:
        data = tree.data(manifest.NAME, manifest.MAX_BYTES)
        about = manifest.decode(data) if data is not None else None
    except (ValueError, OSError) as error:
        if not wanted.exercises:
            return Submission(source, refused=str(error))
    if about:
        result.lab, result.version, result.exercises = about.lab, about.version, about.due
    if wanted.exercises:
        result.exercises = list(wanted.exercises)
    if not result.exercises:
        return Submission(source, refused="this tree is no handout: say what is to be graded, as "
                          "in --lab 5")
    for region in wanted.regions:
        if region.exercise in result.exercises:
            try:
                result.texts[region.key] = graft.extract(tree.text(region.path), region)
            except RegionError as error:
                result.errors[region.key] = error
    student = tree.data(handin.STUDENT, 1 << 16)
    result.student = handin.student_in(student or b"")
    answers = tree.data(handin.ANSWERS, handin.MAX_ANSWERS)
    result.answers = (answers or b"").decode("utf-8", "replace")
    return Submission(source, result)


# -- archives

class Budget:
    """How much may still be unpacked, of an archive and those that lie in it."""

    def __init__(self):
        self.bytes, self.members = MAX_UNPACKED, MAX_MEMBERS

    def take(self, count):
        self.bytes -= count
        if self.bytes < 0:
            raise Refused("it holds more than %d MiB" % (MAX_UNPACKED >> 20))

    def member(self):
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


def name_of(member):
    """The path of a member below the archive's root; Refused where it leads out of it."""
    name = member.replace("\\", "/")
    path = posixpath.normpath(name)
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or path.split("/")[0] == "..":
        raise Refused("the name %r leads out of the archive" % printable(member)[:100])
    return path


def zip_members(data, budget):
    """(path, bytes) of the regular files in a zip archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            budget.member()
            kind = info.external_attr >> 28
            path = name_of(info.filename)
            if info.is_dir() or kind not in (0, 8):         # links and devices are no files
                continue
            if info.flag_bits & 1:
                raise Refused("%s needs a password" % printable(path))
            with archive.open(info) as file:
                content = file.read(MAX_MEMBER + 1)
            budget.take(len(content))
            yield path, content


def tar_members(data, budget):
    """The same of a tar archive, packed or not."""
    plain = io.BytesIO(data)
    opener = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}.get(data[:2])
    stream = Limited(opener(plain) if opener else plain, budget)
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for info in archive:
            budget.member()
            path = name_of(info.name)
            if info.isreg():
                file = archive.extractfile(info)
                yield path, file.read(MAX_MEMBER + 1)


def is_archive(path):
    return path.lower().endswith(ENDINGS)


def hidden(path):
    """What systems add of their own: .git, __MACOSX, ._name; but not our .handout.json."""
    return any(part.startswith((".", "__MACOSX")) and part != manifest.NAME
               for part in path.split("/"))


def from_archive(data, source, wanted, budget=None, depth=1):
    """All Submissions in an archive. A hand-in in a tree is part of it, as in a folder."""
    budget, trees, found, files = budget or Budget(), {}, [], {}
    try:
        members = (zip_members if data[:2] == b"PK" else tar_members)(data, budget)
        for path, content in members:
            if hidden(path):
                continue
            if is_archive(path) and len(content) <= MAX_MEMBER and depth < MAX_DEPTH:
                found += from_archive(content, source + ":" + path, wanted, budget, depth + 1)
            elif handin.is_handin(content):
                files[path] = from_file(content, source + ":" + path)
            elif handin.is_wide(content):
                files[path] = Submission(source + ":" + path, refused=WIDE)
            else:
                keep(path, content, trees, wanted)
    except Refused as error:
        return [Submission(source, refused="this archive is refused: %s" % error)]
    except BROKEN as error:
        why = str(error) or type(error).__name__
        return [Submission(source, refused="this archive cannot be read: %s" % printable(why))]
    roots = {root: inside for root, inside in trees.items() if manifest.NAME in inside
             or any(path in inside for path in wanted.paths)}
    found += [each for path, each in files.items()
              if not any(path.startswith(root and root + "/") for root in roots)]
    only = len(roots) == 1 and not found
    found += [from_tree(Packed(inside), source if only else source + ":" + (root or "."), wanted)
              for root, inside in sorted(roots.items())]
    return found or [Submission(source, refused="there is no hand-in and no tree in this archive")]


def keep(path, content, trees, wanted):
    """Remember a file of a tree, by the root of that tree."""
    match = re.match(r"(?:(.*)/)?(kern/.*)$", path)
    root, rest = match.groups() if match else posixpath.split(path)
    if rest in wanted.paths or rest in wanted.others:
        trees.setdefault(root or "", {})[rest] = content


# -- all that a command line names

def from_file(data, source):
    try:
        return Submission(source, handin.parse(data), in_file=True)
    except handin.HandinError as error:
        return Submission(source, refused=str(error))


def open_file(path, wanted, asked=True):
    """The Submissions in a file: `asked` for by its name, or one of many in a folder."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        data = file.read(MAX_PACKED + 1 if is_archive(path) else handin.MAX_BYTES + 1)
    if is_archive(path):
        if size > MAX_PACKED:
            return [Submission(path, refused="this archive has more than %d MiB"
                               % (MAX_PACKED >> 20))]
        return from_archive(data, path, wanted)
    if handin.is_handin(data):
        return [from_file(data, path)]
    if handin.is_wide(data):
        return [Submission(path, refused=WIDE)]
    if not asked:
        return []
    return [Submission(path, refused="this is no hand-in, no archive and no tree; a hand-in begins "
                       "with \"%s\"" % handin.FORMAT)]


def is_tree(path):
    return os.path.isdir(os.path.join(path, "kern"))


def link(path):
    """In a folder of hand-ins a link may lead to somebody else's work, or to this tree."""
    return Submission(path, refused="this is a link, which is not followed")


def open_folder(path, wanted):
    """A tree, or all that lies in a folder: hand-ins, archives, trees."""
    if is_tree(path):
        return [from_tree(Folder(path), path, wanted)]
    found = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        for name in list(folders):
            full = os.path.join(folder, name)
            if os.path.islink(full):
                folders.remove(name)
                found.append(link(full))
            elif is_tree(full):
                folders.remove(name)
                found.append(from_tree(Folder(full), full, wanted))
        for name in sorted(names):
            full = os.path.join(folder, name)
            if os.path.islink(full):
                found.append(link(full))
            elif os.path.isfile(full) and not name.startswith("."):
                found += open_file(full, wanted, asked=False)
    return found or [Submission(path, refused="there is no hand-in, tree or archive in this "
                                "folder")]


def collect(words, wanted):
    """The Submissions of a command line, each file once."""
    found, seen = [], set()
    for word in words:
        real = os.path.realpath(word)
        if real in seen:
            continue
        seen.add(real)
        try:
            if os.path.exists(word) and not os.path.isdir(word) and not os.path.isfile(word):
                raise OSError(0, "it is no file")
            found += open_folder(word, wanted) if os.path.isdir(word) else open_file(word, wanted)
        except OSError as error:
            found.append(Submission(word, refused="it cannot be read: %s" % error.strerror))
    return found
