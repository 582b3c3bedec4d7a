"""`tools/lab generate`: a course that nobody attends, to try and to measure what grades one.

    tools/lab generate 5 -n 1000 -o course      1,000 hand-ins of lab 5, the same ones for a seed
    tools/lab generate 5 --mutants -o wrong     one for each wrong solution of tools/mutants

Most exercises of a generated hand-in are solved, some have one of the mistakes of tools/mutants,
few are blank or do not compile: SHARES. Students do not write alike, so each region, solved or not,
has a statement of its own in it, which does nothing. Without it most kernels would be equal, and
the grader would test each of them once only.
"""
import glob
import os
import random
import re

from exercise import handin, handout, mutants, regions
from exercise.graft import LITERAL
from exercise.marks import Reference
from labs import catalogue

SOLVED, WRONG, BLANK, BROKEN = "solved", "wrong", "blank", "broken"
SHARES = {SOLVED: 80, WRONG: 15, BLANK: 3, BROKEN: 2}      # of 100 exercises
OWN = "    { volatile unsigned own = %du; (void)own; }\n"
NO_C = "    this is no C;\n"


class GenerateError(ValueError):
    """Nothing can be generated; the text is for the teacher."""


def is_in_function(text, first):
    """Does the line `first` of a file stand where a statement can stand?"""
    before = LITERAL.sub(" ", "\n".join(text.split("\n")[:first]))
    opened = []                 # what stands before each brace that is open there
    for brace in re.finditer("[{}]", before):
        if brace.group() == "{":
            opened.append(before[:brace.start()].rstrip())
        elif opened:
            opened.pop()
    return bool(opened) and opened[0].endswith(")") and not any(
        each.endswith("=") for each in opened)


class Generator:
    """Makes the Handins of a lab.

    wrong  {exercise: [(name of a mutant, {(exercise, id): text} of its regions)]}
    """

    def __init__(self, root, lab):
        labs = catalogue.load()
        self.reference = Reference(root, labs, handout.version_of(root))
        self.lab = next((each.number for each in labs if str(each.number) == lab and
                         each.exercises), None)
        if self.lab is None:
            raise GenerateError("there is no lab %s with exercises" % lab)
        self.numbers = [number for number, each in sorted(self.reference.exercises.items())
                        if number.split(".")[0] == lab and not each.apart]
        self.regions = [region for region in self.reference.regions
                        if region.exercise in self.numbers]
        self.wrong = {number: [self.mutant(root, labs, path) for path in sorted(glob.glob(
            os.path.join(glob.escape(mutants.FOLDER), number, "*.txt")))]
            for number in self.numbers}

    def mutant(self, root, labs, path):
        """(name, texts of the regions) of a wrong solution."""
        found, texts = mutants.read(path, root, labs)
        return found.name, {region.key: region.text for name, text in texts.items()
                            for region in regions.parse(text, name)
                            if region.exercise == found.exercise}

    def blank(self, exercise):
        """The texts of an exercise as they are handed out."""
        paths = {region.path for region in self.regions if region.exercise == exercise}
        return {region.key: region.text for path in paths for region in regions.parse(
            regions.blank(self.reference.texts[path], path, {exercise}, self.reference.hints,
                          self.reference.given), path) if region.exercise == exercise}

    def solved(self):
        """The reference's texts of the lab."""
        return {region.key: region.text for region in self.regions}

    def handin(self, name, number, texts):
        """A Handin with these texts, of a student who has this name and number."""
        found = handin.Handin(self.lab, self.reference.version)
        found.exercises = self.numbers
        found.student = {"name": name, "email": "%s@example.org" % number, "id": number}
        found.texts = {key: (text, 1) for key, text in texts.items()}
        return found

    def own(self, key, text, dice):
        """The text of a region with a statement that no other student has."""
        region = next(each for each in self.regions if each.key == key)
        if region.path.endswith(".S") or not is_in_function(self.reference.texts[region.path],
                                                            region.first):
            return text
        return OWN % dice.randrange(1 << 31) + text

    def student(self, number, seed):
        """The Handin of the student of this number: equal seeds give equal ones."""
        dice, texts = random.Random("%s %d" % (seed, number)), self.solved()
        for exercise in self.numbers:
            state = dice.choices(list(SHARES), list(SHARES.values()))[0]
            keys = [key for key in texts if key[0] == exercise]
            if state == WRONG and self.wrong[exercise]:
                texts.update(dice.choice(self.wrong[exercise])[1])
            texts.update((key, self.own(key, texts[key], dice)) for key in keys)
            if state == BROKEN:
                texts[keys[0]] = NO_C + texts[keys[0]]
            if state == BLANK:
                texts.update(self.blank(exercise))
        return self.handin("Student %d" % number, "s%05d" % number, texts)

    def write(self, folder, name, found):
        """Write a hand-in into a folder."""
        handin.write(os.path.join(folder, name + ".txt"), handin.to_text(found, self.regions))


def run(root, options):
    """Do what `tools/lab generate` was asked for; the exit status."""
    made, folder = Generator(root, options.lab), options.output
    os.makedirs(folder)
    if options.mutants:
        names = [(exercise, *each) for exercise in made.numbers for each in made.wrong[exercise]]
        for exercise, name, texts in names:
            title = "%s-%s" % (exercise, name)
            made.write(folder, title, made.handin(title, title, {**made.solved(), **texts}))
        count = len(names)
    else:
        count = options.count
        for number in range(1, count + 1):
            made.write(folder, "s%05d" % number, made.student(number, options.seed))
    print("%s: %d hand-ins of lab %s" % (folder, count, made.lab))
    return 0
