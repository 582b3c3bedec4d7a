"""What a teacher collected: hand-ins, trees, folders and archives of these, opened as data.

The Collector reads what a command line names. Each file that was handed in, and each folder of a
student, becomes one Submission, to be graded or refused with a reason: nothing is left out but what
systems add of their own, and that is counted. A Heap is what lies side by side in a folder or an
archive; it finds out what of it is one student's. What goes wrong with one is told of that one, and
costs no other. Of a tree only the files that have regions are read, and links are not followed.
"""
import io
import os
import posixpath
import re

from exercise import earlier, handin, incoming, kinds, manifest
from exercise.archives import Budget, Refused, members, printable
from exercise.regions import MAX_FILE, RegionError, read_noting

MAX_PACKED = 256 << 20                  # of an archive in another one, which is kept in memory
MAX_MEMBER = 4 << 20
MAX_DEPTH = 3                           # a course's archive, a student's, a packed file in that
NAMED = 8                               # files that a note names
# Moodle's folder, or beginning of a name, for what one participant handed in.
MOODLE = re.compile(r"((?:[^/]*/)*?([^/]+?)_(\d+))_assignsubmission_[a-z]+_")


class Submission:
    """One student's work.

    source   where it came from, for people
    handin   a handin.Handin; None where it is refused as a whole
    refused  why
    in_file  its lines are those of the one file of a hand-in, not of a tree
    is_tried  where it is refused: it may be what its student wants to be graded
    notes    what else the teacher should know of it
    owner    whose it is, if a course's system says so
    """

    def __init__(self, source, found=None, refused="", in_file=False, is_tried=True):
        self.source, self.handin, self.refused = printable(source), found, refused
        self.in_file, self.is_tried, self.owner = in_file, is_tried, ""
        self.notes = list(found.notes) if found else []

    @property
    def student(self):
        """Who it is; if the hand-in does not say, the owner by the course system."""
        said = self.handin.student if self.handin else dict.fromkeys(handin.FIELDS, "")
        return said if said["name"] or not self.owner else dict(said, name=self.owner)

    @property
    def title(self):
        """Whose it is: the student, or the name of the file."""
        file = os.path.basename(self.source)
        return self.student["name"] or self.student["email"] or file.rpartition(":")[2].strip(".") \
            or file

    def place(self, error):
        """A RegionError, as the student's own file has it."""
        return "line %d: %s" % (error.line, error.message) if self.in_file else str(error)


class Wanted:
    """What the files of a tree are read for: the regions that this tree, the reference, has or had;
    and which exercises, None if each tree says so itself."""

    def __init__(self, register, exercises=None):
        self.register, self.exercises = register, exercises
        self.paths, self.known = register.paths, {key[0] for key in register.entries}
        self.others = {manifest.NAME, handin.STUDENT, handin.ANSWERS}


# -- trees

class Folder:
    """A tree on the disk."""

    def __init__(self, root):
        self.root = root

    def text(self, path):
        """(text, name of its encoding if that is not UTF-8) of a file; RegionError if it cannot be
        read."""
        return read_noting(self.root, path)

    def data(self, path, limit):
        """The first bytes of a file at the top of the tree, or None. Links out of the tree do not
        count."""
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
        """As Folder.text()."""
        if path not in self.files:
            raise RegionError(path, 1, "there is no such file in this tree")
        if len(self.files[path]) > MAX_FILE:
            raise RegionError(path, 1, "the file has more than %d bytes" % MAX_FILE)
        return incoming.source_of(self.files[path])

    def data(self, path, limit):
        """As Folder.data()."""
        return self.files[path][:limit] if path in self.files else None


def from_tree(tree, source, wanted):
    """The Submission of a tree: the exercises that are wanted, or those that its handout names."""
    result, about = handin.Handin(), None
    try:
        data = tree.data(manifest.NAME, manifest.MAX_BYTES + 1)
        about = manifest.decode(data) if data is not None else None
    except (ValueError, OSError) as error:
        if not wanted.exercises:
            return Submission(source, refused=str(error))
    if about:
        result.lab, result.version, result.exercises = about.lab, about.version, about.due
    if wanted.exercises:            # what is not known here must be told, and is never wanted
        result.exercises = list(wanted.exercises) + [
            number for number in result.exercises if number not in wanted.known]
    if not result.exercises:
        return Submission(source, refused="this tree is no handout: say what is to be graded, as "
                          "in --lab 5")
    foreign = earlier.take_tree(result, tree, wanted.register, about and about.regions)
    student = incoming.text_of(tree.data(handin.STUDENT, 1 << 16) or b"")
    result.student, result.notes = handin.known(handin.student_in(student), handin.STUDENT)
    result.notes += foreign
    result.answers = handin.answers_in(tree.data(handin.ANSWERS, handin.MAX_ANSWERS) or b"")
    return Submission(source, result)


