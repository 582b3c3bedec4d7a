"""What the parts of the grader share, as data: labs, exercises, tests, reports and outcomes.

A Lab has Exercises, and Tests that give points to them. A Test says which machine is booted, and
what must be true of its output, its memory and its reports. A Report is one line that the guest has
signed. An Outcome is how a test came out: a Verdict and its reasons. Nothing here does anything:
the labs of tools/labs are written in these terms, and judge.py works with them.
"""
import copy
import dataclasses
from re import compile as regex      # for the labs: a pattern, if a text is not enough

LONG = 10       # by default --long boots a test that has seeds with so many times as many
BEYOND = 99     # the number of what is no lab: tests of the kernel beyond the exercises
SHIFT = 3       # one hart: an instruction takes 2^SHIFT ns; below 3 QEMU cannot replay backwards


class Verdict:
    """What became of a test. There are many, because a student looks into each in another way."""
    OK = "ok"
    WRONG = "wrong answer"              # it ended, and something is not as it must be
    PANIC = "panic"                     # the kernel stopped itself
    HANG = "hang"                       # the limit of instructions or CPU time is used up
    DEADLOCK = "deadlock"               # everything sleeps, and nothing can wake it
    NOT_WRITTEN = "not written yet"     # it reached an exercise that is still blank
    BUILD = "build error"               # what it tests does not compile
    SETUP = "broken set-up"             # the host failed, not the code: no mark may suffer from it


class Exercise:
    """One exercise: "5.3". A letter after the dot, "5.C", is a challenge, beyond the 100 points.

    asks    one line: what is to be written
    apart   it is a part of its own: not among the 100 points, and only in a handout or a grading
            that names it
    hint    some lines that a handout shows in the blank region
    uses    functions and variables of the kernel that a solution may use beyond those that
            exercise.symbols finds; given as one text, kept as a list
    """

    def __init__(self, number, title, points, asks, hint="", uses="", apart=False):
        self.number, self.title, self.points = number, title, points
        self.asks, self.hint, self.uses, self.apart = asks, hint, uses.split(), apart

    @property
    def lab(self):
        """The number of its lab."""
        return int(self.number.split(".")[0])

    @property
    def is_challenge(self):
        """Is it beyond the 100 points of its lab?"""
        return self.number.endswith(".C")

    @property
    def kind(self):
        """What is told of it beside its points; "" if it is one of those that make the 100."""
        return ", a challenge" if self.is_challenge else ", a part of its own" if self.apart else ""


class Lab:
    """One lab: its exercises and its tests. BEYOND has the tests that belong to no lab."""

    def __init__(self, number, title, exercises, tests):
        self.number, self.title = number, title
        self.exercises, self.tests = exercises, tests
        for test in tests:
            test.lab = number

    @property
    def points(self):
        """What all can win who solve it: without challenges, and without parts of their own."""
        return sum(each.points for each in self.exercises if not each.kind)


