"""Exercises 8.3 and 8.4, called from outside: descriptors, and pipes.

Of descriptors the model has each table, who has which file, and the uses of all of them; the files
are ends of pipes, which are told when they close. A file with a position has the host for its
inode: it sees from where each byte is read, and where it is written.

A pipe has readers and writers that sleep, with the host as their scheduler (outside_tasks.py). Who
of them is first is left open: what counts are the bytes that went through, in which order, and that
nobody sleeps who need not.
"""
import itertools
import random
from collections import Counter

from grader.outside import A0, TP, signed
from grader.outside_tasks import E_KILLED, Tasks

FILES_MAX, NO_FD = 128, -9999
E_INVAL, E_MAX_OPEN, E_PIPE = -3, -22, -27
S_IFREG, O_RDWR = 0o10000, 2
PIPE_SIZE, PIPE_ATOMIC = 16384, 4096


class Table:
    """A table of descriptors: who uses it, and {descriptor: address of the file}."""

    def __init__(self, memory, address, files):
        self.struct, self.uses, self.files = memory.object("files_struct", address), 1, files

    def lowest(self):
        """The lowest descriptor that is free, or the error."""
        return next((fd for fd in range(FILES_MAX) if fd not in self.files), E_MAX_OPEN)


class Descriptors:
    """Tables, the references of each file that somebody has, and which end of a pipe it is."""

    def __init__(self, machine, name):
        self.machine, self.memory, self.chance = machine, machine.memory, random.Random(name)
        self.out, self.ends, self.held = machine.page(), {}, []     # {file: (pipe, end)}
        machine.memory.write(self.out, bytes(8))
        machine.equal("what files_own() returned", machine.call("files_own", self.out), 0)
        table = Table(self.memory, self.result(8), {})
        for fd in range(FILES_MAX):
            file = int(table.struct.fd_array[fd])
            if file:
                table.files[fd] = file
        self.constants = set(table.files.values())
        self.tables = [table]
        self.pwd = int(table.struct.pwd)
        self.used = self.pwd and int(self.memory.object("inode", self.pwd).refs) - 1

    def result(self, n, at=0):
        """What a function has stored for the host."""
        return int.from_bytes(self.memory.read_virtual(self.out + at, n), "little")

    def call(self, name, table, *arguments):
        return signed(self.machine.call(name, table.struct.address, *arguments))

    def pipe(self, table):
        """A new pipe, with two descriptors."""
        room = FILES_MAX - len(table.files)
        if room < 2:
            return
        self.machine.equal("what file_pipe() returned", self.call("file_pipe", table, self.out), 0)
        for end in range(2):
            fd = table.lowest()
            self.machine.equal("the descriptor of an end", self.result(4, 4 * end), fd)
            file = int(table.struct.fd_array[fd])
            table.files[fd] = file
            self.ends[file] = int(self.memory.object("file", file).node), end

    def dup(self, table):
        """A descriptor is a reference more, at the lowest number or at one that is given."""
        fd = self.chance.choice(sorted(table.files) + [FILES_MAX - 1, FILES_MAX, 1 << 40])
        to = self.chance.choice((NO_FD, NO_FD, fd, self.chance.randrange(12), FILES_MAX - 1,
                                 FILES_MAX, 1 << 63))
        file, expected = table.files.get(fd), to
        if file is None or to >= FILES_MAX:
            expected = E_INVAL
        elif to == NO_FD:
            expected = table.lowest()
        result = self.call("file_dup", table, fd, to)
        self.machine.equal("what file_dup() returned", result, expected)
        if expected >= 0:
            table.files[expected] = file

    def close(self, table):
        fd = self.chance.choice(sorted(table.files) + [FILES_MAX - 1, FILES_MAX])
        self.machine.equal("what file_close() returned", self.call("file_close", table, fd),
                           0 if table.files.pop(fd, None) else E_INVAL)

    def copy(self, table):
        """A child has the same table, or one of its own with the same files."""
        share = self.chance.randrange(2)
        if len(self.tables) > 5:
            return
        self.machine.equal("what files_copy() returned", self.call(
            "files_copy", table, share, self.out), 0)
        child = self.result(8)
        self.machine.equal("is the child's table the parent's", child == table.struct.address,
                           bool(share))
        if share:
            table.uses += 1
        else:
            self.tables.append(Table(self.memory, child, dict(table.files)))

    def put(self, table):
        """A process that has the table ends."""
        if len(self.tables) == 1 and table.uses == 1:
            return
        table.uses -= 1
        self.call("files_put", table)
        if not table.uses:
            self.tables.remove(table)

    def get(self, table):
        """A call uses a file."""
        fd = self.chance.choice(sorted(table.files) + [FILES_MAX - 1, FILES_MAX])
        file = table.files.get(fd, 0)
        self.machine.equal("what file_get() returned", self.machine.call(
            "file_get", table.struct.address, fd), file)
        self.held += [file] * bool(file)

    def give_back(self, _):
        """A call has used a file."""
        if self.held:
            self.machine.call("file_put", self.held.pop(
                self.chance.randrange(len(self.held))))

    def compare(self):
        """Each table, each count; ends that nobody has are closed."""
        machine, memory, refs = self.machine, self.memory, Counter(self.held)
        for table in self.tables:
            found = {fd: int(table.struct.fd_array[fd]) for fd in range(FILES_MAX)}
            machine.equal("the files of a table", {fd: file for fd, file in found.items() if file},
                          table.files)
            machine.equal("files_count", int(table.struct.files_count), len(table.files))
            machine.equal("the uses of a table", int(table.struct.refs), table.uses)
            machine.equal("the directory of a table", int(table.struct.pwd), self.pwd)
            machine.equal("the holder of a table's lock", int(table.struct.lock.state), 0)
            refs.update(table.files.values())
        # A pipe of which both ends went is free memory.
        for pipe, end in [self.ends.pop(file) for file in list(self.ends) if not refs[file]]:
            if any(other[0] == pipe for other in self.ends.values()):
                pipe = memory.object("pipe", pipe)
                machine.equal("is an end open that nobody has",
                              int((pipe.reader, pipe.writer)[end]), 0)
        for file in self.ends:
            machine.equal("the references of a file", int(memory.object("file", file).refs),
                          refs[file])
        if self.pwd:
            machine.equal("the references of the directory",
                          int(memory.object("inode", self.pwd).refs), self.used + len(self.tables))


