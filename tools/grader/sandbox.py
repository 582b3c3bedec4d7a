"""A box for what a student's text becomes: the compiler that reads it, the machine that runs it.

    ended = run(command, folder, limits)        a command in a box, to its end
    box = Box(command, folder, ...)             one that runs beside us, as QEMU does

In the box there is no network and no other process; of the files there are the system's tools, to
read, and one folder, to write. It is made by bubblewrap (bwrap). Where that is missing, or the
system forbids it (Docker and some versions of Ubuntu allow no user namespaces), the command runs
without: why_not() is the sentence for the report, and the limits that need no box still hold. A
command of run() has a keeper then, by which all that it starts is found (keeper.py).

Limits are of each process (rlimit), of all together where this host lets us have a control group
(cgroup.py), and of all together by a Watch, which looks some times a second and ends the box if it
goes beyond one. The Watch counts what the host's kernel says of the processes, so no verdict
depends on the clock on the wall.
"""
import collections
import contextlib
import functools
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import scratch
from grader import cgroup, keeper
from grader.keeper import children_of, stat_of

TOOL = "bwrap"
# What a compiler and QEMU need of the system, besides /usr: links into it or folders, and the
# tables by which names of tools and libraries are found.
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_TOOLS = ("/usr/", "/bin", "/sbin")
# Tools that need something beside the folder in which they are, and the folders where they look:
# a cross compiler has one with the name of what it compiles for. Of `share` it is QEMU's part only:
# beside ~/.local/bin many programs have their data of the user there.
TOOL_NAMES = re.compile(r"(riscv|clang|ld\.lld|llvm-|qemu-system-riscv|python3)")
BESIDE = re.compile(r"lib(32|64)?|libexec|include|(riscv|%s-).*" % os.uname().machine)
FIRMWARE = "share/qemu"
TABLES = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
WATCH_SECONDS = 0.2
ALL = 1 << 40                   # more files than there are
DEEPEST = 64                    # folders in folders
WATCH_SHARE = 20                # a look takes at most one in so many seconds of CPU time

# cpu        seconds of CPU time, of each process
# total      seconds of CPU time of all together, with those that have ended
# memory     bytes of address space of each process; together: of memory of all
# file       bytes of a file; room: of all files in the folder together
# files      files and folders in the folder, more than there were
# processes  at a time
# output     bytes that are read of what it prints
Limits = collections.namedtuple("Limits",
                                "cpu total memory together file room files processes output")
# status is that of the command; why is "" or the sentence that says which limit has ended it
Ended = collections.namedtuple("Ended", "status output why")


def system_folders():
    """bwrap's options for the system's tools, all read only."""
    options = ["--ro-bind", "/usr", "/usr"]
    for path in SYSTEM:
        if os.path.islink(path):
            options += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            options += ["--ro-bind", path, path]
    for path in TABLES:
        options += ["--ro-bind-try", path, path]
    return options


def path_of_tools():
    """PATH in the box: with the folder of this Python. The one that is called may be a script which
    looks for this one in places that the box does not have, as that of pyenv does."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath),
                            os.path.dirname(os.path.realpath(sys.executable))])


def tool_folders():
    """The folders of PATH that are not the system's: a compiler may be installed in one. Of what
    lies beside such a folder only that is meant which such a compiler, QEMU or Python needs, and
    nothing of the user's home: there is more that is nobody's business."""
    found = []
    for folder in path_of_tools().split(os.pathsep):
        folder = os.path.realpath(folder or ".")
        place, name = os.path.split(folder)
        if name != "bin" or not os.path.isdir(folder) or place == "/" \
                or folder.startswith(SYSTEM_TOOLS):
            continue
        found.append(folder)
        if any(map(TOOL_NAMES.match, os.listdir(folder))) \
                and place != os.path.realpath(os.path.expanduser("~")):
            found += [os.path.join(place, each) for each in os.listdir(place) + [FIRMWARE]
                      if (each == FIRMWARE or BESIDE.fullmatch(each))
                      and os.path.isdir(os.path.join(place, each))]
    return found


def options_for(folder, writable, readable):
    """bwrap's options for a box that may write below these folders, and read those."""
    options = [TOOL, "--unshare-all", "--die-with-parent", "--cap-drop", "ALL"] + system_folders()
    for path in sorted(set(readable) | set(tool_folders())):
        options += ["--ro-bind", path, path]
    for path in writable:
        options += ["--bind", path, path]
    return options + ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev",
                      "--dir", folder, "--remount-ro", "/", "--chdir", folder]


