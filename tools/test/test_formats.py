"""Tests of what the grader writes for other programs: a strict reader reads each format back.

The readers accept only what the format's documentation has, so a misspelt field is an error.
usual() is a grading with every kind of verdict. hostile() has texts that look like markup, in
every field: if a writer does not escape one, reading fails, or what is read back differs.
Nothing is built. Run alone: python3 -m unittest tools/test/test_formats.py"""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest
from xml.etree import ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from grader import formats
from grader.model import Exercise, Lab, Outcome, Report, Test, Verdict
from readers import HOSTILE, LONG, UNDONE, check_controls, strict, texts_in

def outcome_of(test, verdict=Verdict.OK, reasons=(), console=(), trace=()):
    outcome = Outcome(test, verdict, reasons, "obj/grade/%s.log" % test.name)
    outcome.console, outcome.trace = list(console), list(trace)
    outcome.instructions, outcome.seconds = 123456 if test.harts == 1 else None, 0.25
    return outcome


def usual_labs():
    exercises = [Exercise("5.3", "copy", 30, "write copy_range"),
                 Exercise("5.4", "share", 20, "share pages"),
                 Exercise("5.C", "vfork", 10, "as you like"), Exercise("5.5", "none", 50, "exit")]
    tests = [Test("fork", "fork copies", 10, "5.3"), Test("forktree", "", 20, "5.3"),
             Test("cow", "pages are shared", 20, "5.4", harts=4, runs=4),
             Test("vfork", "the challenge", 10, "5.C"), Test("exit", "not run here", 50, "5.5")]
    return [Lab(0, "the base", [], [Test("boot", "the kernel boots")]),
            Lab(5, "processes", exercises, tests)]


def usual():
    """A grading with every kind of verdict in it; the last test was not run."""
    labs = usual_labs()
    boot, (fork, tree, cow, vfork, _) = labs[0].tests[0], labs[1].tests
    failed = outcome_of(tree, Verdict.WRONG, ["expected 7, got 9, at user/cow.c:41", "second"],
                        ["one", "two"], ["do_fork at kern/process/fork.c:12"])
    failed.reports = [Report("check", "forktree", 3, 1, "FAILED: expected 7, got 9"),
                      Report("done", "forktree", 3, 2, "1 of 1 checks failed")]
    broken = outcome_of(cow, Verdict.SETUP, ["qemu ended by signal 9"])
    broken.run = 2
    passed = outcome_of(fork, console=["hello"])
    outcomes = [outcome_of(boot), passed, failed, broken, outcome_of(vfork)]
    return formats.Grading(labs, outcomes, "unknown-elf", "QEMU 7.2.0", 12.3456,
                          ["kern/x.c was left out"])


def hostile():
    """A grading with a test for each nasty text; that text stands in all fields of its test."""
    texts = HOSTILE + ["two\nlines " + UNDONE, LONG]
    tests = [Test(text, text, 1, "5.3") for text in texts]
    lab = Lab(5, "<" + "\0\n|".join(HOSTILE), [Exercise("5.3", HOSTILE[1], len(tests), "x")], tests)
    outcomes = [outcome_of(test, Verdict.PANIC, [test.title, "r"], HOSTILE + [test.title],
                           [test.title]) for test in tests]
    for outcome in outcomes:
        outcome.test.name = outcome.test.title      # set here, because Test refuses such a name
        outcome.reports = [Report("check", "x", 1, 1, outcome.test.title)]
    return formats.Grading([lab], outcomes, HOSTILE[1], HOSTILE[0], 1, HOSTILE)


KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
         "number": (int, float), "null": type(None)}


def check_schema(value, schema, root, where="results"):
    """Raise ValueError if a value does not fit a JSON Schema: the part of draft 7 we use."""
    def need(condition, what):
        if not condition:
            raise ValueError("%s: %s" % (where, what))
    if "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
    need(set(schema) <= {"$schema", "title", "description", "type", "enum", "required", "items",
                         "properties", "additionalProperties", "definitions"}, "unknown keyword")
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    # Python's True is an int.
    need(not names or any(isinstance(value, KINDS[name]) and
                          isinstance(value, bool) == (name == "boolean") for name in names), names)
    need(value in schema.get("enum", [value]), "%r is not in the enum" % value)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        need(set(schema.get("required", [])) <= set(value), "a field is missing")
        need(schema.get("additionalProperties") is not False or set(value) <= set(known), "field")
        for name in set(value) & set(known):
            check_schema(value[name], known[name], root, where + "." + name)
    for item in value if isinstance(value, list) else []:
        check_schema(item, schema.get("items", {}), root, where + "[]")


