"""What a handout knows of itself: its file .handout.json, which the teacher's tool writes.

It tells which exercises are to be written, and what every file was like outside of them. With it a
student's own tree can say what is still blank, what was changed where no grader looks, and what a
hand-in must contain. It is a help and no seal: grading never reads it to decide about marks.

decode() reads it as data of a student, so a damaged one is a sentence. look() compares a tree with
it; notes() does the same for make grade, and never stops that.
"""
import base64
import hashlib
import json
import os
import zlib

from exercise import assignment, graft, incoming, patches, vet
from exercise.allowed import DIGITS, Foreign, Lists
from exercise.regions import (BEGIN, END, MARKER, MAX_FILE, TITLE, Region, RegionError, is_as_given,
                              is_blank, load_given)
from tasks import catalogue

NAME = ".handout.json"
SCHEMA = "rvlab/handout/v1"
MAX_BYTES = 4 << 20
MAX_ENTRIES = 10000                                         # of files, of regions, of exercises
EXERCISE = r"[0-9]\.[0-9A-Za-z]"
PATH = r"(?!.*\.\.)[A-Za-z][^\\\0-\x1f]*"                  # it stays in the tree, and is one line
WATCHED = ("Makefile", "kern", "libs", "user", "tools")     # a student might change these
SHOWN = 4                                                   # a note names so many changes


class Manifest:
    """The content of .handout.json.

    lab      the number of the lab
    version  the version of the reference: 12 hexadecimal digits
    blank    the exercises that came blank, with those of later labs
    regions  the Regions of the exercises in `all_due`, without text
    files    {path: [digest, 4 hexadecimal digits for each line]}, without the blank regions
    uses     what the texts may use of the kernel, as allowed.Lists; None if that is not told
    assignments  of a course: the Briefs of what was handed out until now; the last one is due
    tasks    the numbers of the tasks that a student may choose
    base     {path: text} of the files that these tasks allow, as they were handed out
    """

    def __init__(self, lab, version, blank, regions, files, uses=None, assignments=(), tasks=(),
                 base=None):
        self.lab, self.version, self.blank = lab, version, list(blank)
        self.regions, self.files, self.uses = list(regions), dict(files), uses
        self.assignments = list(assignments)
        self.tasks, self.base = list(tasks), dict(base or {})

    @property
    def name(self):
        """The name of the assignment that is due; "" if the handout is no course's."""
        return self.assignments[-1].name if self.assignments else ""

    @property
    def due(self):
        """The exercises that are to be written: those of the assignment; or of this lab, and of
        labs before it that came blank too."""
        if self.assignments:
            return [exercise for exercise in self.blank
                    if exercise in self.assignments[-1].exercises]
        return self.all_due

    @property
    def all_due(self):
        """The same with the exercises of assignments before it that came blank too."""
        past = {exercise for each in self.assignments for exercise in each.exercises}
        return [exercise for exercise in self.blank if exercise in past
                or not past and int(exercise.split(".")[0]) <= self.lab]

    @property
    def due_tasks(self):
        """Those of the tasks which are asked for: of the assignment, or all of the lab."""
        return [each for each in self.tasks
                if not self.assignments or each in self.assignments[-1].exercises]

    def select(self, name=""):
        """Let it be about one assignment: that of this name, which was handed out until now, or the
        last one. Its regions are those of its exercises then. ValueError if there is none."""
        if name or self.assignments:
            one = assignment.find(self.assignments, name or self.name)
            self.assignments = self.assignments[:self.assignments.index(one) + 1]
            self.regions = [each for each in self.regions if each.exercise in one.exercises]
        return self

    def to_json(self):
        """The text of .handout.json, with a line for each file."""
        head = {"schema": SCHEMA, "lab": self.lab, "version": self.version, "blank": self.blank,
                "regions": [entry_of(region) for region in self.regions]}
        text = json.dumps(head, indent=1)[:-2] + ',\n '
        if self.assignments:
            text += '"assignments": %s,\n ' % json.dumps(
                [each.to_json() for each in self.assignments])
        if self.tasks:
            text += '"tasks": %s,\n "base": "%s",\n ' % (json.dumps(self.tasks), packed(self.base))
        if self.uses:
            text += '"uses": %s,\n ' % json.dumps(self.uses.to_json(), sort_keys=True)
        text += '"files": {\n'
        return text + ",\n".join("  %s: %s" % (json.dumps(path), json.dumps(entry))
                                 for path, entry in sorted(self.files.items())) + "\n }\n}\n"


def packed(base):
    """The texts of some files as one word: they are in a handout once more, and few read them."""
    text = json.dumps(base, sort_keys=True)
    return base64.b64encode(zlib.compress(text.encode("utf-8"), 9)).decode("ascii")


