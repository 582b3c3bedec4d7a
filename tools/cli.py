"""How a tool ends: by itself, by a signal, without a reader, or by an error that its user can mend.
Each has an exit status and a line that says so; none shows a traceback."""
import errno
import os
import shutil
import signal
import sys

ENDED, FAILED, INTERRUPTED = 1, 2, 130


class Interrupted(BaseException):
    """The user, or who started this, wants an end. It is no error of a hand-in or a test."""


def interrupt(number, frame):
    raise Interrupted()


def any_letters():
    """A terminal may know fewer letters than a name or a program's output has: the others become
    question marks there, and no reason to stop."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def words_of(error):
    """What to say of an OSError: the file where it went wrong, and how."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        source, target, why = error.args[0][0]      # of a tree that was copied: each failure
        return "%s: %s" % (target, str(why).split("] ")[-1].split(": '")[0])
    # A copy names the file that was read first; a full disk is the other one's.
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    path = error.filename2 if is_full and error.filename2 else error.filename
    return "%s: %s" % (path, error.strerror) if path else error


def run(name, body, errors=()):
    """The exit status for a tool of this name: what body() returns if it comes to its end. Of the
    exceptions `errors` the text is for the user."""
    any_letters()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        return body()
    except Interrupted:
        print("\n%s: interrupted" % name, file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return ENDED
    except errors as error:
        words = error
    except OSError as error:
        words = words_of(error)
    sys.stdout.flush()
    print("%s: %s" % (name, words), file=sys.stderr)
    return FAILED
