"""The command `tools/lab grade`: what a course handed in is graded side by side, and kept as it
comes.

run() does it all: it reads the reference, collects the hand-ins (submissions.py), makes a Student
of each, gives the work to a pool of workers (pool.py, marks.py), prints a line for each hand-in,
and writes the tables (marksheet.py). Whatever goes wrong with one hand-in is a note of that one.

The file of --resume holds results by the digest of all that they depend on: the reference, the
tests, the policy, the texts. So a changed hand-in is graded anew, and equal ones are graded once.
"""
import collections
import hashlib
import json
import os
import subprocess
from fractions import Fraction

from exercise import cluster, entries, feedback, handout, marksheet, pool, provenance
from exercise.assignment import hundredths
from exercise.marks import LOOK, Examiner, Reference, Work
from exercise.pseudonyms import Pseudonyms
from exercise.results import Results, StateError
from exercise.submissions import Collector, Wanted
from exercise.workshop import WorkshopError
from labs import catalogue


class GradeError(ValueError):
    """Nothing can be graded; the text is for the teacher."""


def chosen(reference, options):
    """The exercises that --lab and --exercises name; None if there is neither. Of a lab all are
    meant but parts of their own, and its tasks only with --tasks."""
    numbers = sorted(reference.exercises)
    if options.lab:
        numbers = [number for number in numbers if number.split(".")[0] == options.lab]
        if not numbers:
            raise GradeError("there is no lab %s with exercises" % options.lab)
    if not options.exercises:
        tasks = reference.tasks if getattr(options, "tasks", False) else ()
        numbers = [number for number in numbers
                   if number in tasks or not reference.exercises[number].apart]
    if options.exercises:
        words = options.exercises.replace(",", " ").split()
        wrong = [word for word in words if word not in numbers]
        if wrong:
            raise GradeError("there is no exercise %s%s; there are %s" % (
                wrong[0], " in lab " + options.lab if options.lab else "", " ".join(numbers)))
        numbers = [number for number in numbers if number in words]
    return numbers if options.lab or options.exercises else None


class Student:
    """A hand-in, what is to be graded of it and, once it is graded, its result.

    work    marks.Work; None if nothing can be graded
    notes   lines for the teacher
    looks   what a person must look at; if there is something, the hand-in has no total
    digest  what --resume knows its result by
    key     a digest of what was handed in, the same whatever grades it; "" if it cannot be read
    made    the line that says by what it is graded
    before  {exercise: entry} of those that are not graded anew, see regrade.py
    days, free, left, fixed
            of a course: days late, those of them that are free, what is left of the marks in
            percent, and the total that staff has decided; see term.py
    """
    key = made = ""
    before = {}
    days, free, left, fixed = 0, 0, 100, None

    def __init__(self, submission, reference, asked, policy, only=None):
        self.submission, self.result, self.work = submission, None, None
        self.notes, self.looks = list(submission.notes), []
        if submission.refused:
            self.notes.append("refused: " + submission.refused)
            return
        self.key = submission.handin.digest()
        exercises = asked or [number for number in submission.handin.exercises
                              if number in reference.exercises]
        self.notes += ["it has a patch for %s, which is not graded: say --tasks" % number
                       for number in sorted(submission.handin.patches)
                       if number in submission.handin.exercises and number not in exercises]
        self.looks = ["%s %s: this tree has no such exercise; was it made from another version?"
                      % (number, LOOK) for number in strangers(submission.handin, reference, asked)]
        if not exercises:
            self.notes += self.looks
            return
        version = submission.handin.version
        if version and version != reference.version:
            self.notes.append("made from version %s, graded with %s"
                              % (version, reference.version))
        try:
            self.work = Work(submission, reference, exercises, only)
        except Exception as error:      # even a defect of the grader costs this hand-in only
            self.notes.append("refused: it cannot be looked at: %s: %s"
                              % (type(error).__name__, error))
            return
        self.looks += ["%s %s: %s" % (number, *self.work.state[number])
                       for number in self.work.in_state(LOOK) if number in self.work.only]
        self.notes += self.work.notes + self.looks
        self.digest = self.work.digest(reference.version, policy)

    def finish(self, result):
        """Take a result, or a sentence that says why there is none."""
        if isinstance(result, str):
            self.notes.append(self.scrub(result) if self.scrub else result)
            return
        self.result = dict(result, exercises={**self.before, **result["exercises"]})
        if self.scrub:          # an old table or state may have been written without pseudonyms
            self.result = self.scrub.result(self.result)
        if not result["complete"]:
            self.notes.append("this host failed in some tests: grade it again")
        for number, entry in sorted(self.result["exercises"].items()):
            if entry["why"] and entry["state"] not in ("still blank", LOOK):
                self.notes.append("%s %s: %s" % (number, entry["state"],
                                                 entry["why"].split("\n")[0]))
            elif entry["state"] == "still blank":
                self.notes.append("%s still blank" % number)

    @property
    def scrub(self):
        """What takes the student's name out of texts, or None."""
        return self.submission.scrub

    @property
    def is_refused(self):
        """Can nothing of it be graded, for a reason that the student must mend?"""
        return self.work is None and not self.looks

    @property
    def is_graded(self):
        """Has it all its marks?"""
        return not (self.is_refused or self.has_failed or self.looks)

    @property
    def has_failed(self):
        """It is this host's fault that marks are missing."""
        return self.work is not None and not (self.result and self.result["complete"])

    def sum(self, what):
        """The sum of the marks ("mark"), or of the points that there are ("max"). These are without
        challenges, whose marks come on top."""
        entries = self.result["exercises"].values() if self.result else ()
        return hundredths(sum(Fraction(str(entry[what] or 0)) for entry in entries
                              if what == "mark" or not entry["challenge"]))

    @property
    def total(self):
        """What counts: the sum of the marks, less what a course takes off."""
        if self.fixed is not None:
            return self.fixed
        return hundredths(Fraction(str(self.sum("mark"))) * Fraction(str(self.left)) / 100)


