"""What a machine has written to its disk, as QEMU's blklogwrites notes it; and what of that a power
failure may leave.

    writes = read_log(path)             a list of Write and Flush
    Order(image).look(writes)           sentences about writes that come too early, or too late
    states(writes)                      all (length, kind, odd): see crash()

The log is that of Linux's dm-log-writes: a head, then for each request a sector that tells of it,
and behind it what was written. All numbers are little-endian. A disk may bring what was written
since its last flush down in any order, or not at all, when the power fails.
"""
import collections
import os
import struct

from sfs.format import (BLOCK, COMMIT, Commit, DiskError, good_super, journal_problems, numbers,
                        read_commit)

MAGIC, VERSION = 0x6a736677736872, 1
HEAD = struct.Struct("<QQQI")                   # magic, version, entries, bytes in a sector
ENTRY = struct.Struct("<QQQQ")                  # sector, sectors, flags, bytes of data behind
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
DISK_SECTOR = 512                               # sectors are counted in these
TORN = 512                                      # bytes that are written whole or not at all

Write = collections.namedtuple("Write", "block data")
Flush = collections.namedtuple("Flush", "")
ALL, LOST, ALONE, HEAD_ONLY, TAIL_ONLY = KINDS = ("all", "lost", "alone", "head", "tail")


