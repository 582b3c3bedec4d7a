"""The model of tools/grader/fsmodel.py, and the scripts that are made from it.

A model that is wrong would blame a kernel that is right. So the scripts are done here on the host's
own file system too, which is as POSIX says: each result must be the model's, but for the numbers of
errors, and for what POSIX leaves open. And the comparison with a disk must see each kind of
difference.
"""
import errno
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE)]

from grader import fsmodel, fsops
from sfs import format, reader, writer

SEEDS = range(1, 61)
FLAGS = {fsmodel.WRONLY: os.O_WRONLY, fsmodel.RDWR: os.O_RDWR, fsmodel.CREAT: os.O_CREAT,
         fsmodel.EXCL: os.O_EXCL, fsmodel.TRUNC: os.O_TRUNC, fsmodel.APPEND: os.O_APPEND}
ERRORS = {errno.EINVAL: fsmodel.INVAL, errno.EBADF: fsmodel.INVAL, errno.ELOOP: fsmodel.INVAL,
          errno.ENAMETOOLONG: fsmodel.TOO_BIG, errno.ENOENT: fsmodel.NOENT,
          errno.EISDIR: fsmodel.ISDIR, errno.EPERM: fsmodel.ISDIR, errno.ENOTDIR: fsmodel.NOTDIR,
          errno.EEXIST: fsmodel.EXISTS, errno.ENOTEMPTY: fsmodel.NOTEMPTY}
KINDS = {stat.S_IFREG: fsmodel.FILE, stat.S_IFDIR: fsmodel.DIR, stat.S_IFLNK: fsmodel.LINK}


class OutOfReach(Exception):
    """The script goes above its root, which is only a folder here."""


class Host:
    """Calls of a script on the host's files. The root is a folder."""

    def __init__(self, root):
        self.root, self.files = os.fsencode(root), {}

    def path(self, word):
        path = b"" if word == "~" else word.encode()
        if path.startswith(b"/"):
            return self.root + path
        here = os.getcwdb() if b".." in path else b""
        if here == self.root or here and here.count(b"/") < self.root.count(b"/"):
            raise OutOfReach
        return path

    def fd(self, word):
        return self.files.get(int(word), 9999)

    def new(self, fd):
        number = next(n for n in range(3, 1000) if n not in self.files)
        self.files[number] = fd
        return number, []

    def open(self, path, flags):
        bits = sum(bit for flag, bit in FLAGS.items() if int(flags) & flag)
        return self.new(os.open(self.path(path), bits, 0o666))

    def close(self, fd):
        os.close(self.fd(fd))
        del self.files[int(fd)]
        return 0, []

    def dup(self, fd):
        return self.new(os.dup(self.fd(fd)))

    def dup2(self, fd, new):
        if int(new) in self.files:
            if self.fd(fd) != 9999 and fd != new:
                os.dup2(self.fd(fd), self.files[int(new)])
            os.fstat(self.fd(fd))
            return int(new), []
        self.files[int(new)] = os.dup(self.fd(fd))
        return int(new), []

    def read(self, fd, length):
        data = os.read(self.fd(fd), int(length))
        return len(data), [fsmodel.fnv(data)]

    def write(self, fd, length, seed):
        return os.write(self.fd(fd), fsmodel.pattern(int(seed), int(length))), []

    def seek(self, fd, offset, whence):
        if int(whence) > 2:                     # 3 is SEEK_DATA here
            os.fstat(self.fd(fd))
            raise OSError(errno.EINVAL, "")
        return os.lseek(self.fd(fd), int(offset), int(whence)), []

    def ftruncate(self, fd, size):
        os.ftruncate(self.fd(fd), int(size))
        return 0, []

    def truncate(self, path, size):
        os.truncate(self.path(path), int(size))
        return 0, []

    def fsync(self, fd):
        os.fstat(self.fd(fd))
        return 0, []

    def sync(self):
        return 0, []

    def about(self, about):
        kind = KINDS[stat.S_IFMT(about.st_mode)]
        return 0, [kind, about.st_nlink, about.st_size, None]

    def fstat(self, fd):
        return self.about(os.fstat(self.fd(fd)))

    def lstat(self, path):
        return self.about(os.lstat(self.path(path)))

    def list(self, path):
        names = os.listdir(self.path(path) or b"~~~")
        return len(names), [sum(map(fsmodel.fnv, names)) & 0xffffffff]

    def readlink(self, path, size):
        target = os.readlink(self.path(path))
        if target.startswith(self.root):
            target = target[len(self.root):]
        return min(len(target), int(size)), [fsmodel.fnv(target[:int(size)])]

    def getcwd(self):
        return 0, [fsmodel.fnv(os.getcwdb()[len(self.root):] or b"/")]

    def symlink(self, target, path):
        target = b"" if target == "~" else target.encode()
        os.symlink((self.root if target.startswith(b"/") else b"") + target, self.path(path))
        return 0, []

    def link(self, old, new):
        old = self.path(old)
        if os.path.isdir(old):
            os.lstat(os.path.dirname(self.path(new)) or b".")
        os.link(os.path.realpath(old) if os.path.islink(old) else old, self.path(new))
        return 0, []

    def rename(self, old, new):
        os.rename(self.path(old), self.path(new))
        return 0, []

    def __getattr__(self, name):
        def call(path):
            getattr(os, name)(self.path(path))
            return 0, []
        return call


