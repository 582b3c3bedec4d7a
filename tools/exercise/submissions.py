"""What a teacher collected: hand-ins, trees, folders and archives of these, opened as data.

Each file that was handed in, and each folder of a student, becomes one Submission, which is graded,
or refused with a reason. Nothing is left out but files that systems add of their own, and those are
counted. An error in one Submission is told of that one, and the others go on.

collect() is what gradebook.py calls; a Collector goes through files, folders and archives in one
another, a Heap holds what lies side by side and decides whose it is. Of a tree only the files that
have regions are read. Links are not followed, and a Budget limits what archives may hold.
"""
import io
import os
import posixpath
import re

from exercise import earlier, handin, incoming, kinds, manifest
from exercise.archives import Budget, Refused, members, printable
from exercise.regions import MAX_FILE, RegionError, read_noting

MAX_PACKED = 256 << 20                  # bytes of an archive in another one: it is kept in memory
MAX_MEMBER = 4 << 20
MAX_DEPTH = 3                           # a course's archive, a student's, a packed file in that
NAMED = 8                               # so many files at most are named in a note
# The folder, or the beginning of a name, that Moodle gives to the work of one participant.
MOODLE = re.compile(r"((?:[^/]*/)*?([^/]+?)_(\d+))_assignsubmission_[a-z]+_")


class Submission:
    """One student's work.

    source    where it came from, as text for people
    handin    a handin.Handin; None if it is refused as a whole
    refused   why it is refused
    in_file   whether its lines are those of a hand-in, which is one file, and not of a tree
    is_tried  if it is refused: whether it may be what its student wants to be graded
    notes     what else the teacher should know of it
    owner     the student's name, if a course's system says it
    paths     of its other files, which notes name
    scrub     a pseudonyms.Scrubber, or None: what takes the student's name out of texts
    """
    scrub = None

    def __init__(self, source, found=None, refused="", in_file=False, is_tried=True):
        self.source, self.handin, self.refused = printable(source), found, refused
        self.in_file, self.is_tried, self.owner = in_file, is_tried, ""
        self.notes, self.paths = list(found.notes) if found else [], []

    @property
    def student(self):
        """Name, e-mail address and id, as the hand-in or the course's system has them."""
        said = self.handin.student if self.handin else dict.fromkeys(handin.FIELDS, "")
        return said if said["name"] or not self.owner else dict(said, name=self.owner)

    @property
    def title(self):
        """The name under which it is shown: the student's, or that of the file."""
        file = os.path.basename(self.source)
        return self.student["name"] or self.student["email"] or file.rpartition(":")[2].strip(".") \
            or file

    def place(self, error):
        """The text of a RegionError, with the line of the student's own file."""
        return "line %d: %s" % (error.line, error.message) if self.in_file else str(error)


class Wanted:
    """What is looked for in a tree that was handed in.

    register   the Register: all regions that the reference has or had
    exercises  the exercises that are graded; None if each tree says so itself
    paths      the files that may have regions; known: the exercises that ever had one
    others     further files that are read
    """

    def __init__(self, register, exercises=None):
        self.register, self.exercises = register, exercises
        self.paths, self.known = register.paths, {key[0] for key in register.entries}
        self.others = {manifest.NAME, handin.STUDENT, handin.ANSWERS}


# -- trees

class Folder:
    """A tree on the disk. text() gives the (text, encoding) of a file with regions, or raises
    RegionError; data() gives the first bytes of another file, or None."""

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
    """A tree in an archive: {path: bytes}, paths below the tree's root. It is read as a Folder."""

    def __init__(self, files):
        self.files = files

    def text(self, path):
        """(text, encoding) of a file, as Folder.text() gives it."""
        if path not in self.files:
            raise RegionError(path, 1, "there is no such file in this tree")
        if len(self.files[path]) > MAX_FILE:
            raise RegionError(path, 1, "the file has more than %d bytes" % MAX_FILE)
        return incoming.source_of(self.files[path])

    def data(self, path, limit):
        """The first bytes of a file, as Folder.data() gives them."""
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
        result.assignment = about.name
    if wanted.exercises:            # an exercise that is not known here is told, and not graded
        result.exercises = list(wanted.exercises) + [
            number for number in result.exercises if number not in wanted.known]
    if not result.exercises:
        return Submission(source, refused="this tree is no handout: say what is to be graded, as "
                          "in --lab 5")
    foreign = earlier.take_tree(result, tree, wanted.register, about and about.regions)
    student = incoming.text_of(tree.data(handin.STUDENT, 1 << 16) or b"")
    result.student, result.notes = handin.known(handin.student_in(student), handin.STUDENT)
    try:
        result.members = handin.members_in(student)
    except handin.HandinError as error:
        result.notes.append("%s: %s" % (handin.STUDENT, error))
    result.notes += foreign
    result.answers = handin.answers_in(tree.data(handin.ANSWERS, handin.MAX_ANSWERS) or b"")
    return Submission(source, result)