class JsonTest(unittest.TestCase):
    """rvlab's own format: it fits its schema, and equal results are equal texts."""

    def setUp(self):
        path = os.path.join(os.path.dirname(formats.__file__), "results.schema.json")
        with open(path, encoding="utf-8") as file:
            self.schema = json.load(file)

    def test_schema(self):
        for grading in (usual(), hostile(), formats.Grading([], [])):
            check_schema(strict(formats.to_json(grading)), self.schema, self.schema)

    def test_schema_refuses(self):
        good = formats.to_json(usual())
        for old, new in [('"total"', '"sum"'), ('"verdict": "ok"', '"verdict": "fine"'),
                         ('"max": 10', '"max": "10"'), ('"complete": false', '"complete": 0'),
                         ('"points": 0', '"points": false'), ('"pid": 3', '"pid": null')]:
            self.assertIn(old, good)
            with self.assertRaises(ValueError, msg=new):
                check_schema(strict(good.replace(old, new, 1)), self.schema, self.schema)

    def test_schema_itself(self):
        parts = self.schema["definitions"]
        for part in [self.schema] + list(parts.values()):
            self.assertEqual(part["required"], list(part["properties"]))
            self.assertIs(part["additionalProperties"], False)
        self.assertEqual(parts["test"]["properties"]["verdict"]["enum"],
                         [text for name, text in vars(Verdict).items() if name.isupper()])

    def test_values(self):
        results = strict(formats.to_json(usual()))
        self.assertEqual((results["total"], results["max"], results["complete"]), (20, 50, False))
        base, lab = results["labs"]
        self.assertEqual((base["exercises"], base["tests"][0]["name"]), ([], "boot"))
        self.assertEqual([(e["number"], e["challenge"], e["points"], e["max"], len(e["tests"]))
                          for e in lab["exercises"]],
                         [("5.3", False, 10, 30, 2), ("5.4", False, 0, 20, 1),
                          ("5.C", True, 10, 10, 1)])
        self.assertEqual(lab["exercises"][0]["tests"][1], {
            "name": "forktree", "title": "forktree", "exercise": "5.3", "points": 0, "max": 20,
            "verdict": "wrong answer", "reasons": ["expected 7, got 9, at user/cow.c:41", "second"],
            "reports": [{"kind": "check", "subject": "forktree", "pid": 3, "number": 1,
                         "text": "FAILED: expected 7, got 9", "failed": True},
                        {"kind": "done", "subject": "forktree", "pid": 3, "number": 2,
                         "text": "1 of 1 checks failed", "failed": False}], "run": 1, "runs": 1,
            "console": ["one", "two"], "trace": ["do_fork at kern/process/fork.c:12"],
            "instructions": 123456, "seed": None, "timeline": "make trace TEST=forktree"})
        cow = lab["exercises"][1]["tests"][0]
        self.assertEqual((cow["instructions"], cow["run"], cow["runs"]), (None, 2, 4))
        self.assertEqual(results["host"]["tests"][2],
                         {"name": "forktree", "log": "obj/grade/forktree.log", "seconds": 0.25})

    def test_texts_are_kept(self):
        text = formats.to_json(hostile())
        tests = strict(text)["labs"][0]["exercises"][0]["tests"]
        self.assertEqual(tests[0]["console"][:-1], [s.replace("\ud800", "?") for s in HOSTILE])
        self.assertEqual(tests[-1]["title"], LONG)
        self.assertIn("\U0001f600, \u4e2d\u6587", text)

    def test_only_host_differs(self):
        grading, other = usual(), usual()
        other.qemu, other.seconds = "QEMU 9.0", 77
        for outcome in other.outcomes:
            outcome.seconds, outcome.log = 5, "/tmp/" + outcome.log
        results = [strict(formats.to_json(one)) for one in (grading, other)]
        self.assertNotEqual(results[0].pop("host"), results[1].pop("host"))
        self.assertEqual(json.dumps(results[0]), json.dumps(results[1]))


