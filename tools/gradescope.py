#!/usr/bin/env python3
"""Does the zip for Gradescope grade in a system with nothing in it but what Gradescope makes?

    gradescope.py [--lab 1] [--exercises 1.1] [--suite bookworm] [--root DIR] [HANDIN]

A root is made with debootstrap, from the mirror that this system's own packages come from. The zip
is unpacked into /autograder/source, run_autograder is copied beside it, and /autograder/submission
and submission_metadata.json are as Gradescope makes them. setup.sh runs as in the making of the
image, run_autograder as for a submission, without a network. results.json must have the fields
that Gradescope reads, no others, and full marks for the reference's own text.

Root is needed, debootstrap, 3 GB and some ten minutes. With --root the root stays, and is taken
again the next time. The exit status is 1 if anything is not as it must be.
"""
import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import zipfile

import cli
import scratch
import systems
from exercise import generate, handin

TOP = os.path.dirname(os.path.abspath(__file__))
LAB = os.path.join(TOP, "lab")
AT_FIRST = "ca-certificates"
METADATA = {"id": 1, "created_at": "2026-01-01T00:00:00.000000-00:00",
            "assignment": {"id": 2, "title": "lab", "course_id": 3, "total_points": "100.0",
                           "due_date": "2026-01-02T00:00:00.000000-00:00"},
            "users": [{"email": "ada@example.org", "id": 4, "name": "Ada Lovelace"}],
            "previous_submissions": []}
TOP_FIELDS = {"score": (int, float), "output": str, "output_format": str,
              "test_output_format": str, "tests": list}
TEST_FIELDS = {"number": str, "name": str, "score": (int, float), "max_score": (int, float),
               "output_format": str, "status": str, "output": str, "extra_data": dict}


class GradescopeError(Exception):
    """It cannot be tried here; the text is for the user."""


def must(words, what, **options):
    """Run a command that must succeed."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, **options)
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        raise GradescopeError("%s: exit status %d\n%s" % (what, done.returncode, said[-3000:]))
    return said


def make_root(root, suite):
    """Make the root, if it is not there yet."""
    if not os.path.isdir(os.path.join(root, "etc")):
        print("a root of %s is made" % suite, flush=True)
        must(["debootstrap", "--variant=minbase", "--include=" + AT_FIRST, suite, root,
              systems.mirror()], "debootstrap")
    with open(os.path.join(root, "etc/apt/apt.conf.d/01host"), "w") as file:
        file.write(systems.way_to_mirror())
    for name in ("resolv.conf", "hosts"):
        shutil.copy("/etc/" + name, os.path.join(root, "etc", name))


def put_package(root, options, work):
    """Make /autograder as Gradescope does, with a hand-in."""
    top, package = os.path.join(root, "autograder"), os.path.join(work, "lab.zip")
    shutil.rmtree(top, ignore_errors=True)
    for name in ("source", "submission", "results"):
        os.makedirs(os.path.join(top, name))
    must([sys.executable, LAB, "gradescope", options.lab, "--exercises", options.exercises,
          "-o", package], "the package")
    with zipfile.ZipFile(package) as archive:
        archive.extractall(os.path.join(top, "source"))
        for each in archive.infolist():         # extractall() leaves out what may be executed
            os.chmod(os.path.join(top, "source", each.filename), each.external_attr >> 16 & 0o777)
    shutil.copy(os.path.join(top, "source", "run_autograder"), top)
    with open(os.path.join(top, "submission_metadata.json"), "w") as file:
        json.dump(METADATA, file)
    target = os.path.join(top, "submission", "handin.txt")
    if options.handin:
        shutil.copy(options.handin, target)
        return
    made = generate.Generator(os.path.dirname(TOP), options.lab)
    handin.write(target, handin.to_text(made.handin("Ada", "ada", made.solved()), made.regions))


def inside(root, command, network):
    """Run a command of the shell in the root; without a network it has only the loopback."""
    enter = systems.ENTER if network else [systems.ENTER[0], "--net"] + systems.ENTER[1:]
    return must(enter + [root, command], command)


def check(value, fields, what):
    """What of an object is not as the fields say, in sentences."""
    for name in sorted(set(value) ^ set(fields)):
        yield "%s: %s is %s" % (what, name, "missing" if name in fields else "not known")
    for name in sorted(set(value) & set(fields)):
        if not isinstance(value[name], fields[name]):
            yield "%s: %s is %r" % (what, name, value[name])


def problems(results, is_solved):
    """What is wrong with a results.json, in sentences."""
    yield from check(results, TOP_FIELDS, "results.json")
    for test in results.get("tests", ()):
        yield from check(test, TEST_FIELDS, "a test")
    tests = results.get("tests", [])
    if not tests or results["score"] != sum(test["score"] for test in tests):
        yield "the score is not the sum of the tests"
    if is_solved and any(test["score"] != test["max_score"] for test in tests):
        yield "the reference's own text has not full marks"


def main():
    parser = argparse.ArgumentParser(description="Try the package for Gradescope in a bare root.")
    parser.add_argument("handin", nargs="?", help="a hand-in; the reference's text without it")
    parser.add_argument("--lab", default="1", help="%(default)s")
    parser.add_argument("--exercises", default="1.1", help="%(default)s")
    parser.add_argument("--suite", default="bookworm", help="of Debian; %(default)s")
    parser.add_argument("--root", metavar="DIR", help="make the root there, and leave it")
    options = parser.parse_args()
    if os.getuid() != 0 or not shutil.which("debootstrap"):
        raise GradescopeError("it needs root, and debootstrap")
    with contextlib.ExitStack() as stack:
        work = stack.enter_context(scratch.folder("gradescope"))
        root = os.path.abspath(options.root or os.path.join(work, "root"))
        make_root(root, options.suite)
        put_package(root, options, work)
        print("setup.sh runs", flush=True)
        inside(root, "bash /autograder/source/setup.sh", network=True)
        print("run_autograder runs", flush=True)
        said = inside(root, "cd /autograder && ./run_autograder", network=False)
        with open(os.path.join(root, "autograder/results/results.json"), encoding="utf-8") as file:
            results = json.load(file)
    found = list(problems(results, not options.handin))
    print(said.rstrip("\n"))
    print("\n".join(found) or "results.json is as it must be: %s of %s points" % (
        results["score"], sum(test["max_score"] for test in results["tests"])))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(cli.run("gradescope", main, (GradescopeError, systems.SystemsError,
                                          generate.GenerateError)))
