"""Random operations on files: a seed becomes a script, which user/fsops.c runs, and a disk.

A script has OPERATIONS lines. Each is a call, what it must return by the model of fsmodel.py, and
the numbers that come with it:

    write 3 4097 12 = 4097              4097 bytes of pattern 12 to descriptor 3
    rename a/b c = -17|-24              one of these errors
    read 4 100 = 57 2839174629          57 bytes, and their digest
    lstat x = 0 4096 1 - 3              what a "-" stands for is not asked
    sync = ?                            whatever comes out

A word "child" in front has a child do it, which shares the positions of its parent. Several scripts
of one disk go on from each other, each in a directory of its own. compare() looks at the disk
afterwards: names, kinds, counts of links, sizes and contents must be those of the model.
"""
import dataclasses
import os
import random
import re
import tempfile

from grader import disk, fsmodel
from grader.fsmodel import (APPEND, BLOCK, CREAT, DIR, EXCL, FILE, LINK, RDWR, TRUNC, WRONLY, Model,
                            Refused, Unclear)
from grader.model import Test, regex
from sfs import format, reader, writer

OPERATIONS = 200
FOLDER = b"/scripts"                            # where they are on the disk
BLOCKS_EACH = 150                               # of the disk, for each script
DESCRIPTORS, NODES = 16, 60                     # open ones; names in a script's directory
KINDS = {FILE: format.FILE, DIR: format.DIR, LINK: format.LINK}
# How often each call is tried.
WEIGHTS = {"open": 30, "close": 12, "write": 34, "read": 22, "seek": 16, "ftruncate": 6,
           "truncate": 4, "fstat": 8, "lstat": 10, "mkdir": 12, "rmdir": 7, "link": 10,
           "symlink": 6, "readlink": 4, "unlink": 14, "rename": 18, "dup": 4, "dup2": 2,
           "fsync": 3, "sync": 1, "chdir": 6, "getcwd": 4, "list": 8}
SHARED = ("read", "write", "seek")              # what a child may do
BY_FD = SHARED + ("close", "ftruncate", "fstat", "fsync", "dup", "dup2")
FEW = 8                                         # as long as there are so few names, more are made
SHORT = [b"a", b"b", b"c", b"d", b"e", b"file", b"x.txt"]
ODD = [b"", b"nowhere/x", b"a/b/c/d", b"././a", b"//a", b"z" * 256, b"/" + b"y" * 300, b".."]
# Places where the block map changes its ways, and some between.
EDGES = (0, 1, 4095, 4096, 8191, 40960, 49151, 49152, 53248, 4243455, 4243456, 4247552,
         8437760, 4294000000)
NEAR = tuple(edge for edge in EDGES if edge < 1 << 31)  # where a position fits an int


