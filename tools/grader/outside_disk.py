"""Exercises of lab 8 about the disk, called from outside: what lies on it, at any time.

The host is the disk: it stands in for a driver, so it knows each block that is written, and each
flush. It mounts a file system on that, and calls its operations by chance; a model has what must be
there (grader/fsmodel.py). Which operations come depends on the exercise, so that a mistake in
another one does not show.

At moments by chance the power fails: of what was written since the last flush any part is lost. A
disk that is left so must be in order when what its journal has is brought home, and have the files
as they were behind one of the operations since the last sync; behind a sync, as they are. For the
recovery the kernel mounts such a disk, and must bring home the same.
"""
import copy
import random

from grader import fsmodel, fsops
from grader.disk import Disk
from grader.fsmodel import BLOCK, CREAT, DIR, FILE, RDWR, Refused, Unclear
from grader.outside import A0, signed
from grader.outside_files import buffer_of
from sfs import check, format, reader

BLOCK_READ, BLOCK_WRITE = 0, 1              # of kern/driver/block.h; else it is a flush
IMAGE = Disk(size="2M", journal=40, inodes=64)
FOLDERS, FILES = (b"/d", b"/e", b"/d/f"), (b"a", b"b", b"c", b"f", b"longer.name")
EDGES = (0, 4095, 49151, 49152, 53248, 4243455, 4243456, 4247552, 8437760)
DIRECT = (0, 4095, 8192, 12288, 20480, 32768)       # no block of numbers is needed from there
MOST = 70                                   # blocks that files have, in all


