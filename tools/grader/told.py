"""What is told of a test that failed: of all that its machine printed, a few lines to read first.

One mistake may fail hundreds of checks and dozens of tests. A check that fails again and again is
told once, with the values of its first failure. A test that fails in the same way as one before it
names that one (likeness). Call stacks get the lines of the calls, and equal stacks of a deadlock
are told once. What is told already is left out of the last lines of the output.

Everything here takes texts that a kernel printed and returns lines; test_told.py has examples.
"""
import re

from grader.model import Verdict

MAX_CHECKS = 10                 # so many failed checks are told; more would not help
MAX_DETAILS = 6                 # so many lines are told that a test printed beside a failed check
CONSOLE_LINES = 12              # so many last lines of a failed test's console are told
MAX_FRAMES = 16                 # a call stack is told up to here
MAX_STACKS, STACK_FRAMES = 8, 8     # so many stacks of a deadlock, and frames of each
BOOT = re.compile(r"^Boot HART |ctrl-A x leaves QEMU$")  # the last lines of firmware and kernel
VALUES = re.compile(r"(.*?)(?:: (expected \S+, got \S+))?, at (\S+:\d+)")
CHECK = re.compile(r"\[check\] \S+ \d+ \d+ (?:ok|FAILED): ")
DETAIL = re.compile(r" {4,}\S")
NO_NEWS = re.compile(r"\[done\] |init ended with code \d+$|leak check: ok$")
LEAK = re.compile(r"^leak check: (.*) lost; objects in use are$", re.MULTILINE)
FRAME = re.compile(r"^  ([0-9a-f]{16}) (\S+)$", re.MULTILINE)
# A panic by a trap tells its place by an address; one by panic() tells file and line.
TRAPPED = re.compile(r"kernel panic at (?:\S+\+)?0x")
WAITS = re.compile(r"^(.+ \(pid \d+\)) ((?:waits for|has ended).*):\n((?:  [0-9a-f]{16} \S+\n?)*)",
                   re.MULTILINE)
PLACE = re.compile(r"(kernel panic at \S+) on hart .*")


def checks_failed(console):
    """Lines for the checks that failed. Failures of one place and title are told together."""
    found = {}
    for report in console.failed():
        text = report.text.partition(": ")[2]
        match = VALUES.fullmatch(text)
        what, values, place = match.groups() if match else (text, None, None)
        found.setdefault((what, place), []).append((text, values))
    lines = []
    for (first, _), *others in list(found.values())[:MAX_CHECKS]:
        lines.append("check failed: " + first)
        lines += details(console) if len(lines) == 1 else []
        if others:
            values = others[-1][1]
            lines.append("    and so %d times more%s" % (
                len(others), ", at last: " + values if values else ""))
    if len(found) > MAX_CHECKS:
        lines.append("and %d other checks failed: see its output" % (len(found) - MAX_CHECKS))
    return lines


def details(console):
    """The lines that a test printed right before and after its first failed check, further to the
    right. They say more about that check."""
    first, lines = console.failed()[0], console.text.split("\n")
    head = "[check] %s %d %d FAILED" % (first.subject, first.pid, first.number)
    at = next((number for number, line in enumerate(lines) if head in line), None)
    if at is None:
        return []
    begin, end = at, at + 1
    while begin > 0 and DETAIL.match(lines[begin - 1]):
        begin -= 1
    while end < len(lines) and DETAIL.match(lines[end]):
        end += 1
    return (lines[begin:at] + lines[at + 1:end])[:MAX_DETAILS]


def last_lines(console):
    """The last lines that a test printed, without those of the boot. If checks failed, all lines of
    checks are left out, because the failed ones are told already; and if the test came to its end,
    so are the lines that say so."""
    lines = [line for line in console.text.split("\n") if line.strip()]
    boot = [number for number, line in enumerate(lines) if BOOT.search(line)]
    lines = lines[boot[-1] + 1 if boot else 0:]
    if console.failed():
        ended = any(report.kind == "done" for report in console.reports)
        lines = [line for number, line in enumerate(lines)
                 if not (CHECK.match(line) or ended and NO_NEWS.match(line)
                         or DETAIL.match(line) and is_beside_check(lines, number))]
    return lines[-CONSOLE_LINES:]


def is_beside_check(lines, number):
    """Does this indented line belong to a check? Then the next line that is not indented, before or
    after it, is that of a check."""
    for step in (-1, 1):
        at = number
        while 0 <= at < len(lines) and DETAIL.match(lines[at]):
            at += step
        if 0 <= at < len(lines) and CHECK.match(lines[at]):
            return True
    return False


def lost(text):
    """[a sentence] if the kernel's leak check found something, else []."""
    found = LEAK.search(text)
    return ["at the end something was not given back: %s lost" % found.group(1)] if found else []


def stack(part, source_lines):
    """The call stack of a panic, with the lines of the calls. A frame has the address that a call
    returns to, which may belong to another line already; so the address before it is looked up.
    Only the address of a trap is exact."""
    frames = FRAME.findall(part)[:MAX_FRAMES]
    addresses = [int(address, 16) - 1 for address, _ in frames]
    if addresses and TRAPPED.match(part):
        addresses[0] += 1
    places = source_lines([max(address, 0) for address in addresses])
    return [name + place for (_, name), place in zip(frames, places)]


def stacks(part, source_lines):
    """What each process of a deadlock waits for, with its call stack. Equal ones are told once."""
    found = {}
    for who, what, frames in WAITS.findall(part.partition("\nkernel panic at ")[0]):
        found.setdefault((what, frames), []).append(who)
    lines = []
    for (what, frames), who in list(found.items())[:MAX_STACKS]:
        more = ", and so do %d others: %s" % (len(who) - 1, ", ".join(who[1:4])) if who[1:] else ""
        lines.append("%s %s%s%s" % (who[0], what, more, ", ..." if who[4:] else ""))
        lines += ["  " + line for line in stack(frames, source_lines)[:STACK_FRAMES]]
    if len(found) > MAX_STACKS:
        lines.append("and %d more: see its output" % (len(found) - MAX_STACKS))
    return lines


def likeness(outcome):
    """A text that is equal for tests that failed in the same way. None if the test passed, or if
    its failure is not to be compared."""
    if outcome.passed or outcome.verdict == Verdict.SETUP or outcome.test.command:
        return None
    return likeness_of(outcome.verdict, outcome.reasons)


def likeness_of(verdict, reasons):
    """The text for a verdict and its reasons. Panics and hangs are alike if place and sentence are
    equal, whatever numbers are in it and whichever process ran; wrong answers must be equal in all
    that is told of them."""
    lines = list(reasons)
    if verdict in (Verdict.PANIC, Verdict.NOT_WRITTEN, Verdict.DEADLOCK, Verdict.HANG):
        lines = [PLACE.match(line).group(1) if PLACE.match(line)
                 else re.sub(r"\b0x[0-9a-f]+\b|\b\d+\b", "N", line) for line in lines]
    return "\n".join([verdict] + lines)
