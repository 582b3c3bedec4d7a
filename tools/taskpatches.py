#!/usr/bin/env python3
"""The solutions of the tasks, and wrong ones, against the tests of the tasks.

    taskpatches.py [5.T]           the solution builds with each compiler and has full marks, each
                                   wrong patch fails the test that it names; of all tasks, or one
    taskpatches.py --compiler      the same with one compiler;  --sample: with one wrong patch each
    taskpatches.py --record        take what the tests report with the solution for what they must
                                   report from now on

tools/taskpatches/5.T/solution.patch is what a student would hand in. The wrong ones are NAME.txt
beside it: they change the solution, in the form in which tools/mutants change the reference, with a
line "test: NAME", the test that must fail. "test: refused" says that the patch must be refused
before it is built, with a reason that has what "says:" says. A patch goes the way of a hand-in.
"""
import argparse
import glob
import os
import sys

import cli
import scratch
from exercise import mutants, patched, patches, pool, workshop
from exercise.patched import FOLDER, solution_of
from exercise.patches import PatchError
from exercise.trials import add_options, reason
from exercise.workshop import WorkshopError
from grader import record
from grader.judge import Judge
from labs.catalogue import LabError
from tasks import catalogue

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REFUSED = "refused"
COMPILERS = ("unknown-elf", "linux-gnu", "clang")


def wrong_ones(number):
    """The mutants.Mutants of a task."""
    return [mutants.parse(catalogue.text_of(path), path, ("exercise", "title", "test"))
            for path in sorted(glob.glob(os.path.join(FOLDER, number, "*.txt")))]


def wrong_patch(place, solved, wrong):
    """The patch that a wrong solution is: of the solution, {path: text}, with its edits."""
    texts = dict(solved)
    for edit in wrong.edits:
        old, new = "\n".join(edit.old), "\n".join(edit.new)
        text = texts.get(edit.path) or patches.text_in(ROOT, edit.path)
        if text.count(old) != 1:
            raise mutants.MutantError(wrong.source, edit.line, "the old lines are %d times in the "
                                      "solved %s" % (text.count(old), edit.path))
        texts[edit.path] = text.replace(old, new)
    return patch_of(place, texts)


def patch_of(place, texts):
    """The patch that makes these texts of the reference's."""
    lines = ""
    for path, text in sorted(texts.items()):
        old = patches.text_in(ROOT, path) if os.path.exists(os.path.join(ROOT, path)) else None
        lines += patches.difference(path, None if old is None else patches.skeleton(old, path),
                                    text if old is None else patches.skeleton(text, path))
    return lines