def strangers(found, reference, asked):
    """The exercises of a Handin that this tree does not know. If the teacher has named exercises,
    only those of labs that are asked for as a whole count."""
    labs = {number.split(".")[0] for number in asked or () if set(asked) >= {
        each for each in reference.exercises if each.split(".")[0] == number.split(".")[0]
        and not reference.exercises[each].apart}}
    return [number for number in found.exercises if number not in reference.exercises
            and (not asked or number.split(".")[0] in labs)]


def compare(found):
    """Notes for each Submission about what a teacher has to decide: two hand-ins of one student."""
    seen, notes = {}, [[] for _ in found]
    for number, submission in enumerate(found):
        for field, words in (("email", "e-mail address"), ("id", "id")):
            value = submission.student[field].casefold()
            if value:
                seen.setdefault((words, value), []).append(number)
    for (words, _), same in seen.items():
        for number in same if len(same) > 1 else ():
            notes[number].append("%d hand-ins have this %s" % (len(same), words))
    return notes


def compare_sets(students, asked):
    """Add notes to hand-ins that name other exercises than most do, because without --lab a
    hand-in itself says what counts."""
    sets = collections.Counter(tuple(student.work.exercises) for student in students
                               if student.work)
    usual = sets.most_common(1)[0][0] if sets else ()
    for student in students:
        if student.work and not asked and tuple(student.work.exercises) != usual:
            student.notes.append("it names other exercises than most: say --lab or --exercises")


def grade(students, results, pool_of, show):
    """Give each Student a result, and show it. Equal work is graded once. pool_of() makes a pool
    whose workers give marks; it is called only if there is something to grade."""
    waiting = {}
    for student in students:
        if student.work is None:
            show(student)
        elif student.digest in results.found:
            student.finish(results.found[student.digest])
            show(student)
        else:
            waiting.setdefault(student.digest, []).append(student)
    if not waiting:
        return
    with pool_of() as workers:
        jobs = [(digest, same[0].work) for digest, same in waiting.items()]
        for digest, result in workers.run(jobs):
            for scrub in [same.scrub for same in waiting[digest]
                          if same.scrub and not isinstance(result, str)]:
                result = scrub.result(result)
            if not isinstance(result, str) and result["complete"]:
                results.add(digest, result)
            for student in waiting[digest]:
                student.finish(result)
                show(student)


def check_output(options):
    """GradeError if a file cannot be written: that is told before an hour of work, not after it."""
    paths = [options.csv, options.json, options.resume, options.pseudonyms]
    for path in paths + [getattr(options, name) for name in feedback.FORMS]:
        folder = os.path.dirname(os.path.abspath(path or ""))
        if path and path != "-" and not (os.path.isdir(folder) and os.access(folder, os.W_OK)):
            raise GradeError("%s cannot be written: there is no such folder, or it is not yours"
                             % path)
        if path and os.path.isdir(path):
            raise GradeError("%s cannot be written: it is a folder" % path)
    if options.texts:
        os.makedirs(options.texts, exist_ok=True)


