"""A control group for the processes of a box: how many they may be, and how much memory they may
have together.

    with group(processes=64, memory=2 << 30) as limits:     # None: this host lets us have none
        limits.take(pid)

Limits of single processes (rlimit) do not hold a program that starts many. Linux has groups in two
versions; which controllers may be used depends on how the system was set up and on who asks. So it
is tried: a group in each hierarchy in which this process is, with each limit that it takes. Without
the right to make one, which is usual for who is not root, there is none, and the watch of
sandbox.py, which looks only now and then, must do.
"""
import contextlib
import itertools
import os
import signal
import time

MOUNTS, OWN = "/proc/self/mountinfo", "/proc/self/cgroup"
SECONDS = 5                     # that the last process of a group gets to end
number = itertools.count()


def unescaped(path):
    """A path of mountinfo as it is: blanks are written as \\040 there."""
    return path.replace("\\040", " ")


def places():
    """{controller: the folder of the group in which this process is}; a controller of version 2 has
    the name "unified"."""
    mounted, found = {}, {}
    with open(MOUNTS, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            about, _, kind = line.partition(" - ")
            root, point = map(unescaped, about.split()[3:5])
            name, _, options = kind.split()[:3]
            for controller in options.split(",") if name == "cgroup" else \
                    ["unified"] * (name == "cgroup2"):
                mounted[controller] = root, point
    with open(OWN, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            for controller in controllers.split(",") if controllers else ["unified"]:
                root, point = mounted.get(controller, ("", ""))
                if point:
                    below = os.path.relpath(path, root)
                    inside = "" if below.startswith("..") else below
                    found[controller] = os.path.normpath(os.path.join(point, inside))
    return found


def put(path, value):
    """Write a value into a file of a group; False if this host refuses it."""
    try:
        with open(path, "w") as file:
            file.write(str(value))
        return True
    except OSError:
        return False


class Group:
    """The groups of one box, one in each hierarchy that takes a limit."""

    def __init__(self, folders):
        self.folders = folders

    def take(self, pid):
        """Put a process into it; what the process starts afterwards is in it too."""
        for folder in self.folders:
            put(os.path.join(folder, "cgroup.procs"), pid)

    def members(self):
        """The numbers of the processes in it."""
        found = set()
        for folder in self.folders:
            with contextlib.suppress(OSError), open(os.path.join(folder, "cgroup.procs")) as file:
                found.update(map(int, file.read().split()))
        return found

    def end(self):
        """End all processes that are left in it, and remove it."""
        until = time.monotonic() + SECONDS
        while self.members() and time.monotonic() < until:
            for pid in self.members():
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        for folder in self.folders:
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def delegating(folder):
    """The nearest group, from this one upward, that hands pids and memory to groups in it: version
    2 lets no group but the root have both such groups and processes. Else the folder itself."""
    place = folder
    while place != os.path.dirname(place):
        try:
            with open(os.path.join(place, "cgroup.subtree_control")) as file:
                if {"pids", "memory"} <= set(file.read().split()):
                    return place
        except OSError:
            break               # above the mounted tree
        place = os.path.dirname(place)
    return folder


def limited(place, name, limits):
    """Make the group `name` in the group `place` with these limits, {file: value}; its folder, or
    None if this host refuses the group or its first limit."""
    folder = os.path.join(place, name)
    try:
        os.mkdir(folder)
    except OSError:
        return None
    done = [put(os.path.join(folder, file), value) for file, value in limits.items()]
    if not done[0]:
        os.rmdir(folder)
        return None
    return folder


def make(processes, memory):
    """A Group with these limits, or None. Memory is limited together with swap where that is
    counted, or it would only become slow."""
    try:
        where = places()
    except OSError:
        return None
    name = "rvlab-%d-%d" % (os.getpid(), next(number))
    tried = [("pids", {"pids.max": processes}),
             ("memory", {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory})]
    folders = [limited(where[controller], name, limits) for controller, limits in tried
               if controller in where]
    if "unified" in where and not any(folders):
        put(os.path.join(where["unified"], "cgroup.subtree_control"), "+pids +memory")
        folders = [limited(delegating(where["unified"]), name, {
            "pids.max": processes, "memory.max": memory, "memory.swap.max": 0})]
    folders = list(filter(None, folders))
    return Group(folders) if folders else None


@contextlib.contextmanager
def group(processes, memory):
    """A Group as long as this lasts; None if this host lets us have none."""
    made = make(processes, memory)
    try:
        yield made
    finally:
        if made:
            made.end()
