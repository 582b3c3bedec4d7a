"""The file of `tools/lab grade --resume`: results, by the digest of all that each depends on.

A grading of a whole course takes hours. What it has found is saved after each hand-in, so that the
same command goes on after an interruption, and a hand-in that is graded again is not tested again.
The digest is that of marks.Work: the version of the reference, the policy, and the texts.

Several gradings may use one file at the same time: each adds what it has found to what is there,
under a lock. The file is read as data of a stranger, so a damaged one is refused, and never
changed. A disk that is full does not end a grading: its marks are written at its end in any case.
"""
import contextlib
import fcntl
import json
import os
import sys

from exercise import entries, handin, incoming

STATE = "rvlab/state/v1"
MAX_BYTES = 1 << 30
MAX_RESULTS = 1 << 20
DIGEST = "[0-9a-f]{64}"


class StateError(Exception):
    """The file cannot be used; the text is for the teacher."""


@contextlib.contextmanager
def locked(path):
    """As long as this lasts the file is locked, and it exists. A grading that saves puts another
    file in its place; so the lock counts only if the locked file is still the one of that name."""
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
    """{digest: result} of the file. An empty file is a new one; StateError if it cannot be used."""
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
            entries.check(result)
        return results
    except incoming.BadValue as error:
        raise StateError("%s is no file of --resume, or is damaged: %s. It stays as it is: name "
                         "another file, or remove it" % (path, error)) from None


class Results:
    """The results {digest: result} in `found`, kept in a file if a path is given."""

    def __init__(self, path):
        self.path, self.found, self.failed = path, {}, False
        if path:
            with locked(path):
                self.found = read(path)

    def add(self, digest, result):
        """Keep a result. An error is told once, and does not end the grading."""
        self.found[digest] = result
        try:
            self.save()
        except (OSError, StateError, handin.HandinError) as error:
            if not self.failed:
                print("results are not kept for --resume: %s" % error, file=sys.stderr)
            self.failed = True

    def save(self):
        """Write all results, together with those that other gradings have saved. The old file stays
        until the new one is whole."""
        if self.path:
            with locked(self.path):
                self.found = {**read(self.path), **self.found}
                handin.write(self.path, json.dumps({"schema": STATE, "results": self.found}) + "\n")
