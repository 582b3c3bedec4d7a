"""Temporary folders, and the removal of those that a killed run has left behind.

    with scratch.folder("grade") as path:

A run that is killed cannot remove its folder, and a course's grading would fill the disk with them.
So each folder has a file that is locked as long as a process of its run lives. A run that makes a
folder looks at the others first: it removes those of this user whose file nobody holds. A folder
without such a file is not ours, or not ready yet, and stays.
"""
import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile

PREFIX = "rvlab-"
LOCK = ".in-use"


def remove(path):
    """Remove a folder with all that is in it. One with more folders in folders than Python can go
    through is left to a command."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        subprocess.run(["rm", "-rf", "--", path], stderr=subprocess.DEVNULL)


def held(path):
    """Lock the file at this path: a descriptor, or None if another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor
    except OSError:
        os.close(descriptor)
        return None


def remove_dead():
    """Remove the folders of runs that have died."""
    top = tempfile.gettempdir()
    for name in os.listdir(top):
        path = os.path.join(top, name)
        try:
            if not name.startswith(PREFIX) or os.path.islink(path) \
                    or os.lstat(path).st_uid != os.getuid():
                continue
            descriptor = held(os.path.join(path, LOCK))
        except OSError:
            continue                    # it has no lock, or its own run has just removed it
        if descriptor is not None:
            remove(path)
            os.close(descriptor)


@contextlib.contextmanager
def folder(name):
    """The path of a new folder. It is removed at the end, or by the next run if this one is killed.
    Processes that this one forks hold it too, so it stays until they have ended."""
    with contextlib.suppress(OSError):
        remove_dead()
    path = tempfile.mkdtemp(prefix=PREFIX + name + "-")
    descriptor = None
    try:
        # The file is locked under another name first, so that nobody finds it unlocked.
        new = os.path.join(path, LOCK + ".new")
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.rename(new, os.path.join(path, LOCK))
        yield path
    finally:
        remove(path)
        if descriptor is not None:
            os.close(descriptor)