# -- what lies side by side in a folder or an archive

ALONE, FOLDER, PARTICIPANT = "alone", "folder", "participant"


class Heap:
    """All that was found in a folder or an archive, and whose it is.

    found    [(path below it, Submission)]
    folders  the paths of all folders in it
    """

    def __init__(self, source, is_students=False):
        self.source, self.is_students = source, is_students
        self.found, self.folders = [], set()

    def add(self, path, submissions):
        """Take the Submissions that were found at a path."""
        self.found += [(path, each) for each in submissions]

    def top(self):
        """The folder in which several things lie side by side, "" or one that ends in "/"."""
        paths = [path for path, _ in self.found] + [each + "/" for each in self.folders]
        top = ""
        while True:
            parts = {path[len(top):].partition("/")[:2] for path in paths if len(path) > len(top)}
            if len(parts) != 1 or not parts or not next(iter(parts))[1]:
                return top
            top += "".join(next(iter(parts)))

    def beside(self, top):
        """The folders that lie side by side there."""
        return {folder[len(top):].partition("/")[0] for folder in self.folders
                if folder.startswith(top) and len(folder) > len(top)}

    def owners(self):
        """{group: [(path, Submission)]} in order. A group is one student's: a PARTICIPANT of
        Moodle, or a FOLDER beside others; what is in none is a group by itself."""
        top, groups = self.top(), {}
        beside = self.beside(top)
        for path, each in self.found:
            participant, first = MOODLE.match(path), path[len(top):].partition("/")[0]
            key = (ALONE, path)
            if participant:
                each.owner = printable(participant.group(2))
                key = (PARTICIPANT, participant.group(1))
            elif path.startswith(top) and first in beside and len(beside) > 1:
                key = (FOLDER, top + first)
            groups.setdefault(key, []).append((path, each))
        return groups

    def empty(self, groups):
        """A Submission for each student's folder with nothing in it."""
        top = self.top()
        for folder in sorted(self.folders):
            participant = MOODLE.match(folder + "/")
            is_students = folder.startswith(top) and "/" not in folder[len(top):]
            key = (PARTICIPANT, participant.group(1)) if participant else (FOLDER, folder)
            if (participant or is_students and len(folder) > len(top)) and key not in groups \
                    and not any(path == folder or below(path, folder) for path, _ in self.found):
                groups[key] = []
                each = Submission(self.source + folder, refused="there is nothing in this folder")
                each.owner = printable(participant.group(2)) if participant else ""
                yield each

    def is_one_students(self):
        """Of an archive that should be: is nothing in it that looks like a course?"""
        good = sum(each.handin is not None for _, each in self.found)
        return self.is_students and not any(MOODLE.match(path) for path, _ in self.found) and (
            good == 1 or good == 0 and len(self.beside(self.top())) < 2)

    def rows(self):
        """What is to be graded or told: one Submission for each student or file."""
        if self.is_one_students():
            return one_students(self.source.rstrip(":"), self.found, not any(
                each.handin for _, each in self.found))
        groups, rows = self.owners(), []
        for (kind, place), found in groups.items():
            rows += one_students(self.source + place, found, kind == PARTICIPANT) \
                if kind != ALONE else [each for _, each in found]
        return rows + list(self.empty(groups))


def told(found):
    """Paths and reasons of what is refused, in one text."""
    texts = ["%s: %s" % (printable(path), each.refused) for path, each in sorted(
        found, key=lambda pair: pair[0])]
    more = len(texts) - NAMED
    return "; ".join(texts[:NAMED]) + ("; and %d more" % more if more > 0 else "")