def descriptors(*steps):
    """These steps by chance, for exercise 8.3."""
    def outside(machine):
        known = Descriptors(machine, " ".join(steps))
        for number in range(90):
            step = "pipe" if number % 15 == 0 else known.chance.choice(steps)
            getattr(known, step)(known.chance.choice(known.tables))
            known.compare()
        table = known.tables[0]
        known.pipe(table)
        source = min(table.files)
        while len(table.files) < FILES_MAX:             # a table that is full
            fd = table.lowest()
            machine.equal("what file_dup() returned",
                          known.call("file_dup", table, source, NO_FD), fd)
            table.files[fd] = table.files[source]
        machine.equal("what file_dup() returned, with the table full",
                      known.call("file_dup", table, source, NO_FD), E_MAX_OPEN)
        known.compare()
    known_steps = {name for name in vars(Descriptors) if not name.startswith("_")}
    assert known_steps.issuperset(steps)
    return outside


def buffer_of(machine, address, kernel, n):
    """A struct iobuf for n bytes of the kernel, as iobuf_kernel() makes it."""
    iob = machine.memory.object("iobuf", address)
    machine.memory.write(address, bytes(iob.width))
    for name, value in (("io_base", kernel), ("io_resid", n), ("pinned", n), ("at", kernel),
                        ("row", n)):
        machine.store(iob[name], value)
    return iob


