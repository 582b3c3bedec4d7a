"""The pages of the book, as Markdown: which there are, what they are called, where links lead.

labcodes.md is one text for its readers, and many pages of the book: what comes before the first lab
is `start`, and each lab is a page of its own, in which each heading stands one level higher. All
other pages are files: README.md, CONTRIBUTING.md, docs/*.md and LICENSE. What a tree has not, as a
handout, is not in its book.

An exercise whose text has no hints gets those that stand in its blank region too (tools/labs).

A link of a text leads to a file of the tree, maybe with #anchor, or to an #anchor of the same file.
target() tells the page of the book, and the anchor in it, for that. Nothing here needs pandoc.
"""
import os
import posixpath
import re

from labs import catalogue
from labs import hints as labs_hints

LABS, LICENSE = "labcodes.md", "LICENSE"
OF_CHINESE, GLOSSARY = "labcodes.zh.md", "docs/glossary.zh.md"
CHINESE = re.compile("[\u4e00-\u9fff]")
HEAD = re.compile(r"(#{1,6}) +(.+?) *#*$")
CHAPTER = re.compile(r"^## +(?:Lab|Chapter|实验) (\d+)(?!\w)", re.I)
EXERCISE = re.compile(r"##+ (?:Exercise|Challenge|练习|挑战) (\d\.\w)\b")
HINTED = re.compile(r"^\*\*(?:Hint|提示)", re.M)
MISTAKES = re.compile(r"^\*\*(?:(?:Common m|M)istakes|常见错误)", re.M)
TITLES = {"en": "**Hints.**", "zh": "**提示。**"}
# A hint that is longer than LONG comes in steps of at least STEP; Chinese letters are two wide.
LONG, STEP = 330, 160
WIDE = "[\u2e80-\u9fff\uff00-\uffef\u201c\u201d\u2026]"
ENDS = re.compile(r"(?<=[.?!]) (?=[A-Z`])|(?<=[。？！])(?=.)")     # where a sentence ends
# Pages that come first among those of docs/, in this order; the others follow by their names.
FIRST = ("docs/shell.md", "docs/running.md", "docs/install.md", "docs/tree.md", "docs/grading.md",
         "docs/teachers.md")


class BookError(Exception):
    """The book cannot be made; the text is for its maker."""


class Page:
    """One page of the book.

    name    of its file, without .html
    source  the file of the tree that its text is from
    part    "labs" or "docs": under which title the contents have it
    text    Markdown that begins with a heading of the first level, or a plain text
    folder  of the book, in which it is: "zh" for a page of the Chinese text, else ""
    """

    def __init__(self, name, source, part, text, folder=""):
        self.name, self.source, self.part, self.text = name, source, part, text
        self.folder = folder
        heads = list(headings(text))
        self.title = plain(heads[0][1]) if heads else os.path.basename(source)
        self.anchors = anchors(text)

    @property
    def language(self):
        """zh for a page in Chinese, else en: readers that speak, and hyphens, go by it."""
        return "zh" if CHINESE.search(self.title) else "en"

    @property
    def is_plain(self):
        """Is it shown as it is, letter by letter?"""
        return not self.source.endswith(".md")


def lines_of(text):
    """(line, whether it is code) of a Markdown text. Code is indented by four columns behind a
    blank line, or fenced."""
    fenced, code, blank = False, False, True
    for line in text.split("\n"):
        fence = line.lstrip().startswith("```")
        indented = line.startswith("    ")
        code = indented and (blank or code) or not line.strip() and code
        yield line, fenced or fence or bool(code and line.strip())
        fenced ^= fence
        blank = not line.strip()


def headings(text):
    """(level, text) of each heading."""
    for line, is_code in lines_of(text):
        head = not is_code and HEAD.match(line)
        if head:
            yield len(head.group(1)), head.group(2)


def plain(text):
    """A heading without the marks of Markdown."""
    return re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", text)


def slug(text):
    """The anchor that pandoc and GitHub make of a heading."""
    return re.sub(r"[^\w\- ]", "", plain(text).lower()).replace(" ", "-")


def anchors(text):
    """The anchors of a text, in order. The second one of a name gets -1 behind it."""
    found = {}
    for _, title in headings(text):
        name = slug(title)
        number = sum(1 for each in found.values() if each == name)
        found[name + ("-%d" % number if number else "")] = name
    return list(found)


