"""Finding what is wrong with an image: each rule of docs/sfs.md is looked at here.

    problems = Check(Image(path)).run()         a list of sentences; empty if all is in order

A sentence names inodes by number and path. The paths are known only after all directories were
read, so sentences are kept as a format and values, of which an Ino becomes "inode 7 (/a/b)".

An image may have any bytes. So each block of a file is read once at most, however many claim it,
no directory is entered twice, what a sparse file lacks is not read, and only MOST sentences are
kept. A journal that is not empty is told of, and then the disk is looked at as a mount would see
it, with the transaction brought home.
"""
import array

from sfs.format import (BLOCK, DIR, DIRECT, FIFO, FILE, FREE, INODE_SIZE, KINDS, LINK, PATH_MAX,
                        PER, PER_MAP, PER_TABLE, ROOT, SIZE_MAX, SUPER, ZEROS, DiskError, blocks_of,
                        entries, journal_problems, layout_problems, numbers, read_commit,
                        read_super, replay, shown, unpack_inode)

MOST = 200
NO_INODE = bytes(INODE_SIZE)


class Ino(int):
    """The number of an inode in a sentence; its path is shown too."""


class Check:
    """One look at an Image. `crashed`: a transaction in the journal and orphans are in order, as
    they are after a crash."""

    def __init__(self, image, crashed=False):
        self.image, self.crashed = image, crashed
        self.found, self.more = [], 0
        self.inodes, self.orphans = {}, set()
        self.parent, self.names = {}, {}        # the directory and the name of each inode
        self.tops = {ROOT}                      # directories without a name, where walks begin
        self.links, self.below = {}, {}         # entries that lead to it; directories in it
        self.directories = {}                   # (index, number) of each block of a directory
        self.replayed = 0

    def tell(self, words, *values):
        if len(self.found) < MOST:
            self.found.append((words, values))
        else:
            self.more += 1

    def run(self):
        """All that is wrong, as a list of sentences."""
        try:
            if self.look_at_super():
                self.look_at_table()
                self.look_at_orphans()
                for ino in sorted(self.inodes):
                    self.look_at_blocks(ino)
                self.look_at_names()
                self.look_at_links()
                self.look_at_map()
        except DiskError as error:              # it ends where the superblock says that it goes on
            self.tell("%s", error)
        result = [words % tuple(self.who(value) if isinstance(value, Ino) else value
                                for value in values) for words, values in self.found]
        if self.more:
            result.append("and %d more" % self.more)
        return result

    def summary(self):
        """How much there is, and is free; of an image that is in order."""
        used = self.sup.blocks - sum(1 for number in range(self.first, self.sup.swap_start)
                                     if not self.owners[number])
        text = "%d blocks, %d used; %d inodes, %d used" % (
            self.sup.blocks, used, self.sup.inodes - 1, len(self.inodes))
        if self.replayed:
            text += "; %d blocks in the journal" % self.replayed
        return text + ("; %d orphans" % len(self.orphans) if self.orphans else "")

    def who(self, ino):
        """An inode as people want to see it: "inode 7 (/a/b)"."""
        if ino == ROOT:
            return "inode 1 (/)"
        path, at, length = [], ino, 0
        while at in self.names and at not in self.tops and length <= PATH_MAX:
            path.append(self.names[at])
            length += len(path[-1]) + 1
            at = self.parent[at]
        if not path:
            return "inode %d (an orphan)" % ino if ino in self.orphans \
                else "inode %d (without a name)" % ino
        top = b"" if at == ROOT else b"..." if length > PATH_MAX else b"(inode %d)" % at
        return "inode %d (%s)" % (ino, shown(b"/".join([top] + path[::-1])))

    # -- superblock and journal

    def look_at_super(self):
        """Is the disk laid out so that it can be looked at? With the journal's transaction."""
        self.sup = read_super(self.image)
        wrong = layout_problems(self.sup, self.image.size)
        for problem in wrong:
            self.tell("%s", problem)
        if wrong:
            return False
        commit = read_commit(self.image, self.sup)
        homes = numbers(self.image.block(self.sup.journal_start + 1))
        bad = journal_problems(self.sup, commit, homes)
        for problem in bad:
            self.tell("%s", problem)
        if commit.count and not bad:
            if not self.crashed:
                self.tell("the journal is not empty: it has a transaction of %d blocks, which a "
                          "mount brings home", commit.count)
            self.replayed = replay(self.image, self.sup)
            self.sup = read_super(self.image)
            for problem in layout_problems(self.sup, self.image.size):
                self.tell("after the journal is done: %s", problem)
                return False
        if self.image.block(0)[SUPER.size:].strip(b"\0"):
            self.tell("the superblock has something behind its fields, where zeros must be")
        self.first = self.sup.table_start + self.sup.table_blocks
        self.owners = array.array("I", bytes(4 * self.sup.blocks))
        return True

    # -- inodes

    def look_at_table(self):
        """Read all inodes that are in use."""
        for block in self.image.with_data(self.sup.table_start, self.sup.table_blocks):
            data = self.image.block(block)
            if data == ZEROS:
                continue
            for slot in range(PER_TABLE):
                raw = data[slot * INODE_SIZE:(slot + 1) * INODE_SIZE]
                if raw != NO_INODE:
                    ino = (block - self.sup.table_start) * PER_TABLE + slot
                    self.look_at_inode(ino, unpack_inode(raw))
        if ROOT not in self.inodes:
            self.tell("inode 1, the root, is free")
        elif self.inodes[ROOT].type != DIR:
            self.tell("%s, the root, is no directory", Ino(ROOT))

    def look_at_inode(self, ino, node):
        if ino == 0 or ino >= self.sup.inodes:
            self.tell("inode %d is not all zeros, but the table has only inodes 1 to %d", ino,
                      self.sup.inodes - 1)
        elif node.type == FREE:
            self.tell("inode %d is free, but not all zeros", ino)
        elif node.type not in KINDS:
            self.tell("%s has the type %d, which does not exist", Ino(ino), node.type)
        else:
            self.inodes[ino] = node
            if node.unused.strip(b"\0"):
                self.tell("%s has something in its unused bytes", Ino(ino))
            if node.size > SIZE_MAX:
                self.tell("%s has a bad size: %d bytes, more than %d", Ino(ino), node.size,
                          SIZE_MAX)
            elif node.type == LINK and not bool(node.nlinks) <= node.size <= PATH_MAX:
                self.tell("%s has a bad size: a symbolic link of %d bytes", Ino(ino), node.size)
            elif node.type == FIFO and (node.size or node.blocks):
                self.tell("%s has a bad size: a named pipe of %d bytes and %d blocks", Ino(ino),
                          node.size, node.blocks)
            elif node.type == DIR and (node.size % BLOCK or not node.size and node.nlinks):
                self.tell("%s has a bad size: a directory of %d bytes", Ino(ino), node.size)

    # -- blocks

    def claim(self, ino, number, what):
        """The inode has this block. False if nobody may look into it, because it is none of the
        data, or somebody's already."""
        if not self.first <= number < self.sup.swap_start:
            self.tell("%s has block %d as %s, but files have blocks %d to %d only", Ino(ino),
                      number, what, self.first, self.sup.swap_start - 1)
            return False
        owner = self.owners[number]
        if owner:
            self.tell("block %d is used twice: by %s and by %s, as %s", number, Ino(owner),
                      Ino(ino), what)
            return False
        self.owners[number] = ino
        return True

    def numbers_of(self, ino, node):
        """(index in the file, number) of each block of a file, those behind its end too, without
        holes and without indirect blocks, which are claimed here. Counts into self.count."""
        yield from ((index, number) for index, number in enumerate(node.direct) if number)
        if node.indirect:
            yield from self.below_indirect(ino, node.indirect, DIRECT, "its indirect block")
        if node.db_indirect:
            self.count += 1
            if self.claim(ino, node.db_indirect, "its double indirect block"):
                self.last_indirect = max(self.last_indirect, DIRECT + PER)
                for place, single in enumerate(numbers(self.image.block(node.db_indirect))):
                    if single:
                        yield from self.below_indirect(ino, single, DIRECT + PER + place * PER,
                                                       "an indirect block")

    def below_indirect(self, ino, block, first, what):
        self.count += 1
        self.last_indirect = max(self.last_indirect, first)
        if self.claim(ino, block, what):
            data = self.image.block(block)
            if data != ZEROS:
                for index, number in enumerate(numbers(data), first):
                    if number:
                        yield index, number

    def look_at_blocks(self, ino):
        """The block map of an inode, and what its size says of it."""
        node, limit = self.inodes[ino], blocks_of(self.inodes[ino].size)
        self.count, self.last_indirect, behind, last, here = 0, -1, 0, 0, 0
        for index, number in self.numbers_of(ino, node):
            self.count += 1
            good = self.claim(ino, number, "block %d of its content" % index)
            if index >= limit:
                behind += 1
            else:
                here += 1
                if good and node.type == DIR:
                    self.directories.setdefault(ino, []).append((index, number))
                last = number if good and index == limit - 1 else last
        if behind:
            self.tell("%s has a bad size: %d bytes, but %d blocks behind its end", Ino(ino),
                      node.size, behind)
        elif self.last_indirect >= limit:
            self.tell("%s has a bad size: %d bytes, which need no indirect block for block %d",
                      Ino(ino), node.size, self.last_indirect)
        if node.type != FILE and here < limit and ino not in self.orphans:
            self.tell("%s has a bad size, or holes: %d bytes, but %d blocks; a %s has no holes",
                      Ino(ino), node.size, here, KINDS[node.type])
        if node.blocks != self.count:
            self.tell("%s counts %d blocks, but has %d", Ino(ino), node.blocks, self.count)
        if last and node.size % BLOCK:
            data = self.image.block(last)
            if data[node.size % BLOCK:].strip(b"\0"):
                self.tell("%s has something behind its end in block %d, where zeros must be",
                          Ino(ino), last)
            if node.type == LINK and 0 in data[:node.size % BLOCK]:
                self.tell("%s is a symbolic link with a NUL byte in its path", Ino(ino))

    # -- orphans and names

    def look_at_orphans(self):
        """The list of inodes without a name."""
        before, ino = "the superblock", self.sup.orphan
        while ino:
            if not 1 <= ino < self.sup.inodes or ino not in self.inodes:
                self.tell("the list of orphans goes from %s to inode %d, which is not in use",
                          before, ino)
                return
            if ino in self.orphans:
                self.tell("the list of orphans is a circle: %s is in it twice", Ino(ino))
                return
            self.orphans.add(ino)
            before = "inode %d" % ino
            if not self.crashed:
                self.tell("%s is an orphan: open when the machine stopped; a mount frees it",
                          Ino(ino))
            ino = self.inodes[ino].next_orphan

    def look_at_names(self):
        """Walk through all directories: from the root, then those to which no name leads."""
        self.walk(ROOT)
        for ino, node in sorted(self.inodes.items()):
            if ino in self.orphans:
                self.look_at_directory(ino)
            elif node.type == DIR and ino not in self.names and ino not in self.tops:
                self.tell("%s is an unreachable directory: no name leads to it", Ino(ino))
                self.tops.add(ino)
                self.walk(ino)

    def walk(self, top):
        waiting = [top]
        while waiting:
            ino = waiting.pop()
            if ino in self.inodes and self.inodes[ino].type == DIR:
                waiting.extend(reversed(self.look_at_directory(ino)))

    def look_at_directory(self, ino):
        """Read the entries of a directory: the directories in it that were not known before."""
        found, names = [], set()
        for index, number in self.directories.pop(ino, ()):
            place = 0 if index == 0 else 2
            try:
                for entry in entries(self.image.block(number)):
                    is_dot = place < 2 and self.look_at_dots(ino, entry, place)
                    if entry.ino and not is_dot and self.look_at_entry(ino, entry, names):
                        found.append(entry.ino)
                    place += 1
                if place < 2:
                    self.tell("%s: its second entry is missing", Ino(ino))
            except DiskError as error:
                self.tell("%s: bad entry in its block %d, %s", Ino(ino), index, error)
        return found

    def look_at_dots(self, ino, entry, place):
        """The first two entries of a directory. Is it the one that belongs there?"""
        name = (b".", b"..")[place]
        up = ino if place == 0 or ino == ROOT else self.parent.get(ino)
        if entry.name != name or not entry.ino:
            self.tell("%s: its %s entry is not \"%s\"", Ino(ino), ("first", "second")[place],
                      shown(name))
            return False
        if up and entry.ino != up:
            self.tell("%s: its \"%s\" leads to inode %d, and not to %s", Ino(ino), shown(name),
                      entry.ino, Ino(up))
        elif entry.type != DIR:
            self.tell("%s: its entry \"%s\" has the type %d", Ino(ino), shown(name), entry.type)
        return True

    def look_at_entry(self, ino, entry, names):
        """An entry of a directory that has had `names` before. Does it lead to a directory that
        was not known before?"""
        text, child = shown(entry.name), self.inodes.get(entry.ino)
        if not entry.name or set(entry.name) & {0, ord("/")} or entry.name in (b".", b".."):
            self.tell("%s: bad name \"%s\", for inode %d", Ino(ino), text, entry.ino)
        if entry.name in names:
            self.tell("%s: the name \"%s\" is there twice", Ino(ino), text)
        names.add(entry.name)
        if ino in self.orphans:
            self.tell("%s is a directory that was removed, but has an entry \"%s\"", Ino(ino),
                      text)
        if not 1 <= entry.ino < self.sup.inodes:
            self.tell("%s: the entry \"%s\" leads to inode %d, but there are 1 to %d only",
                      Ino(ino), text, entry.ino, self.sup.inodes - 1)
            return False
        is_known = entry.ino in self.names or entry.ino in self.tops
        if not is_known:
            self.names[entry.ino], self.parent[entry.ino] = entry.name, ino
        if child is None:
            self.tell("%s: the entry \"%s\" leads to inode %d, which is not in use", Ino(ino), text,
                      entry.ino)
            return False
        if entry.type != child.type:
            self.tell("%s: the entry \"%s\" has the type %d, but %s has %d", Ino(ino), text,
                      entry.type, Ino(entry.ino), child.type)
        self.links[entry.ino] = self.links.get(entry.ino, 0) + 1
        if child.type == DIR:
            self.below[ino] = self.below.get(ino, 0) + 1
        if child.type == DIR and is_known:
            self.tell("%s is a directory with two names, or in itself: also \"%s\" in %s",
                      Ino(entry.ino), text, Ino(ino))
        return child.type == DIR and not is_known

    def look_at_links(self):
        """Compare the counts of links with the entries that were found."""
        for ino, node in sorted(self.inodes.items()):
            count = self.links.get(ino, 0)
            if ino in self.orphans:
                if count:
                    self.tell("%s is an orphan, but has a name", Ino(ino))
                if node.nlinks:
                    self.tell("%s is an orphan, but counts %d links", Ino(ino), node.nlinks)
                continue
            if node.next_orphan:
                self.tell("%s is not in the list of orphans, but goes on in it", Ino(ino))
            if node.type == DIR:
                count = 2 + self.below.get(ino, 0)
            elif not count:
                self.tell("%s is an unreachable %s: no name leads to it", Ino(ino),
                          KINDS[node.type])
                continue
            if node.nlinks != count:
                self.tell("%s counts %d links, but has %d", Ino(ino), node.nlinks, count)

    # -- the map

    def look_at_map(self):
        """Compare the map of free blocks with what is used."""
        for index in range(self.sup.map_blocks):
            low, high = index * PER_MAP, min((index + 1) * PER_MAP, self.sup.blocks)
            want = self.expected(low, high)
            have = self.image.block(self.sup.map_start + index)
            if want != have:
                self.compare(low, want, have)

    def expected(self, low, high):
        """The map's block for the disk's blocks from low to high - 1, as it must be."""
        bits = bytearray(BLOCK)
        first, last = max(low, self.first), min(high, self.sup.swap_start)
        owners = self.owners
        if not any(owners[low:high]):
            whole = ((1 << last - low) - 1) >> first - low << first - low if first < last else 0
            return whole.to_bytes(BLOCK, "little")
        for number in range(first, last):
            if not owners[number]:
                bits[(number - low) >> 3] |= 1 << (number & 7)
        return bytes(bits)

    def compare(self, low, want, have):
        """Tell of each row of blocks that the map has wrong in the same way."""
        differ = int.from_bytes(want, "little") ^ int.from_bytes(have, "little")
        text = bin(differ)[:1:-1]
        at = text.find("1")
        while at >= 0:
            what, end = self.kind_of(low + at, have, low), at + 1
            while text[end:end + 1] == "1" and self.kind_of(low + end, have, low) == what:
                end += 1
            rows = "block %d" % (low + at) if end == at + 1 else \
                "blocks %d to %d" % (low + at, low + end - 1)
            self.tell(*((what[0] % rows,) + what[1:]))
            at = text.find("1", end)

    def kind_of(self, number, have, low):
        """What is wrong with a bit of the map: a format with a place for the block, and values."""
        is_free = have[(number - low) >> 3] >> (number & 7) & 1
        if number >= self.sup.blocks:
            return ("the map has %s as free, behind the end of the disk",)
        if not self.first <= number < self.sup.swap_start:
            return ("the map has %s as free, which no file may have",)
        if is_free:
            return ("the map has %s as free, used by %%s", Ino(self.owners[number]))
        return ("the map has %s as used, which is unreachable: no file has it",)