def one_students(source, found, is_sure):
    """Of what is one student's: the one thing that can be graded, with a note about all else.
    If it is sure that it is one's, that is one Submission also if nothing can be graded."""
    good = [each for _, each in found if each.handin]
    others = [(path, each) for path, each in found if not each.handin]
    if len(found) > 1 and not good and is_sure:
        row = Submission(source, refused="nothing in it can be graded: " + told(others))
        row.owner = found[0][1].owner
        return [row]
    if len(good) == 1 and (is_sure or not any(each.is_tried for _, each in others)):
        if others:
            good[0].notes.append("not graded: " + told(others))
        return good
    return [each for _, each in found]


# -- reading

class Collector:
    """Reads what a command line names.

    left_out  how many files of a system's own were met
    is_one    all that is named is one student's, as in Gradescope's folder
    """

    def __init__(self, wanted, is_one=False):
        self.wanted, self.is_one, self.left_out, self.seen = wanted, is_one, 0, set()

    def is_new(self, path):
        """Whether a file or folder on the disk was not met before, by another name or twice."""
        real = os.path.realpath(path)
        if real in self.seen:
            return False
        self.seen.add(real)
        return True

    def guarded(self, source, function, *arguments):
        """What the function finds. Whatever goes wrong there, also by a defect of ours, is this
        source's misfortune and no other's."""
        try:
            return function(*arguments)
        except Refused as error:
            return [Submission(source, refused="this archive is refused: %s" % error)]
        except OSError as error:
            return [Submission(source, refused="it cannot be read: %s" % (error.strerror or error))]
        except Exception as error:
            return [Submission(source, refused="it cannot be read: %s: %s" % (
                type(error).__name__, printable(str(error))[:200]))]

    def content(self, head, rest, path, source, budget=None, depth=0):
        """The Submissions in a file: its first bytes, and rest(), a binary file of all of it."""
        kind = kinds.kind_of(head, path)
        if kind.name == kinds.HAND_IN:
            return [from_file(rest().read(handin.MAX_BYTES + 1), source)]
        if kind.name == kinds.OTHER:
            return [Submission(source, refused=kind.why, is_tried=kind.is_tried)]
        if depth >= MAX_DEPTH:
            return [Submission(source, refused="there are too many archives in one another")]
        return self.guarded(source, self.archive, rest(), path, source, budget, depth + 1)

    def archive(self, file, name, source, budget, depth):
        """All Submissions in an archive; one that lies in another, or beside others, is one
        student's. A hand-in in a tree is part of it, as in a folder."""
        heap, trees = Heap(source + ":", depth > 1), {}
        budget, end = budget.inner() if budget else Budget(), None
        try:
            for member in members(file, name, budget):
                self.member(member, heap, trees, budget, depth)
        except Refused as error:
            end = Submission(source, refused="this archive is refused: %s" % error
                             if not str(error).startswith("this archive") else str(error))
        roots = {root for root, inside in trees.items() if manifest.NAME in inside
                 or any(path in inside for path in self.wanted.paths)}
        roots = {root for root in roots if not any(below(root, each) for each in roots)}
        heap.found = [(path, each) for path, each in heap.found
                      if not any(below(path, root) for root in roots)]
        heap.folders = {each for each in heap.folders
                        if not any(below(each, root) for root in roots)}
        only = len(roots) == 1 and not heap.found
        for root in sorted(roots):
            name = source if only else source + ":" + (root or ".")
            heap.add(root, self.guarded(name, lambda: [
                from_tree(Packed(trees[root]), name, self.wanted)]))
        if end:
            heap.add("", [end])
        return heap.rows() or [Submission(
            source, refused="there is no hand-in and no tree in this archive")]

    def member(self, member, heap, trees, budget, depth):
        """One file of an archive. What its tree needs of it is kept."""
        path, source = member.path, heap.source + member.path
        folder = path.rstrip("/") if path.endswith("/") else posixpath.dirname(path)
        while folder and folder != ".":
            if not kinds.is_junk(folder):
                heap.folders.add(folder)
            folder = posixpath.dirname(folder)
        if kinds.is_junk(path) or path.endswith("/"):
            self.left_out += not path.endswith("/")
            return
        if member.wrong:
            heap.add(path, [Submission(source, refused=member.wrong)])
            return
        try:
            head = member.read(kinds.HEAD)
        except Refused as error:
            heap.add(path, [Submission(source, refused=str(error))])
            return
        whole = []

        def rest():
            """Of a tree's file no more than its limit, of an archive in the archive all."""
            if not whole:
                packed = kinds.kind_of(head, path).name not in (kinds.HAND_IN, kinds.OTHER)
                most = MAX_PACKED if packed else MAX_MEMBER
                whole.append(head + member.read(most + 1 - len(head)))
                if packed and len(whole[0]) > most:
                    raise Refused("it has more than %d MiB" % (most >> 20))
            return io.BytesIO(whole[0])

        root, inner = root_of(path)
        if inner in self.wanted.paths or inner in self.wanted.others:
            self.guarded(source, rest)
            trees.setdefault(root, {})[inner] = b"".join(whole)
        heap.add(path, self.guarded(source, self.content, head, rest, path, source, budget, depth))

    def file(self, path, depth=0):
        """The Submissions in a file on the disk."""
        with open(path, "rb") as file:
            head = file.read(kinds.HEAD)
            file.seek(0)
            return self.content(head, lambda: file, path, path, Budget() if depth else None, depth)

    def folder(self, path):
        """A tree, or all that lies in a folder: hand-ins, archives, trees."""
        if is_tree(path):
            return [from_tree(Folder(path), path, self.wanted)]
        heap = Heap(os.path.join(path, ""))

        def unreadable(error):
            heap.add(os.path.relpath(error.filename, path), [Submission(
                error.filename, refused="this folder cannot be read: %s" % error.strerror)])

        for folder, folders, names in os.walk(path, onerror=unreadable):
            for name in sorted(folders):
                if not self.sub_folder(heap, path, os.path.join(folder, name)):
                    folders.remove(name)
            folders.sort()
            for name in sorted(names):
                self.file_in(heap, path, os.path.join(folder, name))
        return heap.rows() or [Submission(path, refused="there is no hand-in, tree or archive in "
                                          "this folder")]

    def sub_folder(self, heap, path, full):
        """Whether a folder is to be gone through."""
        inner = os.path.relpath(full, path)
        if kinds.is_junk(inner) and not os.path.islink(full):
            self.left_out += sum(len(names) for _, _, names in os.walk(full))
        elif os.path.islink(full):
            heap.add(inner, [link(full)])
        elif is_tree(full):
            if self.is_new(full):
                heap.folders.add(inner)
                heap.add(inner, self.guarded(full, lambda: [
                    from_tree(Folder(full), full, self.wanted)]))
        else:
            heap.folders.add(inner)
            return True
        return False

    def file_in(self, heap, path, full):
        """A file of a folder, at its path: what is found there comes into the heap."""
        inner = os.path.relpath(full, path)
        if os.path.islink(full):
            heap.add(inner, [link(full)])
        elif kinds.is_junk(inner):
            self.left_out += 1
        elif not os.path.isfile(full):
            heap.add(inner, [Submission(full, refused="it is no file")])
        elif self.is_new(full):
            heap.add(inner, self.guarded(full, self.file, full, 1))

    def word(self, word, is_only):
        """What a word of the command line names. Of several archives each is one student's."""
        if os.path.isdir(word):
            return self.folder(word)
        if os.path.exists(word) and not os.path.isfile(word):
            raise OSError(0, "it is no file")
        return self.file(word, 0 if is_only else 1)

    def words(self, words):
        """The Submissions of a command line, each file once."""
        found = []
        for word in words:
            if self.is_new(word):
                found += self.guarded(word, self.word, word, len(words) == 1)
        return one_students(words[0], [(each.source, each) for each in found], True) \
            if self.is_one else found


def below(path, root):
    """Does a path lie in this folder? The root of all is ""."""
    return path != root and (not root or path.startswith(root + "/"))


def root_of(path):
    """(the root of the tree that a file would be in, its path below it)."""
    match = re.match(r"(?:(.*)/)?(kern/.*)$", path, re.S)
    root, rest = match.groups() if match else posixpath.split(path)
    return root or "", rest


def from_file(data, source):
    """The Submission of the bytes of a hand-in."""
    try:
        return Submission(source, handin.parse(data), in_file=True)
    except handin.HandinError as error:
        return Submission(source, refused=str(error))


def is_tree(path):
    """Is a folder of the disk a tree, and no folder with hand-ins?"""
    return os.path.isdir(os.path.join(path, "kern"))


def link(path):
    """In a folder of hand-ins a link may lead to somebody else's work, or to this tree."""
    return Submission(path, refused="this is a link, which is not followed")


def collect(words, wanted):
    """The Submissions of a command line."""
    return Collector(wanted).words(words)
