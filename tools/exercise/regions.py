"""The regions of the exercises: finding them, giving them other texts, blanking them.

A region is what stands between two lines, in C and assembly alike:

    /* EXERCISE 5.3 begin: copy_entries */
    ...
    /* EXERCISE 5.3 end */

"copy_entries" is its title and its id. No two regions of an exercise have the same id, and an id
never changes: hand-ins of earlier handouts are read by it. A title may change. One that is not the
id any more has the id behind it, in square brackets:

    /* EXERCISE 5.3 begin: copy the pages [copy_entries] */

All ids that were ever handed out, and what became of them, are in regions.txt: see register.py.

Such a region is code in a function: blank, it stops the kernel with a message when it is reached.
One that begins with "begin extra: TITLE" is room for more, as helpers, fields, an entry in a table:
blank, it is just empty. One that begins with "begin given: TITLE" is never blank: a handout has a
text there that is complete and wrong, which the student mends. This text stands in
tools/given/N.M.c, between the same markers; load_given() reads it.

Regions may be in any source of kern/ and of user/.
"""
import collections
import os
import re
import shutil
import textwrap

from exercise.incoming import source_of

TITLE = r"\w[\w ,.-]*"                                 # a title, or an id
BEGIN = re.compile(r"/\* EXERCISE (\d+\.\w) begin( extra| given)?: (%s?)(?: \[(%s)\])? \*/"
                   % (TITLE, TITLE))
END = "/* EXERCISE %s end */"
# A line that is meant as a marker, right or wrong. These words further inside of a comment, or in a
# string, are prose.
MARKER = re.compile(r"/\*[ \t]*EXERCISE[ \t]+(\S+)[ \t]+(?:begin|end)\b")
KINDS = (".c", ".h", ".S")
TOPS = ("kern", "user")                                 # the folders whose files may have regions
GIVEN = "tools/given"
MAX_FILE = 1 << 20
WIDTH = 100

WORD = re.compile(r"\b[A-Za-z_]\w*")
COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*", re.S)
# Definitions of static functions and tables, in the layout that this tree has.
STATIC_FUNCTION = re.compile(r"^static [^=;{]*?\b(\w+)\([^;{]*\)\s*\{", re.M)
STATIC_TABLE = re.compile(r"^static [^;={]*?(\w+)(?:\[\w*\])+[^;={]*= \{", re.M)
POINTER = re.compile(r"\(\s*\*\s*(\w+)\s*\)\s*\([^()]*\)")
BLANK_CODE = re.compile(r'not_written\("\d+\.\w",\s*"[^"]*"[\w\s,]*\);?')


class RegionError(Exception):
    """Something is wrong with a region. The text is path:line: and a message that says what to
    do."""

    def __init__(self, path, line, message):
        super().__init__("%s:%d: %s" % (path, line, message))
        self.path, self.line, self.message = path, line, message


class Region:
    """One region of a tree.

    exercise     "5.3"
    number       counts the exercise's regions, from 1
    title        its name for people; it may change
    id           its name for ever; often the same as the title
    form         "code", "extra" or "given"
    key          (exercise, id): it is known by this, wherever it moves
    path         the path of its file, from the tree's root
    begin, end   its markers
    first, last  the lines of its text, without the markers; last < first if it is empty
    text         the text of these lines
    """

    def __init__(self, exercise, id, form, path, first, title=""):
        self.exercise, self.id, self.form, self.path = exercise, id, form, path
        self.key, self.end, self.title = (exercise, id), END % exercise, title or id
        self.begin = "/* EXERCISE %s begin%s: %s%s */" % (
            exercise, "" if form == "code" else " " + form, self.title,
            " [%s]" % id if self.title != id else "")
        self.first, self.last, self.number, self.text = first, first - 1, 1, ""

    @property
    def is_blank(self):
        """Is nothing written in it?"""
        return is_blank(self.text)


def is_blank(text):
    """Has this text of a region nothing but what a handout has there, and comments?"""
    return not BLANK_CODE.sub("", COMMENT.sub("", text)).strip()


def read(root, path):
    """The text of a file of a tree, which may be a student's: so a file outside of the tree, one
    that is too large, or any bytes in it do no harm. RegionError if it cannot be read."""
    return read_noting(root, path)[0]


