"""make gdbserver: a machine that waits for an editor's debugger, or for any gdb, on a local port.

    gdbserver.py [--port 1234]      and the options of debug.py, except --commands and --console

The machine is made and started as make debug does it (debug.Session), and waits before its first
instruction; with --replay it is the recorded run of a test. What the debugger says on the port is
copied to the machine's own socket, and back. Only 127.0.0.1 is listened at, because anybody who
connects can do everything with the machine. One debugger is served; when it goes the machine ends.
"""
import select
import socket
import sys

import cli
import debug
import scratch
from gdbstub import StubError
from grader.disk import DiskError
from grader.image import ImageError
from labs import catalogue
from recording import RecordError

HOST, PORT = "127.0.0.1", 1234


def port_of(words):
    """(the port, the other words) of a command line."""
    if "--port" not in words:
        return PORT, words
    place = words.index("--port")
    text = (words[place + 1:] or [""])[0]
    if not text.isdigit() or int(text) > 65535:
        raise debug.Ended("--port %s: give a number from 0 to 65535; 0 takes any" % text)
    return int(text), words[:place] + words[place + 2:]


def listen(port):
    """A socket that listens at this port of this host only."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        raise debug.Ended("port %d: %s; PORT= chooses another" % (port, error.strerror))
    listener.listen(1)
    return listener


def copy(first, second):
    """Copy between two sockets until one of them ends."""
    other = {first: second, second: first}
    while True:
        for ready in select.select(list(other), [], [])[0]:
            try:
                data = ready.recv(1 << 16)
                if not data:
                    return
                other[ready].sendall(data)
            except OSError:
                return


def serve(options, port, folder):
    """Start the machine, say where it waits, and serve one debugger."""
    with listen(port) as listener:
        session = debug.Session(options, folder)
        try:
            path, _ = (session.replay if options.replay else session.live)() if session.test \
                else session.interactive()
            print("gdbserver: %s waits at %s:%d; in gdb: file %s, then target remote :%d" % (
                options.test or session.program, HOST, listener.getsockname()[1],
                session.host.kernel, listener.getsockname()[1]), flush=True)
            with listener.accept()[0] as client, socket.socket(socket.AF_UNIX) as machine:
                machine.connect(path)
                copy(client, machine)
        finally:
            if session.machine:
                session.machine.kill()
                session.machine.wait()
    return 0


def main():
    try:
        port, sys.argv[1:] = port_of(sys.argv[1:])
        options = debug.arguments()
        with scratch.folder("gdbserver") as folder:
            return serve(options, port, folder)
    except (debug.Ended, catalogue.LabError, DiskError, ImageError, RecordError,
            StubError) as problem:
        print("gdbserver: %s" % problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(cli.run("gdbserver", main, ()))