@functools.lru_cache(maxsize=None)
def why_not():
    """Why this host has no box; "" if it has one. It is tried once."""
    if shutil.which(TOOL) is None:
        return "no sandbox: bubblewrap is not installed (make setup TEACHER=1 installs it)"
    try:
        result = subprocess.run(options_for("/", (), ()) + ["true"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        return "no sandbox: %s cannot be run: %s" % (TOOL, error.strerror)
    if result.returncode == 0:
        return ""
    said = result.stdout.decode("utf-8", "replace").strip().split("\n")[-1]
    return "no sandbox: this system forbids it (%s)" % said


class Box:
    """A command that runs in a box, or without one if it is not `wanted` or this host has none.

    process  the Popen of what was started: bwrap, a keeper, or the command itself
    leader   the number of the first process of the box, or of the keeper
    mark     what is in the environment of all that a keeper has; "" if there is none
    """

    def __init__(self, command, folder, wanted, writable=(), readable=(), pass_fds=(), kept=False,
                 **popen):
        self.boxed = wanted and not why_not()
        self.found, self.mark = None, ""
        inform = answer = None
        if self.boxed:
            answer, inform = os.pipe()
            os.set_inheritable(inform, True)
            command = options_for(folder, writable, readable) + [
                "--info-fd", str(inform), "--"] + command
            pass_fds = tuple(pass_fds) + (inform,)
        elif kept:
            self.mark = os.urandom(16).hex()
            popen["env"] = dict(popen.get("env") or os.environ, **{keeper.MARK: self.mark})
            command = keeper.command_for(command)
        elif shutil.which("setpriv"):           # it ends with this process, whatever ends that
            command = ["setpriv", "--pdeathsig", "KILL"] + command
        # A session of its own: ctrl-C comes to this process only, and no terminal is in reach.
        self.process = subprocess.Popen(command, cwd=folder, pass_fds=pass_fds,
                                        start_new_session=True, **popen)
        self.leader = self.process.pid
        if self.boxed:
            os.close(inform)
            with os.fdopen(answer, "rb") as file:
                said = file.read()              # bwrap closes it before the command begins
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self.leader = json.loads(said.decode())["child-pid"]
        self.begun = getattr(stat_of(self.leader), "start", None)

    @property
    def has_failed(self):
        """Was there no box? Then the command has not begun, and that is this host's fault."""
        return self.boxed and self.leader == self.process.pid

    def pid(self):
        """The number of the command's own process: the child of the first one. 0 if it has ended,
        or has not begun."""
        if not (self.boxed or self.mark):
            return self.process.pid
        if not self.found:
            self.found = (children_of(self.leader) or [0])[0]
        return self.found

    def wait(self):
        """Wait for its end: (its status, CPU seconds of all its processes). If a signal has ended
        the command, the status is minus the signal's number. Of a box the seconds are those of
        bwrap alone, which does not wait for what is in there."""
        _, status, usage = os.wait4(self.process.pid, 0)
        code = -(status & 127) or status >> 8
        if (self.boxed or self.mark) and code > 128:    # so bwrap and a keeper tell of a signal
            code = 128 - code
        self.process.returncode = code
        return code, usage.ru_utime + usage.ru_stime

    def kill(self):
        """End all processes of it. A box goes with its first process. That one is no child of ours:
        when it has ended, its number may be another process's at once, so it is looked at first.
        Our own child keeps its number until wait(). A keeper goes last: as long as it is there,
        nobody can leave it. The first process of a box has ended when all others there have, which
        may be after bwrap."""
        if self.mark:
            keeper.end_all(self.leader, self.mark)
        if self.leader == self.process.pid:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
        elif getattr(stat_of(self.leader), "parent", 0) == self.process.pid:
            with contextlib.suppress(OSError):
                os.kill(self.leader, signal.SIGKILL)
        if self.boxed and not self.has_failed:
            keeper.wait_until(lambda: self.is_gone)

    @property
    def is_gone(self):
        """Has the first process of the box ended?"""
        now = stat_of(self.leader)
        return now is None or now.start != self.begun or now.is_dead


def room_of(folders, most=ALL):
    """(the bytes that all below these folders takes on the disk, how many files and folders that
    are, whether some are too deep). No more than `most` are counted, and nobody who makes one in
    another keeps this at work for ever."""
    room = count = 0
    waiting, is_deep = [(folder, 0) for folder in folders], False
    while waiting and count <= most and not is_deep:
        place, depth = waiting.pop()
        is_deep = depth > DEEPEST
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for entry in itertools.islice(entries, most + 1 - count):
                count += 1
                with contextlib.suppress(OSError):
                    room += 512 * entry.stat(follow_symlinks=False).st_blocks
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))
    return room, count, is_deep


