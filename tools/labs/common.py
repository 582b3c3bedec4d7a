"""Short forms in which the labs write their tests."""
from grader.model import Exercise, Lab, Test, regex

__all__ = ["Exercise", "Lab", "Test", "regex", "program", "selftest", "early", "panics",
           "check"]

CALL_STACK = "call stack, innermost first:"


def program(name, arguments="", points=0, exercise=None, **more):
    """A test program; for "cow 4 harts" it is cow."""
    return Test(name, points=points, exercise=exercise,
                prog=(name.split()[0] + " " + arguments).strip(), **more)


def selftest(name, points=0, exercise=None, **more):
    """A self test of kern/test; for "mutex 4 harts" it is mutex."""
    return Test(name, points=points, exercise=exercise, selftest=name.split()[0], **more)


def early(name, points=0, exercise=None, **more):
    """One that runs before there is a process: labs 1 to 3."""
    return selftest(name, points, exercise, early=True, **more)


def panics(name, *texts, trace="selftest_thread", **more):
    """A self test that breaks a rule: the kernel must panic with these texts and a call stack."""
    return Test(name, selftest=name.split()[0], panic=True, forbid=["not caught"],
                expect=list(texts) + [CALL_STACK, trace], **more)


def check(name, *arguments):
    """A check on the host: one of the scripts in tools/."""
    return Test(name, command=["python3", "tools/%s.py" % name] + list(arguments))
