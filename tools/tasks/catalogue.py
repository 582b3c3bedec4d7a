"""The catalogue of the tasks: it loads task1.py, task2.py, ... of this folder, and checks them.

A Task is an exercise without regions. Its student finds the places in the kernel, and what is
handed in is a patch: exercise/patches.py makes and applies it. The tests of a task run in a tree
over which the Overlay of the task is laid. So they are in no kernel that is handed out, and a patch
cannot change them.
"""
import fnmatch
import glob
import importlib
import os
import re

from grader.model import Exercise
from labs import catalogue as labs
from labs.catalogue import LabError

FOLDER = os.path.dirname(os.path.abspath(__file__))
NAME = re.compile(r"\w[\w.-]{0,63}", re.A)              # of a file that a patch may have


class Task(Exercise):
    """One task: "5.T".

    files     patterns of the files that its patch may change
    new       patterns of the files that it may make
    names     names that the text of the task tells its student to define
    programs  names of the programs in this folder that become user/NAME.c when it is graded
    selftests names of the self tests here that become kern/test/NAME.c
    edits     {path: (old line, new line)}: lines of the tree that are others when it is graded; so
              it is counted what no kernel counts
    tests     its Tests; their points are those of the task
    """

    def __init__(self, number, title, asks, files, tests, new=(), names="", programs=(),
                 selftests=(), edits=None):
        super().__init__(number, title, sum(test.points for test in tests), asks, apart=True)
        self.files, self.new, self.names = files, new, names.split()
        self.programs, self.selftests, self.edits = programs, selftests, edits or {}
        self.tests = tests
        for test in tests:
            test.lab, test.exercise, test.task = self.lab, number, number

    @property
    def kind(self):
        return ", a task"

    def may_change(self, path):
        """May the patch change this file?"""
        return not self.is_test(path) and fits(path, self.files)

    def may_add(self, path):
        """May the patch make this file?"""
        return not self.is_test(path) and fits(path, self.new)

    def is_test(self, path):
        """Is this a file that is laid over the tree when the task is graded?"""
        return path in self.edits or path in self.sources

    @property
    def sources(self):
        """{path in the tree that is graded: path of the file in this folder}."""
        return {**{"user/%s.c" % name: os.path.join(FOLDER, name + ".c")
                   for name in self.programs},
                **{"kern/test/%s.c" % name: os.path.join(FOLDER, name + ".c")
                   for name in self.selftests}}

    def overlay(self, root):
        """{path: text} of the files that are laid over a tree when the task is graded."""
        found = {path: text_of(source) for path, source in self.sources.items()}
        for path, (old, new) in self.edits.items():
            text = text_of(os.path.join(root, path))
            if text.count(old) != 1:
                raise LabError("task %s: %s has the line %s %d times, and its tests need it once"
                               % (self.number, path, old.strip(), text.count(old)))
            found[path] = text.replace(old, new)
        return found


def fits(path, patterns):
    """Is this the path of a file in a folder that one of these patterns names? For fnmatch alone *
    is any text: "kern/mm/*.c" would fit "kern/mm/../../x.c"."""
    folder, name = os.path.split(path)
    return bool(NAME.fullmatch(name)) and any(
        folder == os.path.dirname(each) and fnmatch.fnmatchcase(name, os.path.basename(each))
        for each in patterns)


def text_of(path):
    """The text of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def load(numbers=None):
    """All Tasks that this tree has, or those of these labs, in order."""
    tasks = [task for path in sorted(glob.glob(os.path.join(FOLDER, "task[0-9].py")))
             for task in importlib.import_module("tasks." + os.path.basename(path)[:-3]).TASKS]
    names = [test.name for task in tasks for test in task.tests]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise LabError("two tests of tasks have the name %s" % twice)
    return [task for task in tasks if numbers is None or task.lab in numbers]


def find_test(name):
    """The test of that name, of all labs and tasks."""
    tests = [test for task in load() for test in task.tests if test.name == name]
    return tests[0] if tests else labs.find_test(name)


def find(number):
    """The Task of that number; LabError if there is none."""
    tasks = load()
    for task in tasks:
        if task.number == number:
            return task
    raise LabError("there is no task %s; there are %s" % (
        number, " ".join(task.number for task in tasks) or "none in this tree"))
