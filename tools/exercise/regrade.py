"""`tools/lab regrade`: some exercises are graded again, and all other marks stay as they were.

A test was wrong, or too strict, and is mended after a course was graded. The marks of then are in
the JSON of that grading (graded.py). A hand-in is known in it by the digest of its texts, so names
and paths may differ. Its other exercises are in the kernel as before, and are not tested; the mark
of what is graded again is the one that a new grading of all would give.

What comes out are the same files as those of `tools/lab grade`, and a table of whose mark moved.
"""
import csv
import io

from exercise import graded, handin, marksheet, provenance
from exercise.gradebook import GradeError, Grading, Student
from exercise.marks import LOOK
from grader.formats import one_line

HEAD = ["student", "file", "exercise", "before", "after", "total before", "total after", "why"]


def total(exercises):
    """The sum of the marks of entries; None if one of them is still to be decided by a person."""
    given = [entry["mark"] for entry in exercises.values()]
    return None if None in given else sum(given)


def reason(old, new):
    """Why a mark moved: what became of the first test that has other points now."""
    before = {test["name"]: test for test in old["tests"]}
    for test in new["tests"]:
        then = before.get(test["name"])
        if then is None:
            return "%s is new: %s" % (test["name"], test["verdict"])
        if (then["points"], then["max"]) != (test["points"], test["max"]):
            return "%s %d/%d %s, now %d/%d %s" % (
                test["name"], then["points"], then["max"], then["verdict"],
                test["points"], test["max"], test["verdict"])
    gone = sorted(set(before) - {test["name"] for test in new["tests"]})
    return "%s is gone" % gone[0] if gone else "%s, now %s" % (old["state"], new["state"])


class Regrading(Grading):
    """A Grading that takes old marks from a file.

    old    the graded.Graded
    only   the exercises that are graded again
    known  {digest of the texts: the entries of then}
    fresh  how many hand-ins the file does not have: all of these is graded
    """

    def __init__(self, root, options):
        if not (options.exercises or options.lab):
            raise GradeError("say which exercises are graded again: --exercises 5.4")
        self.old = graded.read(options.before)
        options.policy = self.old.policy
        super().__init__(root, options)
        self.only, self.fresh = self.asked, 0
        self.known = {row.texts: row.exercises for row in self.old.rows
                      if row.texts and row.exercises}
        sets = {tuple(sorted(set(each) | set(self.only))) for each in self.known.values()}
        known = [number for number in min(sets, default=()) if number in self.reference.exercises]
        self.asked = known if len(sets) == 1 else None

    def student(self, submission):
        """The Student of a Submission, with its old marks if there are any."""
        old = self.known.get(submission.handin.digest()) if submission.handin else None
        if old is None:
            self.fresh += 1
            return super().student(submission)
        numbers = sorted(set(old) | set(self.only))
        student = Student(submission, self.reference,
                          [number for number in numbers if number in self.reference.exercises],
                          self.old.policy, self.only)
        student.before = {number: old[number] for number in old if number not in self.only}
        student.was = old
        student.looks += ["%s %s: %s" % (number, LOOK, entry["why"]) for number, entry in
                          sorted(student.before.items()) if entry["mark"] is None]
        return student

    def collect(self):
        """Read the hand-ins. Their reports say which exercises are older than the rest."""
        super().collect()
        then = "; all but %s stay as they were, by rvlab %s" % (
            " ".join(self.only), self.old.made.get("version", self.old.version))
        for student in self.students:
            student.made += then if student.before else ""

    def moved(self):
        """Rows of the table: one for each mark that is another one now."""
        for student in self.students:
            if not (student.result and hasattr(student, "was")):
                continue
            old, new = student.was, student.result["exercises"]
            for number in self.only:
                if number in old and number in new and old[number]["mark"] != new[number]["mark"]:
                    yield [student.submission.title, student.submission.source, number,
                           old[number]["mark"], new[number]["mark"], total(old), total(new),
                           reason(old[number], new[number])]

    def finish(self):
        """Write all that a grading writes, and the table; the exit status."""
        status, rows = super().finish(), list(self.moved())
        print("%d of the marks have moved%s" % (len(rows), ":" if rows else ""))
        for row in rows:
            title, _, number, *values = [marksheet.mark_text(each) if not isinstance(each, str)
                                         else one_line(each) for each in row]
            print("  %s: %s %s, now %s; in all %s, now %s: %s" % (title, number, *values))
        if self.fresh:
            print("%d hand-ins are not in %s, or were refused: nothing of them is taken from there"
                  % (self.fresh, self.options.before))
        if self.options.moved:
            out = io.StringIO()
            csv.writer(out).writerows([HEAD] + [[
                "" if each is None else each if isinstance(each, int) else marksheet.cell(each)
                for each in row] for row in rows])
            handin.write(self.options.moved, "\ufeff" + out.getvalue())
        return status


def run(root, options):
    """Do what `tools/lab regrade` was asked for; the exit status."""
    grading = Regrading(root, options)
    print("before: rvlab %s; now: %s" % (grading.old.made.get("version", grading.old.version),
                                         provenance.words(grading.made)))
    grading.collect()
    grading.grade()
    return grading.finish()
