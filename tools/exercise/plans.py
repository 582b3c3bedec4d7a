"""What a handout is to contain: a Plan of a lab, or of an assignment of a course.

plan_of() makes the Plan for words of the command line, a CoursePlan is made of a course's file.
handout.py writes what a Plan says. It decides which exercises are blank, whose chapters and tests
are there, and what README.md calls it.

A HandoutError says what of a wish cannot be.
"""
import re

from labs import catalogue, hints
from tasks import catalogue as tasks_catalogue

# The first sentence of a paragraph, or all of one that has no end.
FIRST = re.compile(r".*?(?:\.(?=\s|$)|。)|.*", re.S)


class HandoutError(Exception):
    """What was asked for cannot be made; the text is for the teacher."""


class Plan:
    """What a handout is to contain.

    lab      the number of the lab that it is about
    due      the exercises of this lab that are to be written: those that are named, or else all
             but parts of their own
    solved   the numbers of the labs before it that come solved
    blank    all exercises that are blank: `due`, and those of other labs that are not solved
    labs     the Labs from 1 to `lab`; for lab 0 only that one, and all others have it solved, and
             do not speak of it
    all      all Labs that have exercises
    briefs   of a course's assignment: what the handout tells of it and of those before
    hints    {number of a blank exercise: "full", "short" or "none"}
    given    the exercises, but for lab 0's, that come solved because no assignment of the course
             has them
    text     the file with the text of the labs
    language of this text, two letters
    words    {exercise: its hint} in this language; {} if it is English
    tasks    the Tasks of this lab, or of the assignment and those before it that come blank: their
             tests are there, so one tree hands in each
    """
    text, language, words = "labcodes.md", "en", {}
    briefs = given = ()

    def __init__(self, labs, lab, solved=None, exercises=None):
        self.all = [each for each in labs if each.exercises]
        numbers = [each.number for each in self.all]
        if lab not in numbers:
            raise HandoutError("there is no lab %s; there are labs %s"
                               % (lab, " ".join(map(str, numbers))))
        self.lab, self.labs = lab, [each for each in self.all
                                    if min(lab, 1) <= each.number <= lab]
        solved = set(range(1, lab)) if solved is None else set(solved)
        if not solved <= set(range(1, lab)):
            raise HandoutError("only labs before lab %d can come solved, not lab %d"
                               % (lab, max(solved - set(range(1, lab)))))
        own = [exercise.number for exercise in self.labs[-1].exercises]
        usual = [exercise.number for exercise in self.labs[-1].exercises if not exercise.apart]
        for number in exercises or ():
            if number not in own:
                raise HandoutError("lab %d has no exercise %s; there are %s"
                                   % (lab, number, " ".join(own)))
        self.due = [number for number in own if number in (exercises or usual)]
        self.solved = sorted(solved)
        self.blank = [exercise.number for each in self.all for exercise in each.exercises
                      if exercise.number in self.due or each.number > lab
                      or 0 < each.number < lab and each.number not in solved]
        self.hints = dict.fromkeys(self.blank, "full")
        self.tasks = tasks_catalogue.load({lab})

    def hint_of(self, exercise):
        """What a blank region of this exercise tells: the first sentence of each paragraph if
        hints are short."""
        shown, hint = self.hints.get(exercise.number, "none"), self.whole_hint(exercise)
        if shown == "short":
            return "\n\n".join(FIRST.match(part).group() for part in hints.paragraphs(hint))
        return hint if shown == "full" else ""

    def whole_hint(self, exercise):
        """The hint of an exercise, whatever is shown of it."""
        return self.words.get(exercise.number, exercise.hint)

    def shown_hints(self):
        """{exercise: what pages tell}: as blank regions do; all of what comes solved."""
        return {exercise.number: self.hint_of(exercise) if exercise.number in self.hints
                else self.whole_hint(exercise) for lab in self.all for exercise in lab.exercises}

    def speak(self, language):
        """Take the text and the hints of a language."""
        self.text, self.language, self.words = text_in(language), language, hints.load(language)

    @property
    def heading(self):
        """What it is about."""
        return "lab %d: %s" % (self.lab, self.labs[-1].title)

    @property
    def short(self):
        """It as a part of a file's name."""
        return "lab%d" % self.lab

    @property
    def commands(self):
        """What `make grade` is told, one after the other, to grade all that is asked for."""
        return ["LAB=%d" % self.lab]

    @property
    def due_tasks(self):
        """Those of the tasks which are asked for now."""
        return self.tasks

    @property
    def numbers(self):
        """The numbers of the labs whose chapters and tests are in it."""
        return {lab.number for lab in self.labs}

    @property
    def brings_kernel(self):
        """Does the handout bring the kernel solved, as objects without its text? Lab 0 is about
        programs, and they run only on a kernel with all labs."""
        return self.lab == 0

    def boots_as_shown(self):
        """Does the kernel of this handout print what README.md's picture shows, a shell with its
        scheduler and its disk? Only with all of labs 1 to 8 written."""
        usual = {exercise.number for each in self.all for exercise in each.exercises
                 if 0 < each.number < 9 and not exercise.apart and not exercise.is_challenge}
        return self.brings_kernel or not usual & set(self.blank)


