"""The JSON of a grading, read again: what `tools/lab grade --json` wrote, as data of a stranger.

    found = read("marks.json")
    for row in found.rows: row.title, row.result["exercises"], ...

regrade.py takes old marks from it, and statistics.py counts what failed. GradedError says why a
file is none, in one line for the teacher.
"""
from exercise import entries, handin, incoming, marks

SCHEMA = "rvlab/marks/v1"
MAX_BYTES = 1 << 30
MAX_ROWS = 1 << 20
POLICIES = "|".join((marks.BEST, marks.BOTH, marks.ALONE, marks.TOGETHER))


class GradedError(ValueError):
    """The file is no JSON of a grading."""


class Row:
    """One hand-in: title, what the table calls it; file; texts, the digest of what was handed in;
    result, as Examiner.marks() gives it, which has no exercises if the hand-in was refused."""

    def __init__(self, value):
        value = incoming.table(value, 100, "a student")
        fields = [incoming.word(incoming.member(value, name), "(?s).*", name)
                  for name in handin.FIELDS[:2] + ("file",)]
        self.title = next(filter(None, fields), "hand-in")
        self.file = fields[2]
        self.texts = incoming.word(value.get("texts", ""), "[0-9a-f]*", "texts")
        self.result = {"exercises": incoming.member(value, "exercises"), "complete": True}
        entries.check(self.result)

    @property
    def exercises(self):
        """{number: entry}."""
        return self.result["exercises"]


class Graded:
    """All of a file: version and policy, made (provenance.made_by(), or {}), and the Rows."""

    def __init__(self, value):
        value = incoming.table(value, 100, "it")
        if incoming.member(value, "schema") != SCHEMA:
            raise incoming.BadValue("its format is %s" % incoming.shown(value["schema"]))
        if "assignment" in value:
            raise incoming.BadValue("it is of a course's assignment, whose marks have the course's "
                                    "points: grade that again by tools/lab grade --assignment")
        self.version = incoming.word(incoming.member(value, "version"), "[0-9a-f]*", "version")
        self.policy = incoming.word(incoming.member(value, "policy"), POLICIES, "policy")
        self.made = {incoming.word(name, "[a-z]+", "a name in made"):
                     incoming.word(text, "(?s).{0,500}", "made")
                     for name, text in incoming.table(value.get("made", {}), 10, "made").items()}
        self.rows = [Row(each) for each in incoming.items(incoming.member(value, "students"),
                                                          MAX_ROWS, "students")]


def read(path):
    """The Graded of a file."""
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    try:
        return Graded(incoming.json_of(data, MAX_BYTES))
    except incoming.BadValue as error:
        raise GradedError("%s is no file of `tools/lab grade --json`, or is damaged: %s"
                          % (path, error)) from None