def outcome(host, call, words):
    """The result of a call on the host, as a script has it, and what comes with it."""
    try:
        return getattr(host, call)(*words)
    except OSError as error:
        number = ERRORS[error.errno]
        if call == "rmdir" and words[0].endswith(".."):
            number = fsmodel.INVAL
        return -number, []


class Model(unittest.TestCase):
    """The model does what the host does."""

    def setUp(self):
        self.top = os.path.realpath(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.top)
        self.addCleanup(os.chdir, os.getcwd())

    def root(self, seed):
        """A folder that a script takes for the root. Above the root is the root, and a link may
        lead there: so the folders above have links to the script's directory."""
        path = os.path.join(self.top, str(seed), *"rvlab!")
        os.makedirs(path + fsops.FOLDER.decode())
        for above in range(1, 7):
            os.symlink("%s/s%d" % (path, seed), os.path.join(path, "../" * above, "s%d" % seed))
        return path

    def play(self, text):
        """Do a script on the host: how many lines were done, before one went out of reach."""
        host, done = Host(self.folder), 0
        try:
            for line in text.splitlines():
                before, after = line.split(" = ")
                call, *words = before.replace("child ", "").split(" ")
                results, *more = after.split(" ")
                result, got = outcome(host, call, words)
                self.assertIn(str(result), results.split("|"), line)
                is_absolute = call == "lstat" and more and more[0] == str(fsmodel.LINK)
                for want, have in zip(more, got):
                    if want != "-" and have is not None and not is_absolute:
                        self.assertEqual(want, str(have), line)
                done += 1
        except OutOfReach:
            pass
        finally:
            for fd in set(host.files.values()):
                os.close(fd)
            os.chdir(HERE)
        return done

    def test_as_the_host(self):
        done = 0
        for seed in SEEDS:
            with self.subTest(seed):
                self.folder = self.root(seed)
                texts, _ = fsops.scripts([seed])
                done += self.play(texts[seed])
        self.assertGreater(done, 150 * len(SEEDS))


