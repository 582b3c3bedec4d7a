"""By what a hand-in was graded: the versions on which a mark, or a word of a report, may depend.

    made_by(ROOT, options)      {"version", "toolchain", "qemu"}
    words(made)                 the line that reports have

A version is that of the reference (handout.version_of), a bar, and a digest of the tools that give
marks and write reports: 0123456789ab-89abcdef. The part before the bar tells which tree a hand-in
was put into; both together tell which tools say the same words again, see appeal.py.
"""
import hashlib
import os
import re
import subprocess

from exercise import handout, kept
from exercise.workshop import WorkshopError

PLACES = ("tools", "tools/exercise")        # whose modules are tools; the version has the others
DIGITS = 8
COMPILER = re.compile(r"\A# Written by tools/probe.sh for (.*)")


def version_from(paths, digest):
    """The version of a tree that has these files, with that of its tools; digest(path) gives the
    SHA-256 of one."""
    total = hashlib.sha256()
    for path in sorted(paths):
        if os.path.dirname(path) in PLACES and not handout.NO_SOURCE.search(os.path.basename(path)):
            total.update(path.encode() + b"\0" + digest(path))
    return "%s-%s" % (handout.version_from(paths, digest), total.hexdigest()[:DIGITS])


def full_version(root):
    """The same of a tree on the disk."""
    def digest(path):
        with open(os.path.join(root, path), "rb") as file:
            return hashlib.sha256(file.read()).digest()

    names = [os.path.join(place, name) for place in PLACES
             if os.path.isdir(os.path.join(root, place))
             for name in os.listdir(os.path.join(root, place))
             if os.path.isfile(os.path.join(root, place, name))]
    names += [os.path.join(top, path) for top in handout.VERSIONED for _, path in
              handout.files_below(os.path.join(root, top))]
    return version_from(names, digest)


def first_line(command):
    """The first line that a command prints."""
    try:
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    except OSError:
        said = b""
    return (said.decode("utf-8", "replace").splitlines() or ["unknown"])[0]


def made_by(root, options):
    """What a grading with these options is made by. Without a compiler nothing can be graded, but
    what was refused can be told."""
    try:
        toolchain, config = kept.probe(root, options.toolchain)
        toolchain = ", ".join([toolchain] + COMPILER.findall(config)[:1])
    except WorkshopError:
        toolchain = "no compiler"
    return {"version": full_version(root), "toolchain": toolchain,
            "qemu": first_line([options.qemu, "--version"])}


def words(made):
    """The same in one line."""
    return "graded by: rvlab %(version)s; %(toolchain)s; %(qemu)s" % made
