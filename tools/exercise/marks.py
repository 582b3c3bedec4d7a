"""The marks of one hand-in: its regions are put into the reference, which is built and tested.

Each exercise has two marks: together with the student's other exercises, and alone, with the
reference's others around it. A text that cannot be used (refused, blank, or not compiling) is blank
in the mark "together", so that it costs its own exercise only. An exercise that a person must look
at (see earlier.py) has no mark, not 0; the reference's text takes its place in "together".

A task (tools/tasks) has a patch in place of regions. It is graded alone only: the patch is applied
to the reference, and the tests of the task are laid over that.

The policy "best" boots no machine that cannot change a mark: an exercise with full marks together
is not graded alone, one with full marks alone gets no more tests together, and a test that has no
end alone is not run together; but where there are places (see ahead.py) some may have begun before
that is known. The policy "both" gives the same marks, and boots all machines.

A result is plain data, so that it can be kept in a file:
    {"exercises": {"5.1": {"max", "challenge", "state", "why", "together", "alone", "mark", "from",
                           "tests": [{"name", "title", "points", "max", "verdict", "lines"}]}},
     "complete": false if this host failed}
"""
import copy
import hashlib
import json
import os
import re

from exercise import blanked, earlier, incoming, kept, patched, regions, register
from exercise.ahead import ahead
from exercise.build import ERROR, errors_by_exercise
from exercise.graft import Names
from exercise.regions import RegionError
from exercise.symbols import Refusal, Uses
from exercise.vet import vet
from exercise.workshop import Compiled
from grader.formats import drawing, explanation
from grader.model import Verdict
from tasks import catalogue

BEST, BOTH, ALONE, TOGETHER = "best", "both", "alone", "together"
WRITTEN, BLANK, REFUSED, ABSENT, BROKEN, LOOK = (
    "written", "still blank", "refused", "not in the hand-in", "does not compile", "needs a look")
# The line of make that names the file that could not be compiled.
GAVE_UP = re.compile(r"^make: \*\*\* \[[^\]]*/[ku]obj/(\S+?)\.o\] *(.{,100})", re.M)
REASON = re.compile("(?i)fatal|memory|too large|no space")
LIMIT_LINES, LIMIT_CHARACTERS = 60, 1000    # so much of what a test says is kept, line by line


class Reference:
    """The tree into which hand-ins are put, read once for all of them.

    regions    all Regions of the tree; keys: their (exercise, id)
    register   the Register of all regions that any handout ever had
    texts      {path: text} of the files with regions
    given      {(exercise, id): text} of what handouts have in regions of the form "given"
    exercises  {number: Exercise}, with the tasks; hints: {number: its hint}
    tasks      {number: patched.Place} of each task
    tests      {number: its Tests, in the order in which they are run}
    names      a graft.Names: the names that a student's text must not define
    """

    def __init__(self, root, labs, version):
        self.root, self.version = root, version
        self.regions = regions.parse_tree(root)
        self.keys = {region.key for region in self.regions}
        self.register = register.load(root).with_regions(self.regions)
        self.texts = {region.path: regions.read(root, region.path) for region in self.regions}
        self.given = regions.load_given(root)
        self.exercises = {exercise.number: exercise for lab in labs
                          for exercise in lab.exercises}
        # The tests of an exercise with one hart come first: they tell sooner that there is no end.
        # Programs come before self tests: they need more of the kernel, so they fail sooner.
        self.tests = {number: sorted((test for lab in labs for test in lab.tests
                                      if test.exercise == number),
                                     key=lambda test: (test.harts, test.prog is None))
                      for number in self.exercises}
        self.hints = {number: each.hint for number, each in self.exercises.items()}
        self.names = Names(root)
        self.tasks = {task.number: patched.Place(root, task) for task in catalogue.load(
            {lab.number for lab in labs})}
        for number, place in self.tasks.items():
            self.exercises[number], self.tests[number] = place.task, place.task.tests

    def of(self, exercise):
        """The Regions of an exercise."""
        return [region for region in self.regions if region.exercise == exercise]

    def variant(self, texts, blank=()):
        """{path: text} of the files that differ from the reference when the regions have these
        texts, {(exercise, id): text}, and the exercises `blank` are blank."""
        result = {}
        paths = {region.path for region in self.regions
                 if region.key in texts or region.exercise in blank}
        for path in sorted(paths):
            text = regions.replace(self.texts[path], path, texts)
            if blank:
                text = regions.blank(text, path, blank, self.hints, self.given)
            if text != self.texts[path]:
                result[path] = text
        return result


