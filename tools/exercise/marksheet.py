"""What a teacher gets from a grading, as texts and as files.

These are: a line for each hand-in on the screen, a table for a spreadsheet (CSV), JSON, a text
for each student, and what course systems read (feedback.py). write() makes all files that the
command line asks for; gradebook.py calls it when all is graded.

Names and texts of students are data: none of them may become a formula of a spreadsheet, a path, or
a control character of a terminal. So each goes through cell(), file_name(), or one_line(). A mark
that nobody could decide, because a person must look or this host has failed, is empty, never 0.
"""
import csv
import io
import os
import re
import unicodedata

from exercise import feedback, handin
from exercise.assignment import number_text
from exercise.marks import LOOK
from grader import sandbox
from grader.formats import DRAWING, clean, dump, one_line
from grader.told import likeness_of

SCHEMA = "rvlab/marks/v1"
FREE = "free days"              # the column of a course's table that the next grading reads
MAX_NAME = 150                  # bytes of a text's name; a disk takes 255
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)    # Windows has such files
FORMULA = tuple("=+-@\u2212")      # a formula begins with one, in any width: see cell()


def line(student, number, total):
    """The line that the screen shows of a hand-in that is done, the `number`th of `total`."""
    head = "[%*d/%d] %s" % (len(str(total)), number, total, one_line(student.submission.title))
    if not student.result:
        return "%s: %s" % (head, one_line("; ".join(student.notes)))
    entries = sorted(student.result["exercises"].items())
    marks = "  ".join("%s %s" % (exercise, out_of(entry)) for exercise, entry in entries)
    return "%s: %s of %d  %s%s" % (head, sum_text(student), student.sum("max"), marks,
                                   one_line("; ".join([""] + student.looks)))


def out_of(entry):
    """The mark of an exercise and its maximum, as in "15/20"."""
    return LOOK if entry["mark"] is None else "%s/%d" % (number_text(entry["mark"]), entry["max"])


def sum_text(student):
    """The sum of the marks; a question mark if a person must look at some of them."""
    return "?" if student.looks else number_text(student.total)


def cell(value):
    """A value as a text that a spreadsheet takes for a text, not for a formula."""
    text = one_line(str(value))
    # A spreadsheet skips characters that cannot be seen. An equals sign as wide as a Chinese letter
    # begins a formula, too: NFKC makes a usual one of it.
    seen = next((c for c in text if unicodedata.category(c) not in ("Cf", "Zs", "Mn")), "")
    return "'" + text if unicodedata.normalize("NFKC", seen)[:1] in FORMULA else text


def to_csv(students, assignment=""):
    """The table, a row for each student. It begins with a byte order mark, by which spreadsheets
    know that it is UTF-8. That of a course's assignment tells how late each was."""
    columns = sorted({exercise for student in students if student.result
                      for exercise in student.result["exercises"]})
    out = io.StringIO()
    writer = csv.writer(out)
    late = ["days late", FREE] if assignment else []
    writer.writerow(["student", "email", "id", "file"] + columns + late
                    + ["total", "max", "notes"])
    for student in students:
        who, result = student.submission.student, student.result
        entries = result["exercises"] if result else {}
        marks = [entries[exercise]["mark"] if exercise in entries else "" for exercise in columns]
        sums = [student.total, student.sum("max")]
        if student.looks or student.has_failed:
            sums = ["", ""]                     # not 0: this host failed, or a person must look
        writer.writerow([cell(who["name"]), cell(who["email"]), cell(who["id"]),
                         cell(student.submission.source)] + marks
                        + [student.days, student.free][:len(late)] + sums
                        + [cell("; ".join(feedback.host_notes(student) + student.notes))])
    return "\ufeff" + out.getvalue()


def to_json(students, reference, options, made=None, assignment=""):
    """All results with every test, for other programs; `made` is provenance.made_by()."""
    return dump({
        **({"assignment": assignment} if assignment else {}),
        "schema": SCHEMA, "version": reference.version, "policy": options.policy,
        "made": made or {},
        "sandbox": "; ".join(feedback.host_notes_of(students)) or sandbox.TOOL,
        "students": [dict(student.submission.student, file=student.submission.source,
                          total=None if student.looks else student.total,
                          max=student.sum("max"), looks=student.looks,
                          graded=student.is_graded, notes=student.notes,
                          texts=student.key, sandbox="".join(feedback.host_notes(student)),
                          exercises=student.result["exercises"] if student.result else {})
                     for student in students],
    }, indent=1) + "\n"


# -- a text for each student

def mark_text(value):
    """A mark as a number, or "-" if it was not needed."""
    return "-" if value is None else number_text(value)


def indented(text):
    """A text as one line that keeps its indentation."""
    return " " * min(len(text) - len(text.lstrip(" ")), 16) + one_line(text)


def reasons_in(test):
    """The reasons among the lines of a test, as marks.told() keeps them: without the verdict, the
    call stack, the console and the command that draws the run. The lines of an exercise that is not
    tested begin with no verdict: all of them are reasons. Two tests that fail for the same reasons
    are told once."""
    lines, verdict = test["lines"], test["verdict"]
    heads = ("call stack:", "last lines of the console:")
    end = next((number for number, line in enumerate(lines)
                if line in heads or line.startswith(DRAWING)), len(lines))
    has_verdict = lines and (lines[0] == verdict or lines[0].startswith(verdict + ", "))
    return lines[1 if has_verdict else 0:end]


