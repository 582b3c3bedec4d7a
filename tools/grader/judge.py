"""From a machine that has ended to a verdict, with reasons that a student can use.

A Judge runs a test's machine once and makes an Outcome of its Run. The order matters: first how the
machine ended (a hang, a panic), then what the test reported, then the exit code, then the console,
then the memory; and last, whether it reported what it reports with the reference. A verdict depends
on nothing of the host: if the host failed, it is Verdict.SETUP, and nobody's mark suffers. Each
reason is a sentence: what was expected, what was found, and where.
"""
import os
import re

from grader import record
from grader.checked import is_checked, traps
from grader.machine import End, Machine
from grader.model import Outcome, Verdict
from grader.outside import Caller
from grader.qemu import MAX_OUTPUT
from grader.told import checks_failed, last_lines, lost, stack, stacks

FIRMWARE, KERNEL = 0x80000000, 0x80200000       # the physical addresses at which they are loaded
PANIC_CODE = 255                # a panic calls power_off() with this code
MAX_IMAGE = 8 << 20             # bytes of a kernel with its variables: each machine has this room
BLANK_PROGRAM = re.compile(r"^user panic at \S+:\n +(exercise \d\.\w \(.*?\) is not written "
                           r"yet, .*)$", re.MULTILINE)
NOT_IN_TABLE = re.compile(r"^(?:pmm|sched)=(\w+): there are .*$", re.MULTILINE)


def position(wanted, text, start):
    """(where it begins, where it ends) of a text or a pattern; (-1, -1) without one."""
    if isinstance(wanted, str):
        at = text.find(wanted, start)
        return at, at + len(wanted) if at >= 0 else -1
    match = wanted.search(text, start)
    return match.span() if match else (-1, -1)


def shown(wanted):
    """A wanted text or pattern, as reasons quote it."""
    return '"%s"' % wanted if isinstance(wanted, str) else "/%s/" % wanted.pattern


def printed_wrong(test, text):
    """Reasons from the console: an expected text is missing, or one is there that must not be."""
    reasons, at = [], 0
    for wanted in test.expect:
        end = position(wanted, text, at)[1]
        if end < 0:
            order = ", or not after the text before it" if position(wanted, text, 0)[1] >= 0 else ""
            reasons.append("expected %s on the console; it is not there%s" % (shown(wanted), order))
            break
        at = end
    for unwanted in test.forbid:
        if position(unwanted, text, 0)[1] >= 0:
            reasons.append("printed %s, which must not be" % shown(unwanted))
    return reasons


def code_wrong(test, run):
    """Reasons from the code with which the kernel switched off. If a program has lost memory, the
    kernel ends with another code than the program; then only the loss is told."""
    if test.panic:
        return [] if run.code == PANIC_CODE else [
            "expected a kernel panic, but the kernel switched off with code %d" % run.code]
    if run.code == test.exit & 0xff:
        return []
    leak = lost(run.console.text)
    named = re.search(r"^init ended with code ((-?\d+)(?: E_\w+)?)$", run.console.text,
                      re.MULTILINE)
    if leak and named and int(named.group(2)) == test.exit:
        return leak                     # the code says no more than this
    return ["expected the first program to exit with code %d, got %s"
            % (test.exit, named.group(1) if named and int(named.group(2)) & 0xff == run.code
               else run.code)] + leak


def reports_wrong(test, console):
    """Reasons from the signed reports: a failed check, or no verdict at all."""
    reasons = checks_failed(console)
    if not test.reports or test.panic or reasons:
        return reasons
    if console.done(test.subject) is None:
        reasons.append("%s did not come to its end: its signed last line [done] is missing"
                       % test.subject)
    forged = console.forged.get(test.subject)
    if forged:
        reasons.append("a line looks like the test's report, but is not signed by the test: %s"
                       % forged[0][:120])
    return reasons


