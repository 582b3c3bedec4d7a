"""QEMU as a process: one virtual machine is started, looked after and ended.

The machine's memory is a file that this process maps too, its console is a file that is read at
leisure, and its harts stand still until the gdb stub lets them run. The host is asked for limits of
CPU time and output, so that no machine lasts for ever, whatever happens to this process. Nothing
here knows what a test is about: machine.py drives the machine, and this module says what the host
knows of the process.
"""
import mmap
import os
import resource
import socket
import subprocess
import tempfile

from gdbstub import Stub, StubError
from grader import processor, watchdog
from grader.memory import Memory
from grader.sandbox import Box

OWN_ROOM = 8 << 30          # bytes of addresses that QEMU has beside the machine's memory
MAX_OUTPUT = 1 << 20        # so many bytes at most may come to the console
APPEND_WIDTH = 160          # blanks fill it up: the device tree takes the same room in all machines


class SetupError(Exception):
    """The host cannot run the machine; the text says why and what to do."""


def bytes_of(size):
    """The bytes of a size like "128M" or "8G"."""
    return int(size[:-1]) << {"M": 20, "G": 30}[size[-1]]


def memory_file(size=0):
    """The descriptor of a new file without a name; it is in memory if the system has such files."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("rvlab")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


def host_lacks():
    """A sentence about what machines need of this host and cannot have; None if nothing is
    missing."""
    try:
        file = memory_file()
    except OSError as error:
        return "there is no room for a machine's memory: %s" % error.strerror
    try:
        os.close(os.open("/dev/fd/%d" % file, os.O_RDWR))
    except OSError as error:
        return "/dev/fd/%d cannot be opened (%s): is /proc mounted?" % (file, error.strerror)
    finally:
        os.close(file)
    return None


class Qemu:
    """The process of a machine for a test. start() must come first; it may fail half-way, and end()
    tidies up in each case.

    stub     the gdbstub.Stub by which the machine is driven; None before start()
    memory   the grader.memory.Memory of the machine; None before start()
    seconds  the CPU time that it had, when it has ended
    status   its exit status then; if a signal has ended it, minus the signal's number
    """

    def __init__(self, test, host):
        self.test, self.host = test, host
        self.box = self.pid = self.log = self.stub = self.memory = self.status = None
        self.seconds, self.disk = 0.0, []       # disk: QEMU's options for it

    def command(self, ram, gdb):
        """The command line, for the descriptors of the memory's file and of the stub's socket."""
        test = self.test
        command = [
            self.host.qemu, "-machine", "virt,memory-backend=ram", "-bios", "default",
            "-object", "memory-backend-file,id=ram,size=%s,mem-path=/dev/fd/%d,share=on"
            % (test.mem, ram), "-m", test.mem, "-smp", str(test.harts),
            "-kernel", self.host.kernel, "-append", test.boot_arguments.rjust(APPEND_WIDTH),
            "-display", "none", "-monitor", "none", "-nic", "none", "-serial", "stdio", "-S",
            "-chardev", "socket,id=gdb,fd=%d" % gdb, "-gdb", "chardev:gdb"]
        command += self.disk + processor.options(self.host.qemu, test.processor)
        if test.harts == 1:
            command += ["-icount", "shift=%d,sleep=off" % test.shift] + watchdog.DEVICE
            command += watchdog.BEAT if test.input else []
        return command

    def start(self):
        """Start QEMU; the machine stands before its first instruction. SetupError if QEMU does not
        start."""
        size = bytes_of(self.test.mem)
        if self.test.disk:                  # made first: that may fail
            self.disk = ["-initrd", self.host.disk(self.test.disk)]
        ram = memory_file(size)
        ours, theirs = socket.socketpair()
        self.log = os.fdopen(memory_file(), "w+b")
        with os.fdopen(memory_file(), "w+b") as typed:
            typed.write(self.test.input.encode())
            typed.seek(0)
            readable = [os.path.realpath(path) for path in (self.host.objects, self.host.folder)]
            self.box = Box(
                self.command(ram, theirs.fileno()), os.getcwd(), self.host.boxed,
                readable=readable, stdin=typed, stdout=self.log, stderr=subprocess.STDOUT,
                pass_fds=(ram, theirs.fileno()))
        theirs.close()
        self.memory = Memory(mmap.mmap(ram, size), self.host.image)
        os.close(ram)
        try:
            self.stub = Stub(ours)
        except StubError:
            raise SetupError("QEMU does not start: " + self.last_line())
        self.pid = self.box.pid()           # it is there now, and its harts stand still
        self.limit(resource.RLIMIT_CPU, 10 * self.test.cpu)
        self.limit(resource.RLIMIT_FSIZE, MAX_OUTPUT)
        self.limit(resource.RLIMIT_AS, size + OWN_ROOM)
        self.limit(resource.RLIMIT_CORE, 0)

    def limit(self, what, value):
        """Set a limit of the process, if this system can."""
        if hasattr(resource, "prlimit"):
            resource.prlimit(self.pid, what, (value, value))

    def printed(self):
        """The bytes of its console so far."""
        # seek() would not do: QEMU writes at this file's position, which both processes share.
        return os.pread(self.log.fileno(), MAX_OUTPUT, 0)

    def last_line(self):
        """The last line that QEMU has printed, which says why it does not start."""
        lines = self.printed().decode("utf-8", "replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it says nothing")

    def has_flooded(self):
        """Has the machine printed too much? The host may end QEMU for it before the stub
        answers."""
        return os.fstat(self.log.fileno()).st_size >= MAX_OUTPUT

    def is_busy(self):
        """Does one of its threads run, or would it if the host had a free processor?"""
        try:
            for thread in os.listdir("/proc/%d/task" % self.pid):
                with open("/proc/%d/task/%s/stat" % (self.pid, thread)) as file:
                    if file.read().rpartition(")")[2].split()[0] in "RD":
                        return True
            return False
        except OSError:
            return True             # it has just ended, or this host has no /proc

    def cpu_seconds(self):
        """The CPU time that the process has had so far."""
        try:
            with open("/proc/%d/stat" % self.pid) as file:
                fields = file.read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError):
            return 0.0              # the kernel's limit of CPU time still holds

    def end(self):
        """Kill the process, if it still runs, and give back all that it had. The result is the
        bytes of its whole console, or None if it never ran."""
        console = None
        if self.box:
            # wait() does not tell it of a box; without a number it has not started
            used = self.cpu_seconds() if self.pid else 0.0
            self.box.kill()
            self.status, self.seconds = self.box.wait()
            self.seconds = max(self.seconds, used)
            console = self.printed()
            self.log.close()
        if self.stub:
            self.stub.close()
        if self.memory:
            self.memory.close()
        return console