@dataclasses.dataclass(eq=False)
class Test:
    """One test: a machine that is booted, judged by its reports, its output and its memory.

    It boots a program, a self test of the kernel, or neither; or it is a command on the host. With
    one hart time is counted in instructions, and each run is alike. Two tests are never equal.
    """
    name: str                   # short, for TEST=name; a blank becomes a dash
    title: str = ""             # what it tests, in a few words; the name if there is none
    points: int = 0             # they go to the exercise, whose tests' points add up to its own
    exercise: str = None        # "5.3"; None: it has no points

    # -- what runs
    prog: str = None            # command line of the first program, which ends by check_done()
    selftest: str = None        # or a self test of the kernel, with its arguments
    early: bool = False         # the self test runs before there is a process
    command: list = None        # or a check on the host, which must succeed; @OBJ@: the objects

    # -- on which machine
    harts: int = 1
    mem: str = "128M"
    processor: str = ""         # QEMU's -cpu; "" is the machine's own
    append: str = ""            # further boot arguments
    input: str = ""             # what is typed on the console
    disk: "Disk" = None         # its RAM disk: see disk.py
    runs: int = 1               # how often the machine is booted; each run must pass
    seeds: int = 0              # or it is booted with chaos=1, chaos=2, ... up to this one: then
                                # the number of a run is its seed, and runs is the same number
    long_seeds: int = 0         # the same for grade.py --long; LONG * seeds if it is not given

    # -- for how long
    limit: int = None           # with one hart: so many million instructions at most, the waiting
                                # counted; 100, or 1000 if there are no points to win
    cpu: int = 30               # seconds of CPU time, in which QEMU may run it
    shift: int = SHIFT          # with one hart, an instruction takes 2^shift ns of guest time

    # -- what must be true
    expect: list = ()           # texts or patterns that must be printed, in this order
    forbid: list = ()           # texts or patterns that must not be printed
    reports: bool = True        # its own signed verdict is needed; False if it gives none
    exit: int = 0               # the exit code that the first program must have
    panic: bool = False         # the kernel must panic: the verdict and `after` do not apply
    after: list = None          # what must hold in memory at the end: functions of state.py
    at: dict = None             # the same at a checkpoint of the test: {label: [function, ...]}
    outside: "function" = None  # the host's own calls of what it tests: see outside.py
    needs: "Test" = None        # a test that must pass too: else this one has no points

    lab: int = dataclasses.field(default=0, init=False)         # set by the Lab
    task: str = dataclasses.field(default="", init=False)       # set by the task that it belongs to

    def __post_init__(self):
        self.name = self.name.replace(" ", "-")
        self.title = self.title or self.name
        self.limit = self.limit or (100 if self.points else 1000)
        if self.seeds:
            assert self.runs == 1, "a test has seeds= or runs="
            self.runs, self.long_seeds = self.seeds, self.long_seeds or LONG * self.seeds
        self.expect, self.forbid, self.at = list(self.expect), list(self.forbid), self.at or {}

    @property
    def boot_arguments(self):
        """All boot arguments in one text, as the kernel gets them."""
        words = [self.append]
        if self.selftest:
            words.append("selftest=" + self.selftest.split()[0])
        if self.prog:
            words.append("init=" + self.prog)           # takes the rest of the line
        return " ".join(word for word in words if word)

    def seeded(self, seed):
        """The same test for one boot with this seed."""
        test = copy.copy(self)
        test.append = ("chaos=%d %s" % (seed, self.append)).strip()
        test.runs, test.seeds = 1, 0
        return test

    def lengthened(self):
        """The same test with the seeds of --long."""
        test = copy.copy(self)
        test.runs = test.seeds = self.long_seeds
        return test

    @property
    def subject(self):
        """The name under which the test reports: that of its program or self test."""
        return (self.prog or self.selftest or self.name).split()[0]


class Report:
    """A line of the guest whose tag was found right: see libs/report.h."""

    def __init__(self, kind, subject, pid, number, text):
        self.kind, self.subject, self.pid = kind, subject, pid      # kind: check, checkpoint, done
        self.number, self.text = number, text
        self.failed = text.startswith("FAILED")


class Outcome:
    """How one test came out; of several runs, the first that failed.

    reasons       lines that say what was expected, what was found, and where; none if it passed
    reports       the Reports of the guest, in order
    console       the last lines that it printed
    trace         the call stack of a panic, with file:line
    log           the path of the file with the whole output
    instructions  the count at the end, with one hart; else None
    seconds       of CPU time, of all runs together
    run           which of its runs this is, from 1; of a test with seeds, the seed
    """

    def __init__(self, test, verdict, reasons=(), log=""):
        self.test, self.verdict, self.reasons, self.log = test, verdict, list(reasons), log
        self.reports, self.console, self.trace = [], [], []
        self.instructions, self.seconds, self.run = None, 0.0, 1

    def nothing_written(self, reason):
        """An exercise is still blank, as this reason says: all else follows from it."""
        self.verdict, self.reasons, self.console = Verdict.NOT_WRITTEN, [reason], []

    @property
    def which_run(self):
        """Words for a reader: which of several runs this is; "" if there is only one."""
        if self.test.seeds:
            return "with the boot argument chaos=%d: seed %d of %d" % (
                self.run, self.run, self.test.seeds)
        return "in run %d of %d" % (self.run, self.test.runs) if self.test.runs > 1 else ""

    @property
    def why(self):
        """The first reason that is no head of those behind it; "" if there is none."""
        return next((reason for reason in self.reasons if not reason.endswith(":")), "")

    @property
    def passed(self):
        """Is all as the test wants it?"""
        return self.verdict == Verdict.OK

    @property
    def points(self):
        """The points that it gives to its exercise."""
        return self.test.points if self.passed else 0
