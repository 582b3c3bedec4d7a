"""Which functions and variables of the kernel a text may use, as far as a handout tells.

`tools/lab grade` refuses a text whose object uses what the exercise does not need: see
exercise/symbols.py, which knows the reference. A student should hear of that before, and without
the reference. So .handout.json has, for each object that such a text goes into, what it may use:
not the names, because the names that a solution calls would be half of it, but 16 bits of a hash of
each. So a name can be tried, but no name can be read. A name that is allowed only because its hash
equals another one is not told here; what is told here, the grader refuses too if it grades the same
text.

Objects are those of the student's last build. They are read as data, and may be damaged.
"""
import glob
import hashlib
import os
import re
import struct

from exercise.regions import COMMENT, WORD, RegionError, is_blank, parse, read, replace

SYMTAB, UNDEFINED, LOCAL = 2, 0, 0
MAX_OBJECT = 16 << 20
INLINE = re.compile(r"^static (?:__\w+ )*inline\b[^;{]*\{.*?^\}|"
                    r"^[ \t]*\#[ \t]*define (?:[^\n]*\\\n)*[^\n]*", re.M | re.S)
TEXT = re.compile(r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""")
MEMBER = re.compile(r"(?:\.|->)\s*[A-Za-z_]\w*")
MAY = ("It may use what its hint names, the headers' inline functions, memset() and the like, "
       "cprintf() and assert()")
DIGITS = 4


# -- objects and texts

def object_of(path):
    """Where make puts the object of a source of the kernel or of a program, from the folder of
    objects."""
    return os.path.join("uobj" if path.startswith("user/") else "kobj", path + ".o")


def symbols_of(path):
    """(names that are undefined, names that others can use) of an object file."""
    with open(path, "rb") as file:
        data = file.read(MAX_OBJECT)
    start, = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQII", data, start + i * size) for i in range(count)]
    undefined, defined = set(), set()
    table = next(section for section in sections if section[1] == SYMTAB)
    for name, info, _, section, _, _ in struct.iter_unpack(
            "<IBBHQQ", data[table[4]:table[4] + table[5]]):
        if name and info >> 4 != LOCAL:
            at = sections[table[6]][4] + name
            text = data[at:data.index(0, at)].decode("utf-8", "replace")
            (undefined if section == UNDEFINED else defined).add(text)
    return undefined, defined


def headers_of(path):
    """The headers that an object was compiled with, by what the compiler has noted."""
    path = path[:-2] + ".d"
    if not os.path.isfile(path):
        return set()
    with open(path, encoding="utf-8", errors="replace") as file:
        words = file.read(MAX_OBJECT).replace("\\\n", " ").split()
    return {os.path.normpath(word) for word in words if word.endswith(".h")}


def spaces(match):
    """Blanks in place of a match; the ends of lines stay."""
    return re.sub(r"[^\n]", " ", match.group())


def code_of(text):
    """C code without its comments and literals; everything else stays in its place."""
    return TEXT.sub(spaces, COMMENT.sub(spaces, text))


def words_of(text):
    """All words of a text's code."""
    return set(WORD.findall(code_of(text)))


def inline_words(text):
    """The words of a header's inline functions and macros."""
    return {word for part in INLINE.findall(code_of(text)) for word in WORD.findall(part)}


def variables_of(text):
    """The words of a text that are not the names of members."""
    return set(WORD.findall(MEMBER.sub(" ", code_of(text))))


# -- what a handout tells

class Lists:
    """What .handout.json says of what texts may use.

    salt    with another salt the same name has another hash; it is the version of the handout
    common  the hashes of what every text may use
    files   {path: {exercise: hashes of what a text of that exercise may use there}}; under "" is
            what every text may use there. A file without exercises includes a header with a region
    """

    def __init__(self, salt, common, files):
        self.salt, self.common, self.files = salt, common, files

    def packed(self, path, names):
        """The hashes of these names, as a text; their order tells nothing."""
        return "".join(sorted(self.hash(path, name) for name in names))

    def hash(self, path, name):
        """The few digits that stand for a name in this file."""
        data = "\n".join((self.salt, path, name)).encode("utf-8", "replace")
        return hashlib.sha256(data).hexdigest()[:DIGITS]

    def allows(self, path, exercises, name):
        """May a text of one of these exercises use the name in this file?"""
        entry, own = self.files[path], self.hash(path, name)
        return (self.hash("", name) in unpacked(self.common)
                or any(own in unpacked(entry.get(each, "")) for each in ["", *exercises]))

    def to_json(self):
        """The value for .handout.json."""
        return {"common": self.common, "files": self.files}


def unpacked(text):
    """The hashes in a packed text."""
    return {text[at:at + DIGITS] for at in range(0, len(text), DIGITS)}


# -- a student's tree

class Object:
    """The object of a file; ValueError if the file or a header of it has changed since it was
    built.

    undefined, defined  names of the object
    outside             the words of the file that are not in the regions of these exercises, and
                        those of its headers' inline functions
    """

    def __init__(self, root, path, places, exercises, known):
        self.undefined, self.defined = set(), set()
        place = max((each for each in places if os.path.isfile(each)), key=os.path.getmtime)
        headers = [each for each in headers_of(place) if os.path.isfile(os.path.join(root, each))]
        built = os.stat(place).st_mtime_ns
        if any(os.stat(os.path.join(root, each)).st_mtime_ns > built for each in [path, *headers]):
            raise ValueError("it changed")
        self.undefined, self.defined = symbols_of(place)
        text = read(root, path)
        self.outside = words_of(replace(text, path, {
            region.key: "" for region in parse(text, path) if region.exercise in exercises}))
        for header in headers:
            if header not in known:
                known[header] = inline_words(read(root, header))
            self.outside |= known[header]


class Foreign:
    """What the texts of a tree use and may not use.

    errors   {(exercise, id): RegionError}
    unbuilt  the files of which that is not known, because they changed after they were built
    """

    def __init__(self, root, about, texts, objects=None):
        self.errors, self.unbuilt, self.objects = {}, [], {}
        self.lists, self.texts, self.headers, self.names = about.uses, texts, {}, {}
        self.regions = [region for region in about.regions if region.key in texts]
        if not self.lists:
            return
        written = {region.path for region in self.regions
                   if not is_blank(texts[region.key][0])}
        places = [objects] if objects else sorted(glob.glob(os.path.join(
            glob.escape(root), "obj", "*", "")))
        for path in sorted(self.lists.files):
            if path in written or any(each.endswith(".h") for each in written):
                self.load(root, path, places, {region.exercise for region in self.regions})
        own = {name for each in self.objects.values() for name in each.defined - each.outside}
        for path, each in self.objects.items():
            self.look(path, each, own)
        self.errors = {region.key: self.error(region, names)
                       for region, names in self.names.items()}

    def load(self, root, path, places, exercises):
        """Read the object of a file, or note that it is not known."""
        places = [os.path.join(place, object_of(path)) for place in places]
        try:
            self.objects[path] = Object(root, path, places, exercises, self.headers)
        except (OSError, ValueError, ArithmeticError, LookupError, StopIteration, struct.error,
                RegionError):
            self.unbuilt.append(path)

    def look(self, path, found, own):
        """Find the names that texts in this file use and may not; `own` are names that the
        student's texts define."""
        here = [region for region in self.regions if region.path == path]
        exercises = {region.exercise for region in here}
        for name in sorted(found.undefined - own):
            if not self.lists.allows(path, exercises, name):
                self.blame(name, here or [region for region in self.regions
                                          if region.path.endswith(".h")], found)
        for region in here:
            words = variables_of(self.texts[region.key][0]) & found.defined & found.outside
            for name in sorted(words):
                if not self.lists.allows(path, [region.exercise], name):
                    self.blame(name, [region], found)

    def blame(self, name, regions, found):
        """Note a name for the regions whose text has it. If none has it, a macro or the like hides
        it, and all get it. A name that only the rest of the file uses does not matter, because the
        rest is not handed in."""
        having = [region for region in regions
                  if name in words_of(self.texts[region.key][0])]
        for region in having or ([] if name in found.outside else regions):
            self.names.setdefault(region, set()).add(name)

    def error(self, region, names):
        """One RegionError for all these names of a region, at the first that stands in its text."""
        text, line = self.texts[region.key]
        code = code_of(text)
        places = sorted((match.start(), name) for name in names
                        for match in [re.search(r"\b%s\b" % re.escape(name), code)] if match)
        first = places[0][1] if places else min(names)
        more = sorted(names - {first})
        return RegionError(
            region.path, line + (code.count("\n", 0, places[0][0]) if places else 0),
            "%s%s%s not for this exercise: do without. %s" % (
                "" if places else "this text, as it is compiled, uses ", first, "%s%s" % (
                    " (also %s)" % ", ".join(more) if more else "",
                    " is" if places else ", which is"), MAY))

    @property
    def notes(self):
        """[a line for the student] if something is not known, else []."""
        return ["what the text in %s%s uses of the kernel is not known, for that changed after it "
                "was built: run make, then this again"
                % (self.unbuilt[0], " and %d more" % (len(self.unbuilt) - 1)
                   if self.unbuilt[1:] else "")] if self.unbuilt else []