class Writer:
    """Makes the lines of one script, and has the model do each of them."""

    def __init__(self, model, seed, edges=EDGES):
        self.model, self.chance, self.edges = model, random.Random(seed), edges
        self.home, self.lines = b"/s%d" % seed, []
        self.start = model.used_blocks()
        self.emit("mkdir", self.home)
        self.emit("chdir", self.home)
        while len(self.lines) < OPERATIONS:
            self.step()

    # -- choices

    def nodes(self):
        """{path: Node} of all that is in this script's directory, itself too."""
        found, waiting = {}, [(self.home, self.model.root.entries.get(self.home[1:]))]
        while waiting:
            path, node = waiting.pop()
            if node:
                found[path] = node
                waiting.extend((path + b"/" + name, child)
                               for name, child in sorted(node.entries.items()))
        return found

    def name(self):
        chance = self.chance
        if chance.random() < 0.8:
            return chance.choice(SHORT)
        return chance.choice([b"long", b"name", b"q"]) * chance.choice((1, 7, 30, 60))

    def path(self, *kinds):
        """A path, mostly of something that is there, and of one of these kinds."""
        chance, nodes = self.chance, self.nodes()
        if chance.random() < 0.05 or not nodes:
            return chance.choice(ODD)
        wanted = [path for path, node in nodes.items() if node.kind in kinds] or list(nodes)
        path = chance.choice(wanted if chance.random() < 0.85 else list(nodes))
        return self.seen_from_here(path)

    def new_path(self):
        """A path that is there, or not."""
        chance = self.chance
        if chance.random() < 0.15:
            return self.path()
        nodes = self.nodes()
        folders = [path for path, node in nodes.items() if node.kind == DIR]
        if not folders or len(nodes) > NODES:
            return self.path()
        return self.seen_from_here(chance.choice(folders) + b"/" + self.name())

    def seen_from_here(self, path):
        """The same path, or one from the current directory."""
        try:
            here = self.model.path_of(self.model.cwd)
        except Refused:
            return path if self.chance.random() < 0.8 else path.rpartition(b"/")[2]
        if self.chance.random() < 0.4:
            return path
        if path.startswith(here.rstrip(b"/") + b"/"):
            return path[len(here.rstrip(b"/")) + 1:]
        return b"../" * here.rstrip(b"/").count(b"/") + path[1:]

    def fd(self):
        """A descriptor, now and then one that is not open."""
        if not self.model.files or self.chance.random() < 0.04:
            return self.chance.choice((50, 99, 127, 128, 1000, -1))
        return self.chance.choice(sorted(self.model.files))

    def size(self):
        """A size or a position in a file."""
        chance = self.chance.random()
        if chance < 0.25:
            return self.chance.choice(self.edges)
        return self.chance.randrange(200 if chance < 0.5 else 20000 if chance < 0.97 else 6000000)

    def length(self):
        """How much is read or written."""
        chance = self.chance.random()
        if chance < 0.25:
            return self.chance.choice((0, 1, 4095, 4096, 4097, 8192, 16384))
        return self.chance.randrange(1, 100 if chance < 0.5 else 9000 if chance < 0.97 else 70000)

    def flags(self):
        flags = self.chance.choice((0, WRONLY, RDWR, RDWR, RDWR))
        for flag, share in ((CREAT, 0.6), (EXCL, 0.1), (TRUNC, 0.15), (APPEND, 0.2)):
            flags |= flag * (self.chance.random() < share)
        return flags if flags & CREAT else flags & ~EXCL

    def arguments(self, call):
        """Arguments for a call, by chance."""
        chance = self.chance
        if call in ("close", "dup", "fstat", "fsync"):
            return (self.fd(),)
        return {
            "open": lambda: (self.path(FILE), self.flags()) if chance.random() < 0.5
            else (self.new_path(), self.flags() | CREAT),
            "write": lambda: (self.fd(), self.length(), chance.randrange(256)),
            "read": lambda: (self.fd(), self.length()),
            "seek": lambda: (self.fd(), *chance.choice((
                (self.size(), 0), (self.size(), 0), (chance.randrange(-300, 300), 1),
                (chance.randrange(-9000, 2000), 2), (-1, 0), (0, 3)))),
            "ftruncate": lambda: (self.fd(), self.size()),
            "truncate": lambda: (self.path(FILE), self.size() if chance.random() < 0.95 else -1),
            "lstat": lambda: (self.path(),), "list": lambda: (self.path(DIR),),
            "mkdir": lambda: (self.new_path(),), "rmdir": lambda: (self.path(DIR),),
            "link": lambda: (self.path(FILE), self.new_path()),
            "symlink": lambda: (chance.choice((self.new_path() or b"x", b"a" * chance.choice(
                (10, 1000, 4095)))), self.new_path()),
            "readlink": lambda: (self.path(LINK), chance.choice((1, 5, 4096))),
            "unlink": lambda: (self.path(FILE, LINK),),
            "rename": lambda: (self.path(FILE, DIR, LINK), self.new_path()),
            "dup2": lambda: (self.fd(), chance.randrange(3, 12)),
            "chdir": lambda: (self.path(DIR),),
        }.get(call, tuple)()

    # -- lines

    def step(self):
        """One more line, if what chance has chosen can be asked."""
        call = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if call in BY_FD and not self.model.files and self.chance.random() < 0.9 \
                or len(self.nodes()) < FEW and self.chance.random() < 0.4:
            call = self.chance.choice(("open", "open", "mkdir"))
        if self.model.cwd.is_removed() and self.chance.random() < 0.3:
            call, words = "chdir", (self.home,)
        elif len(self.model.files) >= DESCRIPTORS and call in ("open", "dup"):
            call, words = "close", (self.chance.choice(sorted(self.model.files)),)
        else:
            words = self.arguments(call)
        if call == "write" and self.model.used_blocks() - self.start + 4 \
                + words[1] // BLOCK > BLOCKS_EACH:
            return
        if call in ("rmdir", "rename", "unlink") and self.home in words:
            return                              # this script needs it, and the next ones its name
        try:
            self.emit(call, *words)
        except Unclear:
            pass

    def emit(self, call, *words):
        line = predicted(self.model, call, *words)
        is_child = call in SHARED and self.chance.random() < 0.06
        self.lines.append("child " * is_child + line)


