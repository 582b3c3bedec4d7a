"""`tools/lab statistics`: which test fails how often, and which wrong solution that is like.

    tools/lab statistics marks.json --like wrong.json -o lab5.html --csv lab5.csv --markdown lab5.md

marks.json is that of `tools/lab grade`. wrong.json is the same of the wrong solutions of
tools/mutants, which `tools/lab generate 5 --mutants` writes as hand-ins, graded by --policy alone.
A failure is a verdict with its reasons (grader.told). Two failures of one test are the same if
these are equal; then it says "the same as"; with the verdict equal and the reasons not, "like".
Of a text that does not compile only the compiler's errors count, not the code that it quotes.

No student is named in what comes out. Titles and reasons may have any characters: what is not
plain is escaped, for the reader of each form. Whoever compares two courses gives two files.
"""
import csv
import html
import io
import re

from exercise import graded, handin, marksheet
from exercise.build import ERROR
from exercise.marks import BROKEN, REFUSED
from grader.formats import escaped, one_line
from grader.model import Verdict
from grader.told import likeness_of

HEAD = ["exercise", "test", "title", "hand-ins", "failed", "percent", "verdict", "first reason",
        "so often", "the same as", "like"]
SPECIAL = "\\`*_{}[]<>()#+!|~&"         # means something in Markdown
NUMBER = re.compile(r"\b\d+\b")
SHOWN = 6                               # so many failures of a test, and wrong solutions of each
STYLE = """body { font: 16px/1.5 sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 }
th, td { border-bottom: 1px solid #bbb; padding: .2em .7em; text-align: left; vertical-align: top }
td.n { text-align: right }
.bar { background: #4472a8; height: .8em; min-width: 1px }
code { white-space: pre-wrap }"""


def errors_in(lines):
    """The errors among the lines of a compiler, or else its first line: without the code that it
    quotes, each line of which begins with a space."""
    errors = [line for line in lines if ERROR.match(line)]
    return errors or [line for line in lines if line.strip() and line[0] != " "][:1]


class Failure:
    """What several hand-ins failed by in one test: verdict, lines (of one of them), count."""

    def __init__(self, test):
        self.verdict, self.lines = test["verdict"], marksheet.reasons_in(test)
        if self.verdict == BROKEN:
            self.lines = errors_in(self.lines)
        self.count = 0

    @property
    def key(self):
        """Equal for failures that are the same. Where in a hand-in an error stands, or what was
        refused, makes no difference."""
        lines = self.lines
        if self.verdict in (BROKEN, REFUSED):
            lines = [NUMBER.sub("N", line) for line in lines]
        return likeness_of(self.verdict, lines)

    @property
    def reason(self):
        """The first reason, in one line."""
        return one_line(next(filter(str.strip, self.lines), ""))


class Test:
    """A test in all hand-ins: how many were judged by it; failures: {key: Failure}; wrong: {key:
    names of the wrong solutions that fail so}; by_verdict: {verdict: the same names}."""

    def __init__(self, number, test):
        self.number, self.name, self.title = number, test["name"], test["title"]
        self.count, self.failures, self.wrong, self.by_verdict = 0, {}, {}, {}

    @property
    def failed(self):
        """How many hand-ins failed in it."""
        return sum(failure.count for failure in self.failures.values())

    @property
    def percent(self):
        """The same of a hundred."""
        return 100 * self.failed // self.count if self.count else 0

    def often(self):
        """The Failures, the most frequent first."""
        return sorted(self.failures.values(), key=lambda each: (-each.count, each.key))

    def like(self, failure):
        """(wrong solutions that fail in the same way, others that fail with the same verdict)."""
        same = self.wrong.get(failure.key, [])
        return same, [name for name in self.by_verdict.get(failure.verdict, [])
                      if name not in same]


class Statistics:
    """All that is counted: titles of the files; graded, how many hand-ins have marks; marks:
    {exercise: [(mark, maximum)]}; tests: {(exercise, name): Test}."""

    def __init__(self, found, like=None):
        self.graded, self.marks, self.tests = 0, {}, {}
        self.versions = sorted({each.version for each in found})
        for row in [row for each in found for row in each.rows if row.exercises]:
            self.graded += 1
            for number, entry in row.exercises.items():
                if entry["mark"] is not None:
                    self.marks.setdefault(number, []).append((entry["mark"], entry["max"]))
                self.count(number, entry)
        for row in like.rows if like else ():
            self.wrong(row)

    def count(self, number, entry):
        """Count the tests of an exercise of a hand-in."""
        for told in entry["tests"]:
            test = self.tests.setdefault((number, told["name"]), Test(number, told))
            test.count += 1
            if told["verdict"] != Verdict.OK:
                failure = Failure(told)
                test.failures.setdefault(failure.key, failure).count += 1

    def wrong(self, row):
        """Keep how a wrong solution fails: in the exercise that its title begins with."""
        number = row.title.partition("-")[0]
        for told in row.exercises.get(number, {"tests": ()})["tests"]:
            test = self.tests.get((number, told["name"]))
            if test and told["verdict"] != Verdict.OK:
                failure = Failure(told)
                test.wrong.setdefault(failure.key, []).append(row.title)
                test.by_verdict.setdefault(failure.verdict, []).append(row.title)

    def in_order(self):
        """The Tests, exercise by exercise; those that fail most often first."""
        return sorted(self.tests.values(), key=lambda each: (each.number, -each.failed, each.name))


