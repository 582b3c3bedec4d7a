"""What the grader writes for programs: JSON, JUnit XML, TAP 14, Gradescope, Autolab, Markdown.

Each writer takes a Grading and returns a text; WRITERS names them. What the guest printed may hold
control characters, markup and lines without end: each writer makes sure that it stays plain text in
its format, and not too long for the system that reads it. The JSON is rvlab's own;
results.schema.json beside this file describes it.

Nothing but the part "host" of the JSON may depend on the host: two runs with the same results give
the same texts. test_formats.py reads each format back.
"""
import html
import json
import re
from xml.etree import ElementTree

from grader.model import Verdict
from grader.pictured import command, timeline

SCHEMA = "rvlab/results/v1"
TEST_LIMIT = 20 << 10           # one test may take so many bytes in a course system
HINT_LIMIT, DETAILS_LIMIT = 1 << 10, 4 << 10
SUMMARY_LIMIT = 900 << 10       # GitHub shows no step summary of more than 1 MiB
NAME_LIMIT = 300                # a name or a message may have so many characters
# All but the characters that XML 1.0 and YAML 1.1 allow, and those that turn the direction of
# writing.
CONTROL = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd"
                     "\U00010000-\U0010ffff]")
NOTE = "note: "                 # so a line for the screen begins; each writer says it by itself
MARKDOWN = "\\`*_[]<>#|~&$"    # characters with a meaning in Markdown
DRAWING = "a timeline of such a run: "
NO_FAULT = ("The machine that grades failed, not the code under test: it is not the student's "
            "fault, and the points are not final. Run the grader again.")


class Grading:
    """All that a run of the grader found out.

    labs       the labs that were graded: the test of each outcome belongs to one of them
    outcomes   the Outcomes, in the order of the tests
    toolchain  the toolchain that built the kernel
    qemu       the version of QEMU, as a text
    seconds    CPU time of all tests on the host
    notes      what else is to be said; nothing in it may depend on the host
    """

    def __init__(self, labs, outcomes, toolchain="", qemu="", seconds=0.0, notes=()):
        self.labs, self.outcomes = list(labs), list(outcomes)
        self.notes = [note[len(NOTE):] if note.startswith(NOTE) else note for note in notes]
        self.toolchain, self.qemu, self.seconds = toolchain, qemu, seconds

    @property
    def total(self):
        """The points, with those of challenges, so it may be more than max."""
        return sum(outcome.points for outcome in self.outcomes)

    @property
    def max(self):
        """The points that the tests which were run can give, without challenges."""
        challenges = [exercise.number for lab in self.labs for exercise in lab.exercises
                      if exercise.is_challenge]
        return sum(outcome.test.points for outcome in self.outcomes
                   if outcome.test.exercise not in challenges)

    @property
    def broken(self):
        """The outcomes of tests for which the host failed: they say nothing about the code."""
        return [outcome for outcome in self.outcomes if outcome.verdict == Verdict.SETUP]

    def of_lab(self, lab):
        """The outcomes of the tests of a lab."""
        return [outcome for outcome in self.outcomes if outcome.test.lab == lab.number]

    def exercises(self, lab):
        """[(exercise, its outcomes)] of a lab. An exercise is left out if none of its tests was
        run."""
        pairs = [(exercise, [outcome for outcome in self.of_lab(lab)
                             if outcome.test.exercise == exercise.number])
                 for exercise in lab.exercises]
        return [(exercise, outcomes) for exercise, outcomes in pairs if outcomes]

    def summary(self):
        """Points and tests in one sentence."""
        passed = sum(outcome.passed for outcome in self.outcomes)
        text = "%g of %g points; %d of %d tests passed" % (
            self.total, self.max, passed, len(self.outcomes))
        return text + (", %d could not be run. %s" % (len(self.broken), NO_FAULT)
                       if self.broken else ".")


def clean(text):
    """The text without characters that no format can carry; tabs and ends of lines stay."""
    return CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text):
    """The text as one line of limited length."""
    text = " ".join(clean(text).split())
    return text if len(text) <= NAME_LIMIT else text[:NAME_LIMIT] + "..."


def escaped(text, special):
    """The text as one line, with a backslash before each of these special characters."""
    return re.sub("([%s])" % re.escape(special), r"\\\1", one_line(text))


def joined(lines, limit=TEST_LIMIT):
    """The lines as one text of at most so many bytes. A longer one keeps its beginning and its end,
    and a note between them says that it was cut."""
    text = clean("\n".join(lines))
    data = text.encode("utf-8")
    if len(data) <= limit:
        return text
    note = "\n[cut here: the whole text has %d bytes]\n" % len(data)
    half = (limit - len(note)) // 2
    return data[:half].decode("utf-8", "ignore") + note + data[-half:].decode("utf-8", "ignore")


def explanation(outcome, console=False):
    """Lines that say why a test failed and where; with the last lines of its console if wanted."""
    test, lines = outcome.test, []
    if not outcome.passed:
        run = ", " + outcome.which_run if outcome.which_run else ""
        fault = [NO_FAULT] if outcome.verdict == Verdict.SETUP else []
        lines = [outcome.verdict + run] + fault + outcome.reasons
    if outcome.trace:
        lines += ["call stack:"] + ["  " + line for line in outcome.trace]
    if console and outcome.console:
        lines += ["last lines of the console:"] + ["  | " + line for line in outcome.console]
    return lines


