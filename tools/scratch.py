"""Folders for a while, and those of runs that nobody could end tidily.

    with scratch.folder("grade") as path:

A run that is killed leaves its folder behind. So each folder has a file that is locked as long as
a process of its run lives; who makes a folder looks at the others first, and removes those of this
user that nobody holds. A folder without such a file is not ours, or not ready: it stays.
"""
import contextlib
import fcntl
import os
import shutil
import tempfile

PREFIX = "rvlab-"
LOCK = ".in-use"


def held(path):
    """A descriptor of the locked file at this path; None where another process holds it."""
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
            continue                    # without a lock, or just removed by its own run
        if descriptor is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(descriptor)


@contextlib.contextmanager
def folder(name):
    """The path of a new folder, which is removed at the end, or by the next run after a kill. The
    processes that this one forks hold it too."""
    with contextlib.suppress(OSError):
        remove_dead()
    path = tempfile.mkdtemp(prefix=PREFIX + name + "-")
    descriptor = None
    try:
        # Locked under another name first: nobody finds it before it is held.
        new = os.path.join(path, LOCK + ".new")
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.rename(new, os.path.join(path, LOCK))
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)
