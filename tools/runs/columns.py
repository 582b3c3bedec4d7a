"""Address spaces side by side, as a picture and as text: before something, and after it.

A column is one Space at one moment: its areas from high addresses to low ones, in each of them the
pages that are mapped, and below them the page tables. Colours at the left of a page say whether its
frame is the process's own, shared, or shared copy-on-write; words on the line say the same. What
the moment has changed has a word at its right.
"""
from runs.sheet import Sheet, cut, long
from runs.space import Listing, gone

WIDTH, LEFT, TOP, LINE = 640, 16, 116, 17       # of a column; of the sheet; of a line
INDENT, STRIP = 14, 8
COLOURS = {"own": "blue", "shared": "green", "cow": "amber"}


class Column:
    """A Space, or None, with what stands above it."""

    def __init__(self, title, space, before=None, compare=True, missing="no memory of its own"):
        self.title, self.space = title, space
        self.lines = Listing(space, before, compare).lines() if space else []
        self.missing = "" if space else missing
        self.gone = gone(before, space) if compare else ""

    def text(self):
        """The column as lines of text."""
        yield "== %s" % self.title
        if self.missing:
            yield "  " + self.missing
        for line in self.lines:
            yield "  " + "    " * line.depth + line.words + (
                "   <- " + line.mark if line.mark else "")
        if self.gone:
            yield "  " + self.gone


def text(title, notes, columns):
    """All columns, one below the other."""
    lines = [title] + notes
    for column in columns:
        lines += [""] + list(column.text())
    return "\n".join(lines) + "\n"


def strip(sheet, share, x, y):
    """The colour of a page: full, with a line, or only a frame, as it is shared."""
    if share in COLOURS:
        sheet.box(x, y - 11, STRIP, 13, COLOURS[share] + " thin", "", 1)
    if share == "shared":
        sheet.line([(x, y + 2), (x + STRIP, y - 11)], "edge thin")
    elif share == "cow":
        sheet.line([(x, y - 7), (x + STRIP, y - 7)], "edge thin")
        sheet.line([(x, y - 2), (x + STRIP, y - 2)], "edge thin")


def draw_column(sheet, column, x, y):
    """Draw it from this place on: where its foot is."""
    sheet.text(x, y, cut(column.title, WIDTH - 20, 13), "bold")
    y += LINE + 4
    if column.missing:
        sheet.text(x, y, column.missing, "soft")
        y += LINE
    for line in column.lines:
        left = x + INDENT * line.depth
        mark = 1.2 * long(line.mark, 10) + 8 if line.mark else 0
        if line.kind == "area":
            y += 5
            sheet.box(x - 2, y - 13, WIDTH - 18, LINE + 1, "panel")
        if line.kind == "head":
            y += 6
        strip(sheet, line.share, left - 1, y)
        words = cut(line.words, WIDTH - 24 - (left - x) - mark, 11)
        sheet.text(left + (STRIP + 4 if line.share in COLOURS else 0), y, words,
                   "bold" if line.kind == "head" else "mono line" + (
                       " soft" if line.share == "none" else ""), hint=line.words)
        if mark:
            sheet.text(x + WIDTH - 26, y, line.mark, "red bold small", "end")
        y += LINE
    if column.gone:
        sheet.text(x, y + 4, column.gone, "red bold")
        y += LINE
    return y


def picture(title, notes, columns):
    """The SVG file."""
    sheet = Sheet(2 * LEFT + WIDTH * len(columns), 0, title,
                  text(title, notes, columns).split("\n"))
    sheet.text(LEFT, 30, title, "big")
    for number, note in enumerate(notes):
        sheet.text(LEFT, 50 + 16 * number, note, "soft")
    x = LEFT
    for share, words in (("own", "the frame is its own"), ("shared", "others map it too"),
                         ("cow", "copied when it is written to")):
        strip(sheet, share, x, 84)
        sheet.text(x + 14, 84, words)
        x += 34 + long(words)
    sheet.text(x, 84, "NEW", "red bold small")
    sheet.text(x + 30, 84, "changed by this")
    feet = [draw_column(sheet, column, LEFT + WIDTH * number, TOP)
            for number, column in enumerate(columns)]
    sheet.height = max(feet) + LEFT
    for number in range(1, len(columns)):
        x = LEFT + WIDTH * number - 14
        sheet.line([(x, TOP - 12), (x, max(feet))], "grid")
    return sheet.svg()