def drawn_by(outcome):
    """The command that draws the run of a test that failed; "" if there is none, or it passed."""
    return "" if outcome.passed else command(outcome)


def drawing(outcome):
    """[the line that tells this command], or none."""
    return [DRAWING + drawn_by(outcome)] if drawn_by(outcome) else []


def with_command(outcome, console=False):
    """The explanation with the command that draws the run, for who reads it where no picture can
    be: at another host than that which has graded."""
    return explanation(outcome, console) + drawing(outcome)


def label(test):
    """A test in one line: its exercise, name and title."""
    title = ": " + test.title if test.title != test.name else ""
    return one_line("%s %s%s" % (test.exercise or "", test.name, title))


def dump(value, indent=None):
    """A value as JSON that can be written in UTF-8. Half of a surrogate pair is no text, so a
    question mark takes its place. JSON has no infinite numbers: that would be a defect here, and is
    a ValueError."""
    return json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False).encode(
        "utf-8", "replace").decode("utf-8")


def json_test(outcome):
    """The object of a test in rvlab's JSON."""
    test = outcome.test
    return {
        "name": test.name, "title": test.title, "exercise": test.exercise,
        "points": outcome.points, "max": test.points, "verdict": outcome.verdict,
        "reasons": outcome.reasons,
        "reports": [{"kind": line.kind, "subject": line.subject, "pid": line.pid,
                     "number": line.number, "text": line.text, "failed": line.failed}
                    for line in outcome.reports],
        "console": outcome.console, "trace": outcome.trace,
        "instructions": outcome.instructions, "run": outcome.run, "runs": test.runs,
        "seed": outcome.run if test.seeds else None, "timeline": drawn_by(outcome) or None,
    }


def json_lab(grading, lab):
    """The object of a lab in rvlab's JSON. Its own "tests" are those that belong to no exercise."""
    known = [exercise.number for exercise in lab.exercises]
    return {
        "number": lab.number, "title": lab.title,
        "exercises": [{
            "number": exercise.number, "title": exercise.title,
            "challenge": exercise.is_challenge,
            "points": sum(outcome.points for outcome in outcomes),
            "max": sum(outcome.test.points for outcome in outcomes),
            "tests": [json_test(outcome) for outcome in outcomes],
        } for exercise, outcomes in grading.exercises(lab)],
        "tests": [json_test(outcome) for outcome in grading.of_lab(lab)
                  if outcome.test.exercise not in known],
    }


def to_json(grading):
    """rvlab's own format. Without "host" two runs with the same results are equal."""
    return dump({
        "schema": SCHEMA, "total": grading.total, "max": grading.max,
        "complete": not grading.broken, "toolchain": grading.toolchain, "notes": grading.notes,
        "labs": [json_lab(grading, lab) for lab in grading.labs],
        "host": {
            "qemu": grading.qemu, "seconds": round(grading.seconds, 3),
            "tests": [{"name": outcome.test.name, "log": outcome.log,
                       "seconds": round(outcome.seconds, 3)} for outcome in grading.outcomes],
        },
    }, indent=2) + "\n"


def junit_counts(outcomes):
    """The attributes that count tests, for a suite or for all suites."""
    errors = sum(outcome.verdict == Verdict.SETUP for outcome in outcomes)
    failures = sum(not outcome.passed for outcome in outcomes) - errors
    return {"tests": str(len(outcomes)), "failures": str(failures), "errors": str(errors),
            "time": "%.3f" % sum(outcome.seconds for outcome in outcomes)}


def junit_case(suite, outcome):
    """Add a test to a suite. If the host failed it is an error in JUnit's words; if the code did,
    a failure."""
    test = outcome.test
    place = "exercise " + test.exercise if test.exercise else "lab %d" % test.lab
    case = ElementTree.SubElement(suite, "testcase", {
        "name": one_line(test.name), "classname": place, "time": "%.3f" % outcome.seconds})
    if not outcome.passed:
        kind = "error" if outcome.verdict == Verdict.SETUP else "failure"
        message = outcome.reasons[0] if outcome.reasons else outcome.verdict
        ElementTree.SubElement(case, kind, {
            "type": outcome.verdict, "message": one_line(message),
        }).text = joined([test.title] + with_command(outcome))
    if outcome.console:
        ElementTree.SubElement(case, "system-out").text = joined(outcome.console)


def to_junit(grading):
    """JUnit XML: a test suite for each lab."""
    root = ElementTree.Element("testsuites", {"name": "rvlab", **junit_counts(grading.outcomes)})
    properties = [("toolchain", grading.toolchain), ("qemu", grading.qemu)]
    properties += [("note", note) for note in grading.notes]
    for lab in grading.labs:
        suite = ElementTree.SubElement(root, "testsuite", {
            "name": one_line("lab %d: %s" % (lab.number, lab.title)),
            **junit_counts(grading.of_lab(lab))})
        parent = ElementTree.SubElement(suite, "properties")
        for name, value in properties:
            ElementTree.SubElement(parent, "property", {"name": name, "value": one_line(value)})
        for outcome in grading.of_lab(lab):
            junit_case(suite, outcome)
    text = ElementTree.tostring(root, encoding="unicode")
    # In texts and attributes each > is written as &gt;, so >< is found only between two tags.
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + text.replace("><", ">\n<") + "\n"


