"""How a tool ends: by itself, by a signal, without a reader, or by an error that its user can mend.
Each has an exit status and a line that says so; none shows a traceback."""
import os
import signal
import sys

ENDED, FAILED, INTERRUPTED = 1, 2, 130


class Interrupted(Exception):
    """The user, or who started this, wants an end."""


def interrupt(number, frame):
    raise Interrupted()


def any_letters():
    """A terminal may know fewer letters than a name or a program's output has: the others become
    question marks there, and no reason to stop."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


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
        words = "%s: %s" % (error.filename, error.strerror) if error.filename else error
    sys.stdout.flush()
    print("%s: %s" % (name, words), file=sys.stderr)
    return FAILED
