"""What the entries of a result have, and a check of one that comes out of a file.

marks.py makes results, and tells at its head what they are. A file of --resume, what another host
has printed, and marks of which some are graded again are read as data of a stranger: so the type of
each field is looked at before anybody computes with it. A mark may be missing only where a person
must look, it is never a text, and never more than there is for the exercise.

A result has "sandbox" too if the host that graded had none, see told(): reports may be written on
another host, and later.
"""
from exercise import incoming
from exercise.marks import LOOK
from grader import sandbox

TEST_FIELDS = {"name": str, "title": str, "points": int, "max": int, "verdict": str, "lines": list}
ENTRY_FIELDS = {"max": int, "challenge": bool, "state": str, "why": str, "from": str, "tests": list}
MARKS = ("together", "alone", "mark")
MAX_WHY = 500                   # characters of a sentence


def told(result):
    """A result of this host, with the sentence that says why it has no sandbox, if so it is."""
    why = sandbox.why_not()
    return dict(result, sandbox=why[:MAX_WHY]) if why else result


def check_fields(value, fields, what):
    """Raise incoming.BadValue if the value, which came out of a file, is no object with these
    fields, {name: type}; `what` names it in the message."""
    for name, kind in fields.items():
        if type(incoming.member(incoming.table(value, 100, what), name)) is not kind:
            raise incoming.BadValue("%s of %s is %s" % (name, what, incoming.shown(value[name])))


def check_points(value, names, what):
    """Raise incoming.BadValue if one of these points, which are whole numbers, is not from 0 to the
    "max" beside it. None is no points, and may be."""
    for name in names:
        if value[name] is not None:
            incoming.number(value[name], 0, value["max"], "%s of %s" % (name, what))


def check(result):
    """Raise incoming.BadValue if this, which came out of a file, is no result of
    Examiner.marks()."""
    check_fields(result, {"exercises": dict, "complete": bool}, "a result")
    incoming.word(result.get("sandbox", ""), "(?s).{0,%d}" % MAX_WHY, "sandbox")
    for number, entry in result["exercises"].items():
        check_fields(entry, ENTRY_FIELDS, "exercise " + number)
        for name in MARKS:
            must_be = name == "mark" and entry["state"] != LOOK
            if incoming.member(entry, name) is not None or must_be:
                check_fields(entry, {name: int}, "exercise " + number)
        check_points(entry, MARKS, "exercise " + number)
        for test in entry["tests"]:
            check_fields(test, TEST_FIELDS, "a test")
            check_points(test, ("points",), "a test")
            for line in test["lines"]:
                incoming.word(line, "(?s).*", "a line of a test")