def unpacked(word):
    """The texts in such a word."""
    incoming.word(word, "[A-Za-z0-9+/=]*", "base")
    try:
        expander = zlib.decompressobj()
        data = expander.decompress(base64.b64decode(word, validate=True), MAX_BYTES)
    except (ValueError, zlib.error):
        raise incoming.BadValue("base is cut off or changed") from None
    found = incoming.table(incoming.json_of(data, MAX_BYTES), MAX_ENTRIES, "base")
    return {incoming.word(path, PATH, "a file of base"): incoming.word(text, "(?s).*", path)
            for path, text in found.items()}


def entry_of(region):
    """What .handout.json says of a region. The title is there only if it is not the id."""
    return [*region.key, region.form, region.path] + [region.title] * (region.title != region.id)


def region_of(value):
    """The Region that an entry names, without a text."""
    has_title = len(incoming.items(value, 5, "a region")) == 5
    exercise, id, form, path = incoming.items(value[:4], 4, "a region", 4)
    incoming.word(exercise, EXERCISE, "an exercise")
    incoming.word(id, TITLE, "the id of a region")
    title = incoming.word(value[4], TITLE, "the title of a region") if has_title else ""
    incoming.word(form, "code|extra|given", "the form of a region")
    incoming.word(path, PATH, "the file of a region")
    return Region(exercise, id, form, path, 1, title)


def file_of(path, value):
    """(digest of a file, digests of its lines) in an entry."""
    incoming.word(path, PATH, "a file")
    digest, lines = incoming.items(value, 2, path, 2)
    return (incoming.word(digest, "[0-9a-f]{24}", "the digest of " + path),
            incoming.word(lines, "(?:[0-9a-f]{4})*", "the lines of " + path))


def uses_of(version, value):
    """The allowed.Lists in a value; None if the value is None."""
    if value is None:
        return None
    hashes = "(?:[0-9a-f]{%d})*" % DIGITS
    files = incoming.table(incoming.member(incoming.table(value, 2, "uses"), "files"),
                           MAX_ENTRIES, "the files of uses")
    for path, entry in files.items():
        incoming.word(path, PATH, "a file")
        for exercise, text in incoming.table(entry, MAX_ENTRIES, path).items():
            incoming.word(exercise, EXERCISE + "|", "an exercise")
            incoming.word(text, hashes, "what may be used in " + path)
    return Lists(version, incoming.word(incoming.member(value, "common"), hashes, "common"), files)


def decode(data):
    """The Manifest in these bytes; ValueError, with one sentence, if they hold none."""
    try:
        found = incoming.table(incoming.json_of(data, MAX_BYTES), 100, "it")
        schema = incoming.member(found, "schema")
        if schema != SCHEMA:
            raise ValueError("its format is %s, not %s" % (incoming.shown(schema), SCHEMA))
        lab, version, blank, regions, files = (incoming.member(found, name) for name in (
            "lab", "version", "blank", "regions", "files"))
        return Manifest(
            incoming.number(lab, 0, 9, "lab"),
            incoming.word(version, "[0-9a-f]{0,64}", "version"),
            [incoming.word(each, EXERCISE, "an exercise")
             for each in incoming.items(blank, MAX_ENTRIES, "blank")],
            [region_of(each) for each in incoming.items(regions, MAX_ENTRIES, "regions")],
            {path: file_of(path, each)
             for path, each in incoming.table(files, MAX_ENTRIES, "files").items()},
            uses_of(version, found.get("uses")),
            [assignment.decode(each, EXERCISE) for each in incoming.items(
                found.get("assignments", []), MAX_ENTRIES, "assignments")],
            [incoming.word(each, EXERCISE, "a task")
             for each in incoming.items(found.get("tasks", []), MAX_ENTRIES, "tasks")],
            unpacked(found["base"]) if "base" in found else {})
    except ValueError as error:
        raise ValueError("%s is damaged: %s" % (NAME, error)) from None


def load(root):
    """The Manifest of a tree; None if the tree is no handout."""
    path = os.path.join(root, NAME)
    return decode(incoming.file_data(path, MAX_BYTES)) if os.path.lexists(path) else None


# -- what stands outside of the blank regions

def outside(data, blank):
    """[(line, text)] of a file without the texts in regions of these exercises. A region whose end
    is missing is not left out: its markers were changed, and that is to be told."""
    lines = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")
    if b"EXERCISE" not in data:
        return list(enumerate(lines, 1))
    result, number = [], 0
    while number < len(lines):
        line = " ".join(lines[number].split()) if MARKER.search(lines[number]) else lines[number]
        result.append((number + 1, line))
        number += 1
        begin = BEGIN.fullmatch(line)
        if begin and begin.group(1) in blank:
            last = number
            while last < len(lines) and not MARKER.search(lines[last]):
                last += 1
            if last < len(lines) and lines[last].strip() == END % begin.group(1):
                number = last
    return result


