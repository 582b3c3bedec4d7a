"""A drawing: boxes, words, lines and arrows on a sheet, and the SVG of them.

Each drawing has a title and a text, which tells in words what it shows: <title> and <desc>. Colours
are classes of style.css; the SVG brings them along, for light and dark, so that it can be looked at
alone, in plain Markdown and in an EPUB. What a fill tells, words in the box tell too.

Words that do not fit into their box, or are not on the sheet, are an error when the drawing is
made. Facts holds numbers and names of the kernel's headers, and says so if one of them is gone. It
also holds the language of its drawings: words.py has what they say in another than English.
"""
import html
import os
import re

from book.words import DrawingError, English

STYLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "style.css")
SIZE = 13                               # of letters
WIDE = 0.61                             # of a letter, by its size: DejaVu Sans and DejaVu Sans Mono
SQUARE = re.compile("[\u2e80-\u9fff\uff00-\uffef\u201c\u201d\u2026]")    # letters as wide as high
LEAD = 17                               # from line to line
TIP = 8                                 # of an arrow


class Facts:
    """What the sources of the kernel say, and the words to draw it with."""

    def __init__(self, root, words=None):
        self.root, self.words = root, words or English()

    def sheet(self, name, width, height, title, text):
        """An empty Drawing."""
        return Drawing(name, width, height, title, text, self.words)

    def text(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def number(self, path, name):
        """The value of a #define that is a number."""
        found = re.search(r"^#define\s+%s\s+\(?(0x[0-9a-f]+|\d+)" % name, self.text(path), re.M)
        if not found:
            raise DrawingError("%s has no number %s: change the drawing" % (path, name))
        return int(found.group(1), 0)

    def names(self, path, *names):
        """These words must be in a file. They are returned."""
        text = self.text(path)
        for name in names:
            if not re.search(r"\b%s\b" % re.escape(name), text):
                raise DrawingError("%s has no %s any more: change the drawing" % (path, name))
        return names

    def fields(self, path, struct):
        """The names of the fields of a struct, in order."""
        found = re.search(r"^struct %s \{\n(.*?)^\};" % struct, self.text(path), re.M | re.S)
        if not found:
            raise DrawingError("%s has no struct %s: change the drawing" % (path, struct))
        body = re.sub(r"/\*.*?\*/", "", found.group(1), flags=re.S)
        return re.findall(r"(\w+)(?:\[\w*\])?\s*(?=[,;])", body)


def colours():
    """The two style sheets of a drawing: its classes with the colours of light, and of dark."""
    with open(STYLE, encoding="utf-8") as file:
        css = file.read()
    classes = css.split("/* drawings */")[1].strip()
    themes = [dict(re.findall(r"--(\w+): (#\w{6})", block))
              for block in re.findall(r"\{([^{}]*--paper: #[^{}]*)\}", css)[:2]]
    light, dark = (re.sub(r"var\(--(\w+)\)", lambda match: theme[match.group(1)], classes)
                   for theme in themes)
    coloured = [line for line, plain in zip(dark.split("\n"), classes.split("\n"))
                if "var(" in plain]
    return light, "\n".join(coloured)


def length(words, size=SIZE):
    """How long a line of words is at most."""
    square = len(SQUARE.findall(words))
    return (square + (len(words) - square) * WIDE) * size


class Drawing:
    """A sheet of so many points, empty at first. It says all in the language of `words`."""

    def __init__(self, name, width, height, title, text, words=None):
        self.name, self.width, self.height = name, width, height
        self.words, self.parts = words or English(), []
        self.title, self.about = self.words.about(name, title, " ".join(text.split()))

    def add(self, form, *values):
        self.parts.append(form % values)

    def text(self, x, y, words, anchor="start", kind="", size=SIZE):
        """A line of words; y is its foot."""
        self.put(x, y, self.words.of(self.name, words), anchor, kind, size)

    def put(self, x, y, words, anchor, kind, size):
        """The same for words of the drawing's own language."""
        long = length(words, size)
        left = x - {"start": 0, "middle": long / 2, "end": long}[anchor]
        if left < 0 or left + long > self.width or y > self.height:
            raise DrawingError("%s: \"%s\" is not on the sheet" % (self.name, words))
        self.add('<text x="%g" y="%g" font-size="%g"%s%s>%s</text>', x, y, size,
                 "" if anchor == "start" else ' text-anchor="%s"' % anchor,
                 ' class="%s"' % kind if kind else "", html.escape(words, False))

    def box(self, x, y, width, height, words="", fill="", kind="", size=SIZE):
        """A box with lines of words in its middle."""
        self.add('<rect x="%g" y="%g" width="%g" height="%g" rx="2" class="box %s"/>',
                 x, y, width, height, fill)
        lines = self.words.of(self.name, words).split("\n") if words else []
        first = y + height / 2 - (len(lines) - 1) * LEAD / 2 + size * 0.36
        for number, line in enumerate(lines):
            if length(line, size) > width - 4 or len(lines) * LEAD > height + 4:
                raise DrawingError("%s: \"%s\" does not fit into its box" % (self.name, line))
            self.put(x + width / 2, round(first + number * LEAD, 1), line, "middle", kind, size)

    def line(self, *points, kind=""):
        self.add('<polyline points="%s" class="line %s"/>',
                 " ".join("%g,%g" % point for point in points), kind)

    def arrow(self, *points, kind=""):
        """A line along these points, with a tip at its end."""
        (x0, y0), (x, y) = points[-2:]
        long = ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5
        dx, dy = (x - x0) / long * TIP, (y - y0) / long * TIP
        self.line(*points[:-1], (round(x - dx, 1), round(y - dy, 1)), kind=kind)
        self.add('<polygon points="%g,%g %.1f,%.1f %.1f,%.1f" class="tip"/>', x, y,
                 x - dx - dy / 2, y - dy + dx / 2, x - dx + dy / 2, y - dy - dx / 2)

    def svg(self):
        """The whole file."""
        light, dark = colours()
        return "\n".join([
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" class="drawing" '
            'lang="%s" role="img" aria-labelledby="title" aria-describedby="text">' % (
                self.width, self.height, self.words.language),
            '<title id="title">%s</title>' % html.escape(self.title, False),
            '<desc id="text">%s</desc>' % html.escape(self.about, False),
            "<style>", light, "@media (prefers-color-scheme: dark) {", dark, "}", "</style>",
            '<rect width="100%" height="100%" class="sheet"/>'] + self.parts + ["</svg>", ""])