def read_noting(root, path):
    """(the text of a file as read() gives it, the name of its encoding if that is not UTF-8)."""
    full = os.path.join(root, path)
    inside = os.path.realpath(full).startswith(os.path.join(os.path.realpath(root), ""))
    if not os.path.isfile(full) or not inside or not os.access(full, os.R_OK):
        raise RegionError(path, 1, "there is no such file in this tree that can be read")
    with open(full, "rb") as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise RegionError(path, 1, "the file has more than %d bytes" % MAX_FILE)
    return source_of(data)


def parse(text, path, known=None):
    """The Regions in the text of a file, in order. RegionError if a marker does not fit; or if
    `known` is given, the numbers of all exercises, and the text has another one."""
    regions, region, lines = [], None, text.split("\n")
    for number, line in enumerate(lines, 1):
        if not MARKER.search(line):
            continue
        marker = line.strip()
        begin = BEGIN.fullmatch(marker)
        if begin and not region:
            exercise, form, title, id = begin.groups()
            if known is not None and exercise not in known:
                raise RegionError(path, number, "there is no exercise %s; there are %s" % (
                    exercise, ", ".join(sorted(known))))
            region = Region(exercise, id or title, form.strip() if form else "code", path,
                            number + 1, title)
        elif region and marker == region.end:
            region.last = number - 1
            region.text = "".join(line + "\n" for line in lines[region.first - 1:region.last])
            regions.append(region)
            region = None
        else:
            raise RegionError(path, number, "this marker does not fit here; expected %s%s" % (
                region.end if region else "/* EXERCISE N.M begin: TITLE */",
                " for the region of line %d" % (region.first - 1) if region else ""))
    if region:
        raise RegionError(path, region.first - 1, "this region has no end: put %s behind it"
                          % region.end)
    return number_regions(regions)


def number_regions(regions):
    """Count the regions of each exercise; RegionError if two have the same id."""
    count, seen = {}, {}
    for region in regions:
        if region.key in seen:
            raise RegionError(region.path, region.first - 1, "exercise %s has a region \"%s\" "
                              "already, in %s: choose another id"
                              % (*region.key, seen[region.key]))
        seen[region.key] = region.path
        region.number = count[region.exercise] = count.get(region.exercise, 0) + 1
    return regions


def source_files(root, *tops):
    """The paths, from the root, of the sources in these folders; without any of them, of the files
    that may have regions."""
    for top in tops or TOPS:
        yield from sources_below(root, top)


def sources_below(root, top):
    """The paths, from the root, of the sources in one folder."""
    for folder, folders, names in os.walk(os.path.join(root, top)):
        folders.sort()
        for name in sorted(names):
            if name.endswith(KINDS):
                yield os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")


def parse_tree(root, known=None):
    """All Regions of a tree, in the order of path and line."""
    return number_regions([region for path in source_files(root)
                           for region in parse(read(root, path), path, known)])


def load_given(root):
    """{(exercise, id): text} of all texts that handouts have in the regions of the form "given"."""
    return {region.key: region.text
            for region in number_regions([each for path in sources_below(root, GIVEN)
                                          for each in parse(read(root, path), path)])}


def find(path, line):
    """The exercise to which a line of a file belongs, or None. Lines of a function around a region
    count too: there the compiler tells what the region lacks."""
    lines = read(os.path.dirname(path) or ".", os.path.basename(path)).split("\n")
    for back, text in enumerate(reversed(lines[:line])):
        begin = BEGIN.fullmatch(text.strip())
        if begin:
            return begin.group(1)
        marker = MARKER.search(text)
        if marker:
            if back == 0:                                   # the end marker itself
                return marker.group(1)
            break
    first = last = line - 1
    while first > 0 and not lines[first - 1].startswith("}"):
        first -= 1
    while last < len(lines) and not lines[last].startswith("}"):
        last += 1
    around = {begin.group(1) for begin in map(BEGIN.fullmatch, map(str.strip, lines[first:last]))
              if begin}
    return around.pop() if len(around) == 1 else None


def replace(text, path, texts):
    """The text of a file, whose regions get other texts, {(exercise, id): text}."""
    lines = text.split("\n")
    for region in reversed(parse(text, path)):
        if region.key in texts:
            new = texts[region.key]
            lines[region.first - 1:region.last] = new[:-1].split("\n") if new else []
    return "\n".join(lines)


def parameters(lines, region):
    """The names of the parameters of the function that a region stands in."""
    start = region.first - 2
    while start > 0 and lines[start] != "{":
        start -= 1
    head = start
    while head > 0 and lines[head - 1] and lines[head - 1][-1] not in ";}/":
        head -= 1
    inner = re.match(r"[^(]*\((.*)\)\s*$", "\n".join(lines[head:start]), re.S)
    # A pointer to a function is its own name, without the names of what that takes.
    parts = POINTER.sub(r"\1", inner.group(1)).split(",") if inner else []
    names = [WORD.findall(part.split("[")[0]) for part in parts if part.strip() != "void"]
    return [words[-1] for words in names if words]


