"""The inputs of badinput.py: good ones, and how they are damaged by a seed.

Makers has one function for each kind of input. It gets a random.Random and an empty folder, writes
the input there, and returns the tool, its arguments, the names of which a complaint must have one,
and what the tool may write to. All that is good is made once, in setup.

damaged() is for any bytes: numbers next to a limit, bytes, pieces that are cut, doubled or moved.
Archives and folders have their own faults besides: names that lead out or that no terminal should
get, links, devices, sizes that are not so, and much that was packed to little.
"""
import gzip
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import warnings
import zipfile

from exercise import handin, handout, manifest, results

NUMBERS = (0, 1, 2, 3, 7, 8, 255, 256, 4095, 4096, 65535, 65536, 1 << 20, 1 << 24, (1 << 31) - 1,
           1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
WORDS = (b"\0", b"\n", b"\r", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b[2J", b"\xed\xa0\x80", b"../../x",
         b"9" * 400, b"-1", b"1e999", b"NaN", b"null", b"[" * 3000, b"{", b"\"", b"\\ud800",
         b"/* EXERCISE 5.1 begin: load_icode */\n", b"| ", b"*/", b"\xc3", b"\xe2\x80\xae",
         b" " * 99)
# Names that a student's system, or a student, may come up with.
NAMES = ("a b.txt", "../near/other.txt", "/near/other.txt", "..", "C:\\x.txt", "x\ny.txt",
         "\x1b[31mred.txt", "n" * 250, "\u202etxt.exe", "\u5f20\u4e09.txt", "-rf", "--csv=x",
         "%s%n", "con", "a/../../near/other.txt", "deep/" * 40 + "x", "\udcff\udcfe.txt",
         ".handout.json", "kern/process/exec.c", "student.txt", "./x", "x/", "\u0085.txt",
         "=1+1.txt", "~$x.docx")


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def damaged(chance, data, words=WORDS, most=6):
    """The bytes with up to `most` faults."""
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, most))):
        at = chance.randrange(len(data) + 1)
        how = chance.randrange(8)
        if how == 0:
            data[at:at + 1] = bytes([chance.randrange(256)])
        elif how in (1, 2):
            form = chance.choice("<>") + chance.choice("BHIQ")
            size = struct.calcsize(form)
            at -= at % size
            if at + size <= len(data):
                number = chance.choice(NUMBERS) + chance.choice((-1, 0, 0, 1))
                struct.pack_into(form, data, at, number & ((1 << 8 * size) - 1))
        elif how == 3:
            del data[at:at + chance.choice((1, 4, 100, 5000))]
        elif how == 4:
            data[at:at] = data[at:at + chance.choice((1, 16, 4096))]
        elif how == 5:
            data[at:at] = chance.choice(words)
        elif how == 6:
            start, size = chance.randrange(len(data) + 1), chance.choice((8, 128, 4096))
            data[at:at + size] = data[start:start + size]
        elif chance.randrange(4) == 0:
            del data[at:]
    return bytes(data)


def encoded(name):
    return name.encode("utf-8", "surrogateescape")