class Judge:
    """Runs the machines of tests and gives verdicts; used by several threads."""

    machine = Machine           # how they are run

    def __init__(self, host, recorded=None):
        """`recorded` is a result of record.load(), which is called if nothing is given."""
        self.host = host
        self.recorded = record.load() if recorded is None else recorded

    def run(self, test, number):
        """Boot the test's machine once, as its run of this number, which for a test with seeds is
        the seed; the result is an Outcome."""
        outcome = Outcome(test, Verdict.SETUP, log=self.log_path(test, number))
        outcome.run = number
        if self.too_large(outcome):
            return outcome
        if test.needs and not self.needed(outcome):
            return outcome
        run = self.machine(test.seeded(number) if test.seeds else test, self.host).run()
        if run.console:
            outcome.console = last_lines(run.console)
            outcome.reports = run.console.reports
            outcome.instructions, outcome.seconds = run.instructions, run.seconds
            with open(outcome.log, "w", encoding="utf-8", errors="replace") as log:
                log.write(run.console.text)
        if run.error:
            outcome.reasons.append(str(run.error))
        else:
            self.decide(outcome, run)
        if outcome.passed and test.outside and number == 1:
            self.call(outcome)
        return outcome

    def call(self, outcome):
        """All is well, as the guest tells. What the host's own calls find can change that."""
        run = Caller(outcome.test, self.host).run()
        outcome.seconds += run.seconds
        outcome.reasons += [str(run.error)] if run.error else run.complaints
        if outcome.reasons:
            outcome.verdict = Verdict.SETUP if run.error else Verdict.WRONG

    def too_large(self, outcome):
        """Is the kernel so large that it leaves no room for anything else? QEMU puts the device
        tree behind it, and would only complain that the two overlap."""
        size = self.host.image.memory_size
        if size > MAX_IMAGE:
            name, largest = self.host.image.largest()
            outcome.verdict = Verdict.WRONG
            outcome.reasons.append(
                "the kernel takes %.1f MiB with all its variables, and may take %d: the largest of "
                "them is %s, with %.1f MiB"
                % (size / 2**20, MAX_IMAGE >> 20, name, largest / 2**20))
        return size > MAX_IMAGE

    def needed(self, outcome):
        """Has the test passed that this one needs? It runs once in a grading for this. If it has
        not passed, its verdict and its reasons become this one's."""
        needs = outcome.test.needs
        with self.host.needs_lock:
            if needs not in self.host.needed:
                self.host.needed[needs] = self.run(needs, 1)
            found = self.host.needed[needs]
        if found.passed:
            return True
        outcome.verdict, outcome.trace = found.verdict, found.trace
        outcome.reasons = ["it counts only if the test %s passes:" % needs.name] + found.reasons
        return False

    def log_path(self, test, number):
        """The file that keeps all that a run of a test prints."""
        name = test.name + (".%d" % number if test.runs > 1 else "")
        return os.path.join(self.host.folder, name + ".log")

    def decide(self, outcome, run):
        """Set the verdict and the reasons, from a run in which the host did not fail."""
        test, text = outcome.test, run.console.text
        if run.end == End.GONE:
            outcome.verdict = Verdict.WRONG if run.status >= 0 else Verdict.SETUP
            outcome.reasons.append(
                "the machine was switched off before the kernel's own power_off()"
                if run.status >= 0 else
                "QEMU was ended by signal %d; is there too little memory?" % -run.status)
        elif run.end == End.FLOOD:
            outcome.verdict = Verdict.HANG
            outcome.reasons.append("printed more than %d MB" % (MAX_OUTPUT >> 20))
        elif run.end in (End.LIMIT, End.IDLE, End.STUCK, End.FED):
            outcome.verdict = Verdict.HANG
            outcome.reasons += checks_failed(run.console) + [self.hang(test, run)]
        elif run.code == PANIC_CODE and not test.panic:
            outcome.reasons += checks_failed(run.console)
            self.panic(outcome, text)
        else:
            outcome.reasons += reports_wrong(test, run.console)
            if not run.console.failed():        # else the exit code tells nothing new
                outcome.reasons += code_wrong(test, run)
            outcome.reasons += printed_wrong(test, text) + run.complaints
            if is_checked(self.host.objects):
                outcome.reasons += traps(text)
            if not outcome.reasons and test.reports:
                outcome.reasons += record.wrong(self.recorded, test, run.console.reports)
            outcome.verdict = Verdict.WRONG if outcome.reasons else Verdict.OK
            blank = outcome.reasons and BLANK_PROGRAM.search(text)
            if blank:
                outcome.nothing_written(blank.group(1))

    def hang(self, test, run):
        """A sentence about a run that had no end: which limit, and where the machine was."""
        where = run.place
        if run.end == End.IDLE:
            return "all harts sleep, and nothing will wake them"
        if run.end == End.FED:
            return ("it ran on after its %d million instructions, until this host's limit of CPU "
                    "time at most: the kernel has set back the watchdog, a device of the machine "
                    "that it must leave alone" % test.limit)
        if run.end == End.STUCK:
            return "no instruction comes to its end: each trap leads to the next one, at %#x" % (
                where or 0)
        limit = ("%d million instructions" % test.limit if test.harts == 1
                 else "%d seconds of CPU time" % test.cpu)
        if where is None:
            return "no end after %s" % limit
        name = self.host.image.nearest(where)
        if name:
            return "no end after %s; it is in the kernel, at %s%s" % (
                limit, name, self.host.source_lines([where])[0])
        if FIRMWARE <= where < KERNEL:
            return "no end after %s; it is in the firmware, which the kernel has called" % limit
        program = self.host.program(test) if test.prog else None
        name = program and program.nearest(where)
        return "no end after %s; it is in a program, at %s" % (limit, name or "%#x" % where)

    def panic(self, outcome, text):
        """Set the verdict, the words and the call stack of the panic that the kernel printed."""
        found = re.search(r"^(deadlock: all |kernel panic at )", text, re.MULTILINE)
        missing = None if found else NOT_IN_TABLE.search(text)
        part = text[found.start():] if found else ""
        part = part[:part.find("\nregisters:")] if "\nregisters:" in part else part
        if "is not written yet" in part or missing:
            outcome.verdict = Verdict.NOT_WRITTEN
        elif part.startswith("deadlock"):
            outcome.verdict = Verdict.DEADLOCK
        else:
            outcome.verdict = Verdict.PANIC
        words = part.split("\ncall stack")[0].split("\n\n")[0]
        if missing:
            words = "nothing is named %s in the table: %s" % (missing.group(1), missing.group())
        elif not found:                     # no panic: it ends for a boot argument that is unknown
            words = "the kernel stopped itself: " + " ".join(outcome.console[-1:])
        tell = stack
        if outcome.verdict == Verdict.DEADLOCK:
            words, tell = words.split("\n")[0], stacks
        outcome.reasons += [line.rstrip() for line in words.split("\n") if line]
        outcome.trace = tell(part, self.host.source_lines)
        if found or missing:
            outcome.console = []        # the panic says it all