def digest_of(lines):
    """One digest for all these lines."""
    return hashlib.sha256("\n".join(text for _, text in lines).encode(
        "utf-8", "surrogateescape")).hexdigest()[:24]


def line_digest(text):
    """Four digits for one line."""
    return "%04x" % (zlib.crc32(text.encode("utf-8", "surrogateescape")) & 0xffff)


def summary(data, blank):
    """What .handout.json says of a file with this content."""
    lines = outside(data, blank)
    return digest_of(lines), "".join(line_digest(text) for _, text in lines)


def watched_files(root):
    """The files of a tree that are compared, as paths from its root."""
    for top in WATCHED:
        if os.path.isfile(os.path.join(root, top)):
            yield top
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(name for name in folders if name[0] not in "._")
            for name in sorted(names):
                if name[0] != "." and name[-1] != "~" and not name.endswith((".pyc", ".swp")):
                    yield os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")


def describe(root, lab, version, blank, regions, assignments=(), tasks=()):
    """The Manifest of a handout that has just been written; `tasks` are the Tasks that it has."""
    files = {}
    for path in watched_files(root):
        with open(os.path.join(root, path), "rb") as file:
            files[path] = summary(file.read(), set(blank))
    base = {path: patches.text_in(root, path) for path in files
            if any(task.may_change(path) for task in tasks)}
    about = Manifest(lab, version, blank, (), files, None, assignments,
                     [task.number for task in tasks], base)
    due = about.all_due
    about.regions = sorted((region for region in regions if region.exercise in due),
                           key=lambda each: each.exercise)
    return about


class Change:
    """A file that is not as it was handed out, and the first line that differs."""

    def __init__(self, path, line, what):
        self.path, self.line, self.what = path, line, what

    def __str__(self):
        return "%s:%d: %s" % (self.path, self.line, self.what)


def first_difference(lines, digests):
    """The first line of a file that does not fit its digest."""
    for index, (number, text) in enumerate(lines):
        if line_digest(text) != digests[4 * index:4 * index + 4]:
            return number
    return lines[-1][0]


def changes(manifest, root):
    """[Change] of all that was changed outside of the blank regions, by path."""
    blank, found, present = set(manifest.blank), [], set(watched_files(root))
    for path in sorted(present | set(manifest.files)):
        if path not in present:
            found.append(Change(path, 1, "removed"))
        elif path not in manifest.files:
            if path.startswith(("kern/", "libs/", "user/libs/")):
                found.append(Change(path, 1, "added"))
        else:
            try:
                data = incoming.file_data(os.path.join(root, path), MAX_FILE)
            except OSError as error:
                found.append(Change(path, 1, error.strerror))
                continue
            lines, (digest, digests) = outside(data, blank), manifest.files[path]
            if digest_of(lines) != digest:
                found.append(Change(path, first_difference(lines, digests), "changed"))
    return found


def patches_of(manifest, root):
    """({task: (patch, 1)}, {task: [PatchError]}) of what was changed in a tree for the tasks that
    its handout has. A task without a change is left out. Patches of tasks that are not due now go
    along: others may need their lines."""
    found, unfit = {}, {}
    for task in catalogue.load() if manifest.tasks else ():
        if task.number in manifest.tasks:
            text, wrong = patches.make(task, manifest.base, manifest.files, root,
                                       set(manifest.blank))
            if text:
                found[task.number] = text, 1
            if (text or wrong) and task.number in manifest.due_tasks:
                unfit[task.number] = wrong + strangers(manifest, root, task)
    return found, unfit


def strangers(manifest, root, task):
    """[PatchError] of what was changed in a tree, and no task of it takes into a patch."""
    tasks = [each for each in catalogue.load() if each.number in manifest.tasks]
    return [patches.PatchError("%s:%d" % (each.path, each.line), "%s, which %s does not allow: it "
                               "is not in the patch" % (each.what, task.number))
            for each in changes(manifest, root)
            if not any(one.may_change(each.path) or one.may_add(each.path) for one in tasks)]


# -- what is written, and what is not

class State:
    """How far an exercise is.

    blank    [(path, line)] of the code regions that are still blank. A challenge that has only room
             for more counts as blank if all of its regions are
    given    [(path, line)] of the regions that are as they were given
    errors   [RegionError] of the texts that a hand-in cannot contain
    total    how many regions count
    """

    def __init__(self):
        self.blank, self.given, self.errors, self.total = [], [], [], 0

    @property
    def word(self):
        if self.errors:
            return "refused"
        if not self.blank:
            return "as given" if len(self.given) == self.total else "written"
        return "still blank" if len(self.blank) == self.total else "begun"


