"""Hand-ins: one text file with a student's name, answers, and the texts of the regions.

    rvlab hand-in, format 1
    lab: 5
    handout: 0123456789ab
    exercises: 5.1 5.3
    name: Ada Lovelace
    email: ada@example.org
    member: Charles Babbage, charles@example.org
    answers: 1 lines
    | The entry is read-only.
    region: 5.3, kern/mm/pagetable.c, 12 lines: copy_entries
    |     for (;;) { ...
    end of hand-in

A course adds "assignment: NAME", a task "patch: 5.T, 34 lines". No line of a text is taken for a
head. There is no date: the same tree gives the same file. It is read as data, and judged elsewhere.
"""
import errno
import hashlib
import json
import os
import re

from exercise import graft, incoming, manifest, patches
from exercise.regions import RegionError

FORMAT = "rvlab hand-in, format 1"
# Mail programs put > before each line of a text that they quote.
START = re.compile(r"^((?:> ?)*)rvlab hand-in, format ([0-9]{1,9})[ \t]*$", re.M)
MAX_START = 1 << 16                                     # it must begin in the first so many bytes
END = "end of hand-in"
STUDENT, ANSWERS = "student.txt", "answers.md"
FIELDS = ("name", "email", "id")                        # what is known of a student; id may be ""
TEMPLATE = "name:\nemail:\nid:\n"
MAX_BYTES = 4 << 20
MAX_ANSWERS = 1 << 20
MAX_FIELD = 200
MAX_MEMBERS = 20
HEAD = re.compile(r"(lab|assignment|handout|exercises|name|email|id|member): ?(.*)")
REGION = re.compile(r"region: ([0-9]\.\w), (\S+), ([0-9]{1,9}) lines: (\w[\w ,.-]*)", re.A)
MISSING = re.compile(r"missing: ([0-9]\.\w), (\S+): (\w[\w ,.-]*)", re.A)
COUNTED = re.compile(r"answers: ([0-9]{1,9}) lines")
PATCH = re.compile(r"patch: ([0-9]\.\w), ([0-9]{1,9}) lines", re.A)


class HandinError(Exception):
    """A hand-in cannot be made or read; the text is for the student or the teacher."""


class Handin:
    """What a hand-in says.

    student    {"name": ..., "email": ..., "id": ...}
    members    the other students of a group, each as `student`
    lab        the number of its lab
    assignment the name of a course's assignment; "" without a course
    version    the version of the handout that it was made from
    exercises  the numbers of the exercises that it is about
    texts      {(exercise, id): (text, line in the hand-in or file)}
    errors     {(exercise, id): RegionError} of the regions whose text cannot be taken
    paths      {(exercise, id): the file of a tree in which the region was found}
    patches    {task: (patch, line in the hand-in)}; unfit: {task: [PatchError]} of a tree's changes
               that no patch can have
    answers    one text, the student's answers.md
    notes      sentences that tell the teacher how it was read
    """

    def __init__(self, lab=0, version=""):
        self.student = dict.fromkeys(FIELDS, "")
        self.lab, self.version, self.exercises = lab, version, []
        self.assignment, self.members = "", []
        self.texts, self.errors, self.paths, self.answers, self.notes = {}, {}, {}, "", []
        self.patches, self.unfit = {}, {}

    def digest(self):
        """A digest of the exercises and their texts: all of it that marks depend on."""
        data = [self.version, self.exercises, sorted(map(list, self.errors)),
                sorted([*key, text] for key, (text, _) in self.texts.items())]
        data += [sorted((key, text) for key, (text, _) in self.patches.items())] \
            if self.patches else []
        return hashlib.sha256(json.dumps(data).encode("utf-8")).hexdigest()


def plain(text):
    """A field as one line, without characters that no terminal or table should get."""
    return incoming.plain(text, MAX_FIELD)


# -- writing

def student_text(root):
    """The text of student.txt; "" if there is no such file. Letters that are not UTF-8 are an error
    and not guessed, because the student can write them again."""
    try:
        return incoming.sure_text_of(incoming.file_data(os.path.join(root, STUDENT), 1 << 16))
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise HandinError("%s cannot be read: %s" % (STUDENT, error.strerror)) from None
    except incoming.BadValue as error:
        raise HandinError("%s: %s" % (STUDENT, error)) from None


