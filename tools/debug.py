#!/usr/bin/env python3
"""Boot a machine under gdb: with a program, or as a test of the grader boots it.

    debug.py [--prog "NAME ARGS"] [--append "BOOT ARGUMENTS"]   stop at kern_init
    debug.py --test NAME                stop where the test fails
    debug.py --test NAME --replay       the same, and gdb can go backwards from there
    debug.py --test NAME --seed N       the same, with the boot argument chaos=N
    debug.py --console SOCKET           type to a machine, from another terminal

make debug and make replay call it. gdb knows the symbols of the kernel and of one user program
(the one that is started, or the shell), and the commands of gdb_commands.py; gdb_scripts.py has
what it is told first. The machine prints into this terminal, and ends when gdb does. QEMU and gdb
talk over a unix socket in a folder of this run; for a replay recording.Player stands between them.
"""
import argparse
import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

import cli
import gdb_scripts
import scratch
from gdbstub import StubError, connect
from grader import processor
from grader.disk import DiskError
from grader.host import Host
from grader.image import ImageError
from grader.qemu import APPEND_WIDTH
from grader.reports import Console
from grader.watchdog import Watchdog
from labs import catalogue
from tasks import catalogue as tasks
from recording import Player, Recording, RecordError

GDBS = ("gdb-multiarch", "riscv64-unknown-elf-gdb", "riscv64-elf-gdb", "gdb")
TOOLS = os.path.dirname(os.path.abspath(__file__))
SEED_MAX = 999999999            # as in kern/sched/chaos.h
SHOWN_LINES = 30                # so many last lines of a recorded run's console are shown
KEY = bytes(range(1, 17))       # with a key that is not zero the kernel signs its reports


class Ended(Exception):
    """The session cannot begin or go on; the text is for the user."""


class Terminated(Exception):
    """A signal asks for an end."""