class CoursePlan(Plan):
    """The same for an assignment of a course.

    What no assignment of the course names comes solved. What belongs to later assignments is blank,
    and so is what belongs to those before, but for those that the assignment says come solved.
    """

    def __init__(self, labs, course, one):
        self.all = [each for each in labs if each.exercises]
        past, names = course.until(one), {each.name for each in course.assignments}
        assigned = {number: each for each in course.assignments for number in each.exercises}
        mine = [each for each in past if each is one or each.name not in one.solved]
        self.tasks = [task for task in tasks_catalogue.load()
                      if any(task.number in each.exercises for each in mine)]
        self.one, self.solved, numbers = one, list(one.solved), [each.number for each in self.tasks]
        self.due = [number for number in one.exercises if number not in numbers]
        self.blank = [exercise.number for each in self.all for exercise in each.exercises
                      if exercise.number in assigned
                      and assigned[exercise.number].name in names - set(one.solved)]
        self.given = [exercise.number for each in self.all for exercise in each.exercises
                      if each.number and exercise.number not in assigned]
        self.hints = {number: assigned[number].hints for number in self.blank}
        self.briefs = [each.brief() for each in past if each.name not in one.solved]
        seen = {int(number.split(".")[0]) for each in past for number in each.exercises}
        self.labs = [each for each in self.all if each.number in seen]
        self.lab = max(int(number.split(".")[0]) for number in one.exercises)
        if self.lab and "0" in {number.split(".")[0] for number in one.exercises}:
            raise HandoutError("%s: exercises of lab 0 need a kernel that is solved, so they are "
                               "an assignment of their own" % one.name)
        self.speak(one.language)

    @property
    def heading(self):
        return "%s: %s" % (self.one.name, self.one.title)

    @property
    def short(self):
        return self.one.name

    @property
    def due_tasks(self):
        return [task for task in self.tasks if task.number in self.one.exercises]

    @property
    def commands(self):
        return ['EX="%s"' % " ".join(self.due)] * bool(self.due) + [
            "TASK=" + task.number for task in self.due_tasks]


def numbers_of(text):
    """The numbers of labs in a text like "1-4", "1,3" or "none"."""
    found = set()
    for part in [] if text.strip() in ("none", "") else text.split(","):
        match = re.fullmatch(r"\s*(\d)(?:\s*-\s*(\d))?\s*", part)
        if not match:
            raise HandoutError("--solved %s: give labs as in 1-4 or 1,3, or \"none\"" % text)
        first, last = int(match.group(1)), int(match.group(2) or match.group(1))
        found.update(range(first, last + 1))
    return found


def text_in(language):
    """The file with the text of the labs in a language."""
    if not re.fullmatch(r"[a-z]{2}", language):
        raise HandoutError("%s is no language: give two letters, as in zh" % language)
    return Plan.text if language == "en" else "labcodes.%s.md" % language


def plan_of(lab, solved=None, exercises=None):
    """The Plan for words of the command line."""
    if not re.fullmatch(r"\d", str(lab)):
        raise HandoutError("%s is no lab; give a number, as in 5" % lab)
    return Plan(catalogue.load(), int(lab), None if solved is None else numbers_of(solved),
                exercises.replace(",", " ").split() if exercises else None)
