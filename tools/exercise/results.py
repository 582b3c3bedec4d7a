"""The file of --resume: results of a grading, kept under the digest of all that they depend on.

Several gradings may use one file at the same time. Each puts what it has found to what is there,
under a lock, and replaces the file by a whole new one, so a grading that is killed damages nothing.
What is read from the file is checked as if it came from a student. If it cannot be used, nothing is
written over it: StateError says so to the teacher. If it cannot be written while a grading runs,
the grading goes on, because its marks are written at its end.
"""
import contextlib
import fcntl
import json
import os
import sys

from exercise import handin, incoming, marks

STATE = "rvlab/state/v1"
MAX_BYTES = 1 << 30
MAX_RESULTS = 1 << 20
DIGEST = "[0-9a-f]{64}"


class StateError(Exception):
    """The file cannot be used; the text is for the teacher."""


@contextlib.contextmanager
def locked(path):
    """The file is ours, and is there. A grading that saves puts another file in its place, so the
    file that was locked must still be the one of that name."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                same = os.path.samestat(os.fstat(descriptor), os.stat(path))
            except FileNotFoundError:
                same = False
            if same:
                yield
                return
        finally:
            os.close(descriptor)


def read(path):
    """{digest: result} of the file; one that is empty is new."""
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if not data:
        return {}
    try:
        found = incoming.table(incoming.json_of(data, MAX_BYTES), 100, "it")
        schema = incoming.member(found, "schema")
        if schema != STATE:
            raise incoming.BadValue("its format is %s" % incoming.shown(schema))
        results = incoming.table(incoming.member(found, "results"), MAX_RESULTS, "results")
        for digest, result in results.items():
            incoming.word(digest, DIGEST, "a digest")
            marks.check(result)
        return results
    except incoming.BadValue as error:
        raise StateError("%s is no file of --resume, or is damaged: %s. It stays as it is: name "
                         "another file, or remove it" % (path, error)) from None


class Results:
    """{digest: result}, kept in a file if one is given."""

    def __init__(self, path):
        self.path, self.found, self.failed = path, {}, False
        if path:
            with locked(path):
                self.found = read(path)

    def add(self, digest, result):
        """Keep it. That this fails must not end a grading, whose marks are written at its end."""
        self.found[digest] = result
        try:
            self.save()
        except (OSError, StateError, handin.HandinError) as error:
            if not self.failed:
                print("results are not kept for --resume: %s" % error, file=sys.stderr)
            self.failed = True

    def save(self):
        """Together with what others have saved; the old file stays until the new one is whole."""
        if self.path:
            with locked(self.path):
                self.found = {**read(self.path), **self.found}
                handin.write(self.path, json.dumps({"schema": STATE, "results": self.found}) + "\n")
