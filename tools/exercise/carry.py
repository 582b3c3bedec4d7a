"""`tools/lab carry OLD_TREE`: what a student wrote in an older tree comes into this one.

A region is found by its exercise and its id, wherever it stood. What is blank in the old tree stays
as it is here. What does not fit is told: a text whose region this tree has not, a region that the
old tree has not, a file whose markers are damaged, and what was changed outside of the regions. A
file in which another text is replaced is kept beside it first, as cp --backup=numbered does.

The solution of an assignment that a student gives up is taken from the file reference-NAME.txt,
which the course hands out; a teacher's own tree has it. The handout says for which assignments the
course allows that.
"""
import os
import shutil

from exercise import handin, incoming, manifest, regions
from exercise.regions import RegionError

SOLUTION = "reference-%s.txt"
REFERENCE = "reference"


class CarryError(ValueError):
    """Nothing can be carried; the text is for the student."""


class Carrying:
    """What is carried into a tree.

    root    the tree; about: its Manifest
    texts   {(exercise, id): text} that are to be put in
    lines   what is told, line by line
    count   {exercise: how many of its regions have got another text}
    """

    def __init__(self, root, about):
        self.root, self.about = root, about
        self.texts, self.lines, self.count = {}, [], {}
        self.wanted = {region.key: region for region in about.regions}
        self.given = manifest.given_in(root)

    def is_blank(self, key, text):
        """Is nothing of the student's in this text of a region?"""
        return regions.is_blank(text) or key in self.given and regions.is_as_given(
            text, self.given[key])

    def take_tree(self, old):
        """Take all that is written in the regions of an older tree."""
        if not os.path.isdir(os.path.join(old, "kern")):
            raise CarryError("%s is no tree of rvlab: there is no folder kern in it" % old)
        if os.path.realpath(old) == os.path.realpath(self.root):
            raise CarryError("%s is this tree itself: name an older one" % old)
        found = {}
        for path in regions.source_files(old):
            try:
                for region in regions.parse(regions.read(old, path), path):
                    if region.key in found:
                        raise RegionError(path, region.first - 1, "the region %s is in %s too"
                                          % (region.id, found[region.key].path))
                    found[region.key] = region
            except RegionError as error:
                self.lines.append("does not fit: %s: take what you wrote in this file by hand"
                                  % error)
        for key, region in sorted(found.items()):
            if key in self.wanted and not self.is_blank(key, region.text):
                self.texts[key] = region.text
            elif key[0] in self.about.blank and key not in self.wanted \
                    and not self.is_here(region):
                self.lines.append("does not fit: %s:%d: this tree has no region %s of exercise %s "
                                  "to be written" % (region.path, region.first, key[1], key[0]))
        known = {key[0] for key in found}
        for key, region in sorted(self.wanted.items()):
            if key not in found and key[0] in known:
                self.lines.append("does not fit: the old tree has no region %s of exercise %s: "
                                  "%s is as it was" % (key[1], key[0], region.path))

    def tell_outside(self, old):
        """Tell what was changed outside of the regions of the older tree: it stays there."""
        try:
            about = manifest.load(old)
        except (OSError, ValueError):
            return
        changed = manifest.changes(about, old) if about else ()
        if changed:
            self.lines.append("not carried, because it is outside of the exercises: "
                              + manifest.some(changed, "; "))

    def is_here(self, region):
        """Has a region of the old tree nothing that would be lost? It is blank, or it came with a
        text, of a later assignment, which this tree has too."""
        if region.is_blank:
            return True
        try:
            return region.text in regions.read(self.root, region.path)
        except RegionError:
            return False

    def take_solution(self, word, old, reference):
        """Take the solution that a word as reference:lab2 names. `reference` is the teacher's tree,
        or None."""
        source, colon, name = word.partition(":")
        if source != REFERENCE or not name:
            raise CarryError("--solved-from %s: expected reference:NAME, where NAME is the "
                             "assignment that is given up" % incoming.shown(word))
        briefs = {each.name: each for each in self.about.assignments}
        one = briefs.get(name) or briefs.get("lab" + name)
        if one is None:
            raise CarryError("there is no assignment %s here; there are %s" % (
                incoming.shown(name), ", ".join(briefs) or "none: this handout is no course's"))
        if not one.may_give_up:
            raise CarryError("this course gives out no solution of %s" % one.name)
        texts = solution_in(reference, one) if reference else self.solution_file(one, old)
        wanted = {key for key in self.wanted if key[0] in one.exercises}
        lacks = sorted(wanted - set(texts))
        if lacks:
            raise CarryError("the solution has no region %s of exercise %s: it is of another "
                             "version; ask for the one of %s" % (*lacks[0][::-1],
                                                                self.about.version))
        self.texts.update((key, texts[key]) for key in wanted)
        self.lines.append("%s is the course's solution now: it is not your work, and not to be "
                          "handed in" % one.name)

    def solution_file(self, one, old):
        """The texts in the file that the course has handed out."""
        name = SOLUTION % one.name
        paths = [os.path.join(root, name) for root in (self.root, old) if root]
        path = next((each for each in paths if os.path.isfile(each)), None)
        if path is None:
            raise CarryError("there is no %s: ask your course for it, and put it at the top of this"
                             " tree" % name)
        try:
            found = handin.parse(incoming.file_data(path, handin.MAX_BYTES))
        except handin.HandinError as error:
            raise CarryError("%s: %s" % (path, error)) from None
        if found.assignment != one.name:
            raise CarryError("%s is of the assignment %s, and not of %s: ask your course for that"
                             % (path, found.assignment or "of no course", one.name))
        return {key: text for key, (text, _) in found.texts.items()}

    # -- writing

    def write(self):
        """Put the texts into the files of the tree. All are made before one is written."""
        new = {}
        for path in sorted({self.wanted[key].path for key in self.texts}):
            old = regions.read(self.root, path)
            before = {each.key: each.text for each in regions.parse(old, path)}
            moved = {key: self.texts[key] for key in before
                     if key in self.texts and before[key] != self.texts[key]}
            for key in moved:
                self.count[key[0]] = self.count.get(key[0], 0) + 1
            if moved:
                loses = any(not self.is_blank(key, before[key]) for key in moved)
                new[path] = regions.replace(old, path, moved), loses
            for key in sorted(key for key in self.texts if key not in before
                              and self.wanted[key].path == path):
                self.lines.append("does not fit: %s: the markers of %s are missing in this tree"
                                  % (path, key[1]))
        for path, (text, loses) in new.items():
            full = os.path.join(self.root, path)
            if loses:
                kept = backup(full)
                self.lines.append("%s had another text: it is kept as %s" % (
                    path, os.path.relpath(kept, self.root)))
            handin.write(full, text)

    def student(self, old):
        """Take the old tree's student.txt if this one has none that is filled in."""
        if not any(handin.read_student(self.root).values()):
            text = handin.student_text(old)
            if any(handin.student_in(text).values()):
                handin.write(os.path.join(self.root, handin.STUDENT), text)
                self.lines.append("%s: as in the old tree" % handin.STUDENT)