def qemu_is_there(name):
    """Can this QEMU be run?"""
    try:
        return subprocess.run([name, "--version"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


class Grading:
    """One run of `tools/lab grade`, or of a command that grades in another way: what is graded, by
    what, and what was found.

    reference  the marks.Reference; asked: chosen() of it
    made       provenance.made_by(): the versions by which this is graded
    system     the course's system that gets the marks, or None
    students   the Students; left_out: files that do not count
    assignment the name of the course's assignment that is graded; "" without a course
    """
    assignment = ""

    def __init__(self, root, options):
        self.root, self.options = root, options
        self.reference = Reference(root, catalogue.load(), handout.version_of(root))
        self.asked = self.exercises()
        self.system = next((name for name in feedback.FORMS if getattr(options, name)), None)
        if self.system and not self.asked:
            raise GradeError("--%s needs --lab, --exercises or --assignment: a hand-in must not "
                             "say what counts" % self.system)
        check_output(options)
        if not qemu_is_there(options.qemu):
            raise GradeError("%s is missing: run make setup" % options.qemu)
        self.made = provenance.made_by(root, options)

    def exercises(self):
        """What is graded of each hand-in; None if each says so itself."""
        return chosen(self.reference, self.options)

    def collect(self):
        """Read the hand-ins, and make a Student of each."""
        collector = Collector(Wanted(self.reference.register, self.asked), bool(self.system))
        found = collector.words(self.options.files)
        if self.system and len(found) != 1:
            raise GradeError("--%s is for one hand-in, and here are %d"
                             % (self.system, len(found)))
        self.left_out, notes = collector.left_out, compare(found)
        if self.options.pseudonyms:
            Pseudonyms(self.options.pseudonyms).hide(found)
        self.students = [self.student(each) for each in found]
        for student, more in zip(self.students, notes):
            student.made = provenance.words(self.made)
            if student.work:
                student.digest = self.known_by(student.digest)
            student.notes += more
        compare_sets(self.students, self.asked)

    def known_by(self, digest):
        """What --resume knows a result by: its work, and all by which it is graded. What another
        compiler, QEMU or tool said is not taken for what these say."""
        return hashlib.sha256((json.dumps(self.made, sort_keys=True) + digest).encode()).hexdigest()

    def student(self, submission):
        """The Student of a Submission."""
        return Student(submission, self.reference, self.asked, self.options.policy)

    def grade(self):
        """Give a result to each Student, and print a line for it."""
        done = []
        try:
            results = Results(self.options.resume)
        except StateError as error:
            raise GradeError(error)

        def show(student):
            done.append(student)
            self.take(student)
            print(marksheet.line(student, len(done), len(self.students)), flush=True)

        def begin(shop):
            examiner = Examiner(self.reference, shop)
            return lambda work: entries.told(examiner.marks(work, self.options.policy))

        def workers():
            if isinstance(self.options.jobs, int):
                return pool.shops("grade", self.root, self.options, begin)
            return cluster.cluster(self)

        try:
            grade(self.students, results, workers, show)
        except WorkshopError as error:
            raise GradeError(error)

    def take(self, student):
        """Do what is to be done with a Student that has just got its result."""

    def rows(self):
        """The rows of the table."""
        return self.students

    def looks(self, rows):
        """How many of the hand-ins a person must look at; `rows` are those of the table."""
        return sum(bool(row.looks) and not row.has_failed for row in rows)

    def finish(self):
        """Print the sums, write what the command line asks for, and return the exit status."""
        students, rows = self.students, self.rows()
        refused = sum(student.is_refused for student in students)
        failed = sum(student.has_failed for student in students)
        looks = self.looks(rows)
        print("%d hand-ins: %d graded, %d refused, %d not graded because this host failed%s" % (
            len(students), len(students) - refused - failed - looks, refused, failed,
            ", %d need a look" % looks if looks else ""))
        if self.left_out:
            print("%d files that systems add of their own (.DS_Store and others) do not count"
                  % self.left_out)
        for note in feedback.host_notes_of(students) + [provenance.words(self.made)]:
            print(note)
        marksheet.write(rows, self.reference, self.options, self.made,
                        self.assignment)
        return 1 if refused or failed or looks else 0


def run(grading):
    """Do a Grading, and return the exit status."""
    grading.collect()
    grading.grade()
    return grading.finish()
