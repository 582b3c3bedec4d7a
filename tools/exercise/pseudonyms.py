"""`--pseudonyms FILE`: no name, address or path of a student gets into what a grading writes.

FILE is a table, made at the first use and readable by its owner only: a pseudonym in each line, and
who it is. It is the only place that links the two; without it nobody can. A student is known by
the number, or else the address, the name, or the path, so the pseudonym is the same in each
grading, whichever files are graded. Pseudonyms are random: no program can compute one from a name.

hide() changes a Student before anything is printed. What students wrote may have their names too,
as in a line that the compiler quotes: so notes and what tests say go through scrub(), which knows
fields of all students of the course, and the paths that were read. Short ones count in the texts
of their own student only: a number of two digits is in many texts.
"""
import csv
import hashlib
import io
import os
import re
import secrets

from exercise import handin, incoming, marksheet
from exercise.results import locked

HEAD = ["pseudonym", "name", "email", "id", "file", "key"]
KEY, PSEUDONYM = "[0-9a-f]{64}", "p[0-9a-f]{8}"
MAX_BYTES = 64 << 20
LEAST, LEAST_OF_OTHERS = 2, 5           # letters of what is looked for in texts
A_FILE = "(a file)"


class PseudonymError(ValueError):
    """The file cannot be used; the text is for the teacher."""


def key_of(who, source):
    """What tells students apart, as a digest."""
    known = [who[name].casefold() for name in ("id", "email", "name")] + [source]
    kind, value = next((pair for pair in enumerate(known) if pair[1]), (0, ""))
    return hashlib.sha256(("%d %s" % (kind, value)).encode("utf-8", "replace")).hexdigest()


class Scrubber:
    """Takes names, addresses, numbers and paths out of texts: `words` are what stands in their
    places, {word in small letters: text}."""

    def __init__(self, words):
        self.words = {word.casefold(): text for word, text in words.items()}

    def __call__(self, text):
        small = text.casefold()
        found = sorted((word for word in self.words if word in small), key=len, reverse=True)
        if not found:
            return text
        return re.sub(r"(?<!\w)(?:%s)(?!\w)" % "|".join(map(re.escape, found)),
                      lambda match: self.words.get(match.group().casefold(), A_FILE), text,
                      flags=re.I)

    def result(self, result):
        """A result of Examiner.marks() without them."""
        exercises = {}
        for number, entry in result["exercises"].items():
            tests = [dict(test, lines=[self(line) for line in test["lines"]])
                     for test in entry["tests"]]
            exercises[number] = dict(entry, why=self(entry["why"]), tests=tests)
        return dict(result, exercises=exercises)


class Pseudonyms:
    """The table in a file: `known` is {key: row}."""

    def __init__(self, path):
        self.path, self.known = path, {}
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            os.chmod(path, 0o600)
        except OSError as error:
            raise PseudonymError("%s cannot be written: %s" % (path, error.strerror)) from None

    def read(self):
        """Read the file; PseudonymError if it is no such table."""
        try:
            text = incoming.sure_text_of(incoming.file_data(self.path, MAX_BYTES)).lstrip("\ufeff")
            rows = list(csv.reader(io.StringIO(text)))
            if rows and rows[0] != HEAD:
                raise incoming.BadValue("its first line is not as it must be")
            for row in rows[1:]:
                incoming.items(row, len(HEAD), "a line", len(HEAD))
                incoming.word(row[0], PSEUDONYM, "a pseudonym")
                self.known[incoming.word(row[-1], KEY, "a key")] = row
        except (incoming.BadValue, csv.Error) as error:
            raise PseudonymError("%s is no file of --pseudonyms, or is damaged: %s. It stays as it "
                                 "is: name another file" % (self.path, error)) from None

    def add(self, students):
        """{key: pseudonym} of these (who, source); the file gets those that are new."""
        with locked(self.path):
            self.read()
            before = len(self.known)
            for who, source in students:
                taken = {row[0] for row in self.known.values()}
                name = "p" + secrets.token_hex(4)
                while name in taken:
                    name = "p" + secrets.token_hex(4)
                self.known.setdefault(key_of(who, source), [name] + [
                    marksheet.cell(each) for each in (who["name"], who["email"], who["id"], source)
                ] + [key_of(who, source)])
            if len(self.known) > before:
                out = io.StringIO()
                csv.writer(out).writerows([HEAD] + list(self.known.values()))
                old = os.umask(0o077)           # the new file is its owner's, too
                try:
                    handin.write(self.path, "\ufeff" + out.getvalue())
                finally:
                    os.umask(old)

    def hide(self, submissions):
        """Put a pseudonym in the place of what is known of these Submissions; each gets its
        Scrubber as `scrub`."""
        self.add([(each.student, each.source) for each in submissions])
        names = [self.known[key_of(each.student, each.source)][0] for each in submissions]
        own = [words_of(each, name) for each, name in zip(submissions, names)]
        others = {word: text for words in own for word, text in words.items()
                  if len(word) >= LEAST_OF_OTHERS}
        for each, name, words in zip(submissions, names, own):
            each.scrub = Scrubber({**others, **words})
            each.source = each.owner = name
            each.refused = each.scrub(each.refused)
            each.notes = [each.scrub(note) for note in each.notes]
            if each.handin:
                each.handin.student = dict(dict.fromkeys(handin.FIELDS, ""), name=name)
                each.handin.answers = each.scrub(each.handin.answers)


def words_of(submission, name):
    """What must not stand in texts about a Submission, with what takes its place."""
    paths = [submission.source, os.path.dirname(submission.source)] + submission.paths
    words = dict.fromkeys(paths + [os.path.basename(path) for path in paths], A_FILE)
    words.update((value, name) for value in submission.student.values())
    return {word: text for word, text in words.items() if len(word) >= LEAST}