def backup(path):
    """Copy a file to a name that is free, as FILE.~1~; the name."""
    number = 1
    while os.path.lexists("%s.~%d~" % (path, number)):
        number += 1
    name = "%s.~%d~" % (path, number)
    shutil.copy2(path, name)
    return name


def solution_in(reference, one):
    """{(exercise, id): text} of the solution of an assignment in the teacher's tree."""
    return {region.key: region.text for region in regions.parse_tree(reference)
            if region.exercise in one.exercises}


def solution(reference, one, lab, version):
    """The text of the file with the solution of an assignment: a hand-in, by nobody."""
    found = [region for region in regions.parse_tree(reference)
             if region.exercise in one.exercises]
    result = handin.Handin(lab, version)
    result.assignment, result.exercises = one.name, list(one.exercises)
    result.student["name"] = "the course's solution"
    result.texts = {region.key: (region.text, 1) for region in found}
    return handin.to_text(result, found)


def run(root, old, solved_from, reference=None):
    """Carry into a tree, and print what was done. The exit status: 1 if something does not fit."""
    about = manifest.load(root)
    if about is None:
        raise CarryError("%s is no handout: %s is missing" % (root, manifest.NAME))
    if not old and not solved_from:
        raise CarryError("from which tree? tools/lab carry OLD_TREE")
    carrying = Carrying(root, about)
    if old:
        carrying.take_tree(old)
        carrying.tell_outside(old)
    for word in solved_from:
        carrying.take_solution(word, old, reference)
    carrying.write()
    if old:
        carrying.student(old)
    for number in sorted(carrying.count):
        print("%-4s %d regions" % (number, carrying.count[number]))
    if not carrying.count:
        print("nothing is other than it was")
    for line in carrying.lines:
        print(line)
    return 1 if any(line.startswith("does not fit") for line in carrying.lines) else 0
