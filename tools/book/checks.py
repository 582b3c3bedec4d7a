"""Checks of the book that need no pandoc: links, pictures and commands of its pages.

complaints() gives a line for each thing that is wrong, "file: what":

- a relative link, or a picture, leads to a file of the tree, and its #anchor to a heading there;
- a picture has a text beside it, 40 columns long at least, and so has what is drawn in it: <title>;
- a command names a target and knobs that Makefile has, tests, exercises, labs and programs that are
  there, a tool of the tree, and options that stand in the tool's source.

What commands do is not tried here: tools/test/test_labcodes.py runs those of labcodes.md.
"""
import fnmatch
import os
import re
import shlex

from book import sources
from labs import catalogue
from tasks import catalogue as tasks

LINK = re.compile(r"(!?)\[((?:[^][`]|`[^`]*`|\[[^]]*\])*)\]\(([^)\s]+)\)", re.S)
COMMAND = re.compile(r"^(?:make|tools/(?:lab|disk)|python3 (?:-m \w+ )?tools/\S+)(?:\s|$)")
IMPORT = re.compile(r"^[ \t]*(?:from ([\w.]+) import (\w[\w, ]*|\([\w,\s]*\))|import (\w+))",
                    re.M)
CONTINUED = re.compile(r"[ \t]*\\\n[ \t]*")
INLINE = re.compile(r"`([^`]+)`")
# Words behind which a command ends, and values that stand for others.
REMARK = re.compile(r"\s{2,}|\s+#|;|\s&&")
STANDS_FOR = re.compile(r"^(?:name|NAME|\w*\.\.\.|N\.M|\w*\.\w\.\w|)$")
NAMED = re.compile(r"<title[ >]|<svg [^>]*aria-label=")
MIN_TEXT = 40


class Names:
    """What commands may name in this tree."""

    def __init__(self, root):
        self.root = root
        make = sources.text_of(root, "Makefile")
        self.targets = set(re.findall(r"^([\w.-]+):", make, re.M))
        self.knobs = set(re.findall(r"^(\w+) \?=", make, re.M))
        labs = catalogue.load()
        self.tests = {test.name for group in (labs, tasks.load()) for each in group
                      for test in each.tests}
        self.exercises = {exercise.number for lab in labs for exercise in lab.exercises}
        self.labs = {str(lab.number) for lab in labs}
        self.programs = {name[:-2] for name in os.listdir(os.path.join(root, "user"))
                         if name.endswith(".c")}

    def unknown(self, knob, value):
        """What of a knob's value is not there, or None."""
        words = value.split()
        if any(STANDS_FOR.match(word) for word in words):
            return None
        if knob == "TEST":
            return next((word for word in words if not fnmatch.filter(self.tests, word)), None)
        if knob == "PROG":
            return words[0] if words and words[0] not in self.programs else None
        known = {"EX": self.exercises, "LAB": self.labs}.get(knob)
        return next((word for word in words if known is not None and word not in known), None)

    def wrong_in_make(self, words):
        """Sentences about a command of make."""
        for word in words[1:]:
            knob, equals, value = word.partition("=")
            if word.startswith("-") or word.isdigit():
                continue
            if not equals and word not in self.targets and not STANDS_FOR.match(word):
                yield "make has no target %s" % word
            elif equals and knob not in self.knobs:
                yield "make has no knob %s=" % knob
            elif equals and self.unknown(knob, value):
                yield "there is no %s=%s" % (knob, self.unknown(knob, value))

    def wrong_in_tool(self, words):
        """Sentences about a command that runs a tool of the tree."""
        path = next(word for word in words if word.startswith("tools/"))
        full = os.path.join(self.root, path)
        if not os.path.exists(full) and not re.search(r"NAME|\*|_X", path):
            yield "%s is not there" % path
        elif os.path.isfile(full) and "/test/" not in path and "unittest" not in words:
            source = self.source_of(path)
            for word in words[words.index(path) + 1:]:
                option = word.split("=")[0]
                if re.match(r"--?[a-z]", option) and option != "--help" and \
                        not re.search(r"[\"'(\s]%s\b" % re.escape(option), source):
                    yield "%s has no option %s" % (path, option)

    def source_of(self, path):
        """The source of a tool, with that of the modules of tools/ that it imports."""
        waiting, seen = [path], {}
        while waiting:
            path = waiting.pop()
            if path in seen or not os.path.isfile(os.path.join(self.root, path)):
                continue
            seen[path] = sources.text_of(self.root, path)
            for folder, names, module in IMPORT.findall(seen[path]):
                places = [module, folder.replace(".", "/")]
                places += [folder.replace(".", "/") + "/" + name.strip("() \n").split(" ")[0]
                           for name in names.split(",")]
                waiting += ["tools/%s.py" % place for place in places if place]
        return "\n".join(seen.values())

    def wrong(self, command):
        """Sentences about a command."""
        try:
            words = shlex.split(command)
        except ValueError as error:
            return ["`%s` is no command: %s" % (command, error)]
        found = self.wrong_in_make(words) if words[0] == "make" else self.wrong_in_tool(words)
        return ["%s, in `%s`" % (each, command) for each in found]


def commands(text):
    """The commands that a text shows: lines of code that are one, and words in backquotes."""
    for line, is_code in sources.lines_of(CONTINUED.sub(" ", text)):
        if is_code:
            if COMMAND.match(line.strip()):
                yield REMARK.split(line.strip())[0]
    prose = "\n".join("" if is_code else line for line, is_code in sources.lines_of(text))
    for inside in INLINE.findall(prose):
        inside = " ".join(inside.split())
        if COMMAND.match(inside) and " " in inside:
            yield REMARK.split(inside)[0]


def links(text):
    """(is it a picture, the words, the target) of each link of a text."""
    prose = "\n".join("" if is_code else line for line, is_code in sources.lines_of(text))
    for mark, words, link in LINK.findall(prose):
        yield bool(mark), " ".join(words.split()), link


def wrong_link(root, pages, page, is_picture, words, link):
    """What is wrong with a link, or None."""
    if "://" in link:
        return "a picture comes from elsewhere: %s" % link if is_picture else None
    other, place = sources.target(pages, page, link)
    if place is None:
        return "%s leads to no heading" % link
    if other is None and not os.path.exists(os.path.join(root, place)):
        return "%s is not there" % link
    if is_picture and sources.width(words) < MIN_TEXT:
        return "%s has no text beside it that tells what is drawn" % link
    if is_picture and not NAMED.search(sources.text_of(root, place)):
        return "%s has no <title>" % link
    return None


def complaints(root, pages):
    """All that is wrong in the pages of a tree."""
    names = Names(root)
    for page in pages:
        if page.is_plain:
            continue
        for is_picture, words, link in links(page.text):
            wrong = wrong_link(root, pages, page, is_picture, words, link)
            if wrong:
                yield "%s: %s" % (page.source, wrong)
        for command in commands(page.text):
            for wrong in names.wrong(command):
                yield "%s: %s" % (page.source, wrong)
