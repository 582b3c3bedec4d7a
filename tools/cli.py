"""How a tool ends: by itself, by a signal, without a reader, or by an error that its user can mend.

Each tool gives its main function to run(). Every end has an exit status and one line that says so;
none shows a traceback, because a student would take that for a defect of the tool. A traceback is
left to real defects: exceptions that nobody has named.

The exit status is what body() returns; 1 if nobody reads the output any more, 2 after an error,
130 after a signal.
"""
import argparse
import errno
import os
import shutil
import signal
import sys

ENDED, FAILED, INTERRUPTED = 1, 2, 130


class Interrupted(BaseException):
    """A signal asks this process to end. It is no Exception, so that no code which catches the
    errors of a hand-in or a test takes it for one of these."""


def interrupt(number, frame):
    """The handler of the signals that ask for an end."""
    raise Interrupted()


def any_letters():
    """Print question marks for letters that the terminal does not know. A name or a program's
    output may have any letters, and they must not end a tool by an exception."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def measuring(name, description, written):
    """The command line of a tool that measures what is built, read. `written` tells what --write
    does."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--objects", default="obj/unknown-elf", help="where the kernel is")
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    parser.add_argument("--write", action="store_true", help=written)
    options = parser.parse_args()
    need_machine(name, options.objects, options.qemu)
    return options


def need_machine(name, objects, qemu):
    """End the tool `name` with a sentence if there is no kernel in `objects`, or no QEMU."""
    if not os.path.exists(objects + "/kernel"):
        sys.exit("%s: %s/kernel is not there: run make" % (name, objects))
    if not shutil.which(qemu):
        sys.exit("%s: %s is missing: run make setup" % (name, qemu))


def words_of(error):
    """What to say of an OSError: the file that failed, and why."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        source, target, why = error.args[0][0]      # shutil.copytree() lists all failures
        return "%s: %s" % (target, str(why).split("] ")[-1].split(": '")[0])
    # An error of a copy names the file that was read first. If the disk is full, the other file is
    # the one to tell.
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    path = error.filename2 if is_full and error.filename2 else error.filename
    path = os.fsdecode(path) if isinstance(path, bytes) else path
    return "%s: %s" % (path, error.strerror) if path else error


def tell(errors, summary):
    """How a check of the tree ends: each error in a line of its own, "path:line: what", then the
    summary. The exit status: 1 if there are errors."""
    for error in errors:
        print(error)
    print(summary)
    return 1 if errors else 0


def run(name, body, errors=()):
    """Call body() for the tool `name`, and return its exit status. `errors` are the classes of
    exceptions whose text is for the user; an OSError is told in the same way."""
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
