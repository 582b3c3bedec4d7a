"""What each test reports when all is well, recorded from the reference: tools/labs/reports.txt.

A test that passes must have reported the same, each line of it. So code that jumps over checks, or
to the last line, gets nothing. A line of the file is the name of a test, how many lines it reports,
and a digest of their kinds and texts. The lines of one process count in their order; those of
several processes may come in any order beside each other, because no exercise says which runs
first.

`make grade GRADE=--record` writes the lines of the tests that were run. Do that when you have
changed a check: else the reference itself gets no full marks.
"""
import hashlib
import os

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "labs",
                    "reports.txt")
HEAD = "# TEST, LINES THAT IT REPORTS, DIGEST: see tools/grader/record.py\n"
DIGITS = 12


def digest(reports):
    """The digest of the signed lines of one run. Pids are left out, because they differ from
    solution to solution."""
    processes = {}
    for report in reports:
        processes.setdefault(report.pid, []).append("%s %s %s" % (
            report.kind, report.subject, report.text))
    whole = "\n\n".join(sorted("\n".join(lines) for lines in processes.values()))
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:DIGITS]


def load(path=PATH):
    """{name of a test: (number of lines, digest)}; empty if there is no record."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.split() for line in file if line.strip() and line[0] != "#"]
    except OSError:
        return {}
    return {name: (int(count), found) for name, count, found in lines}


def save(outcomes, path=PATH):
    """Take into the record what the passed ones of these outcomes reported."""
    known = load(path)
    for outcome in outcomes:
        if outcome.passed and outcome.test.reports:
            known[outcome.test.name] = len(outcome.reports), digest(outcome.reports)
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEAD + "".join("%s %d %s\n" % (name, *known[name]) for name in sorted(known)))


def wrong(known, test, reports):
    """Reasons, if a test has not reported what it reports with the reference; else nothing."""
    if test.name not in known or (len(reports), digest(reports)) == known[test.name]:
        return []
    count = known[test.name][0]
    if len(reports) != count:
        return ["the test reported %d lines, expected %d as with the reference: it did not make "
                "all of its checks" % (len(reports), count)]
    return ["the test did not report the checks that it reports with the reference"]
