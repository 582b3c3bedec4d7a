"""Ready-made packages by which a course's system grades a lab with this tree.

`tools/lab gradescope 5 -o lab5.zip` and its like write one file, to be uploaded as it is. In it are
the sources of this tree, as `rvlab`, and the few scripts that the system looks for: one that is run
once, to install the tools and build the reference, and one that grades a hand-in. All marks are
made by `tools/lab grade`; nothing here knows how.

    gradescope      zip: setup.sh, run_autograder
    autolab         tar: autograde-Makefile, and autograde.tar with the tree
    prairielearn    zip: Dockerfile, grade.sh, and the options for info.json
    codegrade       tar.gz: setup.sh, grade.sh
    actions         a workflow of GitHub for the repository of a student, which has the handout

Times and order of the files in them are always the same, so that equal trees give equal packages.
"""
import os
import shutil
import tempfile

from exercise import handin, handout, syllabus
from exercise.workshop import SOURCES

TREE = "rvlab"
UNUSED = ("tools/test", "tools/mutants")        # of the tools: nothing that grades needs these

SETUP = """#!/bin/bash
# Install the tools, and build the reference into which hand-ins are put. It is run once.
set -e
cd "$(dirname "$0")/rvlab"
TEACHER=1 tools/setup.sh
python3 tools/lab prepare
"""
GRADESCOPE = """#!/bin/bash
# Grade one submission: Gradescope runs this in a fresh copy of the image. Without a results.json
# it shows a failure, which is right if this host has failed; a hand-in that is refused has one.
results=/autograder/results/results.json
python3 /autograder/source/rvlab/tools/lab grade /autograder/submission \\
    %(options)s%(times)s --gradescope "$results"
[ -s "$results" ]
"""
AUTOLAB = """# Autolab runs make with this file beside the hand-in and autograde.tar. The last line
# of the output is the scores: if the hand-in is refused, make must not tell its error behind them.
# The image needs the tools: run rvlab/tools/setup.sh when it is made, with TEACHER=1.
all:
\ttar xf autograde.tar
\tpython3 rvlab/tools/lab grade %(handin)s %(options)s --autolab - || true
"""
DOCKERFILE = """# The image in which PrairieLearn grades: docker build -t NAME .
FROM ubuntu:24.04
COPY rvlab /rvlab
COPY setup.sh grade.sh /
RUN bash /setup.sh && rm -rf /var/lib/apt/lists/*
"""
PRAIRIELEARN = """#!/bin/bash
# Grade one submission: the files of the student are in /grade/student.
mkdir -p /grade/results
python3 /rvlab/tools/lab grade /grade/student %(options)s \\
    --prairielearn /grade/results/results.json
[ -s /grade/results/results.json ]
"""
INFO = """{
    "externalGradingOptions": {
        "enabled": true,
        "image": "NAME",
        "entrypoint": "/grade.sh",
        "timeout": 600
    }
}
"""
CODEGRADE = """#!/bin/bash
# Grade one submission, which is in the current folder. The points go to file descriptor 3.
here=$(cd "$(dirname "$0")" && pwd)
points=$(mktemp)
python3 "$here/rvlab/tools/lab" grade . %(options)s --codegrade "$points"
[ -s "$points" ] && cat "$points" >&3
"""
ACTIONS = """# Tests and points of each push, in the summary of the run. The tree is a handout.
name: "%(title)s"
on: [push, workflow_dispatch]
permissions:
  contents: read
jobs:
  grade:
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v5
      - run: make setup
%(steps)s      - run: cat summary-*.md >>"$GITHUB_STEP_SUMMARY"
        if: always()
"""
# One of the steps between. When one fails, the others are run all the same.
STEP = """      - run: make grade %s GRADE="--markdown summary-%d.md"
        if: "!cancelled()"
"""


class DeliverError(Exception):
    """The package cannot be written; the text is for the teacher."""


