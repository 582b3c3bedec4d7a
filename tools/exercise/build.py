"""Building what is graded; if an exercise does not compile, everything except that exercise.

make grade uses it. The compiler's messages are mapped to exercises by the markers in the sources. A
broken exercise is blanked in a copy of the tree (obj/TOOLCHAIN/mended), which is built and graded
instead. So one syntax error costs the exercise that it is in, and no other.

An error outside of all exercises ends in a BuildError: then nothing can be graded. Gradings of the
same objects run one after the other, by alone(): a second one would change the kernel that the
first one boots, and remove its logs.
"""
import contextlib
import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys

from exercise import graft, regions
from exercise.regions import RegionError
from grader.model import Outcome, Verdict

ERROR = re.compile(r"^(?:\S*: )?((?:kern|libs|user)/[^:\s]+):(\d+)(?::\d+)?: "
                   r"(?:fatal )?(?:error: |undefined reference |multiple definition )",
                   re.MULTILINE)
MESSAGE_LINES = 12              # so many lines of the compiler are shown for an exercise


class BuildError(Exception):
    """Nothing can be graded; the text is for the user."""


class Built:
    """What can be graded.

    objects   the folder with the kernel
    messages  {exercise that does not compile: lines of the compiler}
    notes     lines for the user
    """

    def __init__(self, objects):
        self.objects, self.messages, self.notes = objects, {}, []

    def broken(self, test):
        """Does the exercise of this test not compile?"""
        return test.exercise in self.messages

    def outcome(self, test):
        """The Outcome of a test whose exercise does not compile."""
        return Outcome(test, Verdict.BUILD, ["the exercise does not compile:"]
                       + self.messages[test.exercise])


def make(command, folder="."):
    """Run the build: (whether it succeeded, all that it said)."""
    environment = dict(os.environ, MAKEFLAGS="", MFLAGS="", LC_ALL="C")
    result = subprocess.run(shlex.split(command), cwd=folder, env=environment,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    return result.returncode == 0, result.stdout.decode("utf-8", "replace")


def exercise_of(path, line):
    """The exercise that a line belongs to, or None."""
    try:
        return regions.find(path, line) if path.endswith(regions.KINDS) else None
    except RegionError:
        return None


def errors_by_exercise(output, folder):
    """{exercise: the lines of its errors}. Errors outside of all exercises are under None."""
    found, lines = {}, output.split("\n")
    for number, line in enumerate(lines):
        match = ERROR.match(line)
        if match:
            path, at = match.group(1), int(match.group(2))
            exercise = exercise_of(os.path.join(folder, path), at)
            shown = found.setdefault(exercise, [])
            if len(shown) < MESSAGE_LINES:
                shown.append(line)
                shown += [text for text in lines[number + 1:number + 4]
                          if re.match(r" +(\d+)? \|", text)]
    return found


def faults(folder):
    """{exercise: lines} for each exercise with a text that is not whole in itself."""
    try:
        return {exercise: ["%s" % error for error in errors]
                for exercise, errors in graft.faults(folder).items()}
    except RegionError as error:
        raise BuildError(error)


def copy_blanked(objects, copy, exercises, hints):
    """Copy the tree with these exercises blank. Its objects are copied too, so that little is
    compiled again."""
    shutil.rmtree(copy, ignore_errors=True)
    try:
        regions.blank_tree(".", copy, exercises, hints)
    except RegionError as error:
        raise BuildError(error)
    shutil.copytree(objects, os.path.join(copy, objects),
                    ignore=shutil.ignore_patterns("grade", "mended", "task", "lock"))


def mend(built, options, output, hints):
    """Blank what does not compile in a copy, until the rest does."""
    folder, copy = ".", os.path.join(options.objects, "mended")
    while True:
        # An open bracket is told in its own region. The compiler would complain far behind it.
        found = faults(folder) or errors_by_exercise(output, folder)
        # Lines around a region count as its exercise's. If it is blank already, they are wrong.
        if None in found or set(found) <= set(built.messages):
            lines = found.get(None) or sum(found.values(), [])
            raise BuildError("the kernel does not compile, outside of any exercise:\n%s"
                             % "\n".join(lines or output.split("\n")[-MESSAGE_LINES:]))
        built.messages.update(found)
        copy_blanked(options.objects, copy, set(built.messages), hints)
        folder = copy
        succeeded, output = make(options.build, copy)
        if succeeded:
            break
    built.objects = os.path.join(copy, options.objects)
    built.notes.append("without %s, which does not compile; all else is graded"
                       % ", ".join("exercise " + number for number in sorted(built.messages)))


def lay_over(built, options, texts):
    """Build a copy of the tree that was built over which these files, {path: text}, are laid, and
    let it be what is graded. BuildError if it does not build."""
    copy = os.path.join(options.objects, "task")
    copy_blanked(options.objects, copy, set(built.messages), {})
    for path, text in texts.items():
        with open(os.path.join(copy, path), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    succeeded, output = make(options.build, copy)
    if not succeeded:
        raise BuildError("with the tests of the task the kernel does not build:\n%s" % "\n".join(
            output.split("\n")[-MESSAGE_LINES:]))
    built.objects = os.path.join(copy, options.objects)


@contextlib.contextmanager
def alone(objects, make_folder):
    """As long as this lasts no other grading of these objects runs. If one does, this waits for its
    end, and says so in one line. The lock ends with the process that holds it, however that ends. A
    folder that is not there and is not to be made, that cannot be written, or whose file system
    has no locks, is graded without one."""
    path = os.path.join(objects, "lock")
    with contextlib.ExitStack() as stack:
        try:
            if make_folder:
                os.makedirs(objects, exist_ok=True)
            lock = stack.enter_context(open(path, "a+"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = re.match(r"\d+$", lock.read(20))
                print("grade: waiting for another grading of %s to end%s" % (
                    objects, ", process " + holder.group() if holder else ""),
                    file=sys.stderr, flush=True)
                fcntl.flock(lock, fcntl.LOCK_EX)
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
        except OSError:
            pass
        yield


def build(options, labs):
    """Build, if the options say how: what was Built. BuildError if there is no kernel to grade. The
    caller is in alone()."""
    built = Built(options.objects)
    if options.build:
        os.makedirs(options.objects, exist_ok=True)
        succeeded, output = make(options.build + " -k")
        warnings = [line for line in output.split("\n") if "warning: " in line]
        if not succeeded:
            mend(built, options, output, {exercise.number: exercise.hint for lab in labs
                                          for exercise in lab.exercises})
        for line in warnings:
            print(line)
        sys.stdout.flush()
    if not os.path.exists(os.path.join(built.objects, "kernel")):
        raise BuildError("%s/kernel is not there: run make grade" % built.objects)
    return built
