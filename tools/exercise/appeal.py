"""`tools/lab regrade --version V`: a hand-in is graded by the tools and the tree of then.

A student asks why there were not more points. What was graded by version V is graded by it again:
the report is the same to the byte, if compiler and QEMU are those that the report names, and the
files are named as they were. The tree of V is this one; or one that --tree names, a folder or an
archive; or else a commit of this tree's git, the newest that has this version. A version of git is
found without unpacking: it is a digest of files' digests, see handout.version_from().

Trees of other versions stay in obj/versions, with what was built of them, until `make clean`.
"""
import hashlib
import os
import re
import shutil
import subprocess
import sys

import scratch
from exercise import handout, provenance
from exercise.gradebook import GradeError

KEPT = os.path.join("obj", "versions")
VERSION = re.compile(r"[0-9a-f]{12}(-[0-9a-f]{%d})?" % provenance.DIGITS)


def git(root, *words, data=None):
    """What git prints, as bytes; GradeError if it fails."""
    try:
        done = subprocess.run(["git", "-C", root] + list(words), input=data,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        raise GradeError("git cannot be run: %s" % error.strerror)
    if done.returncode != 0:
        raise GradeError("git: %s" % done.stderr.decode("utf-8", "replace").strip())
    return done.stdout


class History:
    """The versions of the commits of a tree; what two commits share is read once."""

    def __init__(self, root):
        self.root, self.digests = root, {}

    def commits(self):
        """All commits, the newest first."""
        return git(self.root, "rev-list", "--all", "--date-order").decode().split()

    def blobs(self, commit):
        """{path: name of its blob} of the files that a version is made of."""
        listed = git(self.root, "ls-tree", "-r", "-z", commit, "--", *handout.VERSIONED,
                     *(place + "/" for place in provenance.PLACES)).decode("utf-8", "replace")
        found = {}
        for line in filter(None, listed.split("\0")):
            about, _, path = line.partition("\t")
            found[path] = about.split()[2]
        return found

    def read(self, names):
        """Read these blobs, and keep their digests."""
        new = sorted(set(names) - set(self.digests))
        data, at = git(self.root, "cat-file", "--batch", data="\n".join(new).encode()), 0
        for name in new:
            head, at = data[at:data.index(b"\n", at)], data.index(b"\n", at) + 1
            size = int(head.split()[2])
            self.digests[name] = hashlib.sha256(data[at:at + size]).digest()
            at += size + 1

    def version(self, commit):
        """provenance.full_version() of a commit."""
        blobs = self.blobs(commit)
        self.read(blobs.values())
        return provenance.version_from(blobs, lambda path: self.digests[blobs[path]])

    def find(self, version):
        """(commit, its full version) of the newest commit that has this version, or None."""
        for commit in self.commits():
            full = self.version(commit)
            if full.startswith(version):
                return commit, full
        return None


def unpacked(root, full, fill):
    """The folder of a version, which fill(folder) makes if it is not there yet."""
    place = os.path.join(root, KEPT, full)
    if not os.path.isdir(place):
        os.makedirs(os.path.dirname(place), exist_ok=True)
        new = "%s.new.%d" % (place, os.getpid())
        try:
            os.mkdir(new)
            fill(new)
            os.rename(new, place)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return place


def of_git(root, version):
    """The folder with the tree of a version, out of git."""
    if not os.path.exists(os.path.join(root, ".git")):
        raise GradeError("this tree is not version %s, and has no git to look for it: name a "
                         "folder or an archive of that version by --tree" % version)
    found = History(root).find(version)
    if not found:
        raise GradeError("no commit of this tree is version %s: name a folder or an archive of it "
                         "by --tree" % version)

    def fill(folder):
        archive = git(root, "archive", "--format=tar", found[0])
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)

    return unpacked(root, found[1], fill)


def of_tree(root, path, version):
    """The folder with the tree that --tree names. An archive is unpacked."""
    with scratch.folder("version") as folder:
        if not os.path.isdir(path):
            try:
                shutil.unpack_archive(path, folder)
            except (shutil.ReadError, ValueError) as error:
                raise GradeError("%s: %s" % (path, error))
            trees = [place for place, _, names in os.walk(folder) if "Makefile" in names
                     and os.path.isdir(os.path.join(place, "tools"))]
            path = min(trees, key=len, default=folder)
        if not os.path.isfile(os.path.join(path, "tools", "lab")):
            raise GradeError("--tree: there is no tree of rvlab in it")
        full = provenance.full_version(path)
        if not full.startswith(version):
            raise GradeError("--tree: it is version %s, not %s" % (full, version))
        return unpacked(root, full, lambda new: shutil.copytree(
            path, new, dirs_exist_ok=True, ignore=shutil.ignore_patterns("obj", "__pycache__")))


def without(words, names):
    """The words of a command line without these options and their values."""
    left, skip = [], False
    for word in words:
        if not skip and word.split("=")[0] not in names:
            left.append(word)
        skip = not skip and word in names
    return left


def run(root, options, words):
    """Grade by a version, with the rest of the command line; the exit status."""
    if not VERSION.fullmatch(options.version):
        raise GradeError("--version %s: a version is as in 0123456789ab-89abcdef; reports name "
                         "theirs" % options.version)
    tree = root
    if options.tree or not provenance.full_version(root).startswith(options.version):
        tree = of_tree(root, options.tree, options.version) if options.tree else \
            of_git(root, options.version)
    words = without(words, ("--version", "--tree"))
    if options.texts or options.json or options.csv:
        return subprocess.run([sys.executable, os.path.join(tree, "tools", "lab"), "grade"]
                              + words).returncode
    with scratch.folder("appeal") as folder:
        status = subprocess.run([sys.executable, os.path.join(tree, "tools", "lab"), "grade"]
                                + words + ["--texts", folder], stdout=sys.stderr).returncode
        for name in sorted(os.listdir(folder)):
            if name.endswith(".txt"):
                with open(os.path.join(folder, name), "rb") as file:
                    sys.stdout.buffer.write(file.read())
    return status