def names(found):
    """Names of wrong solutions, in one text."""
    more = len(found) - SHOWN
    return ", ".join(found[:SHOWN]) + (" and %d more" % more if more > 0 else "")


# -- forms

def to_csv(counted):
    """A table with a line for each failure of each test, and one for each test without any."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    for test in counted.in_order():
        about = [marksheet.cell(each) for each in (test.number, test.name, test.title)] + [
            test.count, test.failed, test.percent]
        for failure in test.often():
            same, like = test.like(failure)
            writer.writerow(about + [marksheet.cell(each) for each in (
                failure.verdict, failure.reason)] + [failure.count] + [
                marksheet.cell(names(each)) for each in (same, like)])
        if not test.failures:
            writer.writerow(about + [""] * (len(HEAD) - len(about)))
    return "\ufeff" + out.getvalue()


def sums(counted):
    """(exercise, hand-ins, mean, maximum, how many have all points) of each exercise."""
    for number, found in sorted(counted.marks.items()):
        yield (number, len(found), "%.1f" % (sum(mark for mark, _ in found) / len(found)),
               max(most for _, most in found), sum(mark == most for mark, most in found))


def title_of(counted):
    """What the page is called."""
    return "%d hand-ins, graded with version %s" % (counted.graded, " ".join(counted.versions))


def to_markdown(counted):
    """The same as a page in Markdown."""
    def row(values):
        return "| " + " | ".join(escaped(str(value), SPECIAL) for value in values) + " |"

    lines = ["# " + escaped(title_of(counted), SPECIAL), ""]
    lines += [row(["exercise", "hand-ins", "mean", "of", "full marks"]), "|" + " --- |" * 5]
    lines += [row(each) for each in sums(counted)] + [""]
    lines += [row(["exercise", "test", "failed", "of", "most often by", "which is the same as"]),
              "|" + " --- |" * 6]
    for test in counted.in_order():
        first = next(iter(test.often()), None)
        lines.append(row([test.number, "%s: %s" % (test.name, test.title), test.failed, test.count,
                          "%s: %s" % (first.verdict, first.reason) if first else "",
                          names(test.like(first)[0]) if first else ""]))
    return "\n".join(lines) + "\n"


def tag(name, text, kind=""):
    """An element of HTML whose content is this text."""
    return "<%s%s>%s</%s>" % (name, " class=%s" % kind if kind else "",
                              html.escape(one_line(str(text))), name)


def table(head, rows):
    """A table of HTML; cells are whole elements."""
    return ["<table>", "<tr>%s</tr>" % "".join(tag("th", each) for each in head)] + [
        "<tr>%s</tr>" % "".join(row) for row in rows] + ["</table>"]


def failure_row(test, failure):
    """The cells of one failure."""
    same, like = test.like(failure)
    return [tag("td", failure.count, "n"), tag("td", failure.verdict),
            "<td>%s</td>" % tag("code", failure.reason), tag("td", names(same)),
            tag("td", names(like))]


def to_html(counted):
    """The same as a page of its own, without a script, and without anything from elsewhere."""
    page = ["<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
            tag("title", title_of(counted)), "<style>%s</style></head><body>" % STYLE,
            tag("h1", title_of(counted))]
    page += table(["exercise", "hand-ins", "mean", "of", "full marks"],
                  [[tag("td", each[0])] + [tag("td", value, "n") for value in each[1:]]
                   for each in sums(counted)])
    page += table(["exercise", "test", "", "failed", "of", ""], [[
        tag("td", test.number), tag("td", test.name), tag("td", test.title),
        tag("td", test.failed, "n"), tag("td", test.count, "n"),
        '<td><div class=bar style="width: %dpx"></div></td>' % (2 * test.percent)]
        for test in counted.in_order()])
    for test in counted.in_order():
        often = test.often()
        if often:
            page.append(tag("h2", "%s %s: %s" % (test.number, test.name, test.title)))
            page += table(["hand-ins", "verdict", "first reason", "the same as", "like"],
                          [failure_row(test, failure) for failure in often[:SHOWN]])
        if len(often) > SHOWN:
            page.append(tag("p", "and %d other failures" % (len(often) - SHOWN)))
    return "\n".join(page + ["</body></html>", ""])


def run(options):
    """Do what `tools/lab statistics` was asked for; the exit status."""
    found = [graded.read(path) for path in options.files]
    counted = Statistics(found, graded.read(options.like) if options.like else None)
    for path, form in ((options.output, to_html), (options.csv, to_csv),
                       (options.markdown, to_markdown)):
        if path:
            handin.write(path, form(counted).encode("utf-8", "replace").decode("utf-8"))
    print(title_of(counted))
    for test in counted.in_order():
        if test.failed:
            print("  %s %-24s %3d of %d failed" % (
                one_line(test.number), one_line(test.name), test.failed, test.count))
    return 0