def copy_tree(root, folder):
    """Copy what grading needs of the tree."""
    def unwanted(place, names):
        inside = os.path.relpath(place, root)
        return [name for name in names if name == "__pycache__" or name.startswith(".")
                or os.path.join(inside, name) in UNUSED]

    os.mkdir(folder)
    for name in SOURCES:
        source, target = os.path.join(root, name), os.path.join(folder, name)
        if os.path.isdir(source):
            shutil.copytree(source, target, ignore=unwanted)
        else:
            shutil.copy2(source, target)


def put(folder, name, text, runs=False):
    """Write a file of the package; `runs` if it is to be executed."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    os.chmod(path, 0o755 if runs else 0o644)


def gradescope(tree, folder, words):
    """Gradescope's package: `tree` is the copy, `folder` what is packed."""
    shutil.copytree(tree, os.path.join(folder, TREE))
    put(folder, "setup.sh", SETUP, runs=True)
    put(folder, "run_autograder", GRADESCOPE % words, runs=True)


def autolab(tree, folder, words):
    """Autolab's: two files, which are uploaded one by one."""
    handout.write_tar(tree, os.path.join(folder, "autograde.tar"), TREE)
    put(folder, "autograde-Makefile", AUTOLAB % words)


def prairielearn(tree, folder, words):
    """PrairieLearn's: what an image is built of, and the options that name it."""
    shutil.copytree(tree, os.path.join(folder, TREE))
    put(folder, "Dockerfile", DOCKERFILE)
    put(folder, "info.json", INFO)
    put(folder, "setup.sh", SETUP, runs=True)
    put(folder, "grade.sh", PRAIRIELEARN % words, runs=True)


def codegrade(tree, folder, words):
    """CodeGrade's: fixtures, of which setup.sh is the script of the set-up."""
    shutil.copytree(tree, os.path.join(folder, TREE))
    put(folder, "setup.sh", SETUP, runs=True)
    put(folder, "grade.sh", CODEGRADE % words, runs=True)


# system: (what writes it, the ending of its file)
PACKAGES = {"gradescope": (gradescope, ".zip"), "autolab": (autolab, ".tar"),
            "prairielearn": (prairielearn, ".zip"), "codegrade": (codegrade, ".tar.gz")}
SYSTEMS = tuple(PACKAGES) + ("actions",)


def words_of(plan, exercises, policy, course=""):
    """What the scripts need to say of what a plans.Plan has: a lab, if `exercises` is true only
    those of the Plan; or an assignment of the course whose file this is."""
    options = "--assignment %s" % plan.short if course else "--lab %d" % plan.lab
    commands = plan.commands
    if exercises:
        options += " --exercises %s" % ",".join(plan.due)
        commands = ['EX="%s"' % " ".join(plan.due)]
    if policy != "best":
        options += " --policy %s" % policy
    return {"title": plan.short if course else "lab %d" % plan.lab,
            "steps": "".join(STEP % (words, at) for at, words in enumerate(commands, 1)),
            "options": options, "handin": "handin-%s.txt" % plan.short, "course": course,
            "times": " --times /autograder/submission_metadata.json" if course else ""}


def write(root, system, words, target):
    """Write the package of a system. DeliverError if the target is not what the system reads."""
    if system == "actions":
        handin.write(target, ACTIONS % words)
        return
    fill, ending = PACKAGES[system]
    if not target.endswith(ending):
        raise DeliverError("%s: %s takes a file that ends in %s" % (target, system, ending))
    parent = os.path.dirname(os.path.abspath(target))
    if not os.path.isdir(parent):
        raise DeliverError("there is no folder %s" % parent)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".package-") as folder:
        tree, content = os.path.join(folder, TREE), os.path.join(folder, "content")
        packed = os.path.join(folder, "packed" + ending)
        copy_tree(root, tree)
        if words["course"]:
            shutil.copyfile(words["course"], os.path.join(tree, syllabus.OWN))
        os.mkdir(content)
        fill(tree, content, words)
        (handout.write_zip if ending == ".zip" else handout.write_tar)(content, packed, "")
        os.replace(packed, target)