COUNTS = {"name": str, "time": float, "tests": int, "failures": int, "errors": int}
PROBLEM = ({"type": str, "message": str}, set(), [])
# element: (attributes, those required, elements inside in this order)
JUNIT = {
    "testsuites": (COUNTS, set(), ["testsuite"]),
    "testsuite": (dict(COUNTS, group=str, skipped=int, timestamp=str, hostname=str, id=str,
                       package=str, file=str, log=str, url=str, version=str),
                  {"name", "tests", "failures", "errors"}, ["properties", "testcase"]),
    "properties": ({}, set(), ["property"]),
    "property": ({"name": str, "value": str}, {"name", "value"}, []),
    "testcase": ({"name": str, "time": float, "classname": str, "group": str}, {"name"},
                 ["skipped", "error", "failure", "rerunFailure", "rerunError", "flakyFailure",
                  "flakyError", "system-out", "system-err"]),
    "skipped": PROBLEM, "error": PROBLEM, "failure": PROBLEM,
    "system-out": ({}, set(), []), "system-err": ({}, set(), []),
}


class JunitTest(unittest.TestCase):
    """JUnit XML: a real parser reads it, and only known elements and attributes are in it."""

    def parse(self, grading):
        text = formats.to_junit(grading)
        check_controls(self, text)
        root = ElementTree.fromstring(text.encode("utf-8"))
        self.check(root)
        return root

    def check(self, element):
        attributes, required, inside = JUNIT[element.tag]
        self.assertLessEqual(set(element.attrib), set(attributes), element.tag)
        self.assertLessEqual(required, set(element.attrib), element.tag)
        for name, value in element.attrib.items():
            self.assertTrue(attributes[name] is str or 0 <= attributes[name](value) < 1e9, value)
        if "tests" in element.attrib:
            for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
                self.assertEqual(int(element.get(name)), len(list(element.iter(tag))), name)
        order = [inside.index(child.tag) for child in element]
        self.assertEqual(order, sorted(order), element.tag)
        for child in element:
            self.check(child)

    def test_values(self):
        root = self.parse(usual())
        self.assertEqual(root.attrib, {"name": "rvlab", "tests": "5", "failures": "1",
                                       "errors": "1", "time": "1.250"})
        base, suite = root
        self.assertEqual(suite.attrib, {"name": "lab 5: processes", "tests": "4", "failures": "1",
                                        "errors": "1", "time": "1.000"})
        self.assertEqual([p.get("value") for p in suite.find("properties")],
                         ["unknown-elf", "QEMU 7.2.0", "kern/x.c was left out"])
        self.assertEqual(base.find("testcase").get("classname"), "lab 0")
        fork, tree, cow, _ = suite.findall("testcase")
        self.assertEqual((fork.attrib, [child.text for child in fork]), (
            {"name": "fork", "classname": "exercise 5.3", "time": "0.250"}, ["hello"]))
        self.assertEqual([(child.tag, child.attrib) for child in tree], [
            ("failure", {"type": "wrong answer", "message": "expected 7, got 9, at user/cow.c:41"}),
            ("system-out", {})])
        self.assertIn("second\ncall stack:\n  do_fork at kern/process/fork.c:12", tree[0].text)
        self.assertEqual(tree[1].text, "one\ntwo")
        self.assertEqual([(c.tag, c.get("type")) for c in cow], [("error", "broken set-up")])
        self.assertIn("not the student's fault", cow[0].text)

    def test_hostile(self):
        root = self.parse(hostile())
        cases = list(root.iter("testcase"))
        self.assertEqual(len(cases), len(HOSTILE) + 2)
        self.assertIn("\n".join(HOSTILE[1:3]), cases[0].find("system-out").text)
        self.assertEqual(cases[1].get("name"), HOSTILE[1])
        self.assertEqual(cases[-2].get("name"), "two lines " + UNDONE)
        self.assertIn("[cut here", cases[-1].find("failure").text)
        for element in root.iter():
            self.assertLessEqual(len((element.text or "").encode("utf-8")), formats.TEST_LIMIT)