class Watch(threading.Thread):
    """Looks at a Box some times a second, and ends it if it goes beyond a limit of all together.

    why  "" or the sentence that says so
    """

    def __init__(self, box, limits, folders):
        super().__init__(daemon=True)
        self.box, self.limits, self.folders, self.why = box, limits, folders, ""
        self.before, self.count, _ = room_of(folders)
        self.ended = threading.Event()

    def inside(self):
        """(how many processes are in the box, their CPU seconds)."""
        found = list(keeper.below(self.box.leader).values())
        found += filter(None, [stat_of(self.box.leader)])
        return len(found), sum(stat.ticks for stat in found) / os.sysconf("SC_CLK_TCK")

    def look(self):
        """The sentence about the first limit that is passed, or ""."""
        count, seconds = self.inside()
        if count > self.limits.processes:
            return "it started more than %d processes" % self.limits.processes
        if seconds > self.limits.total:
            return "it took more than %d seconds of CPU time" % self.limits.total
        most = self.count + self.limits.files
        room, count, is_deep = room_of(self.folders, most)
        if room - self.before > self.limits.room:
            return "it wrote more than %d MiB" % (self.limits.room >> 20)
        if count > most:
            return "it made more than %d files" % self.limits.files
        if is_deep:
            return "it made folders in folders, more than %d" % DEEPEST
        return ""

    def run(self):
        pause = WATCH_SECONDS
        while not self.ended.wait(pause):
            began = time.thread_time()
            self.why = self.look()
            if self.why:
                self.box.kill()
                return
            # A built tree has thousands of files, and a look at each of them takes 20 ms.
            pause = max(WATCH_SECONDS, WATCH_SHARE * (time.thread_time() - began))

    def stop(self):
        """End the watch."""
        self.ended.set()
        self.join()


def limited(command, limits):
    """The command with the limits of each process; those that it starts inherit them. It begins
    when its standard input ends."""
    return ["sh", "-c", "read -r _; ulimit -t %d; ulimit -v %d; ulimit -f %d; ulimit -c 0; "
            "exec \"$@\" </dev/null" % (limits.cpu, limits.memory >> 10, limits.file >> 9),
            "sh"] + command


def run(command, folder, limits, environment):
    """Run a command in `folder`, all of which it may write, to its end. The result is Ended; no
    process of it is left. OSError if this host makes no box now, though it made one before."""
    with scratch.folder("box") as own, tempfile.TemporaryFile() as said, \
            cgroup.group(limits.processes, limits.together) as together:
        writable = (folder, own)
        box = Box(limited(command, limits), folder, True, writable, kept=True,
                  stdin=subprocess.PIPE, stdout=said, stderr=subprocess.STDOUT,
                  env=dict(environment, TMPDIR=own, PATH=path_of_tools()))
        if together:            # what a process has started before does not follow it
            together.take(box.leader)
            if box.pid():
                together.take(box.pid())
        box.process.stdin.close()
        watch = Watch(box, limits, writable)
        watch.start()
        try:
            os.waitid(os.P_PID, box.process.pid, os.WEXITED | os.WNOWAIT)
        finally:                # no process of it goes on, even if an exception ends this wait
            watch.stop()
            box.kill()
            status, _ = box.wait()
        said.seek(0)
        output = said.read(limits.output).decode("utf-8", "replace")
    if box.has_failed:
        raise OSError("the sandbox does not start: %s" % output.strip()[-200:])
    return Ended(status, output, watch.why)
