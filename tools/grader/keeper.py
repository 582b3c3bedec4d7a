"""Holds the processes of a command together, where there is no box that does.

    python3 keeper.py PARENT COMMAND...

A process leaves its group by setsid(), and its parent when that ends: then it is init's child, and
nobody knows any more who has started it. This program is what prctl(2) calls a subreaper: who loses
its parent below it becomes its child. So what the command starts stays below, is counted there by
the Watch of sandbox.py, and is ended when the command ends, or whoever has begun this. The exit
status is the command's, or 128 + N if signal N has ended it.

A user may have as many processes more as there are when the command begins, and MORE: the kernel
keeps that limit between two looks of the Watch, for all users but root. It counts those of other
gradings too, so MORE is much larger than the Watch's own limit.

A program of the same user may kill this one. Therefore the environment has a mark, MARK, and who
has it is found too. Only who does both, kills this and wipes its own environment, is lost, and not
even then where there is a control group (cgroup.py).
"""
import collections
import contextlib
import ctypes
import os
import resource
import signal
import sys
import time

MARK = "RVLAB_BOX"
MORE = 1024                     # enough for many gradings side by side
SECONDS = 10                    # that the last process gets to end
SIGNALS = {signal.SIGTERM, signal.SIGCHLD}
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

# ticks: of CPU time, with those of children that have ended; start: when it began
Stat = collections.namedtuple("Stat", "parent ticks is_dead start threads")


def stat_of(pid):
    """The Stat of a process; None if it has ended. One whose first thread has ended may go on."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            fields = file.read().rpartition(")")[2].split()
        threads = int(fields[17])
        return Stat(int(fields[1]), sum(map(int, fields[11:15])),
                    fields[0] in "ZX" and threads < 2, int(fields[19]), threads)
    except (OSError, ValueError, IndexError):
        return None


def processes():
    """(pid, its Stat) of all processes that this one can see."""
    for name in os.listdir("/proc"):
        stat = stat_of(int(name)) if name.isdigit() else None
        if stat:
            yield int(name), stat


def children_of(pid):
    """The numbers of the children of a process; those only that its first thread has begun or has
    got. Each boot in a box asks for it. Where this host's kernel has no list of children, all
    processes are looked at."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return list(map(int, file.read().split()))
    except OSError:
        return [child for child, stat in processes() if stat.parent == pid]


def has_mark(pid, mark):
    """Is the mark in the environment with which this process has begun?"""
    with contextlib.suppress(OSError):
        with open("/proc/%d/environ" % pid, "rb") as file:
            return b"%s=%s" % (MARK.encode(), mark.encode()) in file.read().split(b"\0")
    return False


def below(root, mark=""):
    """{pid: Stat} of the processes below this one, and below those that have the mark; with these,
    and without `root`."""
    every, children, found = dict(processes()), {}, {}
    for pid, stat in every.items():
        children.setdefault(stat.parent, []).append(pid)
    waiting = children.get(root, []) + [pid for pid in every if mark and has_mark(pid, mark)]
    while waiting:
        pid = waiting.pop()
        if pid not in found and pid != root:
            found[pid] = every[pid]
            waiting += children.get(pid, [])
    return found


def end_below(root, mark=""):
    """End these processes. Is none of them left? Numbers go round, so each is looked at again
    before it is ended."""
    found = below(root, mark)
    for pid, stat in found.items():
        now = stat_of(pid)
        if now and now.start == stat.start:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    return all(stat.is_dead for stat in found.values())


def wait_until(is_done):
    """Wait until is_done() is true, but not for ever: no kill ends who waits for a disk that
    does not answer."""
    until = time.monotonic() + SECONDS
    while not is_done() and time.monotonic() < until:
        time.sleep(0.01)


def end_all(root, mark):
    """End the processes of the keeper `root`, and see that they have ended. It is asked to do that
    itself. Somebody may have stopped it, or ended it: so it is done from here as well."""
    for number in (signal.SIGTERM, signal.SIGCONT):
        with contextlib.suppress(OSError):
            os.kill(root, number)
    wait_until(lambda: getattr(stat_of(root), "is_dead", True))
    wait_until(lambda: end_below(root, mark))


def command_for(command):
    """The words by which a command runs under a keeper."""
    return [sys.executable, "-I", "-S", "-B", os.path.abspath(__file__), str(os.getpid())] + command


def threads():
    """How many threads this user has, as the kernel counts them against a limit of processes."""
    count = 0
    for pid, stat in processes():
        with contextlib.suppress(OSError):
            count += stat.threads * (os.stat("/proc/%d" % pid).st_uid == os.getuid())
    return count


def limit():
    """Let this user have MORE threads than there are now."""
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    may = threads() + MORE
    may = may if hard == resource.RLIM_INFINITY else min(hard, may)
    resource.setrlimit(resource.RLIMIT_NPROC, (may, may))


def begin(command, mask):
    """Be the command, which has the signals that Python and this program have changed as they
    were."""
    for number in (signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        limit()
        os.execvp(command[0], command)
    except (OSError, ValueError) as error:
        os.write(2, ("%s: %s\n" % (command[0], error)).encode())
    finally:
        os._exit(127)


def wait_for(child):
    """Wait for the command, or for SIGTERM: the exit status. Others that end meanwhile have lost
    their parents. Both signals are blocked, so none is lost between a look and a wait."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == child:
            return 128 + (status & 127) if status & 127 else status >> 8
        if pid == 0 and signal.sigwait(SIGNALS) == signal.SIGTERM:
            return 128 + signal.SIGKILL


def reap():
    """End all that is below. Who loses its parent comes here, so it is enough to end the children
    again and again; and only who has no child has nothing below. One that starts another one and
    ends at once, for ever, is hit some time, because nothing is done between a look and a kill."""
    until = time.monotonic() + SECONDS
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < until:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            for pid in children_of(os.getpid()):
                os.kill(pid, signal.SIGKILL)


def main():
    parent, command = int(sys.argv[1]), sys.argv[2:]
    code, mask = 128 + signal.SIGKILL, signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() == parent:
        child = os.fork()
        if child == 0:
            begin(command, mask)
        code = wait_for(child)
    reap()
    return code


if __name__ == "__main__":
    sys.exit(main())