def text_of(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def chapters(text):
    """(number of the lab, or None for what comes before the first one; text) of labcodes.md."""
    number, kept = None, []
    for line, is_code in lines_of(text):
        head = not is_code and CHAPTER.match(line)
        if head:
            yield number, "\n".join(kept)
            number, kept = int(head.group(1)), []
        raised = number is not None and not is_code and HEAD.match(line)
        kept.append(line[1:] if raised else line)
    yield number, "\n".join(kept)


def known_hints():
    """{exercise: its hint, paragraphs of plain text, in which only backquotes mean something}"""
    return {exercise.number: exercise.hint
            for lab in catalogue.load() for exercise in lab.exercises}


def escaped(text):
    """A plain text as Markdown, on one line. What is in backquotes is code, and so are lines that
    are indented."""
    line = " ".join(re.sub(r"\n {4}(\S[^\n]*)", r" `\1`", text).split())
    line = re.sub("(?<=%s) (?=%s)" % (WIDE, WIDE), "", line)
    return "".join(part if part.startswith("`") else re.sub(r"([\\*<_\[\]])", r"\\\1", part)
                   for part in re.split(r"(`[^`]*`)", line))


def steps(hint):
    """A hint of tools/labs, step by step, as Markdown: its paragraphs, the items of its lists, and
    of what is still long some sentences each."""
    for part in re.split(r"\n\s*\n|\n(?=- )", hint.strip("\n")):
        line = escaped(part[2:] if part.startswith("- ") else part)
        kept, is_long = "", width(line) > LONG
        for sentence in ENDS.split(line) if is_long else [line]:
            kept += (" " if kept and kept[-1].isascii() else "") + sentence
            if width(kept) >= STEP:
                yield kept
                kept = ""
        if kept:
            yield kept


def width(text):
    """How many columns a text takes."""
    return len(text) + len(re.findall(WIDE, text))


def hinted(text, hints):
    """A chapter in which each exercise has hints, before the list of mistakes."""
    parts = []
    for part in re.split(r"^(?=## )", text, flags=re.M):
        head = EXERCISE.match(part)
        hint = hints.get(head.group(1), "").strip() if head and not HINTED.search(part) else ""
        if hint:
            title = TITLES["zh" if CHINESE.search(part) else "en"]
            at = MISTAKES.search(part)
            at = at.start() if at else len(part)
            part = "%s\n\n%s\n\n%s\n\n%s" % (part[:at].rstrip("\n"), title, "\n".join(
                "- " + each for each in steps(hint)), part[at:])
        parts.append(part)
    return "".join(parts)


def load(root, hints=None):
    """All pages of a tree, in the order of the contents. Hints are those of tools/labs."""
    hints = known_hints() if hints is None else hints
    if not os.path.isfile(os.path.join(root, LABS)):
        raise BookError("%s is not in %s: run this at the top of the tree" % (LABS, root))
    found = [Page("start" if number is None else "lab%d" % number, LABS, "labs",
                  hinted(text, hints))
             for number, text in chapters(text_of(root, LABS))]
    folder = os.path.join(root, "docs")
    names = sorted(name for name in os.listdir(folder) if name.endswith(".md")) \
        if os.path.isdir(folder) else []
    docs = ["docs/" + name for name in names]
    docs = [path for path in FIRST if path in docs] + [path for path in docs if path not in FIRST]
    for path in ["README.md"] + docs + ["CONTRIBUTING.md", LICENSE]:
        if os.path.isfile(os.path.join(root, path)):
            name = os.path.splitext(os.path.basename(path))[0].lower()
            found.append(Page(name, path, "docs", text_of(root, path)))
    return found


def load_chinese(root):
    """The pages of the Chinese text, in the order of the contents: those of the labs have the names
    that they have in English. The license is among them, because it goes with each copy. None at
    all if the tree has no Chinese text."""
    if not os.path.isfile(os.path.join(root, OF_CHINESE)):
        return []
    hints = labs_hints.load("zh")
    found = [Page("start" if number is None else "lab%d" % number, OF_CHINESE, "labs",
                  hinted(text, hints), "zh")
             for number, text in chapters(text_of(root, OF_CHINESE))]
    if os.path.isfile(os.path.join(root, GLOSSARY)):
        found.append(Page("glossary.zh", GLOSSARY, "docs", text_of(root, GLOSSARY), "zh"))
    if os.path.isfile(os.path.join(root, LICENSE)):
        found.append(Page("license", LICENSE, "docs", text_of(root, LICENSE), "zh"))
    return found


def target(pages, page, link):
    """(Page, anchor) that a relative link of a page leads to. (None, path from the root) if that is
    no page of the book. (None, None) if it is an anchor that no page has."""
    path, _, anchor = link.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), path)) if path \
        else page.source
    of_file = [each for each in pages if each.source == path]
    if not of_file:
        return None, path
    if not anchor:
        return of_file[0], ""
    found = [each for each in [page] + of_file if each.source == path and anchor in each.anchors]
    return (found[0], anchor) if found else (None, None)
