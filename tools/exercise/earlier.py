"""Reading hand-ins of other versions of the handout, by the register of regions.

A region that was renamed or moved is found by every name that it ever had, in every file in which
it ever was. The text of a region that is gone is taken and ignored, with a note. If the tree and
the handout of a hand-in have different regions of an exercise, nobody can say what the student's
text is worth in this tree: such an exercise needs a look by a person, and gets no mark, which is
not the same as 0. But if something is missing in a hand-in of this very version, or if the hand-in
itself says that it is missing, that is the student's fault.
"""
from exercise import graft
from exercise.incoming import encoding_note
from exercise.regions import BEGIN, MARKER, Region, RegionError, is_blank


class Taken:
    """What a hand-in has for the regions of this tree.

    texts   {key: (text, line)}
    errors  {key: RegionError} of regions whose text cannot be taken
    looks   {exercise: why a person must look at it}
    notes   what was ignored
    """

    def __init__(self):
        self.texts, self.errors, self.looks, self.notes = {}, {}, {}, []


def is_of(found, reference):
    """Was this Handin made from a handout of the reference's own version?"""
    return bool(found.version) and found.version == reference.version


def had_none(found, reference, own):
    """Is an exercise with these regions newer than the first handouts, and this Handin of another
    version? Then its student was perhaps never asked to write it."""
    return not is_of(found, reference) and all(
        reference.register.entries[region.key].is_new for region in own)


def take(found, reference):
    """What a Handin has for the regions of this tree: the Taken."""
    taken, same = Taken(), is_of(found, reference)
    for (exercise, name), text in list(found.texts.items()) + [
            (key, None) for key in found.errors if key not in found.texts]:
        if exercise in reference.exercises:
            take_one(taken, reference, found, (exercise, name), text, same)
    drop_unused(taken, reference, found)
    for exercise in found.exercises if not same else ():
        for region in reference.of(exercise):
            if region.key not in taken.texts and region.key not in taken.errors:
                taken.looks.setdefault(exercise, "it has no region %s, which this tree has: was "
                                       "it made from another version?" % region.id)
    return taken


def drop_unused(taken, reference, found):
    """Blank what had no effect in the handout of a Handin, by what it left blank there."""
    for (exercise, name), (text, _) in found.texts.items():
        entry = reference.register.find(exercise, name)
        for id in entry.used if entry is not None and entry.gone and is_blank(text) else ():
            if not is_blank(taken.texts.get((exercise, id), ("", 1))[0]):
                taken.texts[exercise, id] = ("", 1)
                taken.notes.append("%s: %s is taken as blank: without %s, which was blank, it had "
                                   "no effect" % (exercise, id, entry.id))


def take_one(taken, reference, found, key, text, same):
    """Take one region of a hand-in, which is called `key` there. `text` is None if the hand-in has
    an error for it. `same` says that the hand-in is of this version."""
    (exercise, name), look = key, ""
    entry = reference.register.find(exercise, name)
    if entry is None:
        look = "it has a region %s, which this tree does not know" % name
    elif entry.gone:
        if text and not is_blank(text[0]):
            taken.notes.append("%s: the text of %s is ignored, that region is gone: %s"
                               % (exercise, name, entry.gone))
    elif entry.parts:
        look = "its region %s was split into %s" % (name, " and ".join(entry.parts))
    elif entry.key not in reference.keys:
        look = "its region %s is not in this tree" % name
    elif entry.key in taken.texts or entry.key in taken.errors:
        taken.texts.pop(entry.key, None)
        taken.errors[entry.key] = RegionError(entry.paths[-1], text[1] if text else 1,
                                              "the region %s is there twice" % entry.id)
    elif text is None:
        taken.errors[entry.key] = found.errors[key]
    else:
        taken.texts[entry.key] = text
    if look and same:
        taken.notes.append("%s: the text of %s is ignored: this version has no such region"
                           % (exercise, name))
    elif look:
        taken.looks.setdefault(exercise, look)


# -- trees

class Files:
    """The files of a tree that were read so far, each of them once. `notes` are about their
    encodings."""

    def __init__(self, tree):
        self.tree, self.found, self.notes = tree, {}, set()

    def text(self, path):
        """The text of a file; None if it cannot be read."""
        if path not in self.found:
            try:
                text, encoding = self.tree.text(path)
                self.notes.update([encoding_note(path, encoding)] if encoding else [])
            except RegionError:
                text = None
            self.found[path] = text
        return self.found[path]

    def markers(self, path):
        """The markers in a file, each without the blanks around it."""
        return [" ".join(line.split()) for line in (self.text(path) or "").split("\n")
                if MARKER.search(line)]


def take_tree(result, tree, register, listed):
    """Fill a Handin, which has its exercises already, with the regions of a tree: all that the
    register knows, in whatever file they ever were. `listed` are the regions that the tree's
    handout had, or None if nothing tells that. If one of these is not there that is an error; any
    other one is left out. Notes on encodings are returned."""
    texts, errors, files = result.texts, result.errors, Files(tree)
    named = {region.key: region for region in listed or ()}
    for entry in (each for number in result.exercises for each in register.of(number)):
        paths = [path for path in dict.fromkeys(entry.paths) if any(
            graft.begins(marker, entry.exercise, entry.names) for marker in files.markers(path))]
        mine = [named[entry.exercise, name] for name in entry.names
                if (entry.exercise, name) in named]
        region = mine[0] if mine else Region(*entry.key, "code", entry.paths[-1], 1)
        try:
            if len(paths) > 1:
                raise RegionError(paths[1], 1, "the region %s is in %s too: leave it only where "
                                  "the handout has it" % (entry.id, paths[0]))
            if paths:
                region.path = result.paths[entry.key] = paths[0]
            elif not mine or region.path not in entry.paths:
                continue
            texts[entry.key] = graft.extract(tree.text(region.path)[0], region, entry.names)
        except RegionError as error:
            errors[entry.key] = error
    unknown = named if listed is not None else begun(files)
    texts.update((key, ("", 1)) for key in unknown
                 if key[0] in result.exercises and register.find(*key) is None)
    return sorted(files.notes)


def begun(files):
    """The keys of all regions that begin in those files of a tree that were read."""
    found = [BEGIN.fullmatch(marker) for path in list(files.found)
             for marker in files.markers(path)]
    return {(begin.group(1), begin.group(4) or begin.group(3)) for begin in found if begin}