class Comparison(unittest.TestCase):
    """What is on a disk is compared with the model: each kind of difference is seen."""

    def disk(self, spoil=lambda new, ino: None):
        """A Disk with the model's files, by inode numbers, and what is spoilt."""
        self.model = fsmodel.Model()
        for call, *words in ((("mkdir", b"/d")), ("open", b"/d/f", 6), ("write", 3, 9000, 1),
                             ("seek", 3, 60000, 0), ("write", 3, 10, 2), ("link", b"/d/f", b"/g"),
                             ("symlink", b"/d/f", b"/l"), ("mkdir", b"/d/e"), ("open", b"/h", 6)):
            getattr(self.model, call)(*words)
        image = format.Image(bytes(1 << 20))
        new = writer.format_disk(image, writer.plan(256, 8, 64, 0, b""))
        new.is_new = False
        fsops.write_tree(new, self.model)
        spoil(new, {path: reader.Disk.lookup(new, path.encode(), follow=False)
                    for path in ("/d", "/d/f", "/l", "/d/e", "/h")})
        return new

    def test_same(self):
        disk = self.disk()
        self.assertEqual(fsops.compare(self.model, disk), [])

    def test_differences(self):
        def change(path, **fields):
            def spoil(new, ino):
                new.set_inode(ino[path], new.inode(ino[path])._replace(**fields))
            return spoil

        def content(new, ino):
            new.image.edit(new.inode(ino["/d/f"]).direct[1])[7] ^= 1

        def other_name(new, ino):
            new.image.edit(new.inode(ino["/d"]).direct[0])[32] = ord("x")

        def hole(new, ino):
            node = new.inode(ino["/d/f"])
            new.set_inode(ino["/d/f"], node._replace(direct=(0,) + node.direct[1:]))

        def filled(new, ino):
            new.add_block(ino["/d/f"], 5)[0] = 1

        def target(new, ino):
            new.image.edit(new.inode(ino["/l"]).direct[0])[0] = ord("x")

        def one_file(new, ino):
            block = new.inode(format.ROOT).direct[0]
            data = new.image.edit(block)
            at = data.index(b"h\0\0\0", 24) - 8
            data[at:at + 4] = ino["/d/f"].to_bytes(4, "little")

        for spoil, words in (
                (lambda new, ino: new.make(ino["/d"], b"more", format.FILE),
                 "/d/more is there, and must not be"),
                (other_name, "is missing"),
                (change("/d/e", type=format.FILE), "/d/e is a file, and not a directory"),
                (change("/d/f", nlinks=3), "/d/f has 3 links, and not 2"),
                (change("/d", nlinks=2), "/d has 2 links, and not 3"),
                (change("/h", size=1), "/h has 1 bytes, and not 0"),
                (content, "/d/f has another content in block 1, from byte 4096 on"),
                (hole, "/d/f has another content in block 0"),
                (filled, "/d/f has another content in block 5"),
                (target, "/l leads to"), (one_file, "which another file has")):
            with self.subTest(words):
                disk = self.disk(spoil)
                wrong = fsops.compare(self.model, disk)
                self.assertTrue(any(words in each for each in wrong), wrong)

    def test_script(self):
        """The same seed is the same script; each kind of call is in the scripts, most succeed."""
        texts, _ = fsops.scripts(range(1, 11))
        self.assertEqual(texts, fsops.scripts(range(1, 11))[0])
        lines = [line.replace("child ", "") for text in texts.values()
                 for line in text.splitlines()]
        self.assertEqual(len(lines), 10 * fsops.OPERATIONS)
        self.assertEqual({line.split()[0] for line in lines}, set(fsops.WEIGHTS))
        self.assertGreater(sum(" = -" not in line for line in lines), len(lines) * 0.6)

    def test_far_places(self):
        """Positions that fit no int are in the scripts, and in none of those that stay near."""
        def far(texts):
            return [line for text in texts.values() for line in text.splitlines()
                    for found in re.findall(r"-?\d+", line.partition(" = ")[2])
                    if line.startswith(("seek", "child seek")) and int(found) >= 1 << 31]
        self.assertTrue(far(fsops.scripts(range(1, 11))[0]))
        self.assertEqual(far(fsops.scripts(range(1, 21), fsops.NEAR)[0]), [])

    def test_command(self):
        """tools/fsops.py: a script is shown; wrong words are refused in a line."""
        def run(*words):
            return subprocess.run(
                [sys.executable, os.path.join(os.path.dirname(HERE), "fsops.py"), *words],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual(run("--show", "7").stdout, fsops.scripts([7])[0][7])
        for words in (["0"], ["--jobs", "0"], ["x"], ["--objects", HERE], ["--first", "-1"]):
            ended = run(*words)
            self.assertEqual(ended.returncode, 2, words)
            self.assertNotIn("Traceback", ended.stderr)


if __name__ == "__main__":
    unittest.main()
