"""What the parts of the grader share: labs, exercises and tests as data, and outcomes."""
from re import compile as regex      # for the labs: a pattern, where a text is not enough

SHIFT = 3       # one hart: an instruction takes 2^SHIFT ns; below 3 QEMU cannot replay backwards


class Verdict:
    """What became of a test. Each has words of its own, because each is looked into differently."""
    OK = "ok"
    WRONG = "wrong answer"              # it ended, and something is not as it must be
    PANIC = "panic"                     # the kernel stopped itself
    HANG = "hang"                       # the limit of instructions or CPU time is used up
    DEADLOCK = "deadlock"               # everything sleeps, and nothing can wake it
    NOT_WRITTEN = "not written yet"     # it reached an exercise that is still blank
    BUILD = "build error"               # what it tests does not compile
    SETUP = "broken set-up"             # the host failed, not the code: nobody's mark should suffer


class Exercise:
    """One exercise: "5.3". A letter after the dot, "5.C", is a challenge, beyond the 100 points.

    asks    one line: what is to be written
    hint    some lines that a handout shows in the blank region
    uses    functions and variables of the kernel that a solution may use beyond those that
            exercise.symbols finds, as one text
    """

    def __init__(self, number, title, points, asks, hint="", uses=""):
        self.number, self.title, self.points = number, title, points
        self.asks, self.hint, self.uses = asks, hint, uses.split()

    @property
    def lab(self):
        return int(self.number.split(".")[0])

    @property
    def is_challenge(self):
        return self.number.endswith(".C")


class Lab:
    """One lab: its exercises and its tests. Lab 0 is what no exercise asks for."""

    def __init__(self, number, title, exercises, tests):
        self.number, self.title = number, title
        self.exercises, self.tests = exercises, tests
        for test in tests:
            test.lab = number


class Test:
    """One test: a machine that is booted, judged by its reports, its output and its memory.

    name      short, for TEST=name; a blank becomes a dash
    title     what it tests, in a few words; the name where there is none
    points    they go to the exercise, whose tests' points add up to its own
    exercise  "5.3"; None in lab 0, whose tests have no points
    prog      command line of the first program; the program ends by check_done()
    selftest  or a self test of the kernel
    early     the self test runs before there is a process
    command   or a check on the host, which must succeed; @OBJ@ in it is the folder with the objects
    harts     with one hart time is counted in instructions, and each run is alike
    mem       of the machine
    processor QEMU's -cpu; "" is the machine's own
    append    further boot arguments
    input     what is typed on the console
    runs      how often the machine is booted; each run must pass
    limit     with one hart: so many million instructions at most, the waiting counted; 100, or
              1000 where there are no points to win
    cpu       seconds of CPU time, in which QEMU may run it
    shift     with one hart, an instruction takes 2^shift ns of guest time
    expect    texts or patterns that must be printed, in this order
    forbid    those that must not be
    reports   the program's or self test's own signed verdict is needed; False for programs that
              know nothing of it
    exit      the exit code that the first program must have
    panic     the kernel must panic: the signed verdict and `after` do not apply
    after     what must hold in the machine's memory when it is switched off: functions of state.py
    needs     a Test that must pass too: without it this one has no points, whatever it does
    at        the same at a checkpoint of the program or self test: {label: [function, ...]}
    """

    def __init__(self, name, title="", points=0, exercise=None, prog=None, selftest=None,
                 early=False, command=None, harts=1, mem="128M", processor="", append="", input="",
                 runs=1, limit=None, cpu=30, shift=SHIFT, expect=(), forbid=(), reports=True,
                 exit=0, panic=False, after=None, at=None, needs=None):
        self.name = name.replace(" ", "-")
        self.title, self.points, self.exercise = title or self.name, points, exercise
        self.prog, self.selftest, self.early = prog, selftest, early
        self.command = command
        self.harts, self.mem, self.input, self.runs = harts, mem, input, runs
        self.processor = processor
        self.limit, self.cpu, self.shift = limit or (100 if points else 1000), cpu, shift
        self.expect, self.forbid = list(expect), list(forbid)
        self.reports, self.exit, self.panic = reports, exit, panic
        self.after, self.at = after, at or {}
        self.needs, self.lab = needs, 0
        words = [append]
        if selftest:
            words.append("selftest=" + selftest.split()[0])
        if prog:
            words.append("init=" + prog)            # takes the rest of the line
        self.append = " ".join(word for word in words if word)

    @property
    def subject(self):
        """The name under which the test reports: of its program or self test."""
        return (self.prog or self.selftest or self.name).split()[0]


class Report:
    """A line of the guest whose tag was found right: see libs/report.h."""

    def __init__(self, kind, subject, pid, number, text):
        self.kind, self.subject, self.pid = kind, subject, pid      # kind: check, checkpoint, done
        self.number, self.text = number, text
        self.failed = text.startswith("FAILED")


class Outcome:
    """How one test came out; of several runs, the first that failed.

    reasons       lines: what was expected, what was found, where; none where it passed
    reports       of the guest, in order
    console       the last lines that it printed
    trace         the call stack of a panic, with file:line
    log           path of the whole output
    instructions  with one hart, when it ended; else None
    seconds       of CPU time, all runs
    run           which of its runs this is, from 1
    """

    def __init__(self, test, verdict, reasons=(), log=""):
        self.test, self.verdict, self.reasons, self.log = test, verdict, list(reasons), log
        self.reports, self.console, self.trace = [], [], []
        self.instructions, self.seconds, self.run = None, 0.0, 1

    @property
    def passed(self):
        return self.verdict == Verdict.OK

    @property
    def points(self):
        return self.test.points if self.passed else 0
