"""A workflow of GitHub Actions, read strictly and run here: what tests of deliver.py need.

    jobs = parse(text)          ValueError for whatever this reader does not take
    problems(jobs)              what of it GitHub's documentation does not have, in sentences
    steps(jobs)                 [Step] of its only job, in order
    is_run(condition, failed)   is a step run, if this is its `if` and a step has failed before?

parse() reads a part of YAML in which all versions of it agree: maps and lists by indentation of
two, texts in double quotes without a backslash, lists of words in brackets, plain texts, whole
numbers, true and false. A plain text that some version takes for another thing, as 1.10 or yes, is
refused, and so is a key that is there twice. problems() knows the keys that a workflow may have,
from https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax.
"""
import collections
import re

KEY = re.compile(r"([A-Za-z_][\w-]*):(?: (.*))?")
QUOTED = re.compile(r'"([^"\\]*)"')
WORDS = re.compile(r"\[([A-Za-z_][\w-]*(?:, [A-Za-z_][\w-]*)*)\]")
PLAIN = re.compile(r"(?!.*(?:: | #))[A-Za-z0-9][^\t]*[^:\s]|[A-Za-z0-9]")
WHOLE = re.compile(r"0|[1-9][0-9]*")
OTHERS = re.compile(r"y|n|yes|no|on|off|null|[0-9][0-9a-fox._:TZeE+-]*|inf|nan", re.I)

TOP = {"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"}
JOB = {"name", "permissions", "needs", "if", "runs-on", "environment", "concurrency", "outputs",
       "env", "defaults", "steps", "timeout-minutes", "strategy", "continue-on-error", "container",
       "services", "uses", "with", "secrets"}
STEP = {"id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env",
        "continue-on-error", "timeout-minutes"}
EVENTS = {"push", "pull_request", "workflow_dispatch"}      # those that need nothing more said
SCOPES = {"actions", "attestations", "checks", "contents", "deployments", "discussions", "id-token",
          "issues", "models", "packages", "pages", "pull-requests", "security-events", "statuses"}
RUNNERS = {"ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04"}
# The first major version of each action that runs on Node 24: runners have no Node 20 any more.
ACTIONS = {"actions/checkout": 5}
CONDITIONS = {"success()": lambda failed: not failed, "failure()": lambda failed: failed,
              "always()": lambda failed: True, "!cancelled()": lambda failed: True}

Step = collections.namedtuple("Step", "uses run condition")


# -- reading

class Lines:
    """The lines of a text that are no comments: (number, indentation, content)."""

    def __init__(self, text):
        self.rest = []
        if not text.endswith("\n"):
            raise ValueError("the last line has no end")
        for number, line in enumerate(text[:-1].split("\n"), 1):
            if not line.isascii() or not line.isprintable() or line != line.rstrip():
                raise ValueError("line %d: a character that is not taken, or a blank at the end"
                                 % number)
            if line and not line.lstrip().startswith("#"):
                self.rest.append((number, len(line) - len(line.lstrip()), line.lstrip()))

    def wrong(self, what):
        return ValueError("line %d: %s" % (self.rest[0][0], what) if self.rest else what)

    def depth(self):
        """The indentation of the next line; -1 at the end."""
        return self.rest[0][1] if self.rest else -1

    def block(self, depth):
        """The value whose lines have this indentation."""
        if self.depth() != depth:
            raise self.wrong("expected an indentation of %d" % depth)
        if not self.rest[0][2].startswith("- "):
            return self.table(depth)
        found = []
        while self.depth() == depth and self.rest[0][2].startswith("- "):
            number, _, content = self.rest[0]
            self.rest[0] = (number, depth + 2, content[2:])
            found.append(self.table(depth + 2) if KEY.fullmatch(content[2:])
                         else scalar(self.rest.pop(0)[2], number))
        return found

    def table(self, depth):
        """A map whose keys have this indentation."""
        found = {}
        while self.depth() == depth:
            number, _, content = self.rest[0]
            match = KEY.fullmatch(content)
            if not match or match.group(1) in found:
                raise self.wrong("expected a key that is not there yet: %s" % content)
            del self.rest[0]
            found[match.group(1)] = self.block(depth + 2) if match.group(2) is None \
                else scalar(match.group(2), number)
        return found


def scalar(text, number):
    """The value that stands in a line, the `number`th."""
    quoted, words = QUOTED.fullmatch(text), WORDS.fullmatch(text)
    if quoted:
        return quoted.group(1)
    if words:
        return words.group(1).split(", ")
    if text in ("true", "false"):
        return text == "true"
    if WHOLE.fullmatch(text):
        return int(text)
    if not PLAIN.fullmatch(text) or OTHERS.fullmatch(text):
        raise ValueError("line %d: %s: no plain text, or another thing for some reader: quote it"
                         % (number, text))
    return text


def parse(text):
    """The value of a text; ValueError if it is not of the part of YAML that is read here."""
    lines = Lines(text)
    found = lines.block(0)
    if lines.rest:
        raise lines.wrong("an indentation that nothing has before")
    return found


# -- what GitHub takes

def keys(value, known, needed, what):
    """Sentences about the keys of a map."""
    if not isinstance(value, dict):
        yield "%s is no map" % what
        return
    for name in sorted(set(value) - known):
        yield "%s: %s is not known" % (what, name)
    for name in sorted(needed - set(value)):
        yield "%s: %s is missing" % (what, name)


def problems(flow):
    """What of a workflow is not as GitHub documents it, in sentences."""
    yield from keys(flow, TOP, {"name", "on", "permissions", "jobs"}, "the workflow")
    events, scopes = flow.get("on", []), flow.get("permissions", {})
    if not isinstance(events, list) or set(events) - EVENTS:
        yield "on: %s" % events
    if any(scope not in SCOPES or may not in ("read", "write", "none")
           for scope, may in scopes.items()):
        yield "permissions: %s" % scopes
    for name, job in flow.get("jobs", {}).items():
        yield from keys(job, JOB, {"runs-on", "steps"}, "the job " + name)
        if job.get("runs-on") not in RUNNERS:
            yield "%s: there is no runner %s" % (name, job.get("runs-on"))
        minutes = job.get("timeout-minutes", 360)
        if type(minutes) is not int or not 0 < minutes <= 360:
            yield "%s: timeout-minutes: %s" % (name, minutes)
        for step in job.get("steps", ()):
            yield from step_problems(step)


def step_problems(step):
    """The same of a step."""
    yield from keys(step, STEP, set(), "a step")
    if ("uses" in step) == ("run" in step):
        yield "a step must have one of uses and run: %s" % step
    for name in ("uses", "run", "if", "name"):
        if not isinstance(step.get(name, ""), str):
            yield "%s of a step is no text: %s" % (name, step[name])
    if "uses" in step:
        match = re.fullmatch(r"([\w-]+/[\w-]+)@v([1-9][0-9]*)", step["uses"])
        if not match or int(match.group(2)) < ACTIONS.get(match.group(1), 1 << 30):
            yield "%s is no action of a version that still runs" % step["uses"]
    if step.get("if", "always()") not in CONDITIONS:
        yield "if: %s is not known here" % step["if"]


def steps(flow):
    """The Steps of a workflow with one job."""
    (job,) = flow["jobs"].values()
    return [Step(step.get("uses"), step.get("run"), step.get("if", "success()"))
            for step in job["steps"]]


def is_run(condition, failed):
    """Is a step run, if this is its `if`, and `failed` says whether one before it has failed?"""
    return CONDITIONS[condition](failed)