def is_written(own, texts):
    """Has the student written anything in the regions of an exercise? Text in the room for more
    counts only if the exercise has no other regions."""
    code = [region for region in own if region.form != "extra"] or own
    for region in code:
        if not regions.is_blank(texts[region.key]):
            return True
    return False


class Work:
    """What is to be graded of a hand-in, decided before anything is built.

    exercises  the numbers of the exercises, in order
    texts      {(exercise, id): text} of the exercises that can be built
    state      {exercise: (WRITTEN or another state, the reason)}
    patched    {task: {path: text} of the reference with its patch in it}; also of tasks that are
               not graded now: they are in the student's tree, and others may need their lines
    notes      sentences that say what of the hand-in is ignored
    only       the exercises that get marks; the others are in the kernel, and are not tested again
    """

    def __init__(self, submission, reference, exercises, only=None):
        self.exercises, self.texts, self.state = list(exercises), {}, {}
        self.patched = {}
        self.only = self.exercises if only is None else [
            number for number in self.exercises if number in only]
        taken = earlier.take(submission.handin, reference)
        self.notes = taken.notes
        for exercise in self.exercises:
            self.state[exercise] = self.look(submission, reference, exercise, taken)
        if self.patched:
            self.look_beside(submission.handin, reference)

    def look(self, submission, reference, exercise, taken):
        """(state, reason) of an exercise; its texts are kept if it is WRITTEN."""
        if exercise in reference.tasks:
            return self.look_at_patch(submission.handin, reference, exercise)
        own = reference.of(exercise)
        if exercise not in submission.handin.exercises or not own:
            if own and earlier.had_none(submission.handin, reference, own):
                return LOOK, "it was made from a version that had no such exercise"
            return ABSENT, "the hand-in has nothing of it"
        if exercise in taken.looks:
            return LOOK, taken.looks[exercise]
        texts = {}
        for region in own:
            error = taken.errors.get(region.key)
            if error is None and region.key not in taken.texts:
                error = RegionError(region.path, 1, "the region %s is missing" % region.id)
            try:
                if error:
                    raise error
                text, line = taken.texts[region.key]
                where = copy.copy(region)           # an error names the path of the student's tree
                where.path = submission.handin.paths.get(region.key, region.path)
                vet(where, text, line, reference.names.taken(region.path))
            except RegionError as problem:
                return REFUSED, submission.place(problem)
            texts[region.key] = text
        if not is_written(own, texts):
            return BLANK, "nothing is written yet"
        self.texts.update(texts)
        return WRITTEN, ""

    def look_at_patch(self, found, reference, number):
        """The same of a task; the files that its patch changes are kept."""
        texts, why, is_unfit = reference.tasks[number].take(found)
        if texts is not None:
            self.patched[number] = texts
            return WRITTEN, ""
        look = is_unfit and not earlier.is_of(found, reference)
        return ABSENT if number not in found.patches else LOOK if look else REFUSED, why

    def look_beside(self, found, reference):
        """Keep what the hand-in's other patches change, if it can be used."""
        for number in set(found.patches) & set(reference.tasks) - set(self.exercises):
            texts = reference.tasks[number].take(found)[0]
            self.patched.update({number: texts} if texts else {})

    @property
    def written(self):
        """The exercises with regions that can be built and tested."""
        return [number for number in self.in_state(WRITTEN) if number not in self.patched]

    @property
    def tested(self):
        """Those of them that get marks."""
        return [number for number in self.written if number in self.only]

    def in_state(self, state):
        """The exercises that are in this state."""
        return [number for number in self.exercises if self.state[number][0] == state]

    def of(self, exercise):
        """{(exercise, id): text} of one exercise."""
        return {key: text for key, text in self.texts.items() if key[0] == exercise}

    def digest(self, version, policy):
        """A digest of all that the marks depend on: two hand-ins with the same one have the same
        marks, so the second of them need not be graded."""
        data = [version, policy, self.exercises, sorted(self.state.items()),
                sorted([*key, text] for key, text in self.texts.items())]
        data += [] if self.only == self.exercises else [self.only]
        data += [sorted((number, sorted(texts.items())) for number, texts in
                        self.patched.items())] if self.patched else []
        return hashlib.sha256(json.dumps(data).encode("utf-8")).hexdigest()