def predicted(model, call, *words):
    """The line of a call, which the model does."""
    try:
        result, more = getattr(model, call)(*words)
        results = [str(result)]
    except Refused as error:
        results, more = ["-%d" % number for number in sorted(set(error.errors))], []
    texts = [word.decode() or "~" if isinstance(word, bytes) else str(word) for word in words]
    return " ".join([call] + texts + ["=", "|".join(results)]
                    + ["-" if number is None else str(number) for number in more])


def scripts(seeds, edges=EDGES):
    """{seed: text} of the scripts of one disk, and the Model as it is after them. `edges` are
    places in files that come often, and none is further than the last but by what is written."""
    model, texts = Model(), {}
    model.mkdir(FOLDER)
    for seed in seeds:
        texts[seed] = "\n".join(Writer(model, seed, edges).lines) + "\n"
    return texts, model


def look_script(model):
    """The text of a script that looks at all that is there, and changes nothing."""
    looker, lines, waiting = Model(), [], [(b"", model.root)]
    looker.root = looker.cwd = model.root

    def add(*call):
        lines.append(predicted(looker, *call))

    while waiting:
        path, node = waiting.pop()
        add("lstat", path or b"/")
        if node.kind == LINK:
            add("readlink", path, 4096)
        elif node.kind == DIR:
            if path != FOLDER:                  # in which this script is, too
                add("list", path or b"/")
            waiting += [(path + b"/" + name, child) for name, child in node.entries.items()]
        else:
            add("open", path, 0)
            for index in sorted({0, node.size // BLOCK} | node.blocks.keys()):
                add("seek", 3, index * BLOCK, 0)
                add("read", 3, 2 * BLOCK)
            add("close", 3)
    return "\n".join(lines) + "\n"


def write_tree(new, model):
    """Make the model's files on a disk, of which `new` is the sfs.writer.Writer. Returns the number
    of each Node's inode; an indirect block that has nothing to lead to is not made."""
    inodes, waiting = {model.root: format.ROOT}, [model.root]
    while waiting:
        folder = waiting.pop()
        for name, node in sorted(folder.entries.items()):
            if node in inodes:
                new.link(inodes[folder], name, inodes[node])
                continue
            inodes[node] = ino = new.make(inodes[folder], name, KINDS[node.kind])
            if node.kind == DIR:
                waiting.append(node)
            elif node.kind == LINK:
                new.write(ino, [node.target])
            else:
                for index, data in sorted(node.blocks.items()):
                    new.add_block(ino, index)[:] = data
                new.set_inode(ino, new.inode(ino)._replace(size=node.size))
                node.indirect = {each for index in node.blocks for each in fsmodel.above(index)}
                node.is_vague = False
    return inodes


def compare(model, disk):
    """A sentence about each file of a reader.Disk that is not as the model has it. What is in the
    folder of the scripts is not looked at."""
    wrong, seen, waiting = [], {}, [(b"", model.root, format.ROOT)]
    while waiting and len(wrong) < 20:
        path, node, ino = waiting.pop()
        where = format.shown(path or b"/")
        if seen.setdefault(ino, node) is not node:
            wrong.append("%s has inode %d, which another file has" % (where, ino))
            continue
        here = disk.inode(ino)
        kind = KINDS[node.kind]
        if here.type != kind:
            wrong.append("%s is a %s, and not a %s" % (where, format.KINDS[here.type],
                                                      format.KINDS[kind]))
            continue
        wrong += differences(where, node, here, disk)
        if kind == format.DIR and path != FOLDER:
            names = dict(disk.children(ino))
            for name in sorted(names.keys() ^ node.entries.keys()):
                wrong.append("%s/%s is %s" % (where.rstrip("/"), format.shown(name),
                                              "there, and must not be" if name in names
                                              else "missing"))
            waiting += [(path + b"/" + name, node.entries[name], child)
                        for name, child in names.items() if name in node.entries]
    return wrong


def differences(where, node, here, disk):
    """Sentences about one file: count of links, size, content."""
    if here.nlinks != node.nlinks:
        yield "%s has %d links, and not %d" % (where, here.nlinks, node.nlinks)
    if node.kind == DIR:
        return
    if here.size != node.size:
        yield "%s has %d bytes, and not %d" % (where, here.size, node.size)
    elif node.kind == LINK:
        if disk.data(here) != node.target:
            yield "%s leads to %s, and not to %s" % (where, disk.data(here), node.target)
    else:
        present = dict(disk.present(here))
        for index in sorted(present.keys() | node.blocks.keys()):
            have = disk.data_block(present.get(index, 0))
            if have != node.blocks.get(index, format.ZEROS):
                yield "%s has another content in block %d, from byte %d on" % (
                    where, index, index * BLOCK)
                break


# -- as a test

@dataclasses.dataclass(frozen=True)
class ScriptDisk(disk.Disk):
    """A disk with the scripts of some seeds; or, if is_made, with the files that these would make,
    which the host makes, and one script "look". On a disk that becomes full the model knows
    nothing: then nothing is predicted."""
    seeds: tuple = ()
    edges: tuple = EDGES
    is_made: bool = False
    becomes_full: bool = False

    def make(self, path, objects):
        super().make(path, objects)
        texts, model = scripts(self.seeds, self.edges)
        if self.is_made:
            with format.Image(path, writable=True) as image:
                new = writer.Writer(image)
                write_tree(new, model)
                new.finish()
            texts = {"look": look_script(model)}
        if self.becomes_full:
            texts = {seed: re.sub(" = .*", " = ?", text) for seed, text in texts.items()}
        with tempfile.TemporaryDirectory() as folder:
            for seed, text in texts.items():
                with open(os.path.join(folder, str(seed)), "w", encoding="ascii") as file:
                    file.write(text)
            status, lines = disk.run_tool("put", path, folder + ":" + FOLDER.decode())
        if status:
            raise disk.DiskError("the scripts cannot be put on the disk: " + "; ".join(lines[-3:]))


@dataclasses.dataclass(frozen=True)
class AsModelled:
    """A check of a disk: after the scripts of these seeds, all is there as the model has it."""
    seeds: tuple
    edges: tuple = EDGES

    def __call__(self, path):
        _, model = scripts(self.seeds, self.edges)
        try:
            with format.Image(path) as image:
                return compare(model, reader.Disk(image))
        except format.DiskError as error:
            return [str(error)]


def command(seeds, by_map=False):
    """The command that does the scripts of these seeds; by_map: with maps of the files."""
    words = ["%s/%d" % (FOLDER.decode(), seed) for seed in seeds]
    return " ".join(["fsops"] + (["map"] if by_map else []) + words)


def operations(first, count, by_map=False, edges=EDGES):
    """A Test that does the scripts of `count` seeds from `first` on, on one disk."""
    seeds = tuple(range(first, first + count))
    return Test("fsops %s%d" % ("map " if by_map else "", first),
                title="random operations on files, seeds %d to %d" % (first, first + count - 1),
                prog=command(seeds, by_map),
                disk=ScriptDisk(size="8M", seeds=seeds, edges=edges,
                                checks=(disk.sound, AsModelled(seeds, edges))))


def until_full(first, count, name, **about):
    """The same on a disk that becomes full; `about` tells of the Disk. It must stay sound."""
    seeds = tuple(range(first, first + count))
    return Test("fsops full %s" % name, title="random operations on a disk without %s" % name,
                prog=command(seeds), expect=[regex("[0-9]{2,} calls found the disk full")],
                disk=ScriptDisk(seeds=seeds, becomes_full=True, checks=(disk.sound,), **about))


def made_by_host(first, count):
    """A Test that only reads what the host has made: the files of so many seeds."""
    seeds = tuple(range(first, first + count))
    return Test("fsops look", title="files that tools/disk has made",
                prog="fsops %s/look" % FOLDER.decode(),
                disk=ScriptDisk(size="8M", seeds=seeds, is_made=True,
                                checks=(disk.sound, AsModelled(seeds))))
