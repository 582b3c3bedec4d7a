"""Patches: what a student changed for a task, as the lines that `diff -u` would write.

A task (tools/tasks) has no regions: its student finds the places. A patch is made of the files that
the task allows, and applied to the reference, in both places *without* the texts in the regions of
exercises: make() empties these before it compares, apply() before it looks for the lines, and puts
the reference's own back. So what a student wrote in an exercise neither gets into a patch nor keeps
one from being applied.

A patch is a student's text: parse() reads it as data, apply() takes it only where its lines fit
without a doubt, and vet() says what it may not have. PatchError tells which file, and what to do.
"""
import bisect
import collections
import difflib
import os
import re

from exercise import incoming, vet
from exercise.lexer import Complaint, Lexer
from exercise.regions import (KINDS, MAX_FILE, RegionError, parse as parse_regions, replace,
                              source_files)

MAX_BYTES, MAX_FILES, MAX_NEW = 256 << 10, 64, 64 << 10
CONTEXT = 3
CODE = ("kern", "libs", "user")
NOTHING = "/dev/null"
FILE = re.compile(r"(?:--- (?:a/(\S+)|(/dev/null))|\+\+\+ b/(\S+))")
HUNK = re.compile(r"@@ -(\d{1,7})(?:,(\d{1,7}))? \+(\d{1,7})(?:,(\d{1,7}))? @@.*")
INCLUDE = re.compile(r"[ \t]*#[ \t]*include\b[ \t]*(.*)")
PLAIN = re.compile(r"(?!.*\.\.)[a-z]+(?:/\w[\w.-]{0,63}){1,4}", re.A)   # a path
HEADER = re.compile(r"[<\"]([\w./-]+)[>\"]")
NAME = re.compile(r"[ \t]*#[ \t]*(?:define|undef)[ \t]+(\w+)", re.A)
JOINED = "joined words (##)"            # they could make a word that is not allowed of two pieces


class PatchError(ValueError):
    """(file, why): a patch cannot be made, read or applied."""

    def __str__(self):
        return "%s: %s" % self.args


class Unfit(PatchError):
    """The lines of a patch are not those of the file to which it is applied."""


class Hunk:
    """One place: the line at which it begins in the old file, the old lines, the new lines."""

    def __init__(self, first, old, new):
        self.first, self.old, self.new = first, old, new


class Change:
    """What a patch does to one file: its path, whether it makes it, and its Hunks."""

    def __init__(self, path, is_new):
        self.path, self.is_new, self.hunks = path, is_new, []


def skeleton(text, path):
    """The text of a file without what stands in the regions of exercises."""
    if not path.endswith(KINDS):
        return text
    try:
        return replace(text, path, {region.key: "" for region in parse_regions(text, path)})
    except RegionError as error:
        raise PatchError(path, "the markers of its exercises are damaged: %s" % error) from None


# -- making one

def text_in(root, path):
    """The text of a file of a student's tree, with LF as end of line."""
    try:
        data = incoming.file_data(os.path.join(root, path), MAX_FILE)
    except OSError as error:
        raise PatchError(path, error.strerror) from None
    text = incoming.text_of(data)
    if "\0" in text:
        raise PatchError(path, "this is no text: a patch has texts only")
    return text if text.endswith("\n") or not text else text + "\n"


def difference(path, old, new):
    """The lines of a patch for one file; `old` is None if the patch makes it."""
    names = (NOTHING if old is None else "a/" + path, "b/" + path)
    return "".join(difflib.unified_diff((old or "").splitlines(True), new.splitlines(True), *names,
                                        n=CONTEXT)) if old != new else ""


def make(task, base, known, root, blank):
    """(the patch of a task, [PatchError] of what it cannot have). `base` has the files that it may
    change as they were handed out, {path: text}, `known` are the paths of all that was handed out,
    `blank` the exercises that came blank."""
    present = set(source_files(root, *CODE))
    found, wrong = [], []
    for path in sorted(path for path in base if task.may_change(path)):
        try:
            if path not in present:
                raise PatchError(path, "it was removed: a patch removes and renames no file")
            text = text_in(root, path)
            found.append(difference(path, skeleton(base[path], path), skeleton(text, path)))
            wrong += inside(base[path], text, path, blank)
        except PatchError as error:
            wrong.append(error)
    for path in sorted(path for path in present if path not in known and task.may_add(path)):
        try:
            found.append(difference(path, None, text_in(root, path)))
        except PatchError as error:
            wrong.append(error)
    return "".join(found), wrong