def told(outcome, clean):
    """The plain data that is kept of an Outcome; with the reasons if the test has failed, and the
    command that draws its run."""
    test = outcome.test
    lines = [] if outcome.passed else [
        clean(line[:LIMIT_CHARACTERS]) for line in
        explanation(outcome, True)[:LIMIT_LINES - 1] + drawing(outcome)]
    return {"name": test.name, "title": test.title, "points": outcome.points, "max": test.points,
            "verdict": outcome.verdict, "lines": lines}


def unusable(why):
    """The state of an exercise that cannot be used for this reason."""
    return REFUSED if isinstance(why, Refusal) else BROKEN


def points(tests):
    """The sum of the points of tests, each as told() gives it."""
    return sum(test["points"] for test in tests)


class Together:
    """All exercises of a hand-in in one kernel.

    texts     {path: text} of the files in which that kernel differs from the reference
    tests     {name: told()} of the tests that were run so far
    broken    {exercise: the compiler's words, or a Refusal} of the exercises that are left out
    products  what its build has made, see Workshop.again(); None if that cannot be kept
    compiled  its objects, for the kernels of the same hand-in in which an exercise is alone
    """

    def __init__(self):
        self.texts, self.tests, self.broken, self.products = None, {}, {}, None
        self.compiled = Compiled()