class HostDisk:
    """A disk that is the host, and the file system that the kernel has mounted on it.

    content, durable    the bytes of the disk; those that a power failure leaves
    events              [(block, bytes), or None for a flush] since the last sync
    states              copies of the model: at the last sync, and behind each operation since then
    edges               where files are read, written and cut, or near it
    """

    def __init__(self, machine, name, edges=EDGES):
        self.machine, self.memory, self.chance = machine, machine.memory, random.Random(name)
        self.edges = edges
        with open(machine.host.disk(IMAGE), "rb") as image:
            self.content = bytearray(image.read())
        room = machine.page(2)
        self.device = self.memory.object("block_device", room)
        self.out, self.name, self.iob = room + 1024, room + 2048, room + 3072
        self.other, self.data = room + 4096, machine.page(16)
        for at, value in ((self.device.name, self.name),
                          (self.device.blocks, len(self.content) // BLOCK),
                          (self.device.submit, machine.stand_in("selftest_thread", self.submit))):
            machine.store(at, value)
        machine.call("block_init", room)
        self.model, self.open_nodes = fsmodel.Model(), []
        self.mount()

    def mount(self):
        """Mount what the disk has now."""
        self.durable, self.events = bytes(self.content), []
        self.states = [copy.deepcopy(self.model)]
        self.machine.equal("what sfs_mount() returned", signed(self.machine.call(
            "sfs_mount", self.device.address, self.out, self.out + 8)), 0)
        self.fs = self.memory.object("filesystem", self.result())
        self.root = self.machine.call(self.fs.get_root, self.fs.address, named="get_root")

    def unmount(self):
        """The disk has all."""
        self.machine.call("inode_put", self.root)
        self.machine.equal("what unmount() returned", signed(self.machine.call(
            self.fs.unmount, self.fs.address, named="unmount")), 0)

    def result(self):
        return int.from_bytes(self.memory.read_virtual(self.out, 8), "little")

    # -- the disk

    def submit(self, registers):
        """The driver's function: all requests are done at once."""
        size = self.machine.image.type("block_request").size
        for number in range(registers[A0 + 2]):
            request = self.memory.object("block_request", registers[A0 + 1] + number * size)
            op, at = int(request.op), int(request.block) * BLOCK
            page = op <= BLOCK_WRITE and self.machine.address_of(int(request.page))
            if op == BLOCK_READ:
                self.memory.write(page, bytes(self.content[at:at + BLOCK]))
            elif op == BLOCK_WRITE:
                self.content[at:at + BLOCK] = self.memory.read_virtual(page, BLOCK)
                self.events.append((at, bytes(self.content[at:at + BLOCK])))
            else:
                self.events.append(None)
            self.machine.store(request.done, 1)
            self.machine.store(request.result, 0)
        return registers[A0 + 2]

    def left(self, moment, share):
        """The disk after a power failure behind so many events: of the writes since the last flush
        this share is on it."""
        image, begun = bytearray(self.durable), 0
        for number, event in enumerate(self.events[:moment]):
            begun = number + 1 if event is None else begun
        for number, event in enumerate(self.events[:moment]):
            if event and (number < begun or self.chance.random() < share):
                image[event[0]:event[0] + BLOCK] = event[1]
        return image

    def judge(self, image, states, when, crashed=True):
        """The disk is in order, and has the files of one of these models: (how many blocks its
        journal brings home, the model). If it has not `crashed` the journal is empty."""
        look = check.Check(format.Image(image), crashed)
        for wrong in look.run()[:1]:
            self.machine.expect(False, "on the disk %s: %s" % (when, wrong))
        replayed = format.Image(image)
        format.replay(replayed, format.good_super(replayed))
        disk = reader.Disk(replayed)
        wrong = [fsops.compare(state, disk) for state in states]
        self.machine.expect([] in wrong, "on the disk %s: %s" % (
            when, "; ".join((wrong[-1] or [""])[:2])))
        return look.replayed, states[wrong.index([])]

    # -- operations

    def call(self, node, operation, *arguments):
        """What an operation of an inode returns."""
        ops = self.memory.object("inode", node).in_ops
        return signed(self.machine.call(ops[operation], node, *arguments, named=operation))

    def text(self, at, name):
        self.memory.write(at, name + b"\0")
        return at

    def find(self, path):
        """The inode of a path, with a reference."""
        node = self.root
        self.machine.call(self.fs.get_root, self.fs.address, named="get_root")
        for name in [name for name in path.split(b"/") if name]:
            result = self.call(node, "vop_lookup", self.text(self.name, name), self.out)
            found = self.result()
            self.machine.call("inode_put", node)
            self.machine.expect(result == 0, "vop_lookup() of %s returned %d" % (
                path.decode(), result))
            node = found
        return node

    def in_folder(self, operation, path, *arguments):
        """An operation of the folder of a path, with its last name."""
        folder, _, name = path.rpartition(b"/")
        node = self.find(folder)
        result = self.call(node, operation, self.text(self.name, name), *arguments)
        self.machine.call("inode_put", node)
        return result

    def create(self, path):
        self.model.open(path, CREAT | RDWR)
        result = self.in_folder("vop_create", path, 1, self.out)
        if not result:
            self.machine.call("inode_put", self.result())
        return result

    def mkdir(self, path):
        self.model.mkdir(path)
        return self.in_folder("vop_mkdir", path)

    def unlink(self, path):
        self.model.unlink(path)
        return self.in_folder("vop_unlink", path)

    def rmdir(self, path):
        self.model.rmdir(path)
        return self.in_folder("vop_rmdir", path)

    def link(self, path, new):
        self.model.link(path, new)
        node = self.find(path)
        result = self.in_folder("vop_link", new, node)
        self.machine.call("inode_put", node)
        return result

    def rename(self, path, new):
        self.model.rename(path, new)
        folder, _, name = new.rpartition(b"/")
        node = self.find(folder)
        result = self.in_folder("vop_rename", path, node, self.text(self.other, name))
        self.machine.call("inode_put", node)
        return result

    def write(self, path):
        """Some bytes, near a place where the block map changes."""
        at, length = self.place(), self.chance.randrange(1, 9000)
        if sum(len(node.blocks) for node in self.nodes(FILE).values()) > MOST:
            return self.truncate(path)
        fd, seed = self.model.open(path, RDWR)[0], self.chance.randrange(256)
        self.model.seek(fd, at, 0)
        self.model.write(fd, length, seed)
        self.memory.write(self.data, fsmodel.pattern(seed, length))
        return self.move(path, "vop_write", at, length)

    def move(self, path, operation, at, length):
        """Read or write, by a struct iobuf, which goes on by what was moved."""
        size = self.model.walk(path).size
        node, iob = self.find(path), buffer_of(self.machine, self.iob, self.data, length)
        self.machine.store(iob.io_offset, at)
        result = self.call(node, operation, iob.address)
        moved = max(min(length, size - at), 0)
        self.machine.equal("where %s() has come to, and what is left" % operation,
                           (int(iob.io_offset) - at, int(iob.io_resid)), (moved, length - moved))
        self.machine.call("inode_put", node)
        return result

    def read(self, path):
        at, length = self.place(), self.chance.randrange(1, 9000)
        expected = self.model.walk(path).read(at, length)
        self.memory.write(self.data, b"\xee" * length)
        result = self.move(path, "vop_read", at, length)
        self.machine.expect(self.memory.read_virtual(self.data, length)
                            == expected.ljust(length, b"\xee"),
                            "%d bytes read from %d on are not those that were written" % (
                                length, at))
        return result

    def truncate(self, path):
        size = self.place()
        self.model.truncate(path, size)
        node = self.find(path)
        result = self.call(node, "vop_truncate", size)
        self.machine.call("inode_put", node)
        return result

    def place(self):
        return max(self.chance.choice(self.edges) + self.chance.choice((-4096, -1, 0, 1, 5000)), 0)

    # -- steps

    def nodes(self, kind):
        """{path: Node} of all that is there, of one kind."""
        found, waiting = {}, [(b"", self.model.root)]
        while waiting:
            path, node = waiting.pop()
            if node.kind == kind:
                found[path] = node
            waiting += [(path + b"/" + name, child)
                        for name, child in sorted(node.entries.items())]
        return found

    def new(self):
        """A path, of something that is there or not."""
        return self.chance.choice(sorted(self.nodes(DIR))) + b"/" + self.chance.choice(FILES)

    def step(self, calls):
        """One operation, if the model takes it. What it must refuse is for the tests inside."""
        call, files = self.chance.choice(calls), sorted(self.nodes(FILE))
        folders = [path for path in sorted(self.nodes(DIR)) if path]
        words = {"create": (self.new(),), "mkdir": (self.new(),),
                 "rename": (self.chance.choice(files + folders + [b"/none"]), self.new()),
                 "rmdir": (self.chance.choice(folders + [b"/none"]),),
                 "link": (self.chance.choice(files + [b"/none"]), self.new())}.get(
                     call, (self.chance.choice(files + [b"/none"]),))
        if call == "create" and self.new_exists(words[0]):
            return
        before = copy.deepcopy(self.model)
        try:
            result = getattr(self, call)(*words)
        except (Refused, Unclear):
            self.model = before
            return
        self.model.files.clear()
        self.states.append(copy.deepcopy(self.model))
        self.machine.equal("what %s of %s returned" % (call, b", ".join(words).decode()), result, 0)

    def new_exists(self, path):
        try:
            self.model.walk(path)
        except Refused:
            return False
        return True

    def sync(self, crashes=0):
        """All is on the disk; on the way there the power fails so often. (A disk that the kernel
        must bring home, its model), or None."""
        self.machine.equal("what sync() returned", signed(self.machine.call(
            self.fs.sync, self.fs.address, named="sync")), 0)
        chance, kept = self.chance, None
        for _ in range(crashes):
            image = self.left(chance.randrange(len(self.events) + 1), chance.choice((0, 0.5, 1)))
            replayed, state = self.judge(image, self.states, "after a power failure")
            if replayed:
                kept = image, state
        self.judge(self.left(len(self.events), 0), self.states[-1:],
                   "after a sync and a power failure")
        self.durable, self.events = bytes(self.content), []
        self.states = self.states[-1:]
        return kept


def worked(name, calls, count, edges=EDGES):
    """So many operations by chance, and what the disk has in between."""
    def outside(machine):
        disk = HostDisk(machine, name, edges)
        for path in (b"/a", b"/b"):
            disk.create(path)
        for number in range(count):
            disk.step(calls)
            if number % 20 == 19:
                disk.sync()
        disk.unmount()
        disk.judge(disk.content, disk.states[-1:], "in the end", False)
    return outside


NAMES = ("create", "mkdir", "unlink", "rmdir", "link", "link", "rename", "rename", "rename")
names = worked("names", NAMES, 60)
# 8.1 moves bytes in blocks that a file has without 8.2, and in holes between them.
contents_read = worked("contents", ("write", "read", "read"), 60, DIRECT)
contents_written = worked("contents written", ("write", "write", "read"), 60, DIRECT)
places = worked("places", ("write", "write", "read", "truncate"), 60)


# Calls that need no exercise but 8.6: 8.1, 8.2 and 8.7 may be blank.
MADE = "create", "mkdir"


def transactions(machine):
    """Operations by chance, and power failures while they come to the disk: exercise 8.6."""
    disk = HostDisk(machine, "transactions")
    for number in range(48):
        disk.step(MADE)
        if number % 6 == 5:
            disk.sync(3)
    disk.unmount()


def recovery(machine):
    """Disks that a power failure has left are mounted: exercise 8.6. The power fails again while
    the kernel brings home what the journal has."""
    disk = HostDisk(machine, "recovery")
    for _ in range(3):
        kept = None
        while not kept:
            for _ in range(6):
                disk.step(MADE)
            kept = disk.sync(4)
        disk.unmount()
        disk.content, disk.model = bytearray(kept[0]), copy.deepcopy(kept[1])
        disk.mount()
        for _ in range(4):
            disk.judge(disk.left(disk.chance.randrange(len(disk.events) + 1), 0.5), disk.states,
                       "after a power failure in a recovery")
        disk.judge(disk.content, disk.states, "after a recovery", False)
