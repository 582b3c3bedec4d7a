"""Putting what a student wrote into the pristine tree. All that comes from a student is data: taken
from between the markers, vetted, and put where the pristine tree has the same region."""
import re

from exercise.regions import MARK, WORD, RegionError, kernel_files, parse, parse_tree, read, replace
from exercise.vet import vet

LITERAL = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
KEYWORDS = frozenset("""auto break case char const continue default do double else enum extern float
    for goto if inline int long register restrict return short signed sizeof static struct switch
    typedef typeof union unsigned void volatile while""".split())


def extract(text, region):
    """What a student's file has in the place of this region of the pristine tree: (text, line).
    Whatever happened to other markers does not matter."""
    lines = text.split("\n")
    marks = [(number, " ".join(line.split())) for number, line in enumerate(lines, 1)
             if MARK.search(line)]
    begins = [i for i, (_, mark) in enumerate(marks) if mark == region.begin]
    if not begins:
        raise RegionError(region.path, 1, "the line %s is missing or changed: put it back where "
                          "the handout has it" % region.begin)
    if len(begins) > 1:
        raise RegionError(region.path, marks[begins[1]][0], "the line %s is there twice: leave it "
                          "only where the handout has it" % region.begin)
    first = marks[begins[0]][0]
    last, mark = (marks + [(len(lines), "")])[begins[0] + 1]
    if mark != region.end:
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


class Names:
    """The words of a tree's code outside of all regions, as far as they matter to the texts in a
    file: what these may not define, or what stands behind them would mean something else."""

    def __init__(self, root):
        self.root, self.words, self.found = root, {}, {}

    def of_file(self, path):
        if path not in self.words:
            try:
                text = read(self.root, path)
                text = replace(text, path, {region.key: "" for region in parse(text, path)})
            except RegionError:                 # of a student's tree: told elsewhere
                text = ""
            self.words[path] = set(WORD.findall(LITERAL.sub(" ", text)))
        return self.words[path]

    def taken(self, path):
        """For a text in this file: its own words and those of all headers; in a header, all."""
        if path not in self.found:
            files = [other for top in ("kern", "libs") for other in kernel_files(self.root, top)
                     if other.endswith(".h") or other == path or path.endswith(".h")]
            self.found[path] = KEYWORDS.union(*map(self.of_file, files))
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
