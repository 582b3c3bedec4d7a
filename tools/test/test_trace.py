"""Tests of make trace: tools/timeline.py and what it is made of in tools/runs.

Known programs run, and the trace must have what they do, in its order: each file is read by a
strict reader, which knows nothing of how it was written. What is not there in time (a panic, a
machine that hangs, a limit of events) must be told. If a breakpoint is lost, a begin without an end
is written, or a letter cannot be read on its colour, a test here fails.

Needs the built objects and QEMU.
Run alone: python3 tools/test/test_trace.py
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from grader import formats
from grader.host import Host
from grader.machine import Machine
from grader.model import Exercise, Lab, Outcome, Test, Verdict
from grader.pictured import timeline as timeline_of
from grader.screen import Screen
from labs.catalogue import find_test
from runs import chrome, rows, sheet
from runs.probes import Event, Task
from runs.story import RUNNABLE, RUNNING, SLEEPING, ZOMBIE, Slice, Story
from trees import OBJECTS, TOP

SECONDS = 250
TICK_NS = 10 ** 7
PHASES = set("MBEisf")
SVG = "{http://www.w3.org/2000/svg}"


def timeline(folder, *arguments, qemu="qemu-system-riscv64"):
    """The result of the command, which writes into this folder."""
    return subprocess.run(
        [sys.executable, os.path.join(TOP, "tools", "timeline.py"), "--objects", OBJECTS, "--qemu",
         qemu, "--out", folder] + list(arguments), cwd=TOP, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS, universal_newlines=True)


def strict(text):
    """The events of a trace file; an AssertionError says where it is against the format."""
    def refuse(word):
        raise AssertionError("%s is no JSON" % word)

    document = json.loads(text, parse_constant=refuse)
    lasting, last, flows = {}, 0, {}
    for event in document["traceEvents"]:
        assert event["ph"] in PHASES, event
        assert type(event["pid"]) is int and type(event["tid"]) is int, event
        assert event["ts"] >= 0 and (event["ph"] == "M" or event["ts"] >= last), event
        last = event["ts"]
        stack = lasting.setdefault((event["pid"], event["tid"]), [])
        if event["ph"] == "B":
            stack.append(event["name"])
        elif event["ph"] == "E":
            assert stack, "an end without a begin: %s" % event
            stack.pop()
        elif event["ph"] in "sf":
            flows.setdefault(event["id"], []).append(event["ph"])
        else:
            assert event["name"], event
    assert not any(lasting.values()), "no end of: %s" % lasting
    assert all(pair == ["s", "f"] for pair in flows.values()), flows
    return document


def of_track(document, pid, tid):
    """(phase, name) of the events of one thread, without names of threads."""
    return [(event["ph"], event.get("name")) for event in document["traceEvents"]
            if (event["pid"], event["tid"]) == (pid, tid) and event["ph"] in "BEi"]


def luminance(colour):
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rvlab-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def files(self, name, *arguments):
        """(what was printed, the trace, the picture) of a run that is followed."""
        result = timeline(self.folder, *arguments)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        texts = []
        for ending in (".json", ".svg"):
            with open(os.path.join(self.folder, name + ending), encoding="utf-8") as file:
                texts.append(file.read())
        return result.stdout, strict(texts[0]), xml.etree.ElementTree.fromstring(texts[1])

    def refused(self, words, *arguments, **more):
        result = timeline(self.folder, *arguments, **more)
        self.assertEqual(result.returncode, 2)
        self.assertIn(words, result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        self.assertEqual(result.stderr.strip().count("\n"), 0, result.stderr)

    def test_fork_and_wait(self):
        """The parent forks, sleeps in wait, for a child to end; the child ends and wakes it."""
        printed, trace, picture = self.files("exit", "--prog", "exit")
        parent = of_track(trace, 2, 2)
        names = [name for phase, name in parent if phase == "B"]
        asleep = names.index("sleeping: a child to end")
        self.assertEqual(names[asleep - 1], "running: on hart 0")
        self.assertRegex(names[asleep + 1], r"runnable: woken by exit \(3\)")
        self.assertEqual(names[asleep + 2], "running: on hart 0")
        child = of_track(trace, 3, 3)
        self.assertRegex(child[0][1], r"runnable: made by exit \(2\)")
        self.assertIn(("i", "exit(-66436)"), child)
        calls = [name for phase, name in of_track(trace, 2, chrome.CALLS + 2) if phase == "B"]
        fork = calls.index("system call: fork")
        wait = calls.index("system call: wait")
        self.assertLess(fork, wait)
        self.assertIn("fault: copy-on-write", calls[fork:wait])
        sleep = next(event for event in trace["traceEvents"]
                     if event.get("name") == "sleeping: a child to end" and event["pid"] == 2)
        wait = [event for event in trace["traceEvents"] if event["pid"] == 2 and event["ph"] == "B"
                and event["name"] == "system call: wait" and event["ts"] <= sleep["ts"]][-1]
        self.assertEqual(wait["args"]["result"], 0)
        last = [event["ts"] for event in trace["traceEvents"] if event["ph"] == "E"
                and event["tid"] == chrome.CALLS + 3][-1]
        gone = [event["ts"] for event in trace["traceEvents"] if event["ph"] == "B"
                and event["name"] == "zombie: ended" and event["pid"] == 3]
        self.assertEqual([last], gone)          # exit does not come back: it ends with the child
        hart = [name for _, name in of_track(trace, chrome.HARTS, chrome.HARTS)]
        for name in ("boot", "initproc (1)", "exit (2)", "exit (3)", "power_off(0)"):
            self.assertTrue(any(name in (each or "") for each in hart), (name, hart))
        self.assertIn("slept", printed)
        self.has_words(picture, ["2  init > exit", "hart 0", "for a child to end", "fork", "Harts"])
        self.assertEqual(trace["otherData"]["lost"], 0)

    def has_words(self, picture, wanted):
        """The picture has a title, a description, and these words."""
        self.assertEqual(picture.tag, SVG + "svg")
        self.assertTrue(picture.find(SVG + "title").text)
        self.assertIn("Process 1", picture.find(SVG + "desc").text)
        words = ["".join(text.itertext()) for text in picture.iter(SVG + "text")]
        for word in wanted:
            self.assertTrue(any(word in each for each in words), (word, words))

    def test_it_costs_nothing(self):
        """The run is as long as the one that the grader makes, in guest instructions; the grader
        counts up to the tick behind the end."""
        _, trace, _ = self.files("sleep", "--test", "sleep")
        test = find_test("sleep")
        run = Machine(test, Host(OBJECTS, "qemu-system-riscv64", self.folder)).run()
        self.assertIsNone(run.error)
        traced = trace["otherData"]["guest_ns"] >> test.shift
        self.assertLess(abs(traced - run.instructions) / run.instructions, 0.05)
        self.assertTrue(0 <= run.instructions - traced << test.shift <= TICK_NS, traced)

    def test_panic(self):
        """What was there before a panic is there, and the panic is told in words."""
        printed, trace, picture = self.files("deadlock", "--test", "deadlock")
        self.assertRegex(printed, "hart 0: panic in ")
        self.assertIn("a bell that nobody rings", printed)
        self.assertTrue([event for event in trace["traceEvents"] if event.get("cat") == "panic"])
        self.assertIn(("i", "power_off(255)"), of_track(trace, chrome.HARTS, chrome.HARTS))
        self.has_words(picture, ["panic in"])

    def test_endless(self):
        """Nobody types to the shell: the run is cut at its limit, and its story is there."""
        printed, trace, _ = self.files("sh", "--prog", "sh", "--max-events", "200")
        self.assertIn("read", printed)
        self.assertNotEqual(trace["otherData"]["ended"], "the kernel switched off")

    def test_lost(self):
        """What is beyond the limit is counted, in both files and in what is printed; the end of the
        run is still there."""
        _, whole, _ = self.files("hello", "--prog", "hello")
        printed, trace, picture = self.files("hello", "--prog", "hello", "--max-events", "10")
        lost = whole["otherData"]["events"] - 10 - 1        # switching off is never lost
        self.assertEqual(trace["otherData"]["lost"], lost)
        self.assertEqual(trace["otherData"]["guest_ns"], whole["otherData"]["guest_ns"])
        self.assertIn("%d events after the first 10 are lost" % lost, printed)
        self.has_words(picture, ["%d events after the first 10 are lost" % lost])
        self.assertIn(("i", "power_off(0)"), of_track(trace, chrome.HARTS, chrome.HARTS))

    def test_harts(self):
        """Several harts have a row each, and something runs on each of them: there is enough to
        do, however late a hart of a busy host comes."""
        _, trace, picture = self.files("scale-cpu-3-20000000", "--prog", "scale cpu 3 20000000",
                                       "--harts", "2")
        for hart in (0, 1):
            track = of_track(trace, chrome.HARTS, chrome.HARTS + hart)
            self.assertTrue(any("scale (" in (name or "") for _, name in track), track)
        self.has_words(picture, ["hart 0", "hart 1"])

    def test_bad_input(self):
        self.refused("there is no test hullo; do you mean hello?", "--test", "hullo")
        self.refused("there is no program hullo", "--prog", "hullo")
        self.refused("is a check on the host", "--test", "check_style")
        result = timeline(self.folder, "--prog", "hello", qemu="no-qemu")
        self.assertEqual((result.returncode, result.stderr),
                         (1, "timeline: no-qemu is missing: run make setup\n"))
        for arguments in ((), ("--prog", "a", "--test", "b"), ("--prog", "a", "--max-events", "0"),
                          ("--prog", "a", "--seed", "3"), ("--test", "a", "--append", "x")):
            result = timeline(self.folder, *arguments)
            self.assertEqual(result.returncode, 2)
            self.assertRegex(result.stderr, r"timeline.py: error: .*\n$")


class Parts(unittest.TestCase):
    """What needs no machine."""

    def piece(self, start, end, kind=RUNNING):
        piece = Slice(start, kind, "%d to %d" % (start, end))
        piece.end = end
        return piece

    def test_story(self):
        """A fault of the kernel lies in its system call; an interrupt after which another process
        runs is over at the switch; a call that was cut off is closed at the end."""
        one, two, idle = Task(2, "one", False), Task(3, "two", False), Task(0, "idle", True)
        story = Story({4: "exec", 103: "write"})
        for event in (
                Event(10, 0, "switch", one, {"from": idle, "to": one, "state": "RUNNABLE",
                                             "why": "", "outside": False}),
                Event(20, 0, "call", one, {"number": 103, "args": [1, 2]}),
                Event(30, 0, "fault", one, {"what": "no page yet", "kernel": True, "pc": 1,
                                            "cause": 13, "access": "read", "address": 2}),
                Event(40, 0, "leave", one, {"kernel": True, "short": False, "result": 0}),
                Event(50, 0, "leave", one, {"kernel": False, "short": True, "result": 7}),
                Event(60, 0, "interrupt", one, {"what": "timer", "kernel": False}),
                Event(70, 0, "switch", two, {"from": one, "to": two, "state": "RUNNABLE",
                                             "why": "", "outside": False}),
                Event(75, 0, "wake", two, {"task": idle, "awakes": True, "new": True, "by": "x"}),
                Event(80, 0, "call", two, {"number": 9999, "args": []})):
            story.add(event)
        story.finish()
        found = [(piece.kind, piece.label, piece.start, piece.end)
                 for number in (2, 3) for piece in story.tasks[number].calls]
        self.assertEqual(found, [("system call", "write", 20, 50), ("fault", "no page yet", 30, 40),
                                 ("system call", "call 9999", 80, 80)])
        self.assertEqual(story.tasks[2].calls[0].more["result"], 7)
        self.assertEqual([(piece.label, piece.start, piece.end)
                          for piece in story.harts[0].calls], [("timer", 60, 70)])
        self.assertEqual([(piece.kind, piece.start, piece.end) for piece in story.tasks[2].states],
                         [(RUNNING, 10, 70), (RUNNABLE, 70, 80)])
        self.assertEqual(sorted(story.tasks), [2, 3])
        strict(chrome.document(story, {}))

    def test_nested(self):
        """Whatever slices there are, begins and ends are in order and balanced."""
        pieces = [self.piece(0, 10), self.piece(2, 4), self.piece(3, 9), self.piece(4, 4),
                  self.piece(10, 20), self.piece(15, 30)]
        depth, last, seen = 0, 0, list(chrome.nested(pieces))
        for phase, time, _ in seen:
            depth += 1 if phase == "B" else -1
            self.assertGreaterEqual(depth, 0)
            self.assertGreaterEqual(time, last)
            last = time
        self.assertEqual((depth, len(seen)), (0, 12))

    def test_axis(self):
        """Later is never to the left, and a long silence does not take all of the room."""
        moments = list(range(0, 100, 5)) + list(range(10 ** 6, 10 ** 6 + 100, 5))
        axis = rows.Axis(moments, 100, 1000)
        points = [axis.at(time) for time in moments]
        self.assertEqual(points, sorted(points))
        self.assertAlmostEqual(points[0], 100)
        self.assertAlmostEqual(points[-1], 1100, 3)
        self.assertEqual(len(axis.cuts), 1)
        self.assertLess(axis.cuts[0][1] - axis.cuts[0][0], 1000 / 4)
        self.assertAlmostEqual(axis.time(axis.at(40)), 40, 3)

    def test_report(self):
        """A failed test's report names the picture of its run, or the command if there is none of
        this kernel; a test on the host and one that did not compile have none."""
        with tempfile.TemporaryDirectory(prefix="rvlab-") as folder:
            objects, drawn = os.path.join(folder, "x"), os.path.join(folder, "trace")
            for path in (objects, drawn):
                os.mkdir(path)
            log = os.path.join(objects, "grade", "t.log")
            outcome = Outcome(Test("t", prog="t"), Verdict.PANIC, ["why"], log)
            picture, kernel = os.path.join(drawn, "t.svg"), os.path.join(objects, "kernel")
            command = "make trace TEST=t    a timeline of the run: " + picture
            self.assertEqual(timeline_of(outcome), command)
            for path in (picture, kernel):
                open(path, "w").close()
            os.utime(picture, (10, 10))
            self.assertEqual(timeline_of(outcome), command)         # it is of an older kernel
            os.utime(kernel, (5, 5))
            self.assertEqual(timeline_of(outcome), "timeline of the run: " + picture)
            for writer in (formats.to_markdown, lambda grading: "\n".join(
                    Screen([], []).explanation(outcome))):
                self.assertIn("timeline of the run: " + picture,
                              writer(formats.Grading([], [outcome])))
            seeded = Outcome(Test("t", prog="t", seeds=9), Verdict.PANIC, ["why"], log)
            seeded.run = 4
            self.assertIn("make trace TEST=t SEED=4 ", timeline_of(seeded))
            self.assertIn("t-seed4.svg", timeline_of(seeded))
            seeded.test.task = "5.T"                # its kernel is another one than the tree's
            self.assertIn("make trace TEST=t SEED=4 TASK=5.T ", timeline_of(seeded))
            made = subprocess.run(["make", "-n", "trace", "TEST=t", "TASK=5.T"], cwd=TOP,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
            self.assertRegex(made.decode(), "timeline.py --objects (obj/[a-z-]+)/task/\\1 ")
            outcome.test.lab, outcome.test.exercise = 5, "5.1"
            lab = Lab(5, "x", [Exercise("5.1", "y", 1, "z")], [outcome.test])
            for writer in (formats.to_gradescope, formats.to_junit, formats.to_autolab):
                told = writer(formats.Grading([lab], [outcome]))
                self.assertIn("a timeline of such a run: make trace TEST=t", told)
                self.assertNotIn(drawn, told)
            passed = Outcome(outcome.test, Verdict.OK)
            for writer, line in ((formats.to_json, '"timeline": "make trace TEST=t"'),
                                 (formats.to_tap, 'timeline: "make trace TEST=t"')):
                self.assertIn(line, writer(formats.Grading([lab], [outcome])))
                self.assertNotIn("make trace", writer(formats.Grading([lab], [passed])))
        self.assertEqual(timeline_of(Outcome(Test("c", command=["x"]), Verdict.WRONG)), "")
        self.assertEqual(timeline_of(Outcome(Test("t", prog="t"), Verdict.BUILD)), "")

    def test_contrast(self):
        """Letters can be read on all that is behind them, in light and dark."""
        for theme in (0, 1):
            for letters in ("ink", "soft", "red"):
                for behind in ("paper", "panel"):
                    self.contrast(letters, behind, theme)
            for behind in ("blue", "amber", "green", "rose", "lilac"):
                self.contrast("ink", behind, theme)

    def contrast(self, letters, behind, theme):
        high, low = sorted((luminance(sheet.COLOURS[name][theme]) for name in (letters, behind)),
                           reverse=True)
        self.assertGreaterEqual((high + 0.05) / (low + 0.05), 4.5, (letters, behind, theme))

    def test_themes(self):
        """No colour of a rule is left without its value."""
        for theme in (0, 1):
            self.assertEqual(re.findall(r"(?:fill|stroke): (?!#|none)\w+", sheet.coloured(theme)),
                             [])
        self.assertNotEqual(sheet.coloured(0), sheet.coloured(1))

    def test_shapes(self):
        """States differ by their shapes, not by colour alone."""
        shapes = set()
        for kind in (RUNNING, RUNNABLE, SLEEPING, ZOMBIE):
            picture = rows.Picture(Story({}).finish(), "nothing", [])
            picture.state(kind, 0, 50, 0, "")
            shapes.add(re.sub(r'class="[a-z]+ ?', 'class="', picture.sheet.parts[-1]))
        self.assertEqual(len(shapes), 4, shapes)


if __name__ == "__main__":
    unittest.main()
