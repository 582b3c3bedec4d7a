"""`tools/lab similar`: which hand-ins have code in common that is not from the handout.

Regions are compared one by one by sim_c of Debian's similarity-tester, which sees tokens: names,
numbers, comments and layout do not count; sim_text compares assembly. A text is compared with that
of each other student, with the reference, and with hand-ins of former years, which are not compared
among themselves. Lines that the handout gave are taken out before.

There are often few ways to write a region, so equal code alone tells nothing. A pair is ranked by
what it has in common *beyond* the reference: the tokens in common, less those that both have in
common with the reference. A second table has the regions that are like the reference's, which no
pair can show. What comes out shows texts, side by side; it is for a person to read them, and to
ask. Nobody is accused here, and no mark depends on it.
"""
import csv
import html
import io
import os
import re
import shutil
import subprocess

import scratch
from exercise import earlier, gradebook, handin, handout, marksheet, pseudonyms, regions
from exercise.marks import Reference
from exercise.submissions import Collector, Wanted
from grader.formats import clean, one_line
from labs import catalogue

TOOLS = ("sim_c", "sim_text")             # of C, of assembly
MISSING = "sim_c is missing: install it, as by apt-get install similarity-tester"
RUN = re.compile(r"^(\d+): line (\d+)-(\d+) *\|(\d+): line (\d+)-(\d+) *\[(\d+)\]$")
REFERENCE = 0                   # the number of its text
SHARE = 80                      # percent of the reference's text: who has so much is like it
HEAD = ["one", "other", "beyond the reference", "in common", "regions"]
LIKE = ["student", "the other", "tokens alike", "percent of the reference's text", "region"]
STYLE = """body { font: 16px/1.5 sans-serif; margin: 2em auto; max-width: 90em; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 }
th, td { padding: .2em .7em; text-align: left; vertical-align: top }
pre { font-size: 13px; margin: 0 } mark { background: #cfe3f5 }
.two td { width: 50%; border: 1px solid #bbb }"""
WORDS = ("These texts are alike in parts that neither the handout nor the reference has. That has "
         "many reasons: a book, a lecture, work that was allowed to be done together, or few ways "
         "to write it. This page says that texts are alike, and not why.")
FEW_WAYS = "Short regions have few ways to be written, so a row here may well be honest work."


class SimilarError(ValueError):
    """Nothing can be compared; the text is for the teacher."""


class Text:
    """The regions of one hand-in: title, who (a digest of the student), is_former, and texts, {key:
    text} without what the handout gave."""

    def __init__(self, title, who, texts, is_former=False):
        self.title, self.who, self.texts, self.is_former = title, who, texts, is_former


def without(text, given):
    """The text with empty lines in the places of those that the handout has."""
    known = {line.strip() for line in given.split("\n")}
    return "".join("\n" if line.strip() in known else line + "\n"
                   for line in text.rstrip("\n").split("\n"))


