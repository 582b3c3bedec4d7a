"""The timeline of a test's run: how it is made, and where it is if it is there.

make trace writes a picture of a run into obj/trace (tools/timeline.py). A report of a failed test
names it, if it is of the kernel that failed: one that was drawn before the kernel was built shows
what the code did then, and would mislead. Else the report names the command that draws it.

A run that is drawn is another one than that which has failed. With one hart both are the same, to
the instruction; with several the failure may not come again.
"""
import os
import re

from grader.model import Verdict

FOLDER = "trace"                # beside the folders of the toolchains


def picture_name(name, seed=None):
    """The name of the files of a run, without an ending: of a test, or a program with arguments."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") + ("-seed%d" % seed if seed else "")


def command(outcome):
    """The command that draws the run of a test; "" if there is no machine to be looked at."""
    test = outcome.test
    if test.command or outcome.verdict in (Verdict.SETUP, Verdict.BUILD):
        return ""
    return "make trace TEST=%s%s%s" % (
        test.name, " SEED=%d" % outcome.run if test.seeds else "",
        " TASK=" + test.task if test.task else "")


def timeline(outcome):
    """One line about the timeline of a failed test; "" if it has none."""
    words = command(outcome)
    if not words or not outcome.log:
        return words
    objects = os.path.dirname(os.path.dirname(outcome.log))
    path = os.path.join(os.path.dirname(objects), FOLDER, picture_name(
        outcome.test.name, outcome.run if outcome.test.seeds else None) + ".svg")
    try:
        if os.path.getmtime(path) >= os.path.getmtime(
                os.path.join(objects, "kernel")):
            return "timeline of the run: %s" % path
    except OSError:
        pass                    # one of them is not there
    return "%s    a timeline of the run: %s" % (words, path)
