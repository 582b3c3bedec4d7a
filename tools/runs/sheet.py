"""A sheet for pictures of runs: SVG that needs nothing else, for light and dark, with words.

What a colour tells, a shape or a word tells too. Each picture has a title and a description; each
part that is worth it has a title, which a browser shows under the pointer. test_trace.py computes
the contrasts from COLOURS. A handout has this file, but not those of tools/book, which makes the
drawings of the text; so they have colours of their own.
"""
import html

SIZE, WIDE = 12, 0.61           # of letters; of a letter's width, by its size
# {name: (light, dark)}; ink, soft and red are for letters, the others are behind them.
COLOURS = {
    "paper": ("#ffffff", "#16191d"), "panel": ("#f2f4f7", "#20252b"),
    "ink": ("#1c2024", "#e6e9ed"), "soft": ("#545b64", "#a9b1bb"), "red": ("#a3161c", "#ff9d97"),
    "grid": ("#dfe3e8", "#30363e"), "edge": ("#3d4650", "#aab4c0"),
    "blue": ("#bcd9f7", "#1f4770"), "amber": ("#fbe0b0", "#5c430f"),
    "green": ("#d3edd5", "#1d4a27"), "rose": ("#f8d3d3", "#632b2d"),
    "lilac": ("#e3daf5", "#41335f")}
RULES = """text { fill: ink; font: 12px "DejaVu Sans", Arial, sans-serif; }
.bold { font-weight: bold; } .soft { fill: soft; } .red { fill: red; } .small { font-size: 10px; }
.line { font-size: 11px; }
.big { font-size: 17px; font-weight: bold; } .mono { font-family: "DejaVu Sans Mono", monospace; }
.paper { fill: paper; } .panel { fill: panel; } .grid { stroke: grid; fill: none; }
.edge { stroke: edge; fill: none; } .dashed { stroke-dasharray: 4 3; } .tip { fill: edge; }
.blue { fill: blue; stroke: edge; } .amber { fill: amber; stroke: edge; }
.green { fill: green; stroke: edge; } .rose { fill: rose; stroke: edge; }
.lilac { fill: lilac; stroke: edge; } .none { fill: paper; stroke: edge; }
.thin { stroke-width: 0.6; } .thick { stroke-width: 2; } .warn { fill: red; }"""


def coloured(theme):
    """The rules with the colours of light (0) or dark (1)."""
    text = RULES
    for name, colours in COLOURS.items():
        text = text.replace("fill: %s;" % name, "fill: %s;" % colours[theme]) \
            .replace("stroke: %s;" % name, "stroke: %s;" % colours[theme])
    return text


def long(words, size=SIZE):
    """How wide words are."""
    return len(words) * size * WIDE


def cut(words, width, size=SIZE):
    """Words that fit into a width; "" if nearly nothing would be left."""
    most = int(width / (size * WIDE))
    return words if len(words) <= most else words[:most - 2] + ".." if most > 5 else ""


class Sheet:
    """A picture of so many points; parts are added from back to front."""

    def __init__(self, width, height, title, about):
        self.width, self.height, self.title, self.about = width, height, title, about
        self.parts = []

    def add(self, form, *values):
        self.parts.append(form % values)

    def text(self, x, y, words, kind="", anchor="start", hint=""):
        self.add('<text x="%.1f" y="%.1f"%s%s>%s%s</text>', x, y,
                 ' class="%s"' % kind if kind else "",
                 "" if anchor == "start" else ' text-anchor="%s"' % anchor,
                 self.hint(hint), html.escape(words, False))

    @staticmethod
    def hint(words):
        return "<title>%s</title>" % html.escape(words, False) if words else ""

    def box(self, x, y, width, height, kind, hint="", round_by=2):
        self.add('<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" rx="%g" class="%s">%s</rect>',
                 x, y, max(width, 0.5), height, round_by if width > 4 else 0, kind,
                 self.hint(hint))

    def line(self, points, kind, hint=""):
        self.add('<polyline points="%s" class="%s">%s</polyline>',
                 " ".join("%.1f,%.1f" % point for point in points), kind, self.hint(hint))

    def shape(self, points, kind, hint=""):
        self.add('<polygon points="%s" class="%s">%s</polygon>',
                 " ".join("%.1f,%.1f" % point for point in points), kind, self.hint(hint))

    def svg(self):
        """The whole file."""
        return "\n".join([
            '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
            'role="img" aria-labelledby="title" aria-describedby="about">' % (
                self.width, self.height, self.width, self.height),
            '<title id="title">%s</title>' % html.escape(self.title, False),
            '<desc id="about">%s</desc>' % html.escape("\n".join(self.about), False),
            "<style>", coloured(0), "@media (prefers-color-scheme: dark) {", coloured(1), "}",
            "</style>", '<rect width="100%" height="100%" class="paper"/>']
            + self.parts + ["</svg>", ""])