def read_student(root):
    """The fields of student.txt, which are empty if there is no such file."""
    return {name: plain(value) for name, value in student_in(student_text(root)).items()}


def member_of(text):
    """The student in what stands behind "member:", as name, e-mail address, and perhaps a number;
    HandinError if there is no address."""
    parts = [plain(part) for part in text.split(",")]
    if not 2 <= len(parts) <= len(FIELDS) or not parts[0] or "@" not in parts[1]:
        raise HandinError("member: %s: write the name and the e-mail address, as in \"member: "
                          "Charles Babbage, charles@example.org\"" % plain(text))
    return dict(zip(FIELDS, parts + [""] * (len(FIELDS) - len(parts))))


def members_in(text):
    """The students in the lines "member: ..." of a student.txt; HandinError if one is no such
    line, or if they are too many."""
    found = [line.partition(":")[2] for line in text.split("\n")
             if re.match(r"\s*members?\s*:\s*\S", line, re.I)]
    if len(found) > MAX_MEMBERS:
        raise HandinError("%d members are too many" % len(found))
    return [member_of(line) for line in found]


def check_team(handin):
    """HandinError if somebody stands in a Handin twice."""
    seen = set()
    for who in [handin.student, *handin.members]:
        if who["email"].casefold() in seen:
            raise HandinError("%s: %s is there twice: name yourself once, and each member once"
                              % (STUDENT, who["email"]))
        seen.add(who["email"].casefold())


def student_in(text):
    """The fields that a text has in lines "name: ...", as they stand there."""
    found = dict.fromkeys(FIELDS, "")
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        name = name.strip().lower().replace("e-mail", "email")
        if colon and name in found:
            found[name] = value.strip()
    return found


def with_student(text, student):
    """The text of a student.txt with these fields; its other lines stay."""
    others = [line for line in text.split("\n") if line.strip()
              and line.partition(":")[0].strip().lower().replace("e-mail", "email") not in FIELDS]
    return "\n".join(["%s: %s" % (name, student[name]) for name in FIELDS] + others + [""])


def known(student, source):
    """(the fields, notes) for a teacher. Letters that are not UTF-8 are guessed: a wrong name is
    better than none, and a note says that it may be wrong."""
    found, notes = {}, []
    for name, value in student.items():
        value, sure = incoming.guessed(value)
        found[name] = plain(value)
        if not sure:
            notes.append("%s is not UTF-8: the student's %s is guessed" % (source, name))
    return found, notes


def read_answers(root):
    """The text of answers.md; "" if there is none."""
    try:
        data = incoming.file_data(os.path.join(root, ANSWERS), MAX_ANSWERS)
    except FileNotFoundError:
        return ""
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise HandinError("%s is longer than %d KiB: pictures and logs are handed in apart"
                              % (ANSWERS, MAX_ANSWERS >> 10)) from None
        raise HandinError("%s cannot be read: %s" % (ANSWERS, error.strerror)) from None
    return answers_in(data)


def answers_in(data):
    """The text in these bytes; if there is any, it ends with the end of a line."""
    text = incoming.text_of(data)
    return text if not text or text.endswith("\n") else text + "\n"


def from_tree(root, about, exercises=None):
    """The Handin of a student's tree. `about` is the Manifest of what was handed out."""
    result = Handin(about.lab, about.version)
    result.assignment, result.members = about.name, members_in(student_text(root))
    result.exercises = [number for number in about.due if not exercises or number in exercises]
    mine = [region for region in about.regions if region.exercise in result.exercises]
    result.texts, result.errors = graft.extract_tree(root, mine)
    result.notes = graft.foreign(root, mine)
    result.patches, result.unfit = manifest.patches_of(about, root)
    result.exercises += sorted(set(result.patches) & set(about.due_tasks))
    result.answers = read_answers(root)
    return result


def quoted(text):
    """The lines of a text, each behind a bar. The text ends with the end of a line."""
    return ["| " + line if line else "|" for line in text[:-1].split("\n")] if text else []


