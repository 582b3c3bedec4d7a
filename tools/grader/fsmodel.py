"""A model of the file system as programs see it: what each call must return, and what is there
afterwards.

It is written from what describes the calls (kern/fs/vfs.h, libs/unistd.h, user/libs/file.h), and
not from the kernel's code. Model.NAME(arguments) is the call NAME: it returns a number, and
values that come with it, or raises Refused with the errors that are right then; several, if a call
is wrong in several ways. Unclear means that no page says what must happen, so a test may not ask.
Each call looks at all first, and changes the model only if nothing is wrong.
"""
PATH_MOST = 4095                                # bytes of a path
INVAL, TOO_BIG, BUSY, NOENT, ISDIR, NOTDIR, EXISTS, NOTEMPTY = 3, 12, 15, 16, 17, 18, 23, 24
WRONLY, RDWR, CREAT, EXCL, TRUNC, APPEND = 1, 2, 4, 8, 0x10, 0x20
FILE, DIR, LINK = 0o10000, 0o20000, 0o30000     # S_IF of libs/stat.h
BLOCK, DIRECT, PER = 4096, 12, 1024
SURE_LINKS, LOOP = 6, 60                        # links on the way that surely are, and are not, few


class Refused(Exception):
    """The call returns one of these errors, which are positive here."""

    def __init__(self, *errors):
        super().__init__(errors)
        self.errors = errors


class Unclear(Exception):
    """Nothing says what this call must do."""


def fnv(data):
    """The 32-bit FNV-1a digest, which user/fsops.c computes too."""
    digest = 0x811c9dc5
    for byte in data:
        digest = (digest ^ byte) * 0x01000193 & 0xffffffff
    return digest


def pattern(seed, length):
    """The bytes that user/fsops.c writes for a seed."""
    return bytes((seed + i * 17 + (i >> 8) * 31) & 0xff for i in range(length))