def given_in(root):
    """load_given() of a student's tree; {} if the files are damaged, for they are only a help."""
    try:
        return load_given(root)
    except RegionError:
        return {}


def states(regions, texts, errors, names, foreign=None):
    """{exercise: State} for what graft.extract_tree() has found. `names` are the tree's
    graft.Names, `foreign` is its allowed.Foreign, if it has one."""
    result, given = {}, given_in(names.root)
    for exercise in sorted({region.exercise for region in regions}):
        state = result[exercise] = State()
        mine = [region for region in regions if region.exercise == exercise]
        code = [region for region in mine if region.form != "extra"] or mine
        state.total = len(code)
        for region in mine:
            if region.key in errors:
                state.errors.append(errors[region.key])
                continue
            text, line = texts[region.key]
            try:
                vet.vet(region, text, line, names.taken(region.path))
                if foreign and region.key in foreign.errors:
                    raise foreign.errors[region.key]
            except RegionError as error:
                state.errors.append(error)
            region.text = text
            if region.key in given and is_as_given(text, given[region.key]):
                state.given.append((region.path, line))
            if region in code and region.is_blank:
                state.blank.append((region.path, line))
        if code[0].form == "extra" and len(state.blank) < len(code):
            state.blank = []                    # a challenge need not use all the room that it has
    return result


def look(manifest, root, objects=None):
    """({exercise: State}, [Change], notes) of a handout that a student has worked on. It was built
    in the folder `objects`, or in one of those that make chooses."""
    texts, errors = graft.extract_tree(root, manifest.regions)
    foreign = Foreign(root, manifest, texts, objects)
    tasks = [task for task in catalogue.load() if task.number in manifest.tasks]
    changed, notes = [], []
    for each in changes(manifest, root):
        mine = [task.number for task in tasks
                if task.may_change(each.path) or task.may_add(each.path)]
        if mine:
            notes.append("%s, for the task %s" % (each, " or ".join(mine)))
        else:
            changed.append(each)
    return (states(manifest.regions, texts, errors, graft.Names(root), foreign), changed,
            foreign.notes + notes)


def empty(root, exercises):
    """{exercise: a sentence} of those of these exercises that have only room for more, of which
    nothing is used yet. What stands there in a handout is as if it were not there, so their tests
    only find that something is missing; a blank of another form says itself that it is reached.
    None of a tree that is no handout, or is damaged."""
    try:
        manifest = load(root)
        regions = manifest.select().regions if manifest else []
        mine = {exercise: [region for region in regions if region.exercise == exercise]
                for exercise in exercises}
        texts, errors = graft.extract_tree(root, sum(mine.values(), []))
    except (OSError, ValueError, RegionError):
        return {}
    return {exercise: "exercise %s (%s) is not written yet, at %s:%d" % (
                exercise, rooms[0].title, rooms[0].path, texts[rooms[0].key][1])
            for exercise, rooms in mine.items()
            if rooms and not any(room.form != "extra" or room.key in errors
                                 or not is_blank(texts[room.key][0]) for room in rooms)}


def some(items, text):
    """The first of these items as one text, and how many more there are."""
    more = len(items) - SHOWN
    return text.join(map(str, items[:SHOWN])) + ("%sand %d more" % (text, more) if more > 0 else "")


def notes(root=".", objects=None):
    """Lines for a student's `make grade`; none if the tree is no handout. It raises nothing:
    whatever is wrong with the tree, the grading goes on."""
    try:
        manifest = load(root)
        if manifest is None:
            return []
        manifest.select()
        found, changed, unknown = look(manifest, root, objects)
    except (OSError, ValueError, RegionError) as error:
        return ["note: what was changed in this tree is unknown: %s" % error]
    lines = []
    blank = ["%s (%s:%d)" % (exercise, *state.blank[0])
             for exercise, state in found.items() if state.blank and not state.errors]
    if blank:
        lines.append("note: still blank: " + some(blank, ", "))
    given = ["%s (%s:%d)" % (exercise, *state.given[0])
             for exercise, state in found.items() if state.given and not state.errors]
    if given:
        lines.append("note: still as it was given, to be mended: " + some(given, ", "))
    lines += ["note: exercise %s cannot be handed in like this: %s" % (exercise, state.errors[0])
              for exercise, state in found.items() if state.errors]
    lines += ["note: " + note for note in graft.foreign(root, manifest.regions) + unknown]
    if changed:
        lines.append("note: changed outside of the exercises, where a course's grader does not "
                     "look: " + some(changed, "; "))
    return lines
