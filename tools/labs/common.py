"""The short forms in which the files of the labs write their tests.

A test's name may have words behind it, as "cow 4 harts": the first word is the program or self test
that runs, and the whole name must be the only one of its kind in all labs. Further arguments are
those of grader.model.Test, which says what each of them means: harts, runs, seeds, mem, append,
limit, expect, ...

catalogue.py reads all of these files, and checks that the points of the tests add up to those
of the exercises. __all__ is what these files may take from here.
"""
from grader import state
from grader.disk import Disk
from grader.model import BEYOND, Exercise, Lab, Test, regex

__all__ = ["ALL_BUT_LEAKS", "BEYOND", "Disk", "Exercise", "Lab", "Test", "regex", "program",
           "selftest", "early", "panics", "check"]

# What is looked at in the machine's memory after a test that leaves something in use: threads that
# stay to the end, because to end is an exercise of lab 5; a self test's own process, which is a
# program by then; objects that a hart keeps.
ALL_BUT_LEAKS = [check for check in state.DEFAULT if check is not state.no_leaks]
CALL_STACK = "call stack, innermost first:"


def program(name, arguments="", points=0, exercise=None, **more):
    """A test that runs a program of user/ with these arguments; for "cow 4 harts" it is cow."""
    return Test(name, points=points, exercise=exercise,
                prog=(name.split()[0] + " " + arguments).strip(), **more)


def selftest(name, points=0, exercise=None, **more):
    """A test that runs a self test of kern/test; for "mutex 4 harts" it is mutex."""
    return Test(name, points=points, exercise=exercise, selftest=name.split()[0], **more)


def early(name, points=0, exercise=None, **more):
    """A self test that runs before there is a process. Labs 1 to 3 need such tests, because
    processes come with lab 4."""
    return selftest(name, points, exercise, early=True, **more)


def panics(name, *texts, trace="selftest_thread", **more):
    """A self test that breaks a rule: the kernel must panic with these texts and a call stack."""
    return Test(name, selftest=name.split()[0], panic=True, forbid=["not caught"],
                expect=list(texts) + [CALL_STACK, trace], **more)


def check(name, *arguments):
    """A test without a machine: it runs tools/NAME.py on the host and passes if that succeeds."""
    return Test(name, command=["python3", "tools/%s.py" % name] + list(arguments))