def inside(old, new, path, blank):
    """[PatchError] of regions that came solved and are changed: no grader looks there."""
    if not path.endswith(KINDS):
        return []
    texts = {region.key: region.text for region in parse_regions(old, path)}
    return [PatchError("%s:%d" % (path, region.first), "this is inside of exercise %s, which the "
                       "patch leaves as the reference has it: write it outside of the markers"
                       % region.exercise)
            for region in parse_regions(new, path) if region.exercise not in blank
            and texts.get(region.key, region.text) != region.text]


# -- reading one

def parse(text):
    """The [Change] of a patch; PatchError, with a line of the patch, if it is none."""
    lines, changes, at = text.split("\n"), [], 0
    if len(text) > MAX_BYTES:
        raise PatchError("the patch", "it has more than %d KiB" % (MAX_BYTES >> 10))
    while at < len(lines) and (lines[at].strip() or at < len(lines) - 1):
        old, new = (FILE.fullmatch(lines[each].split("\t")[0].rstrip()) if each < len(lines)
                    else None for each in (at, at + 1))
        if not old or not new or old.group(3) or not new.group(3) \
                or old.group(1) not in (None, new.group(3)):
            raise PatchError("line %d" % (at + 1), "expected \"--- a/FILE\" and \"+++ b/FILE\" of "
                             "one file; nothing is removed or renamed")
        if not PLAIN.fullmatch(new.group(3)):
            raise PatchError("line %d" % (at + 1), "this is no path of a file in a folder of the "
                             "tree, as kern/mm/pmm.c is one")
        change, at = Change(new.group(3), old.group(2) is not None), at + 2
        while at < len(lines) and lines[at].startswith("@@"):
            at = hunk(lines, at, change)
        if not change.hunks or change.path in (each.path for each in changes):
            raise PatchError(change.path, "the patch has no lines of it, or has it twice")
        changes.append(change)
    if len(changes) > MAX_FILES:
        raise PatchError("the patch", "it has more than %d files" % MAX_FILES)
    return changes


def hunk(lines, at, change):
    """Read the hunk that begins in this line; the line behind it. An empty line is an empty line of
    context, because mail programs remove blanks at the ends of lines."""
    head = HUNK.fullmatch(lines[at])
    if not head:
        raise PatchError("line %d" % (at + 1), "this is no head of a hunk")
    first, old, _, new = (int(each or 1) for each in head.groups())
    olds, news, at = [], [], at + 1
    while len(olds) < old or len(news) < new:
        line = lines[at] if at < len(lines) else "?"
        if line[:1] not in ("", " ", "+", "-"):
            raise PatchError("line %d" % (at + 1), "the hunk has fewer lines than its head says")
        olds += [line[1:]] * (line[:1] != "+")
        news += [line[1:]] * (line[:1] != "-")
        at += 1
    if (len(olds), len(news)) != (old, new):
        raise PatchError("line %d" % at, "the hunk has more lines than its head says")
    change.hunks.append(Hunk(first + (old == 0), olds, news))
    return at


# -- applying one

def changed(text, change):
    """The text of a file with a Change in it. The old lines of a hunk must be where it says, or,
    in another version of the file, at one other place only."""
    lines, result, done, shift = text.split("\n"), [], 0, 0
    for each in change.hunks:
        size, wanted = len(each.old), each.first - 1 + shift
        places = [at for at in range(done, len(lines) - size + 1)
                  if lines[at:at + size] == each.old] if size else [min(wanted, len(lines) - 1)]
        if wanted in places:
            places = [wanted]
        if len(places) != 1:
            raise Unfit("%s:%d" % (change.path, each.first), "the lines around this change "
                             "are %s in the reference" % ("in several places" if places else "not"))
        shift += places[0] - wanted
        result += lines[done:places[0]] + each.new
        done = places[0] + size
    return "\n".join(result + lines[done:])