def gdb_can(gdb, folder, command):
    """Does this gdb know a command? A script ends at a command that fails, so the word that is
    printed after it tells. What gdb says of a failure, and its exit status, differ from gdb to
    gdb."""
    path = os.path.join(folder, "probe.gdb")
    with open(path, "w", encoding="utf-8") as file:
        file.write("%s\necho rvlab-yes\\n\n" % command)
    result = subprocess.run([gdb, "-nx", "-batch", "-x", path], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return b"rvlab-yes" in result.stdout


def find_gdb(folder):
    """The name of a gdb that is installed and knows RISC-V."""
    for name in GDBS:
        if shutil.which(name) and gdb_can(name, folder, gdb_scripts.ARCHITECTURE):
            return name
    raise Ended("no gdb for RISC-V: run make setup")


def console(path):
    """Copy between this terminal and a machine's console until either ends."""
    link = socket.socket(socket.AF_UNIX)
    try:
        link.connect(path)
        while True:
            ready = select.select([link, sys.stdin], [], [])[0]
            data = link.recv(4096) if link in ready else os.read(sys.stdin.fileno(), 4096)
            if not data:
                return 0
            if link in ready:
                os.write(sys.stdout.fileno(), data)
            else:
                link.sendall(data)
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        raise Ended("no machine at %s: %s" % (path, error.strerror))


def seed(text):
    """The number of a seed, from the command line."""
    if not text.isdecimal() or not 1 <= int(text) <= SEED_MAX:
        raise argparse.ArgumentTypeError("%s: give a number from 1 to %d" % (text, SEED_MAX))
    return int(text)


def arguments():
    parser = argparse.ArgumentParser(description="Boot under gdb.")
    add = parser.add_argument
    add("--objects", default="obj/unknown-elf", help="where the kernel is built; %(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    add("--mem", default="128M", help="of the machine, without a test; %(default)s")
    add("--harts", type=int, default=1, help="of the machine, without a test; %(default)s")
    add("--prog", default="", help="the first program and its arguments, instead of the shell")
    add("--append", default="", help="boot arguments of the kernel")
    add("--disk", default="", metavar="IMAGE", help="a disk; what is written to it is lost")
    add("--test", default="", metavar="NAME", help="boot as for this test, stop where it fails")
    add("--seed", type=seed, metavar="N", help="boot the test with chaos=N; 1, if it has seeds")
    add("--replay", action="store_true", help="record the test, run it forwards and backwards")
    add("--commands", metavar="FILE", help="gdb commands to run instead of a session")
    add("--console", metavar="SOCKET", help="type to a machine that runs")
    options = parser.parse_args()
    if options.replay and not options.test:
        parser.error("--replay needs --test")
    if options.seed and not options.test:
        parser.error("--seed needs --test; a program gets its seed by --append chaos=%d"
                     % options.seed)
    if options.test and (options.prog or options.append or options.disk):
        parser.error("--test says itself what is booted: no --prog, no --append, no --disk")
    return options


class Session:
    """What a machine and its gdb need. Without a test, the options say which machine it is.

    folder     of this run, for sockets and scripts
    test       the test of the grader that is booted, or None
    machine    the QEMU that runs, or the Player of a recording; None before the start
    program    the user program whose symbols gdb gets
    """

    def __init__(self, options, folder):
        self.options, self.folder, self.machine = options, folder, None
        self.test = tasks.find_test(options.test) if options.test else None
        self.host = Host(options.objects, options.qemu, folder)
        self.users = os.path.join(options.objects, "user")
        self.kernel, self.mem, self.harts = self.host.kernel, options.mem, options.harts
        self.append = (options.append + (options.prog and " init=" + options.prog)).strip()
        self.program = (options.prog.split() or ["sh"])[0]
        if self.test:
            self.use_test()
        elif not os.path.exists(os.path.join(self.users, self.program)):
            raise Ended("there is no program %s; user/ has the programs" % self.program)

    def use_test(self):
        """Take the machine from the test; Ended if the test has none that can be run so."""
        test = self.test
        if test.command:
            raise Ended("%s is a check on the host, there is no machine to look into; run: %s" % (
                test.name, " ".join(test.command).replace("@OBJ@", self.options.objects)))
        if self.options.replay and test.harts > 1:
            raise Ended("QEMU can record a machine with one hart, and %s has %d: use make debug"
                        " TEST=%s" % (test.name, test.harts, shlex.quote(test.name)))
        if self.options.replay and test.input:
            raise Ended("QEMU loses what is typed while it records, and %s types: use make debug"
                        " TEST=%s" % (test.name, shlex.quote(test.name)))
        if self.options.seed or test.seeds:
            test = self.test = test.seeded(self.options.seed or 1)
        # As the grader gives them: to read a blank takes instructions too.
        self.mem, self.harts = test.mem, test.harts
        self.append = test.boot_arguments.rjust(APPEND_WIDTH)
        self.program = test.subject if test.prog else "sh"
        self.sign_reports()

    def sign_reports(self):
        """Give a copy of the kernel a key, as the grader does. Signing takes instructions, so the
        run is the same as the graded one only with a key."""
        address = self.host.key_address(self.test)
        if address is not None:
            self.kernel = os.path.join(self.folder, "kernel")
            shutil.copyfile(self.host.kernel, self.kernel)
            with open(self.kernel, "r+b") as file:
                file.seek(self.host.image.file_offset(address))
                file.write(KEY)

    def command(self):
        """The command of the machine, without its console and its gdb stub."""
        # setpriv makes the kernel of this host end QEMU when this process ends, by whatever.
        tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        return tied + [self.options.qemu, "-machine", "virt", "-bios", "default", "-m", self.mem,
                       "-smp", str(self.harts), "-kernel", self.kernel, "-append", self.append,
                       "-display", "none", "-monitor", "none", "-nic", "none"] + \
            processor.options(self.options.qemu, self.test.processor if self.test else "") + \
            self.disk()

    def disk(self):
        """QEMU's options for the machine's disk. A machine under gdb ends in the middle of what it
        does, so only a test's or a copy of an image is its disk."""
        if self.test:
            return ["-initrd", self.host.disk(self.test.disk)] if self.test.disk else []
        return ["-device", "virtio-blk-device,drive=disk", "-drive",
                "id=disk,if=none,format=raw,snapshot=on,file="
                + self.options.disk.replace(",", ",,")] if self.options.disk else []

    def start(self, more, **streams):
        """Start a machine that waits before its first instruction: the path of gdb's socket."""
        path = os.path.join(self.folder, "gdb")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        # QEMU gets a session of its own, because ctrl-C is for gdb.
        self.machine = subprocess.Popen(self.command() + more + [
            "-S", "-chardev", "socket,id=gdb,fd=%d,server=on,wait=off" % listener.fileno(),
            "-gdb", "chardev:gdb"], start_new_session=True, pass_fds=[listener.fileno()], **streams)
        listener.close()
        try:
            connect(path).close()
        except (OSError, StubError):
            raise Ended("QEMU does not start; see above")
        return path

    # -- the three ways to begin: each gives the path of gdb's socket, and gdb's first commands

    def interactive(self):
        """A machine for the user; its console can be typed to by --console."""
        typed = os.path.join(self.folder, "console")
        path = self.start(["-chardev", "socket,id=console,path=%s,server=on,wait=off,"
                           "logfile=/dev/stdout" % typed, "-serial", "chardev:console"],
                          stdin=subprocess.DEVNULL)
        return path, gdb_scripts.INTERACTIVE.format(program=self.program, console=typed)

    def live(self):
        """A machine as the grader runs it: with one hart, time is counted in instructions and a
        watchdog stops it. But it has no sleep=off: with that, QEMU would take a machine that gdb
        has stopped for an idle one, and its time would jump."""
        counted = ["-icount", "shift=%d" % self.test.shift,
                   "-device", "i6300esb,addr=1", "-action", "watchdog=pause"]
        with tempfile.TemporaryFile() as typed:
            typed.write(self.test.input.encode())
            typed.seek(0)
            path = self.start(["-serial", "stdio"] + (counted if self.harts == 1 else []),
                              stdin=typed)
        if self.harts == 1:
            stub = connect(path)
            Watchdog(stub, self.test).arm()
            stub.close()
        return path, self.for_test(gdb_scripts.LIVE)

    def replay(self):
        """The recording of a test: it is made first, and what it printed is shown."""
        recording = Recording(self.folder, self.test, self.command())
        print("Recording %s ..." % self.test.name, flush=True)
        printed = Console(recording.record(), KEY).text.splitlines()
        print("\n".join(printed[-SHOWN_LINES:]), flush=True)
        self.machine = Player(recording)
        threading.Thread(target=self.machine.serve, daemon=True).start()
        return self.machine.path, self.for_test(
            gdb_scripts.REPLAY, "limit" if recording.cut else "end")

    # -- what gdb is told

    def for_test(self, script, end="end"):
        """The script LIVE or REPLAY for this test; only places that its programs have are set."""
        exercise = catalogue.find_exercise(catalogue.load(), self.test.exercise) or next(
            (each for each in tasks.load() if each.number == self.test.task), None)
        title = "%s: %s%s" % (self.test.name, self.test.title, exercise and (
            " (exercise %s: %s)" % (exercise.number, exercise.asks)) or "")
        program = self.host.program(self.test) if self.test.prog else None
        known = set(self.host.image.symbols) | set(program.symbols if program else ())
        return gdb_scripts.for_test(script, title, known, end)

    def script(self, gdb, path, begin):
        """All that gdb is told at its start."""
        symbols = os.path.join(self.users, self.program)
        return gdb_scripts.START.format(
            architecture=gdb_scripts.ARCHITECTURE, kernel=self.host.kernel, socket=path,
            begin=begin, commands="source %s/gdb_commands.py" % TOOLS
            if gdb_can(gdb, self.folder, "python print()") else
            gdb_scripts.PLAIN.format(users=self.users),
            add_symbols="add-symbol-file " + symbols if os.path.exists(symbols) else "")


def run(options, folder):
    """Start the machine and gdb, and end the machine when gdb has ended; gdb's exit status."""
    gdb = find_gdb(folder)
    session = Session(options, folder)
    try:
        begin = (session.replay if options.replay else session.live) if session.test else \
            session.interactive
        path = os.path.join(folder, "start.gdb")
        with open(path, "w", encoding="utf-8") as file:
            file.write(session.script(gdb, *begin()))
        # ctrl-C is for gdb and not for this process. It has a handler that does nothing, because
        # gdb would inherit a signal that is ignored.
        signal.signal(signal.SIGINT, lambda number, frame: None)
        if options.commands:
            return subprocess.call([gdb, "-nx", "-batch", "-x", path, "-x", options.commands,
                                    "-ex", "disconnect"])
        return subprocess.call([gdb, "-q", "-x", path])
    finally:
        if session.machine:
            session.machine.kill()
            session.machine.wait()


def terminate(number, frame):
    """The handler of signals that ask for an end, before gdb runs."""
    raise Terminated()


def main():
    options, terminal = arguments(), None
    if sys.stdin.isatty():
        import termios
        terminal = termios.tcgetattr(sys.stdin)
    cli.any_letters()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, terminate)
    try:
        with scratch.folder("debug") as folder:
            return console(options.console) if options.console else run(options, folder)
    except (Ended, catalogue.LabError, DiskError, ImageError, RecordError, StubError) as problem:
        print("debug: %s" % problem, file=sys.stderr)
        return 1
    except Terminated:
        return 1
    finally:
        if terminal:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, terminal)


if __name__ == "__main__":
    sys.exit(main())