class Tap:
    """A strict reader of TAP 14: a line that the format does not name is an error."""
    POINT = re.compile(r"(not )?ok (\d+) - ((?:[^\\#]|\\[\\#])*)\Z")
    PLAN = re.compile(r"1\.\.(\d+)( # .+)?\Z")
    BAIL = re.compile(r"Bail out! ((?:[^\\#]|\\[\\#])+)\Z")
    def __init__(self, text):
        self.points, self.bail = [], None
        lines = text.split("\n")[::-1]
        plan = lines.pop() == "TAP version 14" and self.PLAN.match(lines.pop())
        if not plan or lines.pop(0) != "":
            raise ValueError("no version, no plan, or no end of the last line")
        self.plan = int(plan.group(1))
        while lines:
            line = lines.pop()
            point, bail = self.POINT.match(line), self.BAIL.match(line)
            if point and int(point.group(2)) == len(self.points) + 1:
                name = re.sub(r"\\(.)", r"\1", point.group(3))
                self.points.append((not point.group(1), name, self.block(lines)))
            elif bail and not lines:
                self.bail = bail.group(1)
            elif not line.startswith("# note: "):
                raise ValueError("not TAP: %r" % line)

    @staticmethod
    def block(rest):
        """A YAML block as we write it: one map, whose values are JSON in one line each."""
        if rest.pop() != "  ---":
            raise ValueError("no YAML block")
        pairs = [re.match(r"  (\w+): (.+)\Z", line).groups() for line in iter(rest.pop, "  ...")]
        return {key: strict(value) for key, value in pairs}


PERL = r"""
binmode STDIN, ":utf8"; local $/; my @points;
my $parser = TAP::Parser->new({tap => <STDIN>});
while (my $r = $parser->next) {
    push @points, [$r->is_actual_ok ? 1 : 0, $r->description, $r->directive, undef] if $r->is_test;
    $points[-1][3] = $r->data if $r->is_yaml;
    push @points, ["unknown " . $r->as_string] if $r->is_unknown;
}
print JSON::PP->new->utf8->encode([\@points, [$parser->parse_errors], 0 + $parser->tests_planned]);
"""


class TapTest(unittest.TestCase):
    """TAP 14: the strict reader reads it, and so does perl's own if perl is here."""

    def test_values(self):
        tap = Tap(formats.to_tap(usual()))
        self.assertEqual((tap.plan, tap.bail), (5, None))
        self.assertEqual([(ok, name) for ok, name, _ in tap.points], [
            (True, "boot: the kernel boots"), (True, "5.3 fork: fork copies"),
            (False, "5.3 forktree"), (False, "5.4 cow: pages are shared"),
            (True, "5.C vfork: the challenge")])
        self.assertEqual(tap.points[2][2], {
            "verdict": "wrong answer", "points": 0, "max": 20, "run": 1,
            "reasons": "expected 7, got 9, at user/cow.c:41\nsecond", "console": "one\ntwo",
            "trace": "do_fork at kern/process/fork.c:12", "timeline": "make trace TEST=forktree"})
        self.assertEqual(tap.points[1][2], {"verdict": "ok", "points": 10, "max": 10, "run": 1})
        self.assertEqual(tap.points[3][2]["verdict"], "broken set-up")

    def test_bail_out_only_if_nothing_could_run(self):
        test = usual_labs()[1].tests[0]
        broken = outcome_of(test, Verdict.SETUP, ["there is no qemu #1"])
        tap = Tap(formats.to_tap(formats.Grading([], [broken, broken])))
        self.assertEqual((tap.plan, len(tap.points), tap.bail), (2, 2, r"there is no qemu \#1"))
        self.assertIsNone(Tap(formats.to_tap(formats.Grading([], [broken, outcome_of(test)]))).bail)
        self.assertEqual(Tap(formats.to_tap(formats.Grading([], []))).plan, 0)

    def test_hostile(self):
        text = formats.to_tap(hostile())
        check_controls(self, text)
        tap = Tap(text)
        self.assertEqual((tap.plan, tap.bail), (len(HOSTILE) + 2, None))
        self.assertEqual([ok for ok, _, _ in tap.points], [False] * tap.plan)
        self.assertEqual(tap.points[HOSTILE.index(UNDONE)][1], "5.3 " + UNDONE)
        self.assertEqual(tap.points[-2][1], "5.3 two lines " + UNDONE)
        self.assertIn(HOSTILE[2], tap.points[0][2]["console"])
        self.assertIn("[cut here", tap.points[-1][2]["console"])

    def test_perl(self):
        command = ["perl", "-MTAP::Parser", "-MJSON::PP", "-e"]
        if not shutil.which("perl") or subprocess.call(command + ["1"], stderr=subprocess.DEVNULL):
            self.skipTest("perl with TAP::Parser is not here")
        for grading in (usual(), hostile()):
            text = formats.to_tap(grading)
            output = subprocess.check_output(
                command + [PERL], input=text.replace("version 14", "version 13", 1).encode("utf-8"))
            points, errors, planned = json.loads(output.decode("utf-8"))
            self.assertEqual((errors, planned, len(points)), ([],) + (len(grading.outcomes),) * 2)
            for (ok, name, data), point in zip(Tap(text).points, points):
                self.assertEqual((point[0], point[2]), (ok, ""), name)
                self.assertEqual(re.sub(r"\\(.)", r"\1", point[1]), "- " + name)
                self.assertEqual(point[3].get("console"), data.get("console"))


