"""Putting what a student wrote into the pristine tree. All that comes from a student is data: taken
from between the markers, vetted, and put where the pristine tree has the same region."""
from exercise.regions import (COMMENT, MARK, WORD, RegionError, kernel_files, parse, parse_tree,
                              read, replace)
from exercise.vet import vet


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


def names_outside(root, exercise):
    """All words of the pristine tree's code that do not stand in this exercise's regions: what a
    student's text may not define."""
    words = set()
    for path in kernel_files(root):
        text = read(root, path)
        own = {region.key: "" for region in parse(text, path) if region.exercise == exercise}
        words.update(WORD.findall(COMMENT.sub(" ", replace(text, path, own))))
    return words


def graft(text, path, texts, taken=()):
    """A file of the pristine tree with a student's texts in it, {key: (text, line)}; RegionError
    for the first that is refused. `taken` are the names of names_outside()."""
    for region in parse(text, path):
        if region.key in texts:
            vet(region, *texts[region.key], taken)
    return replace(text, path, {key: pair[0] for key, pair in texts.items()})


def faults(root):
    """What vet() refuses in a tree as it is: {exercise: [RegionError, ...]}. A student's own tree
    is looked at before the compiler sees it, whose words about an open brace are far off."""
    found = {}
    for region in parse_tree(root):
        try:
            vet(region, region.text, region.first)
        except RegionError as error:
            found.setdefault(region.exercise, []).append(error)
    return found