class Comparer:
    """Compares Texts, of which the first is the reference.

    keys     the (exercise, id) of the regions
    least    a run counts from so many tokens on
    """

    def __init__(self, reference, keys, texts, least, folder):
        self.reference, self.keys, self.texts = reference, keys, texts
        self.least, self.folder = least, folder

    def is_assembly(self, key):
        """Is the region in a file of assembly?"""
        return any(region.key == key and region.path.endswith(".S")
                   for region in self.reference.regions)

    def runs(self, key, new, old, least, *options):
        """(one, lines of it, other, lines of it, tokens) of each run in this region."""
        names = {}
        for number in new + old:
            if key in self.texts[number].texts:
                names[number] = "%d" % number
                handin.write(os.path.join(self.folder, "%d" % number),
                             self.texts[number].texts[key])
        words = [names[number] for number in new if number in names] + ["/"] + \
            [names[number] for number in old if number in names]
        command = [TOOLS[self.is_assembly(key)], "-i", "-n", "-T", "-w", "60",
                   "-r", str(least)] + list(options)
        with open(os.path.join(self.folder, "names"), "w") as file:
            file.write("\n".join(words) + "\n")
        with open(os.path.join(self.folder, "names")) as file:
            done = subprocess.Popen(command, cwd=self.folder, stdin=file, stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL)
        with done.stdout:
            for line in done.stdout:
                match = RUN.match(line.decode("utf-8", "replace").strip())
                if match:
                    one, a, b, other, c, d, tokens = map(int, match.groups())
                    yield one, (a, b), other, (c, d), tokens
        done.wait()

    def common(self, key, new, old, least, *options):
        """{(one, other): tokens in common} in this region."""
        found = {}
        for one, _, other, _, tokens in self.runs(key, new, old, least, *options):
            pair = (min(one, other), max(one, other))
            found[pair] = found.get(pair, 0) + tokens
        return found

    @property
    def students(self):
        """The numbers of the texts that are neither the reference nor of former years."""
        return [number for number, each in enumerate(self.texts)
                if number != REFERENCE and not each.is_former]

    def pairs(self):
        """[(beyond the reference, in common, one, other, keys)] of all pairs of two students that
        have anything in common beyond it, the highest first."""
        new = self.students
        old = [number for number, each in enumerate(self.texts) if each.is_former]
        sums = {}
        for key in self.keys:
            known = self.common(key, new + old, [REFERENCE], self.least // 2, "-S", "-e")
            known = {other: tokens for (_, other), tokens in known.items()}
            found = self.common(key, new, old, self.least, "-s", "-e")
            for (one, other), tokens in found.items():
                beyond = tokens - min(known.get(one, 0), known.get(other, 0))
                if beyond >= self.least and self.texts[one].who != self.texts[other].who:
                    sums.setdefault((one, other), []).append((beyond, tokens, key))
        rows = [(sum(each[0] for each in parts), sum(each[1] for each in parts), *pair,
                 [each[2] for each in parts]) for pair, parts in sums.items()]
        return sorted(rows, key=lambda row: (-row[0], -row[1], row[2:4]))

    def like_reference(self):
        """[(tokens alike, share of the reference's text in percent, student, key)] of the regions
        that have SHARE of the reference's or more of it, the highest first. Nothing can be taken
        off here, so the least is twice that of a pair. It is the share of the reference's text, not
        of the student's: lines that are added to a copy do not lower it."""
        rows = []
        for key in self.keys:
            found = self.common(key, [REFERENCE], [REFERENCE] + self.students, self.least, "-S",
                                "-e")
            whole = found.pop((REFERENCE, REFERENCE), 0)    # what it has in common with itself
            rows += [(tokens, 100 * tokens // whole, one, key)
                     for (_, one), tokens in found.items()
                     if tokens >= 2 * self.least and 100 * tokens >= SHARE * whole]
        return sorted(rows, key=lambda row: (-row[0], row[2:]))

    def lines(self, key, one, other):
        """The lines of two texts that are in runs: ({line}, {line})."""
        found = {one: set(), other: set()}
        for left, (a, b), right, (c, d), _ in self.runs(key, [one, other], [], self.least, "-s",
                                                   "-e"):
            found[left].update(range(a, b + 1))
            found[right].update(range(c, d + 1))
        return found[one], found[other]


# -- what is compared

def collect(words, reference, keys, given, is_former=False):
    """The Texts of the hand-ins that these words name, and the Submissions."""
    found = [each for each in Collector(Wanted(reference.register, None)).words(words)
             if each.handin]
    texts = []
    for each in found:
        taken = earlier.take(each.handin, reference).texts
        texts.append(Text("", pseudonyms.key_of(each.student, each.source), {
            key: without(taken[key][0], given[key]) for key in keys if key in taken}, is_former))
    return texts, found


def all_texts(reference, keys, options):
    """All Texts: the reference, the students, those of former years."""
    given = {region.key: reference.given.get(region.key, "") for region in reference.regions}
    blank = {path: regions.blank(text, path, {key[0] for key in keys}, reference.hints,
                                 reference.given) for path, text in reference.texts.items()}
    for path, text in blank.items():
        given.update({region.key: region.text for region in regions.parse(text, path)})
    texts, found = collect(options.files, reference, keys, given)
    old, more = collect(options.years, reference, keys, given, True) if options.years else ([], [])
    if options.pseudonyms:
        pseudonyms.Pseudonyms(options.pseudonyms).hide(found + more)
    for text, each in zip(texts + old, found + more):
        text.title = ("former years: " if text.is_former else "") + one_line(
            each.title if each.scrub else "%s (%s)" % (each.title, each.source))
        text.texts = {key: each.scrub(value) if each.scrub else value
                      for key, value in text.texts.items()}
    own = {region.key: without(region.text, given[region.key]) for region in reference.regions}
    return [Text("the reference", "", own)] + texts + old


# -- what is written

def to_csv(rows, like, texts):
    """The pairs as a table, and below an empty line the regions that are like the reference's."""
    out = io.StringIO()
    csv.writer(out).writerows([HEAD] + [
        [marksheet.cell(texts[one].title), marksheet.cell(texts[other].title), beyond, tokens,
         marksheet.cell("; ".join("%s %s" % key for key in keys))]
        for beyond, tokens, one, other, keys in rows] + [[], LIKE] + [
        [marksheet.cell(texts[one].title), texts[REFERENCE].title, tokens, share,
         marksheet.cell("%s %s" % key)] for tokens, share, one, key in like])
    return "\ufeff" + out.getvalue()


def shown(text, marked):
    """A text for HTML, with these lines marked."""
    lines = [html.escape(clean(line).expandtabs(4)) for line in text.rstrip("\n").split("\n")]
    return "<pre>%s</pre>" % "\n".join("<mark>%s</mark>" % line if number in marked else line
                                       for number, line in enumerate(lines, 1))


def row_of(cells, number, name):
    """A row of a table, whose last cell leads to the heading of this name."""
    return "<tr>%s<td><a href=#%s>%d</a></td></tr>" % (
        "".join("<td>%s</td>" % html.escape(str(each)) for each in cells), name, number)


def beside(comparer, key, one, other):
    """Two texts of a region side by side, with what they have in common marked."""
    return "<h3>%s</h3><table class=two><tr>%s</tr></table>" % (
        html.escape("%s %s" % key),
        "".join("<td>%s</td>" % shown(comparer.texts[each].texts[key], lines)
                for each, lines in zip((one, other), comparer.lines(key, one, other))))


def table(head, rows):
    """A table for HTML, of rows that row_of() made."""
    return ["<table>", "<tr>%s</tr>" % "".join("<th>%s</th>" % html.escape(each)
                                               for each in head)] + rows + ["</table>"]


def to_html(rows, like, comparer, totals):
    """A page with the pairs, the regions that are like the reference's, and the texts of each side
    by side; `totals` are how many there are of both."""
    names = [each.title for each in comparer.texts]
    title = "Texts that are alike: %d of %d pairs" % (len(rows), totals[0])
    page = ["<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
            "<title>%s</title><style>%s</style></head><body>" % (title, STYLE),
            "<h1>%s</h1><p>%s</p>" % (title, WORDS)]
    page += table(HEAD[:4], [row_of((names[one], names[other], beyond), tokens, "p%d" % number)
                             for number, (beyond, tokens, one, other, _) in enumerate(rows)])
    page.append("<h2>Regions that are like the reference's: %d of %d</h2><p>%s</p>" % (
        len(like), totals[1], FEW_WAYS))
    page += table(LIKE[:2] + LIKE[4:] + LIKE[3:1:-1], [
        row_of((names[one], names[REFERENCE], "%s %s" % key, share), tokens, "r%d" % number)
        for number, (tokens, share, one, key) in enumerate(like)])
    found = [("p%d" % number, one, other, keys)
             for number, (_, _, one, other, keys) in enumerate(rows)]
    found += [("r%d" % number, one, REFERENCE, [key])
              for number, (_, _, one, key) in enumerate(like)]
    for name, one, other, keys in found:
        page.append("<h2 id=%s>%s, %s</h2>" % (name, html.escape(names[one]),
                                               html.escape(names[other])))
        page += [beside(comparer, key, one, other) for key in keys]
    return "\n".join(page + ["</body></html>", ""])


def tell(rows, like, texts):
    """Print both tables."""
    for beyond, tokens, one, other, _ in rows:
        print("%5d tokens in common, %d beyond the reference: %s; %s" % (
            tokens, beyond, texts[one].title, texts[other].title))
    if like:
        print("Regions that are like the reference's. " + FEW_WAYS)
    for tokens, share, one, key in like:
        print("%5d tokens alike, %d%% of the reference's text: %s; %s; %s" % (
            tokens, share, texts[one].title, texts[REFERENCE].title, one_line("%s %s" % key)))


def run(root, options):
    """Do what `tools/lab similar` was asked for; the exit status."""
    if not all(map(shutil.which, TOOLS)):
        raise SimilarError(MISSING)
    reference = Reference(root, catalogue.load(), handout.version_of(root))
    asked = gradebook.chosen(reference, options) or sorted(reference.exercises)
    keys = [region.key for region in reference.regions if region.exercise in asked]
    texts = all_texts(reference, keys, options)
    with scratch.folder("similar") as folder:
        comparer = Comparer(reference, keys, texts, options.least, folder)
        rows, like = comparer.pairs(), comparer.like_reference()
        top = rows[:options.show], like[:options.show]
        tell(*top, texts)
        if options.output:
            handin.write(options.output, to_html(*top, comparer, (len(rows), len(like))))
    if options.csv:
        handin.write(options.csv, to_csv(rows, like, texts))
    print("%d texts, %d of former years: %d pairs have code in common beyond the reference; %d "
          "regions are like the reference's" % (
              len(texts) - 1, sum(each.is_former for each in texts), len(rows), len(like)))
    return 0