class GradescopeTest(unittest.TestCase):
    """results.json of Gradescope: it has no field that Gradescope does not know."""
    TOP = ("score execution_time output output_format test_output_format test_name_format "
           "visibility stdout_visibility extra_data tests leaderboard").split()
    TEST = ("score max_score status name name_format number output output_format tags visibility "
            "extra_data").split()
    KINDS = {"score": (int, float), "max_score": (int, float), "execution_time": int,
             "extra_data": dict, "tests": list, "leaderboard": list, "tags": list}

    def parse(self, grading):
        results = strict(formats.to_gradescope(grading))
        for fields, known in [(results, self.TOP)] + [(t, self.TEST) for t in results["tests"]]:
            self.assertLessEqual(set(fields), set(known))
            for name, value in fields.items():
                self.assertIsInstance(value, self.KINDS.get(name, str), name)
            check_controls(self, "".join(texts_in(fields)))
            self.assertLessEqual(len(fields["output"].encode("utf-8")), 20 << 10)
            self.assertEqual(fields["output_format"], "text")
        for test in results["tests"]:
            self.assertLessEqual({"name", "score", "max_score", "status", "number"}, set(test))
            self.assertIn(test["status"], ("passed", "failed"))
            self.assertTrue(0 <= test["score"] <= test["max_score"])
        self.assertEqual(results["score"], sum(test["score"] for test in results["tests"]))
        return results

    def test_values(self):
        results = self.parse(usual())
        self.assertEqual((results["score"], results["execution_time"]), (20, 12))
        self.assertRegex(results["output"], r"\A20 of 50 points; 3 of 5 tests passed, 1 could not "
                                            r"be run\. .*\nkern/x\.c was left out\Z")
        boot, fork, tree, cow, _ = results["tests"]
        self.assertEqual((boot["number"], boot["max_score"], boot["status"]), ("0", 0, "passed"))
        self.assertEqual(fork, {
            "number": "5.3", "name": "fork copies", "score": 10, "max_score": 10,
            "status": "passed", "output": "last lines of the console:\n  | hello",
            "output_format": "text", "extra_data": {"test": "fork", "verdict": "ok"}})
        self.assertEqual((tree["status"], tree["score"], tree["max_score"]), ("failed", 0, 20))
        self.assertEqual(tree["output"], "wrong answer\nexpected 7, got 9, at user/cow.c:41\n"
            "second\ncall stack:\n  do_fork at kern/process/fork.c:12\nlast lines of the console:"
            "\n  | one\n  | two\na timeline of such a run: make trace TEST=forktree")
        self.assertIn("broken set-up, in run 2 of 4\n", cow["output"])
        for output in (cow["output"], results["output"]):
            self.assertIn("not the student's fault", output)
        self.assertNotIn("fault", tree["output"])

    def test_hostile(self):
        results = self.parse(hostile())
        self.assertIn(HOSTILE[2], results["tests"][0]["output"])
        self.assertEqual(results["tests"][-2]["name"], "two lines " + UNDONE)
        self.assertRegex(results["tests"][-1]["output"], r"\[cut here: the whole text has \d{7}")
        text = formats.joined(["first"] + ["\U0001f600" * 100] * 500 + ["last"])
        self.assertRegex(text, r"(?s)\Afirst.{2500}.*\[cut here.*.{2500}last\Z")


