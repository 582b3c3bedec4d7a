"""What a course's system gets for one hand-in, in the form that it reads.

A system runs `tools/lab grade` for one student at a time, and takes the marks from a file, or from
the end of the output: FORMS has a function for each. What it shows to the student is the text of
strangers too, so all goes through one_line() or joined(), which leave no control characters.
A hand-in that this host could not grade gets no marks in any form, so that its system shows a
failure and not a score; gradebook.py sees to that.
"""
from exercise.assignment import number_text
from grader import sandbox
from grader.formats import clean, dump, joined, one_line

MAX_PRAIRIELEARN = 1 << 20      # bytes of its results


def host_notes():
    """What each report says of the host: nothing, if it has a sandbox."""
    return list(filter(None, [sandbox.why_not()]))


def notes_of(student):
    """What there is to say of a grading, and not of an exercise."""
    return host_notes() + ([student.made] if student.made else []) + student.notes


def to_gradescope(student):
    """Gradescope's results.json for one student."""
    entries = sorted(student.result["exercises"].items()) if student.result else ()
    summary = ["%s of %d points" % (number_text(student.total), student.sum("max"))]
    return dump({
        "score": student.total, "output": joined(summary + notes_of(student)),
        "output_format": "text", "test_output_format": "text",
        "tests": [{
            "number": number, "name": one_line(test["title"]), "score": test["points"],
            "max_score": test["max"], "output_format": "text",
            "status": "passed" if test["verdict"] == "ok" else "failed",
            "output": joined(test["lines"]),
            "extra_data": {"test": test["name"], "verdict": test["verdict"],
                           "graded": entry["from"]},
        } for number, entry in entries for test in entry["tests"]],
    }, indent=2) + "\n"


def to_autolab(student):
    """Autolab's last two lines for one student: a stage for each exercise, and the scores."""
    view, scores = {"_presentation": "semantic", "stages": []}, {}
    for number, entry in sorted(student.result["exercises"].items()) if student.result else ():
        stage = "exercise " + number
        view["stages"].append(stage)
        view[stage] = {one_line(test["title"]): dict(
            {"passed": test["verdict"] == "ok"},
            **{"hint": joined(test["lines"])} if test["lines"] else {}) for test in entry["tests"]}
        if entry["mark"] is not None:
            scores[number] = entry["mark"]
    return dump(view) + "\n" + dump({"scores": scores}) + "\n"


def to_prairielearn(student):
    """PrairieLearn's results.json for one student: the score is a part of one."""
    entries = sorted(student.result["exercises"].items()) if student.result else ()
    most = student.sum("max")
    summary = ["%s of %d points" % (number_text(student.total), most)] + notes_of(student)
    tests = [{
        "name": one_line("%s %s" % (number, test["title"])), "points": test["points"],
        "max_points": test["max"], "message": test["verdict"], "output": joined(test["lines"]),
    } for number, entry in entries for test in entry["tests"]]
    about = {"gradable": not student.is_refused, "score": min(1, student.total / (most or 1)),
             "message": joined(summary[:1]), "output": joined(summary[1:]), "tests": tests}
    if student.is_refused:
        about["format_errors"] = [clean(note) for note in student.notes]
    text = dump(about, indent=2) + "\n"
    if len(text.encode()) < MAX_PRAIRIELEARN:
        return text
    return dump(dict(about, tests=[dict(test, output="") for test in tests]), indent=2) + "\n"


def to_codegrade(student):
    """What CodeGrade reads from file descriptor 3: the points, a line of JSON."""
    return dump({"tag": "points", "points": "%s/%d" % (
        number_text(min(student.total, student.sum("max"))), student.sum("max") or 1)}) + "\n"


FORMS = {"gradescope": to_gradescope, "autolab": to_autolab, "prairielearn": to_prairielearn,
         "codegrade": to_codegrade}