def read_log(path):
    """The Writes, of a block each, and Flushes of a log."""
    with open(path, "rb") as file:
        data = file.read()
    name = os.path.basename(path)
    if not data:                                # QEMU begins it with the first request
        return []
    if len(data) < HEAD.size:
        raise DiskError("%s has %d bytes: it is no log of writes" % (name, len(data)))
    magic, version, count, sector = HEAD.unpack_from(data)
    if (magic, version) != (MAGIC, VERSION) or sector < DISK_SECTOR or sector % DISK_SECTOR:
        raise DiskError("%s is no log of writes: it begins with 0x%x, and has version %d and "
                        "sectors of %d bytes" % (name, magic, version, sector))
    found, at = [], sector
    for number in range(count):
        if at + sector > len(data):
            raise DiskError("%s ends before its entry %d of %d" % (name, number, count))
        start, sectors, flags, _ = ENTRY.unpack_from(data, at)
        at += sector
        if flags & FLUSH:
            found.append(Flush())
        if flags & ~FLUSH:
            raise DiskError("%s: entry %d has the flags %d, which no disk of rvlab asks for"
                            % (name, number, flags))
        size = sectors * sector
        if start * sector % BLOCK or size % BLOCK or at + size > len(data):
            raise DiskError("%s: entry %d is no write of whole blocks" % (name, number))
        found += [Write((start * sector + place) // BLOCK, data[at + place:at + place + BLOCK])
                  for place in range(0, size, BLOCK)]
        at += size
    return found


class Order:
    """The order of a journal's writes, as docs/sfs.md has it: log and list of homes, flush, commit
    record, flush, homes, flush, cleared record, flush. It begins with what is on the disk."""

    def __init__(self, image):
        self.sup = good_super(image)
        self.wrong, self.number, self.epoch, self.transactions = [], 0, 0, 0
        self.log, self.homes = {}, (-1, ())     # by place: (epoch, data); (epoch, numbers)
        self.cleared = -1                       # the epoch in which the record was cleared
        self.waiting = None                     # of a transaction: {home: data} not written yet
        self.written, self.began = {}, -1       # {home: epoch} of what is; that of the record
        commit, start = read_commit(image, self.sup), self.sup.journal_start
        if commit.count:
            self.homes = (-1, numbers(image.block(start + 1)))
            self.log = {place: (-1, image.block(start + 2 + place))
                        for place in range(commit.count)}
            self.committed(commit)
            self.began = -1

    def tell(self, words, *values):
        self.wrong.append("write %d: " % self.number + words % values)

    def look(self, writes):
        """All that is wrong, as sentences. At the end all must be on the disk."""
        for self.number, entry in enumerate(writes):
            if isinstance(entry, Flush):
                self.epoch += 1
            else:
                self.write(entry.block, entry.data)
        if self.waiting is not None:
            self.tell("it is the last, and a transaction is not at home")
        elif self.cleared == self.epoch:
            self.tell("it is the last, and the cleared record is not flushed")
        return self.wrong

    def write(self, block, data):
        """What a block is for, tells when it may be written."""
        place = block - self.sup.journal_start
        if place == 0:
            commit = Commit(*COMMIT.unpack_from(data))
            self.committed(commit) if commit.count else self.clear()
        elif 0 < place < self.sup.journal_blocks:
            if self.waiting is not None:
                self.tell("the log changes, and the record still tells of it")
            elif self.cleared == self.epoch:
                self.tell("the log changes, and the cleared record is not flushed")
            if place == 1:
                self.homes = (self.epoch, numbers(data))
            else:
                self.log[place - 2] = (self.epoch, data)
        else:
            self.home(block, data)

    def committed(self, commit):
        """A commit record: what it tells of must be there for sure."""
        homes = self.homes[1][:commit.count]
        for problem in journal_problems(self.sup, commit, homes):
            self.tell("%s", problem)
        if self.waiting is not None:
            self.tell("a commit record, and the last one is not cleared")
        if self.homes[0] >= self.epoch:
            self.tell("a commit record, and the list of homes is not flushed")
        for place in range(commit.count):
            if self.log.get(place, (self.epoch,))[0] >= self.epoch:
                self.tell("a commit record, and block %d of the log is not flushed", place)
        self.waiting = {home: self.log.get(place, (0, None))[1]
                        for place, home in enumerate(homes)}
        self.written, self.began = {}, self.epoch
        self.transactions += 1

    def home(self, block, data):
        """A block that belongs to no journal."""
        if self.waiting is None or block not in self.waiting:
            self.tell("block %d, which no commit record tells of", block)
            return
        if self.began == self.epoch:
            self.tell("block %d, and the commit record is not flushed", block)
        if data != self.waiting[block]:
            self.tell("block %d has another content than the log", block)
        self.written[block] = self.epoch

    def clear(self):
        """The record is cleared: all must be at home for sure."""
        for home in self.waiting or ():
            if home not in self.written:
                self.tell("the record is cleared, and block %d is not at home", home)
            elif self.written[home] == self.epoch:
                self.tell("the record is cleared, and block %d is not flushed", home)
        self.waiting, self.cleared = None, self.epoch


def epoch_start(writes, length):
    """Where the epoch begins that a crash behind so many entries is in."""
    while length and not isinstance(writes[length - 1], Flush):
        length -= 1
    return length


def states(writes):
    """All that a crash may leave, as arguments of crash(): each prefix, and at the end of each
    epoch, for each write in it, four states in which this write is the odd one."""
    start = 0
    for length in range(len(writes) + 1):
        yield length, ALL, None
        if length == len(writes) or isinstance(writes[length], Flush):
            for odd in range(start, length):
                yield from ((length, kind, odd) for kind in KINDS[1:])
            start = length + 1


def crash(image, writes, length, kind, odd):
    """Change an Image to what a crash leaves of it behind `length` entries. All before the last
    flush is there; behind it, of the `odd` write: all of the others and not this one (lost), this
    one alone, all and of this one the first 512 bytes, or those not."""
    start = epoch_start(writes, length)
    for number, entry in enumerate(writes[:length]):
        if isinstance(entry, Flush):
            continue
        whole = number < start or kind == ALL or (kind == ALONE) == (number == odd)
        if whole:
            image.changed[entry.block] = bytearray(entry.data)
        elif kind == HEAD_ONLY:
            image.edit(entry.block)[:TORN] = entry.data[:TORN]
        elif kind == TAIL_ONLY:
            image.edit(entry.block)[TORN:] = entry.data[TORN:]
    return image