# -- what lies side by side in a folder or an archive

ALONE, FOLDER, PARTICIPANT = "alone", "folder", "participant"


class Heap:
    """All that was found in a folder or an archive, and the decision whose it is.

    source       the folder or archive, as text for people
    is_students  whether it should be the work of one student
    found        [(path below it, Submission)]
    folders      the paths of all folders in it
    """

    def __init__(self, source, is_students=False):
        self.source, self.is_students = source, is_students
        self.found, self.folders = [], set()

    def add(self, path, submissions):
        """Add the Submissions that were found at a path."""
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
        Moodle, or a FOLDER beside others. A file that is in neither is a group by itself."""
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
        """Is this archive, which should be one student's, really so? It is not if it has something
        that looks like a whole course."""
        good = sum(each.handin is not None for _, each in self.found)
        return self.is_students and not any(MOODLE.match(path) for path, _ in self.found) and (
            good == 1 or good == 0 and len(self.beside(self.top())) < 2)

    def rows(self):
        """The Submissions that are graded or told: one for each student or file."""
        if self.is_one_students():
            return one_students(self.source.rstrip(":"), self.found, not any(
                each.handin for _, each in self.found))
        groups, rows = self.owners(), []
        for (kind, place), found in groups.items():
            rows += one_students(self.source + place, found, kind == PARTICIPANT) \
                if kind != ALONE else [each for _, each in found]
        return rows + list(self.empty(groups))


def told(found):
    """Paths and reasons of the Submissions that are refused, in one text."""
    texts = ["%s: %s" % (printable(path), each.refused) for path, each in sorted(
        found, key=lambda pair: pair[0])]
    more = len(texts) - NAMED
    return "; ".join(texts[:NAMED]) + ("; and %d more" % more if more > 0 else "")


def one_students(source, found, is_sure):
    """The Submissions of one student's work: the only one that can be graded, with a note about all
    else. If it `is_sure` that all is the work of one student, it is one Submission also if nothing
    of it can be graded. If several can be graded, all are given: which one counts is unknown."""
    good = [each for _, each in found if each.handin]
    others = [(path, each) for path, each in found if not each.handin]
    if len(found) > 1 and not good and is_sure:
        row = Submission(source, refused="nothing in it can be graded: " + told(others))
        row.owner, row.paths = found[0][1].owner, [path for path, _ in found]
        return [row]
    if len(good) == 1 and (is_sure or not any(each.is_tried for _, each in others)):
        if others:
            good[0].notes.append("not graded: " + told(others))
            good[0].paths = [path for path, _ in others]
        return good
    return [each for _, each in found]


# -- reading

class Collector:
    """Reads all that a command line names.

    left_out  how many files were met that a system has added of its own
    is_one    whether all that is named is one student's, as in Gradescope's folder
    seen      the real paths of what was read, so that nothing is graded twice
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
        """The Submissions that the function finds. If anything goes wrong there, even by a defect
        of this program, this source is refused with the reason, and the others go on."""
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
        """All Submissions in an archive. An archive that lies in another one, or beside others, is
        one student's. A hand-in in a tree is part of the tree, as in a folder."""
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
        """Read one file of an archive; its bytes are kept in `trees` if a tree needs them."""
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
            """The whole file, as a stream: of a packed file all, of another one up to a limit."""
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
        """The Submission of a tree, or all that lie in a folder: hand-ins, archives, trees."""
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
        """Look at a folder in a folder. The result says whether to go through it: not if it is a
        link, a tree, which is read here, or one that a system has added."""
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
        """Read a file in a folder."""
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
        """The Submissions of a word of the command line. An archive that is the only word may be a
        whole course; if there are several, each is one student's."""
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
    match = re.match(r"(?:(.*)/)?(kern/.*|user/(?:libs/)?[^/]+\.[chS])$", path, re.S)
    root, rest = match.groups() if match else posixpath.split(path)
    return root or "", rest


def from_file(data, source):
    """The Submission of a hand-in, from its bytes."""
    try:
        return Submission(source, handin.parse(data), in_file=True)
    except handin.HandinError as error:
        return Submission(source, refused=str(error))


def is_tree(path):
    """Is this folder a tree of rvlab, a student's or this one?"""
    return os.path.isdir(os.path.join(path, "kern"))


def link(path):
    """The Submission of a link, which is refused: in a folder of hand-ins a link may lead to
    somebody else's work, or to this tree."""
    return Submission(path, refused="this is a link, which is not followed")


def collect(words, wanted):
    """The Submissions of a command line."""
    return Collector(wanted).words(words)