def positions(machine):
    """Reads and writes of a file whose inode is the host, alone and shared: exercise 8.3."""
    known, memory = Descriptors(machine, "positions"), machine.memory
    known.pipe(known.tables[0])
    fd = max(known.tables[0].files)
    file = memory.object("file", known.tables[0].files[fd])
    node, ops, data = machine.page(), machine.page(), machine.page(4)
    expected, pos = [], 0

    def moved(registers):
        """vop_read() or vop_write(): some bytes, and sometimes an error behind them."""
        iob = memory.object("iobuf", registers[A0 + 1])
        machine.equal("from where the file is read or written", int(iob.io_offset), pos_now[0])
        machine.equal("who holds the file's lock", int(file.lock.state) & 1 if
                      int(file.refs) > 1 else 1, 1)
        n, result = expected.pop(0)
        for name, change in (("io_base", n), ("io_offset", n), ("io_resid", -n)):
            machine.store(iob[name], int(iob[name]) + change)
        pos_now[0] += n
        return result
    place = machine.stand_in("selftest_thread", moved)
    for name in ("vop_read", "vop_write"):
        machine.store(memory.object("inode_ops", ops)[name], place)
    inode = memory.object("inode", node)
    for at, value in ((inode.in_ops, ops), (inode.type, S_IFREG), (inode.refs, 1),
                      (file.node, node), (file.flags, O_RDWR)):
        machine.store(at, value)
    for step in range(40):
        if step == 20:                      # from now on two have the file
            machine.equal("what file_dup() returned",
                          known.call("file_dup", known.tables[0], fd, fd + 1), fd + 1)
        n, pos_now = known.chance.randrange(1, 9000), [pos]
        first = known.chance.randrange(1, n + 1)
        expected[:] = [(first, 0), (n - first, 0)] if first < n else [(n, 0)]
        if known.chance.random() < 0.3:
            expected[:] = [(first, E_INVAL)]
        wanted = sum(each for each, _ in expected)
        buffer_of(machine, known.out, data, n)
        result = known.call("file_transfer", known.tables[0], fd + step % 2 * (step >= 20),
                            known.out, known.chance.randrange(2))
        pos += wanted
        machine.equal("what file_transfer() returned", result, wanted)
        machine.equal("the file's position", int(file.pos), pos)
        machine.equal("is the file's lock free", int(file.lock.state), 0)