class Node:
    """A file (blocks, size), a directory (entries, parent) or a symbolic link (target)."""

    def __init__(self, kind, parent=None, target=b""):
        self.kind, self.parent, self.target = kind, parent, target
        self.nlinks = 2 if kind == DIR else 1
        self.size, self.blocks, self.entries = len(target), {}, {}
        self.indirect, self.is_vague = set(), False

    def is_removed(self):
        return self.nlinks == 0

    def read(self, at, length):
        data = bytearray()
        end = min(at + length, self.size)
        while at < end:
            index, within = divmod(at, BLOCK)
            step = min(BLOCK - within, end - at)
            data += self.blocks.get(index, bytes(BLOCK))[within:within + step]
            at += step
        return bytes(data)

    def write(self, at, data):
        self.size = max(self.size, at + len(data))
        done = 0
        while done < len(data):
            index, within = divmod(at + done, BLOCK)
            step = min(BLOCK - within, len(data) - done)
            block = self.blocks.setdefault(index, bytearray(BLOCK))
            block[within:within + step] = data[done:done + step]
            self.indirect.update(above(index))
            done += step

    def truncate(self, size):
        limit = -(-size // BLOCK)
        self.blocks = {index: data for index, data in self.blocks.items() if index < limit}
        if size % BLOCK and size < self.size and limit - 1 in self.blocks:
            self.blocks[limit - 1][size % BLOCK:] = bytes(BLOCK - size % BLOCK)
        needed = {each for index in self.blocks for each in above(index)}
        kept = {each for each in self.indirect if each[1] < limit}
        # Whether an indirect block that is empty now stays is the kernel's choice.
        self.is_vague = self.is_vague and bool(kept) or kept != needed
        self.size, self.indirect = size, kept

    def block_count(self):
        """How many blocks it has on the disk, or None if that is not known."""
        if self.kind == LINK:
            return 1
        return None if self.kind == DIR or self.is_vague else len(self.blocks) + len(self.indirect)


def above(index):
    """The indirect blocks over a block of a file: (level, the first block that it is for)."""
    if index < DIRECT:
        return ()
    if index < DIRECT + PER:
        return ((1, DIRECT),)
    first = (index - DIRECT) // PER * PER + DIRECT
    return ((2, DIRECT + PER), (1, first))


def refuse_if(is_wrong, error):
    if is_wrong:
        raise Refused(error)


def look_into(folder, name):
    """Can a name be looked for there? Which error comes first if several do, is nowhere said."""
    wrong = [TOO_BIG] * (len(name) > 255) + [NOTDIR] * (folder.kind != DIR) \
        + [NOENT] * folder.is_removed()
    if wrong:
        raise Refused(*wrong)


def both(one, other):
    """The results of two functions. If both refuse, either's errors are right."""
    results, errors = [], []
    for function in (one, other):
        try:
            results.append(function())
        except Refused as error:
            errors += error.errors
    if errors:
        raise Refused(*errors)
    return results


class File:
    """What one open() made."""

    def __init__(self, node, flags):
        self.node, self.flags, self.position = node, flags, 0


class Model:
    """One process, and the disk."""

    def __init__(self):
        self.root = Node(DIR)
        self.root.parent = self.cwd = self.root
        self.files = {}                         # descriptor: File, without the console's 0 to 2

    # -- paths

    def walk(self, path, follow=True):
        """The Node that a path leads to."""
        if not path:
            raise Refused(NOENT)
        if len(path) > PATH_MOST:
            raise Refused(TOO_BIG)
        node, links = self.root if path[:1] == b"/" else self.cwd, 0
        names = [name for name in path.split(b"/") if name]
        while names:
            name = names.pop(0)
            if node.is_removed() and name in (b".", b".."):
                raise Unclear
            look_into(node, name)
            if name == b"..":
                node = node.parent
                continue
            if name == b".":
                continue
            child = node.entries.get(name)
            if child is None:
                raise Refused(NOENT)
            if child.kind == LINK and (names or follow):
                links += 1
                if links > LOOP:
                    raise Refused(INVAL)
                names[:0] = [each for each in child.target.split(b"/") if each]
                child = self.root if child.target[:1] == b"/" else node
            node = child
        if links > SURE_LINKS:
            raise Unclear
        return node

    def place(self, path):
        """(directory, last name, its Node or None), of which the name is not followed."""
        if not path:
            raise Refused(NOENT)
        head, _, name = path.rpartition(b"/")
        if name in (b"", b".", b".."):
            raise Unclear
        folder = self.walk(head or b"/") if b"/" in path else self.cwd
        look_into(folder, name)
        return folder, name, folder.entries.get(name)

    def existing(self, path):
        """The same for a name that must be there."""
        found = self.place(path)
        refuse_if(found[2] is None, NOENT)
        return found

    # -- descriptors

    def file(self, fd):
        if fd in self.files:
            return self.files[fd]
        raise Unclear if 0 <= fd <= 2 else Refused(INVAL)

    def lowest(self):
        return next(fd for fd in range(3, 1000) if fd not in self.files)

    def open(self, path, flags):
        if flags & TRUNC and not flags & (WRONLY | RDWR):
            raise Unclear
        if flags & (CREAT | EXCL) == CREAT | EXCL and self.place(path)[2]:
            raise Refused(EXISTS)               # a symbolic link too, wherever it leads
        try:
            node = self.walk(path)
        except Refused as error:
            if error.errors != (NOENT,) or not flags & CREAT:
                raise
            node = None
        if node is None:
            folder, name, there = self.place(path)
            if there:                           # a symbolic link that leads nowhere
                raise Unclear
            node = folder.entries[name] = Node(FILE)
        elif node.kind == DIR and flags & (WRONLY | RDWR | TRUNC):
            raise Refused(ISDIR)
        elif node.kind == DIR and flags & CREAT:
            raise Unclear
        if flags & TRUNC:
            node.truncate(0)
        fd = self.lowest()
        self.files[fd] = File(node, flags)
        return fd, []

    def close(self, fd):
        self.file(fd)
        del self.files[fd]
        return 0, []

    def dup(self, fd):
        file, new = self.file(fd), self.lowest()
        self.files[new] = file
        return new, []

    def dup2(self, fd, new):
        file = self.file(fd)
        if not 3 <= new < 100:
            raise Unclear
        self.files[new] = file
        return new, []

    def data(self, fd, writes):
        """The File whose bytes are to be read or written."""
        file = self.file(fd)
        is_allowed = file.flags & (WRONLY | RDWR) if writes else not file.flags & WRONLY
        if file.node.kind == DIR:
            raise Refused(ISDIR, INVAL)
        if not is_allowed:
            raise Refused(INVAL)
        return file

    def read(self, fd, length):
        if not length and self.file(fd).node.kind == DIR:
            raise Unclear
        file = self.data(fd, False)
        data = file.node.read(file.position, length)
        file.position += len(data)
        return len(data), [fnv(data)]

    def write(self, fd, length, seed):
        if not length and self.file(fd).node.kind == DIR:
            raise Unclear
        file = self.data(fd, True)
        if file.flags & APPEND and length:
            file.position = file.node.size
        elif file.flags & APPEND:
            raise Unclear
        if length:
            file.node.write(file.position, pattern(seed, length))
        file.position += length
        return length, []

    def seek(self, fd, offset, whence):
        file = self.file(fd)
        if file.node.kind == DIR:
            raise Unclear
        if whence not in (0, 1, 2):
            raise Refused(INVAL)
        position = offset + (0, file.position, file.node.size)[whence]
        if position < 0:
            raise Refused(INVAL)
        file.position = position
        return position, []

    def ftruncate(self, fd, size):
        file = self.data(fd, True)
        if size < 0:
            raise Refused(INVAL)
        file.node.truncate(size)
        return 0, []

    def truncate(self, path, size):
        def file():
            node = self.walk(path)
            refuse_if(node.kind == DIR, ISDIR)
            return node
        node, _ = both(file, lambda: refuse_if(size < 0, INVAL))
        node.truncate(size)
        return 0, []

    def fsync(self, fd):
        self.file(fd)
        return 0, []

    def sync(self):
        return 0, []

    # -- what is there

    @staticmethod
    def about(node):
        size = None if node.kind == DIR else node.size
        return 0, [node.kind, node.nlinks, size, node.block_count()]

    def fstat(self, fd):
        return self.about(self.file(fd).node)

    def lstat(self, path):
        return self.about(self.walk(path, follow=False))

    def list(self, path):
        """How many names, and the sum of their digests."""
        node = self.walk(path)
        if node.kind != DIR:
            raise Refused(NOTDIR)
        if node.is_removed():
            raise Unclear
        return len(node.entries), [sum(map(fnv, node.entries)) & 0xffffffff]

    def readlink(self, path, size):
        node = self.walk(path, follow=False)
        if node.kind != LINK:
            raise Refused(INVAL)
        if size == 0:
            raise Unclear
        return min(size, node.size), [fnv(node.target[:size])]

    def path_of(self, node):
        names = []
        while node is not self.root:
            if node.is_removed():
                raise Refused(NOENT)
            names.append(next(name for name, child in node.parent.entries.items() if child is node))
            node = node.parent
        return b"/" + b"/".join(reversed(names))

    def getcwd(self):
        path = self.path_of(self.cwd)
        if len(path) > 1000:
            raise Unclear
        return 0, [fnv(path)]

    # -- names

    def chdir(self, path):
        node = self.walk(path)
        if node.kind != DIR:
            raise Refused(NOTDIR)
        if node.is_removed():
            raise Unclear
        self.cwd = node
        return 0, []

    def mkdir(self, path):
        folder, name, there = self.place(path)
        if there:
            raise Refused(EXISTS)
        folder.entries[name] = Node(DIR, folder)
        folder.nlinks += 1
        return 0, []

    def rmdir(self, path):
        if path.rpartition(b"/")[2] in (b".", b".."):
            self.walk(path)
            raise Refused(INVAL)
        folder, name, there = self.existing(path)
        if there.kind != DIR:
            raise Refused(NOTDIR)
        if there.entries:
            raise Refused(NOTEMPTY)
        self.drop_directory(folder, name)
        return 0, []

    @staticmethod
    def drop_directory(folder, name):
        folder.entries.pop(name).nlinks = 0
        folder.nlinks -= 1

    def link(self, old, new):
        node, (folder, name, there) = both(lambda: self.walk(old), lambda: self.place(new))
        wrong = [ISDIR] * (node.kind == DIR) + [EXISTS] * (there is not None)
        if wrong:
            raise Refused(*wrong)
        folder.entries[name] = node
        node.nlinks += 1
        return 0, []

    def symlink(self, target, path):
        folder, name, there = self.place(path)
        if there:
            raise Refused(EXISTS)
        if not 1 <= len(target) <= PATH_MOST:
            raise Unclear
        folder.entries[name] = Node(LINK, target=target)
        return 0, []

    def unlink(self, path):
        folder, name, there = self.existing(path)
        if there.kind == DIR:
            raise Refused(ISDIR)
        del folder.entries[name]
        there.nlinks -= 1
        return 0, []

    def rename(self, old, new):
        (old_folder, old_name, node), (folder, name, there) = both(
            lambda: self.existing(old), lambda: self.place(new))
        if there is node:
            return 0, []
        wrong, above_it = [], folder
        while node.kind == DIR and above_it is not node and above_it is not self.root:
            above_it = above_it.parent
        if above_it is node:
            wrong.append(INVAL)
        if there and node.kind == DIR and there.kind != DIR:
            wrong.append(NOTDIR)
        if there and node.kind != DIR and there.kind == DIR:
            wrong.append(ISDIR)
        if there and there.kind == DIR and there.entries:
            wrong.append(NOTEMPTY)
        if wrong:
            raise Refused(*wrong)
        if there and there.kind == DIR:
            self.drop_directory(folder, name)
        elif there:
            there.nlinks -= 1
        del old_folder.entries[old_name]
        folder.entries[name] = node
        if node.kind == DIR:
            old_folder.nlinks -= 1
            folder.nlinks += 1
            node.parent = folder
        return 0, []

    # -- all that is there

    def used_blocks(self):
        """About how many blocks all files have, with those that are open only."""
        nodes, waiting = {}, [self.root] + [file.node for file in self.files.values()]
        while waiting:
            node = waiting.pop()
            if id(node) not in nodes:
                nodes[id(node)] = len(node.blocks) + len(node.indirect) + 1
                waiting.extend(node.entries.values())
        return sum(nodes.values())
