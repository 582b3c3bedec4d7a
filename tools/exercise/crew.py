"""Workers that judge variants of the tree side by side, each a process with a workshop of its own:

    with Crew(ROOT, options) as workers:            # options: see add_options()
        order = workers.order(labs, ["5.4"])
        for state, details in workers.run([(texts, order["5.4"]), ...]):
"""
import concurrent.futures
import copy
import hashlib
import multiprocessing
import os
import re
import signal
import tempfile

import scratch
from exercise import kept, workshop
from grader.image import ImageError
from labs.catalogue import load
from grader.model import Verdict

# What became of a variant.
CAUGHT, SURVIVED, NO_COMPILE, BROKEN = "caught", "SURVIVED", "DOES NOT COMPILE", "BROKEN"
SAME = "the same code"
# Newer compilers refuse what these tell of.
REFUSED = re.compile(r"\[-W(?:int-conversion|incompatible-pointer-types|implicit-\S+)\]")
# Of those made by rule many hang: a test may take so many times the reference's CPU time.
PATIENCE = 8
MILLIONS = 200                  # of instructions in a second
REASON = 160                    # characters that are shown


class Worker:
    """What a worker has, set once when it begins."""
    shop = ended = None
    tests, code = {}, None


def begin(ended, pristine, folder, toolchain, qemu):
    """The first thing that a worker does."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)           # the parent tells us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Worker.ended = ended
    Worker.shop = workshop.Workshop(pristine, os.path.join(folder, "worker%d" % os.getpid()),
                                    toolchain, qemu)
    Worker.tests = {test.name: test for lab in load() for test in lab.tests}
    Worker.code = loaded(Worker.shop.host())
    os.chdir(Worker.shop.folder)                        # places in sources are told from here


def loaded(host):
    """A hash of all of the kernel that is loaded into memory, so without debug information."""
    image, code = host.image, hashlib.sha256()
    for _, _, offset, _, address, size, _, _ in image.segments:
        code.update(b"%d %d " % (address, size) + image.data[offset:offset + size])
    return code.digest()


def reason(outcome):
    lines = outcome.reasons or [""]
    return "%s, %s: %s" % (outcome.test.name, outcome.verdict, lines[0][:REASON])


def judge_reference(name):
    """(name, why it does not pass or None, seconds) of a test of the tree as it is."""
    outcome = Worker.shop.judge(Worker.tests[name])
    return name, None if outcome.passed else reason(outcome), outcome.seconds


def judge_variant(job):
    """(state, details) of texts, judged by these tests one after the other. A variant made by rule
    is not judged where it is the same in memory, or a compiler need not take it."""
    texts, trials, by_rule = job
    if Worker.ended.is_set():
        return BROKEN, "interrupted"
    try:
        with Worker.shop.variant(texts) as built:
            return judge_built(built, trials, by_rule)
    except (ImageError, OSError) as error:
        return BROKEN, str(error)


def judge_built(built, trials, by_rule):
    if not built.succeeded or by_rule and REFUSED.search(built.output):
        return NO_COMPILE, built.problem
    host = Worker.shop.host()
    if by_rule and loaded(host) == Worker.code:
        return SAME, ""
    for name, seconds in trials:
        test = Worker.tests[name]
        outcome = Worker.shop.judge(hurried(test, seconds) if by_rule else test, host)
        if outcome.verdict == Verdict.SETUP:
            return BROKEN, reason(outcome)
        if not outcome.passed:
            return CAUGHT, reason(outcome)
    return SURVIVED, "passes " + ", ".join(name for name, _ in trials)


def hurried(test, seconds):
    """The test with less time, where the reference needs so many seconds of CPU time for it."""
    test = copy.copy(test)
    test.cpu = min(test.cpu, 2 + int(PATIENCE * seconds))
    test.limit = min(test.limit, 10 + int(PATIENCE * MILLIONS * seconds))
    return test


def add_options(add):
    """What the user may say of a Crew, by the function add() of an argument parser."""
    add("-j", "--jobs", type=int, default=os.cpu_count() or 1,
        help="so many workers at once; %(default)s")
    add("--toolchain", default=os.path.basename(os.environ.get("RVLAB_OBJECTS", "unknown-elf")),
        help="%(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")


class Crew:
    """The workers; used as a context."""

    def __init__(self, root, options):
        self.root, self.jobs = root, max(1, options.jobs)
        self.toolchain, self.qemu = options.toolchain, options.qemu

    def __enter__(self):
        self.folder = scratch.folder("crew")
        path = self.folder.__enter__()
        pristine = os.path.join(path, "pristine")
        try:
            kept.prepare(self.root, pristine, self.toolchain, self.jobs)
        except BaseException:
            self.folder.__exit__(None, None, None)
            raise
        self.ended = multiprocessing.Event()
        self.executor = concurrent.futures.ProcessPoolExecutor(
            self.jobs, initializer=begin, initargs=(
                self.ended, pristine, path, self.toolchain, self.qemu))
        return self

    def __exit__(self, *ignored):
        self.ended.set()
        self.executor.shutdown()
        self.folder.__exit__(None, None, None)

    def map(self, function, jobs):
        """The results in the order of the jobs, as they come."""
        try:
            yield from self.executor.map(function, jobs)
        except concurrent.futures.process.BrokenProcessPool:
            raise workshop.WorkshopError("a worker has ended: is there too little memory, or room "
                                         "in %s?" % tempfile.gettempdir())

    def order(self, labs, exercises):
        """{exercise: (name, seconds) of its tests, the cheapest first}. They must pass in the tree
        as it is, else nothing that they say about a variant counts."""
        tests = {test.name: test for lab in labs for test in lab.tests
                 if test.exercise in exercises and test.points}
        seconds, problems = {}, []
        for name, problem, taken in self.map(judge_reference, tests):
            seconds[name] = taken
            if problem:
                problems.append(problem)
        if problems:
            raise workshop.WorkshopError("the reference solution does not pass its tests:\n%s"
                                         % "\n".join(problems))
        ordered = sorted(tests.values(), key=lambda test: seconds[test.name])
        return {exercise: [(test.name, seconds[test.name]) for test in ordered
                           if test.exercise == exercise] for exercise in exercises}

    def run(self, jobs, by_rule=False):
        """(state, details) of each of these (texts, tests as order() has them)."""
        return self.map(judge_variant, [(*job, by_rule) for job in jobs])
