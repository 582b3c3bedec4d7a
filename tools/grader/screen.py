"""What a person sees of a grading: a line for each test, what went wrong, the marks.

Screen gets each Outcome by show() as soon as those before it are done, and all of them by
score(). On a terminal it also shows what is running now, and uses colors; elsewhere it prints plain
lines. A failure is told in full once: a test that failed in the same way names the first one
(grader/told.py). Tests that reach what is blank are one line for their exercise, so the first
grading of a lab is short. What a student's kernel printed is shown without control characters.

The last line is "Total Score: X/Y". Scripts read it, so its form must stay.
"""
import os
import re
import shutil
import sys

from grader.model import Verdict
from grader.pictured import timeline
from grader.told import likeness

COLORS = {Verdict.OK: "32", Verdict.SETUP: "35", Verdict.BUILD: "33", Verdict.NOT_WRITTEN: "36"}
RED = "31"
WIDTH = 300                     # longer lines are cut; a line of a check has 256 at most
BLANK = re.compile(r"exercise (\S+) \((.*?)\) is not written yet(?:, at (\S+:\d+))?")
VERDICT_WIDTH = max(len(word) for name, word in vars(Verdict).items() if name.isupper())


def printable(line):
    """The line without control characters, and not too long."""
    return "".join(c if c.isprintable() or c == "\t" else "?" for c in line)[:WIDTH]


def is_challenge(test):
    """Does the test belong to a challenge?"""
    return (test.exercise or "").endswith(".C")


def may_be_blank(test):
    """Need what the test stands on not be written for full marks? A test of no exercise looks at
    much of the kernel at once, and so may need what a handout has blank."""
    return test.exercise is None or is_challenge(test)


def blanks(outcomes):
    """What these outcomes say is not written, as words: each region once, with its place."""
    found = {}
    for outcome in outcomes:
        for reason in outcome.reasons:
            for number, name, place in BLANK.findall(reason):
                found["%s (exercise %s)%s" % (name, number, ", " + place if place else "")] = None
    return "; ".join(found)