def unused(text, regions):
    """{key: names} of these regions of a file: the names that the compiler would call unused if all
    of them were blank. These are parameters, and static functions and tables that serve nothing
    else. A blank region names them, so that a handout builds without a warning."""
    lines = text.split("\n")
    rest = COMMENT.sub(" ", replace(text, "", {region.key: "" for region in regions}))
    count, result = collections.Counter(WORD.findall(rest)), {}
    code = [region for region in regions if region.form == "code"]
    for region in code:
        words = set(WORD.findall(COMMENT.sub(" ", region.text)))
        above = "\n".join(lines[:region.first])
        statics = [name for pattern in (STATIC_FUNCTION, STATIC_TABLE)
                   for name in pattern.findall(above)
                   if count[name] == 1 and (name in words or region is code[-1])]
        count.subtract(statics)
        result[region.key] = parameters(lines, region) + statics
    return result


def hint_of(region, hint):
    """The lines of an exercise's hint for this region. A paragraph that begins with "ID: " is
    for the region of that id only; others are for the exercise's first region in the file."""
    for paragraph in filter(None, re.split(r"\n\s*\n", hint.strip("\n"))):
        id, colon, rest = paragraph.partition(": ")
        is_one = colon and re.fullmatch(TITLE, id)
        if is_one and id == region.id:
            yield from rest.split("\n")
        elif not is_one and region.number == 1:
            yield from paragraph.split("\n")


def comment(indent, lines, region):
    """These lines as one comment; RegionError if they would end it."""
    if "*/" in " ".join(lines):
        raise RegionError(region.path, region.first, "a hint cannot have */ in it")
    return indent + "/* " + ("\n" + indent + "   ").join(map(str.rstrip, lines)) + " */\n"


def blank_text(region, names, hint=""):
    """The text that a handout has in a region; `names` come from unused()."""
    indent = re.match(" *", region.text).group()
    lines = ["%s: %s. See labcodes.md, exercise %s." % (
        "Write here" if region.form == "code" else "Room for", region.title, region.exercise)]
    lines += hint_of(region, hint)
    result = comment(indent, lines, region)
    if region.form == "extra":
        return result
    if region.path.endswith(".S"):
        return result + '%snot_written("%s", "%s")\n' % (indent, *region.key)
    call = ", ".join(['not_written("%s", "%s"' % region.key] + names) + ");"
    return result + textwrap.fill(call, WIDTH, initial_indent=indent, break_on_hyphens=False,
                                  subsequent_indent=indent + " " * len("not_written(")) + "\n"


def given_text(region, given, hint=""):
    """What a handout has in a region of the form "given": its hint, and the text."""
    if region.key not in given:
        raise RegionError(region.path, region.first - 1, "%s/%s.c has no text for this region"
                          % (GIVEN, region.exercise))
    lines = ["%s. See labcodes.md, exercise %s." % (region.title, region.exercise)]
    return comment("", lines + list(hint_of(region, hint)), region) + given[region.key]


def is_as_given(text, given):
    """Is this text the given one, apart from comments and blanks?"""
    return COMMENT.sub(" ", text).split() == COMMENT.sub(" ", given).split()


def blank(text, path, exercises, hints=None, given=None):
    """The text of a file in which the regions of these exercises are as in a handout: blank, or
    given. hints are {"5.3": text}; `given` comes from load_given()."""
    regions = [region for region in parse(text, path) if region.exercise in exercises]
    names, hints = unused(text, regions), hints or {}
    return replace(text, path, {
        region.key: given_text(region, given or {}, hints.get(region.exercise, ""))
        if region.form == "given" else
        blank_text(region, names.get(region.key), hints.get(region.exercise, ""))
        for region in regions})


def blank_tree(source, destination, exercises, hints=None, ignore=("obj", ".git", "__pycache__")):
    """Copy a tree, in which these exercises are blank; files and folders named in `ignore` are left
    out."""
    regions, given = parse_tree(source), load_given(source)
    shutil.copytree(source, destination, ignore=shutil.ignore_patterns(*ignore))
    for path in sorted({region.path for region in regions if region.exercise in exercises}):
        text = blank(read(source, path), path, exercises, hints, given)
        with open(os.path.join(destination, path), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