def apply(task, changes, texts, present):
    """{path: text} of the files that differ from the reference with these Changes in it. `texts`
    are the reference's files that the task allows, `present` the paths of all that it has."""
    result = {}
    for change in changes:
        path = change.path
        if change.is_new and path in present or any(each.old for each in change.hunks
                                                    if change.is_new):
            raise PatchError(path, "the patch makes this file, which is there already")
        if path not in texts and not (change.is_new and task.may_add(path)):
            raise PatchError(path, "the task %s does not allow %s this file" % (
                task.number, "to make" if change.is_new else "to change"))
        if change.is_new:
            result[path] = "".join(line + "\n" for each in change.hunks for line in each.new)
            continue
        old = skeleton(texts[path], path)
        new = changed(old, change)
        if not path.endswith(KINDS):
            result[path] = new
            continue
        before, after = marks(old, path), marks(new, path)
        if before != after:
            raise PatchError(path, "the patch changes the markers of an exercise, or writes between"
                             " them: exercise %s. Write it outside of the markers" % " ".join(
                                 sorted({key[0] for key, _ in before ^ after})))
        result[path] = filled(new, path, texts[path])
    return result


def filled(new, path, old):
    """A text without regions, with those that its old text has."""
    return replace(new, path, {region.key: region.text for region in parse_regions(old, path)})


def marks(text, path):
    """{(key of a region, its text)} of a file."""
    try:
        return {(region.key, region.text) for region in parse_regions(text, path)}
    except RegionError as error:
        raise PatchError(path, "the patch damages the markers of an exercise: %s" % error) from None


# -- what it may not have

def vet_file(path, old, new, headers, taken):
    """Raise PatchError if a file may not become `new`. What its old text has, it may have: so words
    are counted. `headers` are the paths that it may include, `taken` names that it may not
    define."""
    added = added_lines(old, new)
    try:
        for number, line in added:
            vet.check_characters(line + "\n")
            check_include(line, old, headers)
            name = NAME.match(line)
            if name and name.group(1) in taken:
                raise Complaint(0, "the name %s is not the patch's to define" % name.group(1))
    except Complaint as complaint:
        raise PatchError("%s:%d" % (path, number), complaint.args[1]) from None
    try:
        before, after = words(old), words(new)
    except Complaint as complaint:
        offset, message = complaint.args
        raise PatchError("%s:%d" % (path, new.count("\n", 0, offset) + 1), message) from None
    more = sorted(word for word in after if len(after[word]) > len(before.get(word, ())))
    for word in more:
        lines = {number for number, _ in added}
        line = next((each for each in after[word] if each in lines), after[word][-1])
        raise PatchError("%s:%d" % (path, line), "%s is not allowed in a patch: use the functions "
                         "that the kernel has" % word)


def added_lines(old, new):
    """[(line, text)] of the lines that a new text has beyond the old one."""
    lines = new.split("\n")
    blocks = difflib.SequenceMatcher(None, old.split("\n"), lines, False).get_opcodes()
    return [(number + 1, lines[number]) for tag, _, _, first, last in blocks
            if tag in ("insert", "replace") for number in range(first, last)]


def check_include(line, old, headers):
    """Complain about a line that includes what is no header of the tree."""
    found = INCLUDE.match(line)
    name = found and HEADER.match(found.group(1))
    if found and line not in old.split("\n") and not (name and name.group(1) in headers):
        raise Complaint(0, "%s is no header that a patch may include" % (
            name.group(1) if name else "this"))


def words(text):
    """{word that no text of an exercise may have: the lines that have it} of a whole file."""
    lexer, found = Lexer(text), collections.defaultdict(list)
    ends = [at for at, letter in enumerate(text) if letter == "\n"]
    while True:
        tokens = lexer.line(True)
        if tokens is None:
            return found
        for token in tokens:
            bad = token.kind == "paste" and JOINED or token.kind == "word" and vet.WORDS.fullmatch(
                token.text) and token.text
            if bad:
                found[bad].append(bisect.bisect_left(ends, token.offset) + 1)


def headers_for(path, paths):
    """The names by which a file may include the headers among these paths."""
    tops = ("user/libs/", "libs/") if path.startswith("user/") else ("kern/", "libs/")
    return {each[len(top):] for each in paths for top in tops
            if each.endswith(".h") and each.startswith(top)}


def vet_all(task, texts, result, paths, taken):
    """Raise PatchError if the files of an applied patch, {path: text}, have what they may not.
    `paths` are the files of the reference, `taken` the words that are not to be defined in sources
    and in headers."""
    for path, text in result.items():
        old = texts.get(path, "")
        if len(text) - len(old) > MAX_NEW:
            raise PatchError(path, "the patch adds more than %d KiB to it" % (MAX_NEW >> 10))
        vet_file(path, old, text, headers_for(path, {*paths, *result}),
                 taken[path[-2:]] - set(task.names))
