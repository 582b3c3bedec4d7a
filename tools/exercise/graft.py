"""Putting what a student wrote into the pristine tree.

All that comes from a student is data: extract() takes it from between the markers, vet() judges it,
and graft() puts it into the same region of the pristine tree. What else a student has changed does
not matter, and cannot get in.

Names tells which words a text may not define. faults() looks at a student's own tree in the same
way, so that make grade tells the same as a course's grader.
"""
import contextlib
import re

from exercise.incoming import encoding_note
from exercise.regions import (BEGIN, MARKER, WORD, RegionError, parse, parse_tree, read,
                              read_noting, replace, source_files)
from exercise.vet import vet

LITERAL = re.compile(r"""/\*.*?(?:\*/|\Z)|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
INCLUDE = re.compile(r"^[ \t]*\#[ \t]*include[ \t]*[<\"]([\w./-]+)[>\"]", re.M)
DEFINE = re.compile(r"^[ \t]*\#[ \t]*define\b((?:.*\\\n)*.*)", re.M)
KEYWORDS = frozenset("""auto break case char const continue default do double else enum extern float
    for goto if inline int long register restrict return short signed sizeof static struct switch
    typedef typeof union unsigned void volatile while""".split())


def begins(marker, exercise, names):
    """Is this marker of a file the beginning of a region of this exercise with one of these ids?"""
    found = BEGIN.fullmatch(marker)
    return bool(found) and found.group(1) == exercise \
        and (found.group(4) or found.group(3)) in names


def extract(text, region, names=()):
    """What a student's file has in the place of this region of the pristine tree: (text, line where
    it begins). `names` are all ids and titles that the region has had. Its title does not matter,
    nor do changes of other markers."""
    lines = text.split("\n")
    markers = [(number, " ".join(line.split())) for number, line in enumerate(lines, 1)
               if MARKER.search(line)]
    found = [i for i, (_, marker) in enumerate(markers)
             if begins(marker, region.exercise, names or (region.id,))]
    if not found:
        raise RegionError(region.path, 1, "the line %s is missing or changed: put it back where "
                          "the handout has it" % region.begin)
    if len(found) > 1:
        raise RegionError(region.path, markers[found[1]][0], "the line %s is there twice: leave it "
                          "only where the handout has it" % region.begin)
    first = markers[found[0]][0]
    last, marker = (markers + [(len(lines), "")])[found[0] + 1]
    if marker != region.end:
        raise RegionError(region.path, last, "expected %s to end the region that begins in line "
                          "%d, and nothing like a marker before" % (region.end, first))
    return "".join(line + "\n" for line in lines[first:last - 1]), first + 1


def extract_tree(root, regions):
    """What a student's tree has for these regions: ({key: (text, line)}, {key: RegionError})."""
    texts, errors = {}, {}
    for region in regions:
        try:
            texts[region.key] = extract(read(root, region.path), region)
        except RegionError as error:
            errors[region.key] = error
    return texts, errors


def foreign(root, regions):
    """Notes on those files with these regions that are not UTF-8."""
    found = []
    for path in sorted({region.path for region in regions}):
        with contextlib.suppress(RegionError):
            encoding = read_noting(root, path)[1]
            found += [encoding_note(path, encoding)] if encoding else []
    return found


class Names:
    """The words of a tree's code that the texts in a file may not define.

    If a text defines such a word as a macro, the code behind it would mean something else. So these
    are the words of the file's own code outside of all regions, and of the macros of the headers
    that it includes. Other words of headers do not matter: the compiler has read these before the
    text.
    """

    def __init__(self, root):
        self.root, self.texts, self.found = root, {}, {}
        self.files = list(source_files(root, "kern", "libs", "user"))

    def text(self, path):
        """A file without its regions, comments and strings."""
        if path not in self.texts:
            try:
                text = read(self.root, path)
                text = replace(text, path, {region.key: "" for region in parse(text, path)})
            except RegionError:                 # a student's tree may be damaged: told elsewhere
                text = ""
            folder = "user/libs/" if path.startswith("user/") else "kern/"
            includes = [place for name in INCLUDE.findall(text)
                        for place in (folder + name, "libs/" + name) if place in self.files]
            self.texts[path] = LITERAL.sub(" ", text), includes
        return self.texts[path][0]

    def closure(self, path):
        """The headers that a file includes, directly and through other headers."""
        found, waiting = set(), [path]
        while waiting:
            self.text(waiting[-1])
            new = set(self.texts[waiting.pop()][1]) - found
            found |= new
            waiting += new
        return found

    def of_file(self, path):
        """All words of a file's code."""
        return set(WORD.findall(self.text(path)))

    def of_macros(self, path):
        """The words of a file's macros."""
        return {word for line in DEFINE.findall(self.text(path)) for word in WORD.findall(line)}

    def taken(self, path):
        """The words that a text in this file may not define. A text in a header goes into all files
        that include it, so their words count too."""
        if path not in self.found:
            files = {path}
            if path.endswith(".h"):
                files |= {other for other in self.files if path in self.closure(other)}
            headers = set().union(*map(self.closure, files))
            of_header = self.of_file if path.endswith((".h", ".S")) else self.of_macros
            self.found[path] = KEYWORDS.union(*map(self.of_file, files),
                                              *map(of_header, headers))
        return self.found[path]


def graft(text, path, texts, taken=()):
    """The text of a file of the pristine tree with a student's texts in it, {key: (text, line)}.
    RegionError for the first text that is refused. `taken` are the names that they may not
    define."""
    for region in parse(text, path):
        if region.key in texts:
            vet(region, *texts[region.key], taken)
    return replace(text, path, {key: pair[0] for key, pair in texts.items()})


def faults(root):
    """What vet() refuses in a tree as it is: {exercise: [RegionError, ...]}. make grade looks at a
    student's tree so before the compiler does, because a compiler tells of an open brace far behind
    it."""
    found, names = {}, Names(root)
    for region in parse_tree(root):
        try:
            vet(region, region.text, region.first, names.taken(region.path))
        except RegionError as error:
            found.setdefault(region.exercise, []).append(error)
    return found
