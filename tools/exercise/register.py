"""The register of regions: all that were ever handed out, and what became of each.

A region has an id that never changes: hand-ins of an earlier handout name their texts by it. Its
title may change, it may move, be split, or go. regions.txt beside this file has a line for each id
that a handout ever had, with each file in which the region ever was; the line always stays:

    5.4 | break_cow | kern/mm/fault.c kern/mm/cow.c | title: copy the page
    5.5 | do_wait | kern/process/exit.c | split into: find_child; reap_child
    5.5 | find_child | kern/process/exit.c | new
    5.C | entry of sys_vfork | kern/syscall/syscall.c | gone: the table fills itself

"title:" has other titles that it has or had; "new" says that the first handouts did not have it.
"used:" names regions that had no effect as long as this one, which is gone, was blank: a hand-in
that left it blank is graded as if it had left those blank too. No handout is made as long as
problems() finds that the register and the tree differ, so an id cannot get lost.
"""
import os
import re

from exercise import incoming
from exercise.regions import TITLE, RegionError

MAX_BYTES = 1 << 20
SHOWN = 80                      # characters of a damaged field
FILE = "tools/exercise/regions.txt"
EXERCISE = r"\d\.\w"
PATH = r"(?:kern|user)/[\w./-]+"


class Entry:
    """What the register says of a region.

    exercise, id  together they are its key
    paths         [path] of the files in which it is or was
    titles        the titles that it has or had, without the id
    gone          why it is gone; "" if it is not
    parts         the ids of the regions into which it was split
    used          the ids of the regions that had no effect without it
    is_new        whether the first handouts did not have it
    line          its line in the register
    """

    def __init__(self, exercise, id, paths, line=0):
        self.exercise, self.id, self.paths, self.line = exercise, id, list(paths), line
        self.titles, self.gone, self.parts, self.used, self.is_new = [], "", [], [], False

    @property
    def key(self):
        """(exercise, id): no two entries have the same."""
        return self.exercise, self.id

    @property
    def names(self):
        """All names that it ever had: its id and its titles."""
        return [self.id] + self.titles

    @property
    def is_over(self):
        """Has the tree no such region any more?"""
        return bool(self.gone or self.parts)

    def add(self, field):
        """Take one of the fields behind the paths; the result is False if it is no such field."""
        word, _, rest = field.partition(":")
        values = [each.strip() for each in rest.split(";") if each.strip()]
        if word == "gone" and rest.strip():
            self.gone = rest.strip()
        elif word in ("title", "split into", "used") and values and all(
                re.fullmatch(TITLE, each) for each in values):
            {"title": self.titles, "used": self.used}.get(word, self.parts).extend(values)
        elif field == "new":
            self.is_new = True
        else:
            return False
        return True


class Register:
    """All entries, in order.

    entries  {(exercise, id): Entry}
    names    {(exercise, name): Entry}, by each name that the region ever had
    """

    def __init__(self, entries=()):
        self.entries, self.names = {}, {}
        for entry in entries:
            self.add(entry)

    def add(self, entry):
        """Add an Entry; RegionError if another one of the exercise had one of its names."""
        for name in entry.names:
            other = self.names.setdefault((entry.exercise, name), entry)
            if other is not entry:
                raise RegionError(FILE, entry.line or 1, "line %d has a region \"%s\" of exercise "
                                  "%s already" % (other.line, name, entry.exercise))
        self.entries[entry.key] = entry

    def find(self, exercise, name):
        """The Entry of the region that has or had this name; None if there never was one."""
        return self.names.get((exercise, name))

    def of(self, exercise):
        """The Entries of an exercise."""
        return [entry for entry in self.entries.values() if entry.exercise == exercise]

    @property
    def paths(self):
        """All files in which any region is or was."""
        return {path for entry in self.entries.values() for path in entry.paths}

    def with_regions(self, regions):
        """This register, to which the regions and paths of a tree are added that nobody has entered
        yet: a grading must work in a tree whose register is not complete."""
        for region in regions:
            entry = self.entries.get(region.key)
            if entry is None:
                entry = Entry(*region.key, [region.path])
                entry.is_new = True
                self.add(entry)
            if region.path not in entry.paths:
                entry.paths.append(region.path)
        return self


def parse(text):
    """The Register in the text of its file."""
    register = Register()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|")]
        paths = fields[2].split() if len(fields) > 2 else []
        if not (paths and re.fullmatch(EXERCISE, fields[0]) and re.fullmatch(TITLE, fields[1])
                and all(re.fullmatch(PATH, path) for path in paths)):
            raise RegionError(FILE, number, "expected \"exercise | id | paths\", as in \"5.4 | "
                              "break_cow | kern/mm/fault.c\"")
        entry = Entry(fields[0], fields[1], paths, number)
        for field in fields[3:]:
            if not entry.add(field):
                raise RegionError(FILE, number, "\"%s\" is none of \"title: A TITLE; ANOTHER\", "
                                  "\"gone: WHY\", \"split into: ID; ID\", \"used: ID; ID\", "
                                  "\"new\"" % incoming.plain(field, SHOWN))
        register.add(entry)
    return register


def load(root):
    """The Register of a tree; an empty one if the tree has none. RegionError if it is no register,
    or no file."""
    path = os.path.join(root, FILE)
    if not os.path.lexists(path):
        return Register()
    try:
        return parse(incoming.sure_text_of(incoming.file_data(path, MAX_BYTES)))
    except incoming.BadValue as error:
        raise RegionError(FILE, 1, error)
    except OSError as error:
        raise RegionError(FILE, 1, error.strerror)


def problems(register, regions):
    """A RegionError for each place in which the register and the regions of a tree do not agree;
    its text says what to write."""
    found, here = [], {region.key for region in regions}
    for region in regions:
        entry = register.entries.get(region.key)
        place = region.path, region.first - 1
        if entry is None:
            found.append(RegionError(*place, "%s has no region \"%s\" of exercise %s. Is it an old "
                                     "one: give it its id again, in brackets. Is it new: add the "
                                     "line \"%s | %s | %s | new\"" % (
                                         FILE, region.id, region.exercise, *region.key,
                                         region.path)))
        elif entry.is_over:
            found.append(RegionError(*place, "%s says in line %d that the region \"%s\" is gone or "
                                     "split: a new one needs a new id" % (FILE, entry.line,
                                                                          region.id)))
        else:
            missing = [] if region.path in entry.paths else ["the path " + region.path]
            missing += [] if region.title in entry.names else ["\"title: %s\"" % region.title]
            found += [RegionError(FILE, entry.line, "the region \"%s\" of exercise %s has %s now: "
                                  "add it to what stands here" % (*region.key[::-1], each))
                      for each in missing]
    for entry in register.entries.values():
        if not entry.is_over and entry.key not in here:
            found.append(RegionError(FILE, entry.line, "the tree has no region \"%s\" of exercise "
                                     "%s any more: give it its id back, as in \"begin: NEW TITLE "
                                     "[%s]\", or say here \"gone: WHY\" or \"split into: ID; ID\""
                                     % (entry.id, entry.exercise, entry.id)))
        found += [RegionError(FILE, entry.line, "there is no region \"%s\" of exercise %s" % (
            part, entry.exercise)) for part in entry.parts + entry.used
            if (entry.exercise, part) not in register.entries]
    return found
