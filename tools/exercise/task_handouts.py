"""The tasks of a handout, proved by machines, for check_handouts.py.

It is played what a student does: the exercises of the labs until this one are written, then a task,
as its solution has it, in the student's own files. `make handin` must make a file from which the
teacher's side gets this patch, and `make grade TASK=` in the handout must pass. A test may fail
there for one reason: it needs an exercise of a later lab, which is blank. Such a test is told, and
labcodes.md must name it where the task is described, so that no student looks for the mistake in
his own work.
"""
import json
import os
import subprocess

from exercise import manifest, marks, patches, submissions
from exercise.patched import solution_of
from grader.model import Verdict
from tasks.catalogue import fits

HANDIN = "HANDIN=--name Ada --email ada@example.org"


def prove(tree, plan, reference, toolchain):
    """(sentences about what is wrong, sentences about what cannot be tried there) of the tasks of
    a handout, in which the exercises of its lab are written."""
    about = manifest.load(tree).select()
    reference.version = about.version
    wrong = ["a handout in which nobody did a task has a patch for %s" % task
             for task in manifest.patches_of(about, tree)[0]]
    notes = []
    for task in plan.due_tasks:
        wrong += base(tree, about, task)
        kept = write(tree, task)
        try:
            wrong += ["%s: %s" % (task.number, each)
                      for each in handed_in(tree, about, reference, task)]
            bad, later = graded(tree, about, task, toolchain)
            wrong += ["%s: %s" % (task.number, each) for each in bad]
            notes += later
        finally:
            put(tree, kept)
    return wrong, notes


def base(tree, about, task):
    """Sentences about files that a task allows, and that a handout lacks or does not remember."""
    mine = [path for path in about.base if task.may_change(path)]
    for pattern in task.files:
        if not any(fits(path, [pattern]) for path in mine):
            yield "%s: no file of the handout is %s, which the task allows" % (task.number, pattern)
    for path in mine:
        if not os.path.exists(os.path.join(tree, path)):
            yield "%s: %s is not in the handout" % (task.number, path)


def write(tree, task):
    """Do a task in a student's tree; {path: its text before, or None} of what was written. What
    stands in exercises is the student's own, as it was."""
    kept, new = {}, {}
    for change in patches.parse(solution_of(task.number)):
        path = change.path
        kept[path] = None if change.is_new else patches.text_in(tree, path)
        old = patches.skeleton(kept[path] or "", path)
        new[path] = "".join(line + "\n" for each in change.hunks for line in each.new) \
            if change.is_new else patches.filled(patches.changed(old, change), path, kept[path])
    put(tree, new)
    return kept


def put(tree, texts):
    """Write these files, {path: text}; one without a text is removed."""
    for path, text in texts.items():
        full = os.path.join(tree, path)
        if text is None:
            os.remove(full)
            continue
        with open(full, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)


def run(tree, *words):
    """What `make` says."""
    return subprocess.run(["make"] + list(words), cwd=tree, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode(
                              "utf-8", "replace")


def handed_in(tree, about, reference, task):
    """Sentences about what is wrong with the file that is handed in."""
    name = "handin-lab%d.txt" % about.lab
    path = os.path.join(tree, name)
    output = run(tree, "handin", HANDIN)
    if not os.path.exists(path):
        yield "make handin makes no file: %s" % output[-400:]
        return
    with open(path, "rb") as file:
        read = submissions.from_file(file.read(), name)
    os.remove(path)
    if read.refused:
        yield "what make handin makes is refused: %s" % read.refused
        return
    work = marks.Work(read, reference, [task.number])
    state, why = work.state[task.number]
    if state != marks.WRITTEN:
        yield "the hand-in's patch is \"%s\": %s" % (state, why)
    elif work.patched[task.number] != reference.tasks[task.number].apply(
            solution_of(task.number)):
        yield "the patch of the hand-in is another one than what was written"


def graded(tree, about, task, toolchain):
    """(sentences about tests that fail in the handout, sentences about those that cannot run)."""
    path = os.path.join(tree, "obj", "task.json")
    output = run(tree, "grade", "TOOLCHAIN=" + toolchain, "TASK=" + task.number,
                 "GRADE=--json obj/task.json")
    if not os.path.exists(path):
        return ["make grade TASK= has no result: %s" % output[-400:]], []
    with open(path, encoding="utf-8") as file:
        tests = [test for lab in json.load(file)["labs"] for exercise in lab["exercises"]
                 for test in exercise["tests"]]
    os.remove(path)
    wrong, later = [], []
    for test in tests:
        reason = "; ".join([test["verdict"]] + test["reasons"][:1])
        if test["verdict"] == Verdict.NOT_WRITTEN and is_told(tree, task, test["name"]):
            later.append("%s: %s (%d points) cannot run yet, as labcodes.md says: %s" % (
                task.number, test["name"], test["max"], reason))
        elif test["verdict"] != Verdict.OK:
            wrong.append("%s fails with the solution: %s" % (test["name"], reason))
    if len(tests) != len(task.tests) or len(later) == len(tests):
        wrong.append("%d of its %d tests were graded" % (len(tests) - len(later), len(task.tests)))
    return wrong, later


def is_told(tree, task, test):
    """Does labcodes.md name a test of a task, and say that it needs later labs?"""
    with open(os.path.join(tree, "labcodes.md"), encoding="utf-8") as file:
        chapter = file.read().split("### Task %s:" % task.number)[1].split("\n### ")[0]
    words = " ".join(chapter.split())
    return "`%s`" % test in words and "runs only at your teacher's" in words