class Screen:
    """The screen of one grading. It writes to standard output.

    told    {likeness of an Outcome: the first test that failed so}
    asked   the exercises whose question was printed already
    blank   Outcomes of one exercise that have reached what is not written, not yet printed
    """

    def __init__(self, labs, tests):
        self.labs = labs
        self.exercises = {each.number: each for lab in labs for each in lab.exercises}
        self.is_terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self.has_colors = self.is_terminal and not os.environ.get("NO_COLOR")
        self.width = max([len(test.name) for test in tests] or [0])
        self.status = ""                # the line that progress() has written
        self.told, self.asked, self.blank = {}, set(), []

    def color(self, code, text):
        return "\033[%sm%s\033[0m" % (code, text) if self.has_colors else text

    def clear(self):
        """Remove the line of progress()."""
        if self.status:
            sys.stdout.write("\r\033[K")
            self.status = ""

    def line(self, text=""):
        """Print a line, in place of the line of progress()."""
        self.clear()
        print(text)

    def progress(self, done, total, names):
        """Show what is running now, on a terminal only."""
        if not self.is_terminal:
            return
        status = "%d/%d  %s" % (done, total, ", ".join(names))
        status = status[:shutil.get_terminal_size().columns - 1]
        if status != self.status:
            self.clear()
            sys.stdout.write(status)
            sys.stdout.flush()
            self.status = status

    def show(self, outcome):
        """Print the line of a test and, if it failed, what a student needs to know. Tests that have
        reached what is blank wait for the others of their exercise."""
        test, verdict = outcome.test, outcome.verdict
        if self.blank and self.blank[0].test.exercise != test.exercise:
            self.show_blank()
        if verdict == Verdict.NOT_WRITTEN and test.exercise in self.exercises:
            self.blank.append(outcome)
            return
        word = self.color(COLORS.get(verdict, RED), "%-*s" % (VERDICT_WIDTH, verdict))
        like = likeness(outcome)
        first = self.told.setdefault(like, test) if like else test
        more = " the same as %s above" % first.name if first is not test else ""
        self.line(("%-4s %-*s  %s %s" % (test.exercise or "", self.width, test.name, word,
                                         more)).rstrip())
        if not outcome.passed and first is test:
            for line in self.explanation(outcome):
                self.line("       " + printable(line))
        sys.stdout.flush()

    def show_blank(self):
        """Print the line of the tests that wait: what they have reached."""
        if not self.blank:
            return
        exercise, count = self.exercises[self.blank[0].test.exercise], len(self.blank)
        words = blanks(self.blank) or self.blank[0].why
        self.line(printable("%-4s %s: %s  %s" % (
            exercise.number, "1 test" if count == 1 else "%d tests" % count,
            self.color(COLORS[Verdict.NOT_WRITTEN], Verdict.NOT_WRITTEN), words)))
        self.blank = []
        sys.stdout.flush()

    def explanation(self, outcome):
        """The lines below a test that failed: what it tests, what is asked, reasons, commands."""
        test = outcome.test
        exercise = self.exercises.get(test.exercise)
        lines = ["tests: " + test.title] if test.title != test.name else []
        if exercise and exercise.number not in self.asked:
            self.asked.add(exercise.number)
            lines.append("asked: %s (exercise %s)" % (exercise.asks, exercise.number))
        if outcome.which_run:
            lines.append(outcome.which_run)
        lines += outcome.reasons
        if outcome.trace:
            lines += ["call stack%s, innermost first:" % (
                "s" if outcome.verdict == Verdict.DEADLOCK else "")]
            lines += ["  " + line for line in outcome.trace]
        if outcome.console:
            lines += ["the last lines of its output:"] + ["  | " + line for line in outcome.console]
        if test.command or outcome.verdict in (Verdict.SETUP, Verdict.BUILD):
            return lines
        lines.append("all of its output: %s" % outcome.log)
        return lines + [timeline(outcome)] + self.commands(outcome)

    @staticmethod
    def commands(outcome):
        """The commands by which a student can look into a failed test."""
        test = outcome.test
        name = test.name + (" SEED=%d" % outcome.run if test.seeds else "") + (
            " TASK=" + test.task if test.task else "")
        lines = ["make debug TEST=%s    gdb, stopped where it fails" % name]
        if test.harts == 1:
            lines.append("make replay TEST=%s   the same run in gdb, forwards and backwards" % name)
        return lines

    def score(self, outcomes):
        """Print the marks by lab and exercise, and at last their sum. True for full marks, for
        which nothing need be begun that may be blank."""
        self.show_blank()
        graded = {outcome.test for outcome in outcomes}
        total = best = extra = extra_best = 0
        for lab in self.labs:
            exercises = [e for e in lab.exercises
                         if any(test.exercise == e.number for test in graded)]
            if not exercises:
                continue
            self.line()
            self.line("lab %d: %s" % (lab.number, lab.title))
            for exercise in exercises:
                mine = [o for o in outcomes if o.test.exercise == exercise.number]
                got = sum(outcome.points for outcome in mine)
                most = sum(outcome.test.points for outcome in mine)
                failed = ", ".join(o.test.name for o in mine if not o.passed)
                self.line(self.mark(exercise, got, most, failed))
                if exercise.is_challenge:
                    extra, extra_best = extra + got, extra_best + most
                else:
                    total, best = total + got, best + most
        self.line()
        passed = sum(outcome.passed for outcome in outcomes)
        self.line("%d tests: %d passed, %d failed" % (len(outcomes), passed,
                                                      len(outcomes) - passed))
        if extra_best:
            self.line("Challenges, beyond the total: %d/%d" % (extra, extra_best))
        self.advise(outcomes)
        self.line("Total Score: %d/%d" % (total, best))
        return passed > 0 and all(
            outcome.passed or may_be_blank(outcome.test) and outcome.verdict == Verdict.NOT_WRITTEN
            for outcome in outcomes)

    def mark(self, exercise, got, most, failed):
        """The line of an exercise with its marks."""
        text = "  %-4s %-45s %3d/%-3d" % (exercise.number, exercise.title, got, most)
        text += "  failed: " + failed if failed else ""
        return self.color(COLORS[Verdict.OK] if got == most else RED, text.rstrip())

    def advise(self, outcomes):
        """Print which failed test to begin with. That is the first one, because exercises build on
        those before them; challenges come last."""
        failed = [o for o in outcomes if not o.passed and not o.test.command
                  and o.verdict not in (Verdict.SETUP, Verdict.BUILD, Verdict.NOT_WRITTEN)]
        if failed:
            first = min(failed, key=lambda outcome: (
                not outcome.test.points, is_challenge(outcome.test)))
            self.line("Begin with %s: %s" % (first.test.name, self.commands(first)[-1]))