class AutolabTest(unittest.TestCase):
    """Autolab: the last line has the scores, and the line before it the view of the stages."""

    def parse(self, grading):
        text = formats.to_autolab(grading)
        check_controls(self, text)
        view, scores = (strict(line) for line in text[:-1].split("\n"))
        self.assertEqual(list(scores), ["scores"])
        self.assertTrue(all(isinstance(n, (int, float)) and n >= 0
                            for n in scores["scores"].values()))
        self.assertEqual(view.pop("_presentation"), "semantic")
        self.assertEqual(view.pop("stages"), list(view))
        for stage in view.values():
            for result in stage.values():
                kinds = {name: type(value) for name, value in result.items()}
                hint = {} if result["passed"] else {"hint": str}
                self.assertEqual(kinds, {"passed": bool, **hint})
        return view, scores["scores"]

    def test_values(self):
        view, scores = self.parse(usual())
        self.assertEqual(scores, {"5.3": 10, "5.4": 0, "5.C": 10})
        self.assertEqual(list(view), ["Lab 0: the base", "Lab 5: processes"])
        fork, tree, cow, _ = view["Lab 5: processes"].items()
        self.assertEqual(fork[0], "5.3 fork: fork copies")
        self.assertIn("expected 7, got 9", tree[1]["hint"])
        self.assertIn("not the student's fault", cow[1]["hint"])

    def test_hostile(self):
        view, scores = self.parse(hostile())
        self.assertEqual(scores, {"5.3": 0})
        (stage,) = view.values()
        self.assertIn("5.3 " + HOSTILE[1], stage)
        for result in stage.values():
            self.assertLessEqual(len(result["hint"].encode("utf-8")), 1 << 10)


class MarkdownTest(unittest.TestCase):
    """The summary: a table with plain text in its cells, and a folded block for each failure."""
    BLOCK = re.compile("<details><summary>([^<>\n]*)</summary>\n\n((?:    .*\n)+)\n</details>\n")

    def parse(self, grading):
        """(rows of the table, folded blocks). All other lines must be ones that we write."""
        text = formats.to_markdown(grading)
        check_controls(self, text)
        self.assertLess(len(text.encode("utf-8")), 1 << 20)
        blocks = self.BLOCK.findall(text)
        rows = []
        for line in self.BLOCK.sub("", text).split("\n"):
            line = re.sub(r"\\[\\`*_\[\]<>#|~&$]", "x", line)
            self.assertNotRegex(line.lstrip("#"), r"[\\`*_\[\]<>#~&$]")
            if line.startswith("|"):
                rows.append(line.strip("|").split("|"))
                self.assertEqual(len(rows[-1]), 3, line)
            else:
                self.assertRegex(line, r"\A(# rvlab|- note: .*|\d+ of \d+ points; .*"
                                       r"|\d+ more failed tests .*|)\Z")
        return rows[2:], blocks

    def test_values(self):
        self.assertIn("\n20 of 50 points; 3 of 5 tests passed, 1 could not be run. The machine",
                      formats.to_markdown(usual()))
        rows, blocks = self.parse(usual())
        self.assertEqual(rows[0] + rows[2], [" boot: the kernel boots ", " ok ", "  ",
                                             " 5.3 forktree ", " wrong answer ", " 0/20 "])
        self.assertEqual([title for title, _ in blocks],
                         ["5.3 forktree: wrong answer", "5.4 cow: pages are shared: broken set-up"])
        self.assertRegex(blocks[0][1], "    expected 7[^\n]*\n    second\n(.*\n)*      [|] two\n")
        self.assertIn("not the student's fault", blocks[1][1])

    def test_hostile(self):
        rows, blocks = self.parse(hostile())
        self.assertEqual((len(rows), len(blocks)), (len(HOSTILE) + 2,) * 2)
        self.assertIn("emoji \U0001f600, \u4e2d\u6587", rows[2][0])
        self.assertIn(HOSTILE[1], blocks[1][1])

    def test_not_more_than_github_shows(self):
        outcome = outcome_of(Test("fork"), Verdict.HANG, ["r"], ["line"] * 2000)
        grading = formats.Grading([], [outcome] * 400)
        _, blocks = self.parse(grading)
        self.assertIn("%d more failed" % (400 - len(blocks)), formats.to_markdown(grading))


class WritersTest(unittest.TestCase):
    """The table that the command line uses."""

    def test_all(self):
        self.assertEqual(list(formats.WRITERS),
                         ["json", "junit", "tap", "gradescope", "autolab", "markdown"])
        empty = formats.Grading(usual_labs(), [])
        for grading in (usual(), hostile(), formats.Grading([], []), empty):
            for writer in formats.WRITERS.values():
                text = writer(grading)
                self.assertEqual(text.encode("utf-8")[-1:], b"\n")
                self.assertEqual(text, writer(grading))
