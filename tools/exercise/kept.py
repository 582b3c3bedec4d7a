"""The reference, built once and kept for all later gradings: obj/kept/TOOLCHAIN of its tree.

    toolchain = prepare(ROOT, os.path.join(folder, "pristine"), "unknown-elf", jobs)

What is kept is a copy of the tree's sources, with the objects that make has made of this copy. No
object of a hand-in ever gets there, because those are compiled in workshops, which are copies of
the copy. A file beside it, TOOLCHAIN.json, tells what it was made of: the content of each source,
whatever its time; the tools with their options; and the state of each file that came out. If
sources of the tree have changed they are copied anew, and make does the rest. If anything else is
not as the file tells, or a grading was interrupted meanwhile, all of it is built anew.

A reader holds a shared lock, and a process that changes it the only one, so gradings at the same
time wait for one build. What a reader takes away are links to these files: so 90 MB need not be
copied, and no file that is kept is ever written to again. If the tree cannot be written, the
reference is built in the grading's own folder.
"""
import contextlib
import fcntl
import glob
import hashlib
import json
import os
import re
import shutil
import time

import scratch
from exercise import workshop

FOLDER = os.path.join("obj", "kept")
TOOL = re.compile(r"^\w+ *:= *([^-\s]\S*)", re.M)      # a tool that config.mk names, and no option


def probe(root, name):
    """(toolchain, the text of its config.mk) of the compiler that is asked for, or of the first one
    that is installed. Nothing is written into the tree, which may be read only."""
    with scratch.folder("probe") as folder:
        for source in workshop.SOURCES:
            os.symlink(os.path.join(os.path.realpath(root), source), os.path.join(folder, source))
        known = glob.glob(os.path.join(root, "obj", "*", "config.mk"))
        for path in known + glob.glob(os.path.join(root, FOLDER, "*", "obj", "*", "config.mk")):
            toolchain = os.path.basename(os.path.dirname(path))
            os.makedirs(os.path.join(folder, "obj", toolchain), exist_ok=True)
            shutil.copy(path, os.path.join(folder, "obj", toolchain))   # so it is no news to tell
        toolchain = workshop.toolchain_of(folder, name)
        with open(os.path.join(folder, "obj", toolchain, "config.mk"), encoding="utf-8") as file:
            return toolchain, file.read()


def contents(root):
    """{path: digest} of all sources of a tree."""
    found = {}
    paths = [name for name in workshop.SOURCES if os.path.isfile(os.path.join(root, name))]
    for top in workshop.SOURCES:
        paths += [os.path.join(top, path) for path in workshop.files(os.path.join(root, top))]
    for path in sorted(paths):
        full = os.path.join(root, path)
        if "/".join(path.split("/", 2)[:2]) in workshop.UNUSED:
            continue
        if os.path.isfile(full):                # the lock of an editor is a link to nothing
            with open(full, "rb") as file:
                found[path] = hashlib.sha256(file.read()).hexdigest()
    return found


def tools_of(config):
    """[config.mk, its tools with size and time]. An update of the system gives a tool another time,
    and then all must be built anew."""
    found = []
    for name in TOOL.findall(config):
        path = os.path.realpath(shutil.which(name) or name)
        if os.path.exists(path):
            found.append([path, os.stat(path).st_size, os.stat(path).st_mtime_ns])
    return [config, found]


def link(source, target):
    """Let a file have one name more. What is on another file system, or somebody else's, is copied:
    a link to that cannot be had."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


class Kept:
    """What is kept for one toolchain.

    folder  the copy of the tree
    about   the file that tells what it was made of
    wanted  the tools and sources that it must have been made of
    """

    def __init__(self, root, toolchain, config):
        self.root, self.toolchain, self.config = root, toolchain, config
        self.folder = os.path.join(root, FOLDER, toolchain)
        self.about = self.folder + ".json"
        self.wanted = {"tools": tools_of(config), "sources": contents(root)}

    def found(self):
        """What the file beside it tells; {} if that is not true, or cannot be read."""
        try:
            with open(self.about, encoding="utf-8") as file:
                told = json.load(file)
            if told["files"] == self.state() and isinstance(told["sources"], dict):
                return told
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass
        return {}

    def state(self):
        """{path: [time, size]} of all files that are kept."""
        return {path: list(state) for path, state in workshop.files(self.folder).items()}

    def is_wanted(self, told):
        """Was it made of the tools and sources that are wanted?"""
        return all(told.get(key) == value for key, value in self.wanted.items())

    @contextlib.contextmanager
    def locked(self, how):
        """Hold the lock, shared or alone. A tree that can only be read can be locked too, if it has
        the file for that."""
        path = self.folder + ".lock"
        try:
            file = open(path, "a")
        except OSError:
            file = open(path)
        with file:
            fcntl.flock(file, how)
            yield

    def copy_to(self, target):
        """Put a tree there that nobody may change, because it shares its files with what is kept;
        or return False if that is not what is wanted."""
        if not self.is_wanted(self.found()):
            return False
        shutil.copytree(self.folder, target, copy_function=link)
        return True

    def renew(self, jobs):
        """Bring it up to date; the lock is held alone. It gets a new folder, because gradings may
        have links to the files of the old one. OSError if this tree cannot be written."""
        told, old = self.found(), self.folder + ".old"
        newest = max((state[0] for state in told.get("files", {}).values()), default=0)
        shutil.rmtree(old, ignore_errors=True)      # one that was interrupted has left it
        with contextlib.suppress(FileNotFoundError):
            os.rename(self.folder, old)
        if told.get("tools") == self.wanted["tools"] and newest <= time.time_ns():
            shutil.copytree(old, self.folder)
        else:
            told = {}                           # else make would take old objects for new ones
            self.put(os.path.join("obj", self.toolchain, "config.mk"), self.config.encode())
        shutil.rmtree(old, ignore_errors=True)
        self.take_over(told.get("sources", {}))
        built = workshop.make(self.folder, self.toolchain, jobs)
        if not built.succeeded:
            raise workshop.WorkshopError("the tree does not build as it is:\n%s" % built.output)
        self.put(self.about, json.dumps(dict(self.wanted, files=self.state())).encode())

    def take_over(self, before):
        """Copy the sources that are not as before, and remove those that are gone. All others keep
        their time, so that make does not compile them again."""
        for path in set(before) - set(self.wanted["sources"]):
            os.remove(os.path.join(self.folder, path))
        for path, digest in self.wanted["sources"].items():
            if before.get(path) != digest:
                with open(os.path.join(self.root, path), "rb") as file:
                    data = file.read()
                if hashlib.sha256(data).hexdigest() != digest:
                    raise workshop.WorkshopError("%s changes while it is graded with" % path)
                self.put(path, data)
                shutil.copymode(os.path.join(self.root, path), os.path.join(self.folder, path))

    def put(self, path, data):
        """Write a file that is kept."""
        full = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(data)


def prepare(root, target, name, jobs=1):
    """Put a built copy of the tree at `target`, from which workshops are made, and return the
    toolchain that has built it."""
    toolchain, config = probe(root, name)
    try:
        kept = Kept(root, toolchain, config)
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(kept.folder), exist_ok=True)
        with kept.locked(fcntl.LOCK_SH):
            if kept.copy_to(target):
                return toolchain
        with kept.locked(fcntl.LOCK_EX):
            if not kept.is_wanted(kept.found()):    # another grading may have been faster
                kept.renew(jobs)
            if kept.copy_to(target):
                return toolchain
    except (OSError, shutil.Error):
        shutil.rmtree(target, ignore_errors=True)
    workshop.prepare(root, target, toolchain, jobs, config)
    return toolchain