def text_for(student, reference):
    """The text for one student: marks, what the grader says of each test that failed, and the
    student's answers."""
    who, result = student.submission.student, student.result
    lines = ["rvlab: %s" % one_line(student.submission.title)]
    lines += ["%s: %s" % (name, one_line(who[name])) for name in handin.FIELDS if who[name]]
    lines += ["file: %s" % one_line(student.submission.source)]
    lines += [one_line(student.made)] if student.made else []
    lines += [""]
    lines += ["note: " + one_line(note) for note in feedback.host_notes(student) + student.notes]
    lines += marks_lines(student, reference) if result else []
    found = student.submission.handin
    if found and found.answers:
        lines += ["", "== answers", "", found.answers.rstrip("\n")]
    return clean("\n".join(lines)).rstrip("\n") + "\n"


def marks_lines(student, reference):
    """The lines of a student's text with the table of the marks, then those of each exercise."""
    result = student.result
    titles = {number: reference.exercises[number].title for number in result["exercises"]}
    form = "%%-4s %%-%ds %%8s %%6s %%6s" % max(map(len, titles.values()))
    lines = ["", form % ("", "", "together", "alone", "mark")]
    for number, entry in sorted(result["exercises"].items()):
        lines.append(form % (number, titles[number], mark_text(entry["together"]),
                             mark_text(entry["alone"]), out_of(entry)))
    lines += ["total: %s of %d" % (sum_text(student), student.sum("max")), "",
              "together: with your other exercises; alone: with the reference's others around it;",
              "- where that could not change the mark.", ""]
    for number, entry in sorted(result["exercises"].items()):
        lines += exercise_lines(number, entry, reference)
    return lines


def exercise_lines(number, entry, reference):
    """The lines of a student's text about one exercise: its mark, its tests or why it has none."""
    points = LOOK if entry["mark"] is None else "%s of %d points" % (
        number_text(entry["mark"]), entry["max"])
    lines = ["== %s %s: %s" % (number, reference.exercises[number].title, points), ""]
    told = {}
    if entry["why"]:
        return lines + [entry["state"] + ":"] + ["  " + text for text in
                                                 entry["why"].split("\n")] + [""]
    lines += ["graded %s" % ("with your other exercises" if entry["from"] == "together" else
                             "with the reference's other exercises"), ""]
    for test in entry["tests"]:
        lines.append("%-24s %3s/%-3s %s: %s" % (
            test["name"], number_text(test["points"]), number_text(test["max"]), test["verdict"],
            test["title"]))
        first = told.setdefault(likeness_of(test["verdict"], reasons_in(test)), test)
        lines += ["  " + indented(text) for text in test["lines"]] if first is test or \
            not test["lines"] else ["  the same as %s above" % first["name"]]
    return lines + [""]


def file_name(title):
    """A plain name of a file. It keeps the letters of all languages, but nothing that leads to
    another folder, hides the file, or has a meaning of its own on some system."""
    title = unicodedata.normalize("NFC", re.sub(r"\.txt$", "", title))
    title = "".join(c if c in "@._+-" or unicodedata.category(c)[0] in "LMN" else "-"
                    for c in title)
    title = re.sub("-+", "-", title).strip("-.").encode("utf-8")[:MAX_NAME]
    title = title.decode("utf-8", "ignore") or "hand-in"
    try:
        os.fsencode(title)
    except UnicodeEncodeError:                  # this system's names have no such letters
        title = title.encode("ascii", "backslashreplace").decode().replace("\\", "")
    return "_" + title if RESERVED.fullmatch(title) else title


def text_names(students):
    """A name of a file for each student, made of the id, the e-mail address, or the name, so that
    it is the same in each grading, whoever else is graded. If two names are equal (capitals do not
    count: some disks do not tell them apart), the later one gets a number; but a student whose own
    name has this number keeps it."""
    wanted = []
    for student in students:
        who = student.submission.student
        wanted.append(file_name(who["id"] or who["email"] or student.submission.title))
    taken, given, names = {title.casefold() for title in wanted}, set(), []
    for title in wanted:
        name, number = title, 1
        while name.casefold() in (taken if number > 1 else given):
            number += 1
            name = "%s-%d" % (title, number)
        taken.add(name.casefold())
        given.add(name.casefold())
        names.append(name + ".txt")
    return names


def write(students, reference, options, made=None, assignment=""):
    """Write all files that the command line asks for; of a course's assignment its name is
    given."""
    if options.csv:
        handin.write(options.csv, to_csv(students, assignment))
    if options.json:
        handin.write(options.json, to_json(students, reference, options, made, assignment))
    for name, form in feedback.FORMS.items():
        path, student = getattr(options, name), students[0] if students else None
        if path == "-" and not student.has_failed:
            print(form(student), end="")
        elif path and (student.is_graded or student.is_refused):
            handin.write(path, form(student))
    for name, student in zip(text_names(students), students) if options.texts else ():
        handin.write(os.path.join(options.texts, name), text_for(student, reference))
