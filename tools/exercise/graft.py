"""Putting what a student wrote into the pristine tree. All that comes from a student is data: taken
from between the markers, vetted, and put where the pristine tree has the same region."""
import contextlib
import re

from exercise.incoming import encoding_note
from exercise.regions import (BEGIN, MARKER, WORD, RegionError, kernel_files, parse, parse_tree,
                              read, read_noting, replace)
from exercise.vet import vet

LITERAL = re.compile(r"""/\*.*?(?:\*/|\Z)|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
INCLUDE = re.compile(r"^[ \t]*\#[ \t]*include[ \t]*[<\"]([\w./-]+)[>\"]", re.M)
DEFINE = re.compile(r"^[ \t]*\#[ \t]*define\b((?:.*\\\n)*.*)", re.M)
KEYWORDS = frozenset("""auto break case char const continue default do double else enum extern float
    for goto if inline int long register restrict return short signed sizeof static struct switch
    typedef typeof union unsigned void volatile while""".split())


def begins(marker, exercise, names):
    """Is this marker, as it stands in a file, the begin of a region with one of these ids?"""
    found = BEGIN.fullmatch(marker)
    return bool(found) and found.group(1) == exercise \
        and (found.group(4) or found.group(3)) in names


def extract(text, region, names=()):
    """What a student's file has in the place of this region of the pristine tree: (text, line).
    `names` are what its id was taken for in earlier handouts. Its title does not matter, nor
    what happened to other markers."""
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
    """Notes on files with these regions that are not UTF-8."""
    found = []
    for path in sorted({region.path for region in regions}):
        with contextlib.suppress(RegionError):
            encoding = read_noting(root, path)[1]
            found += [encoding_note(path, encoding)] if encoding else []
    return found


class Names:
    """The words of a tree's code outside of all regions, as far as they matter to the texts in a
    file: what these may not define, or what stands behind them would mean something else. That is
    the file's own code, and the macros of the headers that it includes: what else is in headers has
    been read before."""

    def __init__(self, root):
        self.root, self.texts, self.found = root, {}, {}
        self.files = [path for top in ("kern", "libs") for path in kernel_files(root, top)]

    def text(self, path):
        """A file without its regions, comments and strings."""
        if path not in self.texts:
            try:
                text = read(self.root, path)
                text = replace(text, path, {region.key: "" for region in parse(text, path)})
            except RegionError:                 # of a student's tree: told elsewhere
                text = ""
            includes = [place for name in INCLUDE.findall(text)
                        for place in ("kern/" + name, "libs/" + name) if place in self.files]
            self.texts[path] = LITERAL.sub(" ", text), includes
        return self.texts[path][0]

    def closure(self, path):
        """The headers that a file includes, and those that these do."""
        found, waiting = set(), [path]
        while waiting:
            self.text(waiting[-1])
            new = set(self.texts[waiting.pop()][1]) - found
            found |= new
            waiting += new
        return found

    def of_file(self, path):
        return set(WORD.findall(self.text(path)))

    def of_macros(self, path):
        return {word for line in DEFINE.findall(self.text(path)) for word in WORD.findall(line)}

    def taken(self, path):
        """For a text in this file. A header's goes wherever that is included."""
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
    """A file of the pristine tree with a student's texts in it, {key: (text, line)}; RegionError
    for the first that is refused. `taken` are the names that they may not define."""
    for region in parse(text, path):
        if region.key in texts:
            vet(region, *texts[region.key], taken)
    return replace(text, path, {key: pair[0] for key, pair in texts.items()})


def faults(root):
    """What vet() refuses in a tree as it is: {exercise: [RegionError, ...]}. A student's own tree
    is looked at before the compiler sees it, whose words about an open brace are far off."""
    found, names = {}, Names(root)
    for region in parse_tree(root):
        try:
            vet(region, region.text, region.first, names.taken(region.path))
        except RegionError as error:
            found.setdefault(region.exercise, []).append(error)
    return found
