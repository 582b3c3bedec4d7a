"""Which tests have passed with a kernel, so that they need not run again.

`make grade` keeps in obj/TOOLCHAIN-passed.json what has passed, with the CPU time that each test
has taken and the count of instructions at its end. It counts for the same kernel, with the programs
in it, for the same tests, grader and QEMU only, of which it keeps a digest. Tools that need to know
that the reference passes its tests before they begin take it from there, as mutants.py and
automutate.py, and so do tests of the tools. No mark comes from it. A file that cannot be read, or
is of another kernel, is as good as none.
"""
import glob
import hashlib
import json
import os
import shutil

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JUDGES = ("grader/*.py", "labs/*", "disk", "sfs/*.py",       # what a verdict depends on, in tools/
          "gdbstub.py", "scratch.py")


def path_of(objects):
    """Where it is kept for the kernel in the folder `objects`."""
    return objects.rstrip("/") + "-passed.json"


def digest(host):
    """A digest of all that a verdict depends on: the kernel, QEMU, tests and grader."""
    emulator = os.path.realpath(shutil.which(host.qemu) or host.qemu)
    about = os.stat(emulator)
    found = hashlib.sha256(("%s %d %d " % (emulator, about.st_size, about.st_mtime_ns)).encode())
    found.update(host.image.digest.encode())
    for pattern in JUDGES:
        for path in sorted(glob.glob(os.path.join(glob.escape(TOOLS), pattern))):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    data = file.read()
                found.update(b"%s %d " % (os.path.basename(path).encode(), len(data)) + data)
    return found.hexdigest()


def entries(host, objects):
    """{name of a test: (seconds of CPU time, instructions or None)} of the tests that have passed
    with the host's kernel; `objects` is the folder by whose name they are kept."""
    try:
        with open(path_of(objects), encoding="utf-8") as file:
            told = json.load(file)
        if told["digest"] == digest(host):
            return {name: (float(seconds), None if count is None else int(count))
                    for name, (seconds, count) in told["passed"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return {}


def load(host, objects):
    """{name of a test: seconds of CPU time}; see entries()."""
    return {name: seconds for name, (seconds, _) in entries(host, objects).items()}


def keep(host, objects, outcomes):
    """Add what has passed to what is kept, and take out what has failed. A folder that cannot be
    written keeps nothing."""
    passed = entries(host, objects)
    for outcome in outcomes:
        passed.pop(outcome.test.name, None)
        if outcome.passed and not outcome.test.command:
            passed[outcome.test.name] = round(outcome.seconds, 3), outcome.instructions
    new = path_of(objects) + ".new"
    try:
        with open(new, "w", encoding="utf-8") as file:
            json.dump({"digest": digest(host), "passed": passed}, file)
        os.replace(new, path_of(objects))
    except OSError:
        pass
