"""What a course's system gets for one hand-in, in the form that it reads.

A system runs `tools/lab grade` for one student at a time, and takes the marks from a file, or from
the end of the output: FORMS has a function for each. What it shows to the student is the text of
strangers too, so all goes through one_line() or joined(), which leave no control characters.
A hand-in that this host could not grade gets no marks in any form, so that its system shows a
failure and not a score; gradebook.py sees to that.
"""
from fractions import Fraction

from exercise.assignment import hundredths, number_text
from grader import sandbox
from grader.formats import HINT_LIMIT, TEST_LIMIT, dump, joined, one_line

MAX_PRAIRIELEARN = 1 << 20      # bytes of its results
MAX_AUTOLAB = 1000 << 10        # bytes of all output; Tango leaves out the middle of a longer one


def host_notes(student):
    """What a report says of the host that has graded: nothing, if it had a sandbox. That may have
    been another one; what was not graded is told by this one."""
    why = student.result.get("sandbox", "") if student.result else sandbox.why_not()
    return [one_line(why)] if why else []


def host_notes_of(students):
    """The same of all of them, each once."""
    return sorted({note for student in students for note in host_notes(student)})


def notes_of(student):
    """What there is to say of a grading, and not of an exercise."""
    return host_notes(student) + ([student.made] if student.made else []) + student.notes


def entries_of(student):
    """[(number, entry)] of the exercises, in order."""
    return sorted(student.result["exercises"].items()) if student.result else []


def most_of(student):
    """The points of full marks, without challenges; with them if there is nothing else."""
    return student.sum("max") or hundredths(sum(
        Fraction(str(entry["max"])) for _, entry in entries_of(student)))


def summary_of(student):
    """The total in one line."""
    return "%s of %s points" % (number_text(student.total), number_text(most_of(student)))


def fitting(write, most):
    """The first text of write(limit), which leaves so many bytes to each test, that has less than
    `most` bytes in all. With a limit of 0 no test says anything."""
    for limit in (TEST_LIMIT, HINT_LIMIT, 0):
        text = write(limit)
        if len(text.encode()) < most:
            break
    return text


def said(test, limit):
    """What a test says, in at most so many bytes."""
    return joined(test["lines"], limit) if limit else ""


def to_gradescope(student):
    """Gradescope's results.json for one student."""
    return dump({
        "score": student.total, "output": joined([summary_of(student)] + notes_of(student)),
        "output_format": "text", "test_output_format": "text",
        "tests": [{
            "number": one_line(number), "name": one_line(test["title"]), "score": test["points"],
            "max_score": test["max"], "output_format": "text",
            "status": "passed" if test["verdict"] == "ok" else "failed",
            "output": joined(test["lines"]),
            "extra_data": {"test": one_line(test["name"]), "verdict": one_line(test["verdict"]),
                           "graded": one_line(entry["from"])},
        } for number, entry in entries_of(student) for test in entry["tests"]],
    }, indent=2) + "\n"


def to_autolab(student):
    """Autolab's last two lines for one student: a stage for each exercise, and the scores."""
    scores = {one_line(number): entry["mark"] for number, entry in entries_of(student)
              if entry["mark"] is not None}

    def write(limit):
        view = {"_presentation": "semantic", "stages": []}
        for number, entry in entries_of(student):
            stage = one_line("exercise " + number)
            view["stages"].append(stage)
            view[stage] = {one_line("%s: %s" % (test["name"], test["title"])): dict(
                {"passed": test["verdict"] == "ok"},
                **{"hint": said(test, limit)} if test["lines"] else {}) for test in entry["tests"]}
        return dump(view) + "\n" + dump({"scores": scores}) + "\n"

    return fitting(write, MAX_AUTOLAB - 2 * TEST_LIMIT)         # beside what is printed before


def to_prairielearn(student):
    """PrairieLearn's results.json for one student: the score is a part of one."""
    about = {"gradable": not student.is_refused,
             "score": min(1, student.total / (most_of(student) or 1)),
             "message": summary_of(student), "output": joined(notes_of(student))}
    if student.is_refused:
        about["format_errors"] = joined(student.notes).split("\n")
    return fitting(lambda limit: dump(dict(about, tests=[{
        "name": one_line("%s %s" % (number, test["title"])), "points": test["points"],
        "max_points": test["max"], "message": one_line(test["verdict"]),
        "output": said(test, limit),
    } for number, entry in entries_of(student) for test in entry["tests"]]), indent=2) + "\n",
        MAX_PRAIRIELEARN)


def to_codegrade(student):
    """What CodeGrade reads from file descriptor 3: the points, a line of JSON. They are a fraction
    of whole numbers, so hundredths are counted if there are any."""
    most = most_of(student) or 1
    got = min(student.total, most)
    parts = 1 if got == int(got) and most == int(most) else 100
    return dump({"tag": "points", "points": "%d/%d" % (round(got * parts),
                                                       round(most * parts))}) + "\n"


FORMS = {"gradescope": to_gradescope, "autolab": to_autolab, "prairielearn": to_prairielearn,
         "codegrade": to_codegrade}