def to_text(handin, regions):
    """The text of the file for a Handin. `regions` tell the order of its texts and their paths."""
    lines = [FORMAT, "lab: %d" % handin.lab]
    lines += ["assignment: " + handin.assignment] if handin.assignment else []
    lines += ["handout: " + handin.version, "exercises: " + " ".join(handin.exercises)]
    lines += ["%s: %s" % (name, plain(handin.student[name])) for name in FIELDS
              if name != "id" or handin.student[name]]
    lines += ["member: " + ", ".join(each[name] for name in FIELDS if each[name])
              for each in handin.members]
    if handin.answers:
        answers = quoted(handin.answers)
        lines += ["answers: %d lines" % len(answers)] + answers
    for region in regions:
        if region.key in handin.texts:
            text = quoted(handin.texts[region.key][0])
            lines += ["region: %s, %s, %d lines: %s" % (region.exercise, region.path, len(text),
                                                        region.id)] + text
        elif region.key in handin.errors:
            lines.append("missing: %s, %s: %s" % (region.exercise, region.path, region.id))
    for number, (text, _) in sorted(handin.patches.items()):
        text = quoted(text)
        lines += ["patch: %s, %d lines" % (number, len(text))] + text
    return "\n".join(lines + [END, ""])


def write(path, text):
    """Write a file as a whole, or not at all: an old one stays until the new one is complete."""
    new = "%s.new.%d" % (path, os.getpid())
    try:
        with open(new, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.write(text)
        os.replace(new, path)
    except OSError as error:
        if os.path.exists(new):
            os.remove(new)
        raise HandinError("%s cannot be written: %s" % (path, error.strerror))


# -- reading

class Reader:
    """It goes through the lines of a hand-in. A hand-in may begin behind other lines, as in a mail,
    and each of its lines may be quoted.

    at      the number of the line that next() gave last
    quote   what a mail program has put before each line
    format  the format that the hand-in says it has
    """

    def __init__(self, text):
        start = START.search(text[:MAX_START])
        if not start:
            raise HandinError("line 1: expected \"%s\"" % FORMAT)
        self.at, self.quote = text.count("\n", 0, start.start()), start.group(1)
        self.lines = text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.format = start.group(2)

    def next(self):
        """The next line; None at the end."""
        self.at += 1
        return self.plain(self.lines[self.at - 1]) if self.at <= len(self.lines) else None

    def plain(self, line):
        """The line without what a mail program has put before it."""
        if not self.quote:
            return line
        if not line.startswith(self.quote.rstrip()):
            self.fail("expected a line that begins with \"%s\", as those before it" % self.quote)
        return line[len(self.quote):]

    def fail(self, why):
        """HandinError at the present line."""
        raise HandinError("line %d: %s" % (self.at, why))

    def quoted(self, count):
        """The text that stands in the next so many lines, behind bars."""
        if count > len(self.lines) - self.at:
            self.fail("%d lines should follow, but the file ends before" % count)
        text = []
        for _ in range(count):
            line = self.next()
            if line != "|" and not line.startswith("| "):
                self.fail("expected a line of the text, which begins with \"| \": was a line "
                          "of the file broken, as mail programs do? Hand in the file itself")
            text.append(line[2:] + "\n")
        return "".join(text)


def is_handin(data):
    """Does a hand-in begin somewhere in these bytes?"""
    return START.search(incoming.text_of(data[:MAX_START])) is not None


def parse(data):
    """The Handin in these bytes; HandinError with a line if they are none."""
    if len(data) > MAX_BYTES:
        raise HandinError("the file has more than %d MiB; a hand-in is small" % (MAX_BYTES >> 20))
    reader, result, seen = Reader(incoming.text_of(data)), Handin(), set()
    reader.next()                       # the line with the format
    if reader.format != FORMAT.split()[-1]:
        reader.fail("this is format %s; this tool reads \"%s\"" % (reader.format, FORMAT))
    while True:
        line = reader.next()
        if line is None:
            reader.fail("the end is missing: the file was cut off")
        line = line.rstrip()
        if line == END:
            return checked(result, reader)
        if (HEAD.fullmatch(line) or COUNTED.fullmatch(line)) and not line.startswith("member:"):
            name = line.partition(":")[0]
            if name in seen:
                reader.fail("%s is there twice" % name)
            seen.add(name)
        read_head(reader, line, result)


def read_head(reader, line, result):
    """Take one head into the Handin, with the text that follows it."""
    head, region = HEAD.fullmatch(line), REGION.fullmatch(line)
    missing, counted = MISSING.fullmatch(line), COUNTED.fullmatch(line)
    patch = PATCH.fullmatch(line)
    if region:
        key, number = region.group(1, 4), reader.at + 1
        if key in result.texts:
            reader.fail("the region %s of exercise %s is there twice" % key[::-1])
        result.texts[key] = (reader.quoted(int(region.group(3))), number)
    elif missing:
        exercise, path, id = missing.groups()
        result.errors[exercise, id] = RegionError(
            path, reader.at, "the student's file had no such region: %s" % id)
    elif patch:
        if patch.group(1) in result.patches:
            reader.fail("the patch for %s is there twice" % patch.group(1))
        number = reader.at + 1
        result.patches[patch.group(1)] = (reader.quoted(int(patch.group(2))), number)
    elif counted:
        result.answers = reader.quoted(int(counted.group(1)))
    elif head and head.group(1) in FIELDS:
        result.student[head.group(1)] = head.group(2)
    elif head and head.group(1) == "lab":
        if not re.fullmatch(r"[0-9]", head.group(2)):
            reader.fail("%s is no lab" % plain(head.group(2)))
        result.lab = int(head.group(2))
    elif head and head.group(1) == "member":
        try:
            result.members.append(member_of(head.group(2)))
        except HandinError as error:
            reader.fail(error)
        if len(result.members) > MAX_MEMBERS:
            reader.fail("there are too many members")
    elif head and head.group(1) == "assignment":
        result.assignment = plain(head.group(2))
    elif head and head.group(1) == "exercises":
        result.exercises = head.group(2).split()
    elif head:
        result.version = plain(head.group(2))
    else:
        reader.fail("this is no line of a hand-in")


def checked(result, reader):
    """The Handin when all of it was read. It must name its exercises; texts of others are left
    out, and foreign encodings are decoded."""
    for number in result.exercises:
        if not re.fullmatch(manifest.EXERCISE, number):
            reader.fail("%s is no exercise" % plain(number))
    if not result.exercises:
        reader.fail("the hand-in names no exercises")
    result.exercises = sorted(set(result.exercises))
    result.texts = {key: pair for key, pair in result.texts.items()
                    if key[0] in result.exercises}
    result.student, result.notes = known(result.student, "the hand-in")
    for key, (text, line) in result.texts.items():
        text, encoding = incoming.known_lines(text)
        result.texts[key] = text, line
        if encoding:
            result.notes.append("%s, %s is not UTF-8, and is read as %s" % (*key, encoding))
    return result


def summary(handin, regions, names, foreign=None):
    """Lines that tell the student what a hand-in contains. `names` and `foreign` are those of
    manifest.states()."""
    mine = [region for region in regions if region.exercise in handin.exercises]
    lines = []
    for exercise, state in manifest.states(mine, handin.texts, handin.errors,
                                          names, foreign).items():
        count = sum(len(quoted(text)) for key, (text, _) in handin.texts.items()
                    if key[0] == exercise)
        lines.append("  %-4s %-12s %3d lines" % (exercise, state.word, count))
        lines += ["       %s:%d is still blank" % place for place in state.blank
                  if state.word == "begun"]
        lines += ["       cannot be graded: %s" % error for error in state.errors]
    for task, (text, _) in sorted(handin.patches.items()):
        word = "patch" if task in handin.exercises else "goes along"
        lines.append("  %-4s %-12s %3d lines: %s" % (task, word, len(quoted(text)), ", ".join(
            change.path for change in patches.parse(text))))
    for task, errors in sorted(handin.unfit.items()):
        lines += ["       %s: %s" % (task, error) for error in errors]
    lines.append("  answers: %s" % ("%d lines" % len(quoted(handin.answers)) if handin.answers
                                    else "none (%s is not there)" % ANSWERS))
    return lines + ["  note: " + note for note in handin.notes]