class Examiner:
    """Gives marks in a workshop of its own, to one hand-in after the other.

    reference  the Reference; shop: the Workshop in which the kernels are built
    failed     this host has failed in this grading, so the marks say nothing
    passed     {(digest of a kernel, name of a test): told()}, of tests with one hart
    uses       a symbols.Uses of the reference, made when it is first needed
    headers    the blanked.Headers of the shop
    """

    def __init__(self, reference, shop):
        self.reference, self.shop, self.failed, self.uses = reference, shop, False, None
        self.passed, self.headers = {}, blanked.Headers(reference, shop)

    def marks(self, work, policy):
        """The result for a Work, as the head of this file has it."""
        self.failed = False
        result = {number: self.entry(work, number) for number in work.only}
        whole = Together()
        if policy != ALONE and work.tested:
            self.together(work, whole, policy == BEST)
        for number in work.tested:
            entry = result[number]
            if number in whole.broken:
                entry["together"], entry["why"] = 0, whole.broken[number]
                entry["tests"] = self.no_points(number, unusable(entry["why"]), entry["why"])
            if policy in (ALONE, BOTH) or policy == BEST and not self.is_full(number, whole):
                self.alone(work, number, entry, whole)
        if policy != ALONE:
            self.complete(work, result, whole)
        for number in work.tested:
            self.decide(result[number], policy)
        for number in sorted(set(work.patched) & set(work.only)):
            self.task(self.reference.tasks[number], work.patched, result[number])
        return {"exercises": result, "complete": not self.failed}

    def decide(self, entry, policy):
        """Choose the better of the two marks, and keep the tests that explain it."""
        better = policy == ALONE or (entry["alone"] or 0) > (entry["together"] or 0)
        if better or entry["together"] is None:
            entry["from"], entry["tests"] = ALONE, entry.pop("tests alone", entry["tests"])
            entry["why"] = entry.pop("why alone", "")
        else:
            entry["from"] = TOGETHER
            entry.pop("tests alone", None), entry.pop("why alone", None)
        entry["mark"] = points(entry["tests"])
        if entry["why"]:
            entry["state"], entry["why"] = unusable(entry["why"]), str(entry["why"])

    def task(self, place, applied, entry):
        """Fill in the entry of a task; `applied` are the patches of its hand-in, as in a Work."""
        for texts in place.kernels(applied):
            with self.shop.variant(texts) as built:
                if built.succeeded:
                    host = self.shop.host()
                    entry["tests"] = list(self.outcomes(place.task.tests, host))
                    break
                why = self.said(built)              # of the last one: it has the whole hand-in
        else:
            entry["state"], entry["why"] = BROKEN, why
            entry["tests"] = self.no_points(place.task.number, BROKEN, why)
        entry["alone"] = entry["mark"] = points(entry["tests"])

    def entry(self, work, number):
        """The entry of an exercise in the result, before anything is tested."""
        exercise, (state, why) = self.reference.exercises[number], work.state[number]
        tests = [] if state in (WRITTEN, LOOK) else self.no_points(number, state, why)
        extra = exercise.is_challenge or number in self.reference.tasks
        return {"max": exercise.points, "challenge": extra, "state": state, "why": why,
                "together": None, "alone": None, "mark": None if state == LOOK else 0,
                "from": ALONE if number in work.patched else "", "tests": tests}

    def no_points(self, number, verdict, why):
        """The tests of an exercise that is not tested: none has points, and all say why."""
        return [{"name": test.name, "title": test.title, "points": 0, "max": test.points,
                 "verdict": verdict, "lines": why.split("\n")}
                for test in self.reference.tests[number]]

    # -- testing

    def run(self, test, host):
        """Run a test; the result is told(). With one hart each run of a kernel is alike, so what
        has passed once passes with the same kernel: many hand-ins have parts like others. If no
        machine can be had, the reference's kernel is tried: it is this host's fault only if no
        machine can be had for that one either. Else the student's text has made a kernel that no
        machine runs."""
        key = host.image.digest, test.name
        if key in self.passed:
            return self.passed[key]
        outcome = self.shop.judge(test, host)
        if outcome.verdict == Verdict.SETUP:
            if self.shop.judge(test, self.shop.reference_host()).verdict == Verdict.SETUP:
                self.failed = True
            else:
                outcome.verdict = Verdict.WRONG
                outcome.reasons.insert(0, "no machine can run this kernel; with the reference's "
                                       "text in its place it runs:")
        result = told(outcome, self.clean)
        if outcome.passed and test.harts == 1:
            self.passed[key] = result
        return result

    def outcomes(self, tests, host):
        """run() of each of these tests, in order; where there are places some run ahead."""
        return ahead(lambda test: self.run(test, host), tests, self.shop.places)

    def is_full(self, number, whole):
        """Has the exercise all points in the mark "together", as far as is known?"""
        return number not in whole.broken and all(
            whole.tests.get(test.name, {"verdict": ""})["verdict"] == Verdict.OK
            for test in self.reference.tests[number])

    def test_together(self, numbers, whole, lazy):
        """Run the tests of these exercises in the kernel that is built. One mistake may make all
        exercises fail here. So with `lazy` an exercise is left at its first failed test, and all
        are left when a second test has no end, which costs time; complete() runs the rest, when it
        is known what is left to gain."""
        host, hangs = self.shop.host(), 0
        for number in numbers:
            for result in self.outcomes(self.reference.tests[number], host):
                whole.tests[result["name"]] = result
                hangs += result["verdict"] == Verdict.HANG
                if lazy and hangs == 2:
                    return
                if lazy and result["verdict"] != Verdict.OK:
                    break

    def alone(self, work, number, entry, whole):
        """Grade an exercise with the reference's others around it, and put what is found into its
        entry."""
        texts = self.reference.variant(work.of(number))
        known = whole.tests if texts == whole.texts else {}     # it is the same kernel
        whole.compiled.is_full = True
        with self.shop.variant(texts, whole.compiled) as built:
            why = self.foreign(work.of(number)).get(number) if built.succeeded else self.said(built)
            if why:
                entry["why alone"] = why
                tests = self.no_points(number, unusable(why), why)
            else:
                wanted = self.reference.tests[number]
                new = [test for test in wanted if test.name not in known]
                for result in self.outcomes(new, self.shop.host()):
                    known[result["name"]] = result
                tests = [known[test.name] for test in wanted]
        entry["alone"], entry["tests alone"] = points(tests), tests

    def left(self, number, entry, whole):
        """The tests that are still to be run together; none if they cannot change the mark. A test
        that has no end alone has none together, so its result is taken from there."""
        hangs = {test["name"]: test for test in entry.get("tests alone", ())
                 if test["verdict"] == Verdict.HANG}
        tests, best = [], 0
        for test in self.reference.tests[number]:
            if test.name not in whole.tests and test.name in hangs:
                whole.tests[test.name] = hangs[test.name]
            done = whole.tests.get(test.name)
            tests += [] if done else [test]
            best += done["points"] if done else test.points
        return tests if best > (entry["alone"] or 0) or entry["alone"] is None else []

    def complete(self, work, result, whole):
        """Run the tests that were put off, as far as they matter; then fill in the marks
        "together"."""
        numbers = [number for number in work.tested if number not in whole.broken]
        if any(self.left(number, result[number], whole) for number in numbers):
            with self.shop.again(whole.texts, whole.products):
                host = self.shop.host()
                for number in numbers:
                    while self.left(number, result[number], whole):
                        test = self.left(number, result[number], whole)[0]
                        whole.tests[test.name] = self.run(test, host)
        for number in numbers:
            names = [test.name for test in self.reference.tests[number]]
            if all(name in whole.tests for name in names):
                result[number]["tests"] = [whole.tests[name] for name in names]
                result[number]["together"] = points(result[number]["tests"])

    # -- building

    def together(self, work, whole, lazy):
        """Build all exercises that are written in one kernel, and test them. An exercise that does
        not compile, or uses what it may not, is left out, and the others are built again."""
        while True:
            good = [number for number in work.written if number not in whole.broken]
            tested = [number for number in good if number in work.only]
            if not tested:
                return
            texts = {key: text for key, text in work.texts.items() if key[0] in good}
            blank = set(work.exercises) - set(good) - set(work.in_state(LOOK))
            whole.texts = self.reference.variant(texts, blank)
            with self.shop.variant(whole.texts, *self.headers.compiled(blank),
                                   whole.compiled) as built:
                refused = self.foreign(texts) if built.succeeded else {}
                if built.succeeded and not refused:
                    self.test_together(tested, whole, lazy)
                    if not all(self.is_full(number, whole) for number in tested):
                        whole.products = self.shop.products()
                    return
            whole.broken.update(refused or self.blamed(built, good)
                                or self.culprits(work, good, built))

    def foreign(self, texts):
        """{exercise: Refusal} of the exercises whose texts, which are built, use what they may
        not."""
        if self.uses is None:
            pristine = self.shop.pristine
            self.uses = Uses(self.reference, pristine,
                             os.path.join(pristine, "obj", self.shop.toolchain))
        return self.uses.foreign(self.shop.objects, texts)

    def blamed(self, built, good):
        """{exercise: the compiler's words} of the exercises in whose code the compiler found
        errors. It may blame other places too: errors there may follow from these."""
        found = errors_by_exercise(built.output, self.shop.folder)
        return {number: self.clean("\n".join(lines)) for number, lines in found.items()
                if number in good}

    def culprits(self, work, good, built):
        """The same if the compiler blames no exercise: the exercises that do not compile alone
        either; or all of them, if each compiles alone and only some of them together do not."""
        why, result = self.said(built), {}
        for number in good if len(good) > 1 else ():
            with self.shop.variant(self.reference.variant(work.of(number))) as single:
                if not single.succeeded:
                    result[number] = self.said(single)
        return result or dict.fromkeys(good, why)

    def clean(self, text):
        """The text without the folders of this host: what a student reads has paths from the root
        of the tree."""
        kept_here = os.path.join(self.reference.root, kept.FOLDER)
        names = {each for path in (self.shop.folder, self.shop.pristine, self.reference.root)
                 for each in (path, os.path.realpath(path))}
        text = re.sub("(?:%s)/[^/]+/(?:\\./)*" % "|".join(
            map(re.escape, {kept_here, os.path.realpath(kept_here)})), "", text)
        for name in sorted(names, key=len, reverse=True):
            text = re.sub(re.escape(name) + "/(?:\\./)*", "", text)
        return text

    def said(self, built):
        """The first errors that the compiler told, in at most eight lines."""
        gave_up = GAVE_UP.search(built.output)
        lines = [line for line in built.output.split("\n")
                 if line.strip() and not line.startswith(("  CC ", "  LD "))]
        if gave_up and not ERROR.search(built.output):
            path, word = gave_up.groups()
            lines = [line for line in lines if not line.startswith("make: ")] or [""]
            said = next(filter(REASON.search, lines), lines[0])     # others may come before it
            return "%s: the compiler gave up: this has no end, or needs too much memory (%s)" % (
                path, self.clean(said[:100]).strip() or "it said nothing; make says: %s" % word)
        at = next((index for index, line in enumerate(lines)
                   if "error" in line or "undefined" in line or "multiple" in line), 0)
        return self.clean("\n".join(lines[at:at + 8])) or "the compiler was stopped: no end"