class Makers:
    """The kinds of inputs. `kept` is a folder for what is made once."""

    def __init__(self, root, reference, kept):
        self.root, self.reference, self.kept = root, reference, kept
        os.makedirs(kept)
        self.image = self.make_image()
        self.handin = self.make_handin()
        self.tree = os.path.join(kept, "tree")
        about = handout.make(root, handout.plan_of(5), self.tree)
        self.touched = sorted({region.path for region in about.regions}) + [
            manifest.NAME, manifest.NAME, "student.txt", "student.txt", "answers.md"]
        self.bomb = gzip.compress(bytes(64 << 20), 1)
        self.kinds = {"disk": self.disk, "make": self.new_image, "archive": self.archive,
                      "folder": self.folder, "tree": self.student_tree, "state": self.state}

    def make(self, kind, chance, place):
        """An input of a kind: see the head."""
        return self.kinds[kind](chance, place)

    # -- disks

    def make_image(self):
        """A disk with a file of each kind; 1 MiB."""
        folder, image = os.path.join(self.kept, "files"), os.path.join(self.kept, "disk.img")
        for name, size in (("small", 10), ("large", 200000), ("dir/one", 5000), ("dir/sub/two", 0)):
            write(os.path.join(folder, name), bytes(i % 251 for i in range(size)))
        os.symlink("../near/other.txt", os.path.join(folder, "link"))
        os.link(os.path.join(folder, "small"), os.path.join(folder, "hard"))
        subprocess.run([sys.executable, os.path.join(self.root, "tools", "disk"), "make", image,
                        folder, "--size", "1M"], check=True)
        with open(image, "rb") as file:
            return file.read()

    def disk(self, chance, place):
        """tools/disk on a damaged image. Most faults are in its first blocks, which say what the
        others are; and in its entries, which names lead to."""
        data = bytearray(self.image)
        blocks = [0, 1, 2] + [n for n in range(len(data) // 4096)
                              if any(data[n * 4096:n * 4096 + 64])]
        for _ in range(chance.choice((1, 2, 4, 12))):
            block = chance.choice(blocks)
            # In an empty block a fault tells nothing, so most are where something is.
            used = len(bytes(data[block * 4096:block * 4096 + 4096]).rstrip(b"\0")) + 8
            at = block * 4096 + chance.randrange(min(used, 4096)) // 4 * 4
            struct.pack_into("<I", data, at, chance.choice(
                [n & 0xffffffff for n in NUMBERS] + list(range(260)) + [chance.randrange(1 << 32)]))
        if chance.randrange(4) == 0:
            data = bytearray(damaged(chance, data))
        write(os.path.join(place, "disk.img"), data)
        write(os.path.join(place, "new.txt"), b"new\n" * 3000)
        command = chance.choice((
            ["check", "disk.img"], ["check", "disk.img", "--replay"], ["ls", "-lR", "disk.img"],
            ["extract", "disk.img", "out"], ["extract", "disk.img", "out"], ["replay", "disk.img"],
            ["cat", "disk.img", "/large", "/dir/one"], ["put", "disk.img", "new.txt:/dir/"]))
        writes = {"extract": ["out"], "put": ["disk.img"], "replay": ["disk.img"]}
        if command[0] == "cat":         # what a file has may be anything
            command[2:] = ["/dir/sub/two", "/dir/sub/none"]
        return "disk", command, ["disk.img", "out"], writes.get(command[0], [])

    def make_folder(self, chance, place, content):
        """A folder with some strange files, whose bytes content() gives."""
        os.makedirs(place)
        for _ in range(chance.randrange(1, 9)):
            name = chance.choice(NAMES).replace("..", "_").strip("/")
            path = os.path.join(os.fsencode(place), encoded(name))
            try:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                self.make_file(chance, path, content)
            except OSError:
                pass                    # the name is taken, or leads through a file

    @staticmethod
    def make_file(chance, path, content):
        """A file, or what no hand-in and no disk should have."""
        kind = chance.randrange(12)
        if kind == 0:
            os.symlink(chance.choice((b"../near/other.txt", b".", path, b"/dev/zero")), path)
        elif kind == 1:
            os.mkfifo(path)
        elif kind == 2:
            os.mkdir(path)
        elif kind == 3:
            with open(path, "xb") as file:
                file.truncate(chance.choice((1 << 20, 1 << 32, 1 << 40)))
        else:
            with open(path, "xb") as file:
                file.write(content(chance))

    def new_image(self, chance, place):
        """tools/disk make of a strange folder."""
        self.make_folder(chance, os.path.join(place, "folder"),
                         lambda chance: bytes(chance.choice((0, 1, 4096, 50000))))
        size = chance.choice(("256K", "1M", "64M"))
        return "disk", ["make", "new.img", "folder", "--size", size], ["folder", "new.img"], [
            "new.img"]

    # -- hand-ins

    def make_handin(self):
        """The text of a good one."""
        found = handin.Handin(5, "")
        found.exercises = ["5.1", "5.2", "5.3"]
        found.student = {"name": "Ada", "email": "ada@example.org", "id": "7"}
        mine = [region for region in self.reference.regions if region.exercise in found.exercises]
        found.texts = {region.key: (region.text, 1) for region in mine}
        return handin.to_text(found, mine).encode("utf-8", "surrogateescape")

    def piece(self, chance):
        """What a file of an archive may be."""
        return chance.choice((
            lambda: self.handin, lambda: damaged(chance, self.handin), lambda: b"",
            lambda: self.bomb, lambda: damaged(chance, gzip.compress(self.handin)),
            lambda: self.handin.decode("utf-8").encode("utf-16"),
            lambda: b"%PDF-1.4", lambda: b"\x1b[2J" * 9, lambda: chance.choice(WORDS) * 50))()

    def zipped(self, chance):
        data = io.BytesIO()
        with warnings.catch_warnings(), zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            warnings.simplefilter("ignore")             # a name may be there twice
            for _ in range(chance.randrange(1, 6)):
                info = zipfile.ZipInfo("x")
                info.filename = chance.choice(NAMES).encode("utf-8", "replace").decode()
                info.external_attr = chance.choice((0, 0, 0o120777, 0o60644, 0o100644)) << 16
                archive.writestr(info, self.piece(chance))
        return data.getvalue()

    def tarred(self, chance):
        data = io.BytesIO()
        mode = chance.choice(("w", "w:gz", "w:bz2", "w:xz"))
        with tarfile.open(fileobj=data, mode=mode) as archive:
            for _ in range(chance.randrange(1, 6)):
                info, content = tarfile.TarInfo(chance.choice(NAMES)), self.piece(chance)
                info.type = chance.choice((tarfile.REGTYPE,) * 4 + (
                    tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE,
                    tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE))
                info.linkname = chance.choice(("../near/other.txt", "/etc/passwd", "x"))
                info.size = len(content) if info.isreg() else 0
                archive.addfile(info, io.BytesIO(content))
        return data.getvalue()

    def any_handin(self, chance):
        """A hand-in, or an archive of hand-ins, with faults."""
        data = chance.choice((lambda: self.handin, lambda: self.zipped(chance),
                              lambda: self.tarred(chance)))()
        return data if chance.randrange(4) == 0 else damaged(chance, data)

    def grade(self, chance, names):
        """How tools/lab grade is called: for lab 5, or for what the hand-in names."""
        command = ["grade", "in", "--csv", "out/marks.csv", "--json", "out/marks.json", "--texts",
                   "out/texts"]
        return "lab", command + chance.choice(([], ["--lab", "5"])), names, ["out"]

    def archive(self, chance, place):
        """tools/lab grade FILE."""
        write(os.path.join(place, "in"), self.any_handin(chance))
        os.makedirs(os.path.join(place, "out"))
        return self.grade(chance, ["in", "Ada"])

    def folder(self, chance, place):
        """tools/lab grade FOLDER."""
        self.make_folder(chance, os.path.join(place, "in"), self.any_handin)
        os.makedirs(os.path.join(place, "out"))
        return self.grade(chance, [" "])

    def state(self, chance, place):
        """tools/lab grade FILE --resume STATE, with a file of results that is damaged."""
        write(os.path.join(place, "in"), self.handin)
        os.makedirs(os.path.join(place, "out"))
        entry = {"max": 3, "challenge": False, "state": "graded", "why": "", "from": "together",
                 "together": 3, "alone": 3, "mark": 3, "tests": [
                     {"name": "x", "title": "y", "points": 3, "max": 3, "verdict": "ok",
                      "lines": []}]}
        state = json.dumps({"schema": results.STATE, "results": {
            "%064x" % number: {"complete": True, "exercises": {"5.1": entry}}
            for number in range(3)}})
        write(os.path.join(place, "out", "state"), damaged(chance, state.encode()))
        tool, command, _, writes = self.grade(chance, [])
        return tool, command + ["--resume", "out/state"], ["out/state"], writes

    # -- trees

    def put_tree(self, place):
        """The handout, as links to the kept one where nothing is changed."""
        shutil.copytree(self.tree, place, symlinks=True, copy_function=os.link)

    def student_tree(self, chance, place):
        """tools/lab check and handin of a student's tree, in which files are damaged."""
        top = os.path.join(place, "tree")
        self.put_tree(top)
        names = []
        for name in sorted(set(chance.choices(self.touched, k=chance.choice((1, 1, 2, 4))))):
            names.append(os.path.basename(name))
            self.spoil(chance, os.path.join(top, name))
        command = chance.choice((["check", "tree"], [
            "handin", "tree", "-o", "out/x.txt", "--name", "Ada", "--email", "a@b"],
            ["handin", "tree", "-o", "out/x.txt"]))
        os.makedirs(os.path.join(place, "out"))
        return "lab", command, names + ["student.txt"], ["out", "tree/student.txt"]

    def spoil(self, chance, path):
        """Damage a file of a tree, or put something else into its place."""
        data = b"name: Ada\nemail: a@b\nid: 7\n"
        if os.path.lexists(path):
            with open(path, "rb") as file:
                data = file.read()
            os.unlink(path)             # not the kept one, which is the same file
        how = chance.randrange(12)
        if how == 0:
            os.mkdir(path)
        elif how == 1:
            os.mkfifo(path)
        elif how == 2:
            os.symlink(chance.choice(("/dev/zero", os.path.basename(path), "../none")), path)
        elif how == 3:
            with open(path, "wb") as file:
                file.truncate(1 << 40)
        elif how > 4:
            write(path, damaged(chance, data))