def solve(folder, task, solved, toolchain):
    """Make a tree in a folder that has a task solved, {path: text}, with its tests laid over."""
    workshop.prepare(ROOT, folder, toolchain)
    for path, text in {**solved, **task.overlay(ROOT)}.items():
        with open(os.path.join(folder, path), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    built = workshop.make(folder, toolchain, os.cpu_count() or 1)
    if not built.succeeded:
        raise WorkshopError("with the solution of %s the tree does not build:\n%s"
                            % (task.number, built.problem))


class Tester:
    """What a worker does: it builds a variant of the solved tree, and runs tests in it."""

    def __init__(self, task, pristine, folder, options):
        self.task, self.options = task, options
        self.shop = workshop.Workshop(pristine, folder, options.toolchain, options.qemu)
        os.chdir(self.shop.folder)                      # places in sources are told from here

    def __call__(self, job):
        texts, names, compilers = job
        with self.shop.variant(texts) as built:
            if not built.succeeded:
                return "does not compile: %s" % built.problem, []
            host = self.shop.host()
            judge = Judge(host, {}) if self.options.record else None    # no record to hold it to
            outcomes = [judge.run(test, 1) if judge else self.shop.judge(test, host)
                        for test in self.task.tests if not names or test.name in names]
            for other in compilers:
                workshop.toolchain_of(self.shop.folder, other)      # makes its config.mk
                again = workshop.make(self.shop.folder, other)
                if not again.succeeded or "warning:" in again.output:
                    return "%s: %s" % (other, again.problem), outcomes
        return "", outcomes


def jobs_of(place, solved, sample, compilers):
    """[(name, Mutant or None, job or the PatchError)] of a task: its solution, {path: text}, which
    these other compilers build too, then the wrong ones."""
    yield "solution", None, ({}, (), compilers)
    for wrong in wrong_ones(place.task.number)[:1 if sample else None]:
        try:
            texts = place.apply(wrong_patch(place, solved, wrong))
        except PatchError as error:
            yield wrong.name, wrong, error
            continue
        for path in set(solved) - set(texts):
            texts[path] = place.texts[path]
        yield wrong.name, wrong, ({path: text for path, text in texts.items()
                                   if solved.get(path) != text}, (wrong.test,), ())


def try_task(task, options):
    """Try all patches of a task, and print a line of each: (how many are right, how many in
    all)."""
    place, passed = patched.Place(ROOT, task), 0
    solved = place.apply(solution_of(task.number))
    compilers = [] if options.sample or options.compiler else [
        name for name in COMPILERS if name != options.toolchain]
    every = list(jobs_of(place, solved, options.sample, compilers))
    with scratch.folder("tasks") as folder:
        pristine = os.path.join(folder, "solved")
        solve(pristine, task, solved, options.toolchain)
        with pool.Pool(max(1, options.jobs), folder,
                       lambda where: Tester(task, pristine, where, options)) as workers:
            results = workers.in_order([job for _, _, job in every if isinstance(job, tuple)])
            for name, wrong, job in every:
                result = next(results) if isinstance(job, tuple) else None
                right, line = verdict(wrong, job, result)
                passed += right
                print("%-4s %s %s: %s" % ("ok" if right else "BAD", task.number, name, line),
                      flush=True)
                if options.record and wrong is None and isinstance(result, tuple):
                    record.save(result[1])
    return passed, len(every)


def verdict(wrong, job, result):
    """(is it as it must be, a line that tells) of a job with its result."""
    if isinstance(job, PatchError):
        right = wrong.test == REFUSED and (wrong.says or "") in str(job)
        return right, "refused: %s" % job
    problem, outcomes = result if isinstance(result, tuple) else (result, [])
    if wrong is None:
        failed = [reason(outcome) for outcome in outcomes if not outcome.passed]
        got = sum(outcome.points for outcome in outcomes)
        return not problem and not failed, "; ".join(
            [problem] * bool(problem) + failed) or "%d points" % got
    if problem or not outcomes or wrong.test == REFUSED:
        return False, problem or "it has no test %s" % wrong.test
    failed = not outcomes[0].passed
    right = failed and (wrong.says or "") in " ".join(outcomes[0].reasons)
    return right, reason(outcomes[0]) if failed else "SURVIVED %s" % wrong.test


def arguments():
    parser = argparse.ArgumentParser(description="Try the solutions of tasks, and wrong ones.")
    parser.add_argument("tasks", nargs="*", help="their numbers; all without")
    parser.add_argument("--sample", action="store_true", help="one wrong patch of each task")
    parser.add_argument("--compiler", action="store_true", help="no compiler but --toolchain")
    parser.add_argument("--record", action="store_true",
                        help="take what the tests report with the solution as what they must")
    add_options(parser.add_argument)
    return parser.parse_args()


def main():
    options = arguments()
    tasks = [catalogue.find(number) for number in options.tasks] or catalogue.load()
    cli.need_machine("taskpatches", os.path.join("obj", options.toolchain), options.qemu)
    passed, every = map(sum, zip(*(try_task(task, options) for task in tasks)))
    print("%d passed, %d failed" % (passed, every - passed))
    return 0 if passed == every else 1


if __name__ == "__main__":
    sys.exit(cli.run("taskpatches", main, (LabError, PatchError, WorkshopError,
                                           mutants.MutantError)))