def tap_block(outcome):
    """The lines of the YAML block below a test. Each value is JSON in one line, which is YAML too.

    No value is a list, because perl's reader takes a quoted text with a colon in a list for a map.
    """
    values = [("verdict", outcome.verdict), ("points", outcome.points),
              ("max", outcome.test.points), ("run", outcome.run)]
    values += [("seed", outcome.run)] if outcome.test.seeds else []
    values += [(key, joined(getattr(outcome, key))) for key in ("reasons", "trace", "console")
               if getattr(outcome, key) and not outcome.passed]
    values += [("timeline", joined([drawn_by(outcome)]))] if drawn_by(outcome) else []
    return ["  ---"] + ["  %s: %s" % (key, dump(value)) for key, value in values] + ["  ..."]


def to_tap(grading):
    """TAP 14. A test that is not written yet is "not ok", and no "to do" of TAP, because a "to do"
    counts as passed."""
    count = len(grading.outcomes)
    lines = ["TAP version 14", "1..%d" % count + ("" if count else " # no test was run")]
    lines += ["# note: " + one_line(note) for note in grading.notes]
    for number, outcome in enumerate(grading.outcomes, 1):
        result = "ok" if outcome.passed else "not ok"
        lines.append("%s %d - %s" % (result, number, escaped(label(outcome.test), "\\#")))
        lines += tap_block(outcome)
    if count and len(grading.broken) == count:
        lines.append("Bail out! " + escaped((grading.broken[0].reasons + [NO_FAULT])[0], "\\#"))
    return "\n".join(lines) + "\n"


def to_gradescope(grading):
    """Gradescope's results.json."""
    return dump({
        "score": grading.total, "execution_time": int(round(grading.seconds)),
        "output": joined([grading.summary()] + grading.notes), "output_format": "text",
        "test_output_format": "text",
        "tests": [{
            "number": outcome.test.exercise or str(outcome.test.lab),
            "name": one_line(outcome.test.title), "score": outcome.points,
            "max_score": outcome.test.points, "status": "passed" if outcome.passed else "failed",
            "output": joined(with_command(outcome, console=True)), "output_format": "text",
            "extra_data": {"test": one_line(outcome.test.name), "verdict": outcome.verdict},
        } for outcome in grading.outcomes],
    }, indent=2) + "\n"


def to_autolab(grading):
    """Autolab's last two lines of output: a stage for each lab, and a problem for each exercise."""
    view, scores = {"_presentation": "semantic", "stages": []}, {}
    for lab in grading.labs:
        stage = one_line("Lab %d: %s" % (lab.number, lab.title))
        view["stages"].append(stage)
        view[stage] = {}
        for outcome in grading.of_lab(lab):
            result = view[stage][label(outcome.test)] = {"passed": outcome.passed}
            if not outcome.passed:
                result["hint"] = joined(with_command(outcome), HINT_LIMIT)
        for exercise, outcomes in grading.exercises(lab):
            scores[exercise.number] = sum(outcome.points for outcome in outcomes)
    return dump(view) + "\n" + dump({"scores": scores}) + "\n"


def to_markdown(grading):
    """A summary for people, which GitHub Actions shows. What failed is folded up below a table."""
    lines = ["# rvlab", "", grading.summary(), ""]
    lines += ["- note: " + escaped(note, MARKDOWN) for note in grading.notes]
    lines += ["", "| Test | Verdict | Points |", "| --- | --- | ---: |"]
    for outcome in grading.outcomes:
        points = "%g/%g" % (outcome.points, outcome.test.points) if outcome.test.points else ""
        lines.append("| %s | %s | %s |" % (escaped(label(outcome.test), MARKDOWN),
                                           outcome.verdict, points))
    text = "\n".join(lines) + "\n"
    failed = [outcome for outcome in grading.outcomes if not outcome.passed]
    for number, outcome in enumerate(failed):
        more = [each for each in [timeline(outcome)] if each]
        block = joined(explanation(outcome, console=True) + more, DETAILS_LIMIT)
        details = "\n<details><summary>%s: %s</summary>\n\n%s\n\n</details>\n" % (
            html.escape(label(outcome.test)), outcome.verdict,
            # No line that is indented can end the block that it stands in.
            "\n".join("    " + line for line in block.split("\n")))
        if len((text + details).encode("utf-8")) > SUMMARY_LIMIT:
            return text + "\n%d more failed tests are not shown here.\n" % (len(failed) - number)
        text += details
    return text


WRITERS = {"json": to_json, "junit": to_junit, "tap": to_tap, "gradescope": to_gradescope,
           "autolab": to_autolab, "markdown": to_markdown}