class Pipe:
    """A pipe, and tasks that read and write. What goes through is in `stream`, byte by byte: of
    each writer the bytes tell which one it was, and count up."""

    def __init__(self, machine, count, locked=False):
        self.machine, self.memory, self.tasks = machine, machine.memory, Tasks(machine, count)
        self.locked = locked            # is the lock looked at while bytes move?
        self.node = machine.call("pipe_create")
        machine.expect(self.node, "pipe_create() returned NULL")
        self.pipe = self.memory.object("pipe", self.node)
        self.ops = self.pipe.inode.in_ops
        self.rooms = [machine.page(3) for _ in range(count)]    # the iobuf, then the bytes
        self.calls = {}                 # {task: (is it a write, bytes, first position)}
        self.counts, self.begun = [0] * count, [0] * count
        self.read = self.write = 0      # bytes that went through, in all
        self.stream = bytearray()       # from the position `read` on
        self.killed = set()

    def is_open(self, end):
        return bool(int(self.pipe.reader if end == 0 else self.pipe.writer))

    def begin(self, i, writes, n):
        """A task reads or writes n bytes."""
        room = self.rooms[i]
        iob = buffer_of(self.machine, room, room + 4096, n)
        data = bytes(i << 5 | (self.counts[i] + at) % 32 for at in range(n))
        self.memory.write(room + 4096, data if writes else bytes([0xff]) * n)
        self.calls[i] = writes, n, iob
        self.begun[i] = self.counts[i]
        if self.locked:
            self.machine.look_once("iobuf_move", self.moves)
        self.tasks.start(i, self.ops["vop_write" if writes else "vop_read"], self.node, room)

    def moves(self, registers):
        """iobuf_move(): this hart holds the pipe's lock."""
        self.machine.expect(int(self.pipe.lock.state) == registers[TP],
                            "bytes of a pipe are %s, and its lock is not held" % (
                                "read" if registers[A0 + 3] else "written"))

    def close(self, end):
        """One of the ends is closed, by a task of its own."""
        self.tasks.start(len(self.rooms) - 1, self.ops.vop_close, self.node, int(end == 0),
                         int(end == 1))
        self.machine.expect(not self.is_open(end), "an end that was closed is open")

    def kill(self, i):
        self.killed.add(i)
        self.tasks.kill(i)
        self.tasks.settle()

    def went_in(self):
        """What was written since the last look, taken out of the ring: all of it is still there."""
        write = int(self.pipe.write)
        n = (write - self.write) % (1 << 32)
        self.machine.expect(n <= PIPE_SIZE, "%d bytes were written at once" % n)
        ring = self.memory.read_virtual(int(self.pipe.buffer), PIPE_SIZE)
        new = bytes(ring[(self.write + at) % PIPE_SIZE] for at in range(n))
        self.write = write
        for i, group in itertools.groupby(new, lambda byte: byte >> 5):
            run = bytes(group)
            self.machine.expect(i in self.calls and self.calls[i][0],
                                "bytes went into the pipe that nobody has written")
            expected = bytes(i << 5 | (self.counts[i] + at) % 32 for at in range(len(run)))
            self.machine.expect(run == expected, "the bytes of a writer are in another order")
            short = self.calls[i][1] <= PIPE_ATOMIC
            self.machine.expect(not short or len(run) == self.calls[i][1],
                                "a write of %d bytes went in in parts" % self.calls[i][1])
            self.counts[i] += len(run)
        self.stream += new

    def came_out(self, readers):
        """What the readers have that returned is what was next in the pipe, in some order."""
        n = (int(self.pipe.read) - self.read) % (1 << 32)
        parts = []
        for i in readers:
            asked, left = self.calls[i][1], int(self.calls[i][2].io_resid)
            parts.append(self.memory.read_virtual(self.rooms[i] + 4096, asked - left))
        self.machine.expect(
            any(b"".join(order) == self.stream[:n] for order in itertools.permutations(parts)),
            "what was read is not what went in: %d bytes" % n)
        self.read = int(self.pipe.read)
        del self.stream[:n]

    def compare(self):
        """After each step: the bytes, what each call returned, and who sleeps."""
        machine, back = self.machine, [i for i in self.calls if not self.tasks[i].busy]
        self.went_in()
        self.came_out([i for i in back if not self.calls[i][0]])
        full = len(self.stream)
        machine.expect(full <= PIPE_SIZE, "there are %d bytes in the pipe" % full)
        machine.equal("the bytes in the pipe", (self.write - self.read) % (1 << 32), full)
        for i in back:
            writes, n, iob = self.calls.pop(i)
            done, result = n - int(iob.io_resid), signed(self.tasks[i].result)
            if writes:
                machine.equal("the bytes that a write has put into the pipe",
                              self.counts[i] - self.begun[i], done)
            if result == E_KILLED and i in self.killed:
                machine.expect(writes or not done, "a read that was killed has moved bytes")
            elif writes:
                expected = E_PIPE if not self.is_open(0) else 0
                machine.expect(result in (0, expected) and (result or done == n),
                               "a write of %d bytes put %d in and returned %d" % (n, done, result))
            else:
                machine.expect(result == 0 and (done or not self.is_open(1)),
                               "a read of %d bytes returned %d with %d bytes, and the pipe is "
                               "open" % (n, result, done))
            self.killed.discard(i)
            machine.store(self.tasks[i].struct.killed, 0)
        for i, (writes, n, iob) in self.calls.items():
            left = int(iob.io_resid)
            need = left if n <= PIPE_ATOMIC else 1
            machine.expect(self.is_open(not writes), "a task sleeps for ever: the other end is "
                           "closed")
            machine.expect(PIPE_SIZE - full < need if writes else not full,
                           "a %s of %d bytes sleeps, with %d bytes in the pipe" % (
                               "write" if writes else "read", left, full))
            machine.expect(i not in self.killed, "a task that was killed sleeps on")


def pipes(readers, writers, kills, locked=False):
    """A pipe with so many of both, until its ends are closed; exercise 8.4."""
    def outside(machine):
        chance = random.Random("pipes %d %d" % (readers, writers))
        for last in (0, 1):
            pipe = Pipe(machine, readers + writers + 1, locked)
            for _ in range(45):
                idle = [i for i in range(readers + writers) if i not in pipe.calls]
                if kills and pipe.calls and chance.random() < 0.15:
                    pipe.kill(chance.choice(sorted(pipe.calls)))
                else:
                    i = chance.choice(idle)
                    pipe.begin(i, i >= readers, chance.choice(
                        (1, 100, PIPE_ATOMIC - 1, PIPE_ATOMIC, PIPE_ATOMIC + 1, 6000)))
                pipe.compare()
            for end in (last, 1 - last):
                who = range(readers) if end else range(readers, readers + writers)
                for _ in range(8):              # until one sleeps, or the other end is closed
                    for i in who:
                        if i not in pipe.calls:
                            pipe.begin(i, not end, 6000)
                            pipe.compare()
                pipe.close(end)
                pipe.compare()
                for i in range(readers + writers):
                    if i not in pipe.calls:
                        pipe.begin(i, i >= readers, 1)
                        pipe.compare()
    return outside
