"""A private copy of a tree with all that is built of it. Files in it get other texts, the kernel is
built and judged, and everything is put back:

    with tempfile.TemporaryDirectory() as folder:
        pristine = os.path.join(folder, "pristine")
        toolchain = kept.prepare(ROOT, pristine, "unknown-elf")
        shop = Workshop(pristine, os.path.join(folder, "1"), toolchain)
        with shop.variant({"kern/mm/vma.c": text}) as built:
            for test in tests if built.succeeded else ():
                outcome = shop.judge(test)

The times of files are kept, so that a variant of one file is built in a third of a second. A text
may be a student's, so the compiler has limits, and so has what it says. Only a tool whose variants
have no text but this tree's own does without a box, `boxed=False`: then a compiler in PATH that
remembers what it has compiled can serve it, as in .ci/run. No two workers share a Workshop; they
may share the pristine tree, which nobody changes.
"""
import contextlib
import os
import re
import shutil
import stat
import subprocess

import cli
from grader import sandbox
from grader.host import Host
from grader.judge import Judge
from grader.sandbox import Limits

SOURCES = ("Makefile", "kern", "libs", "user", "tools")
UNUSED = {os.path.join("tools", name) for name in (     # no build needs these thousands of files
    "mutants", "test", "taskpatches", "book", "checked", "crashes", "faults", "fuzzed", "hosted",
    "litmus", "races")}
# What make and the compilers may use, for each job: see grader.sandbox. A student's text is not to
# be trusted, and all of the tree together is built in a tenth of the time.
PROCESSES, TOGETHER = 32, 2 << 30
LIMITS = Limits(cpu=20, total=600, memory=2 << 30, together=TOGETHER, file=100 << 20,
                room=1 << 30, files=20000, processes=PROCESSES, output=1 << 16)
PROBLEM = re.compile(r"error: |undefined reference|multiple definition|\*\*\* ")
CHECK, RACE = "-check", "-race"             # the ends of the names of toolchains of such builds
LONGEST = 2000              # characters of a path: the system opens none of more than 4,095
UNCOPIED = {"grade", "mended", "task", "lock"}      # the grader leaves these beside the objects


class WorkshopError(Exception):
    """The tree does not build as it is, or cannot be copied; the text is for the user."""


def toolchain_of(root, name):
    """The toolchain that is asked for, or with "" the first that is installed; NAME-check and
    NAME-race are those of a build with CHECK. WorkshopError if there is none."""
    check = next((kind for kind in (CHECK, RACE) if name.endswith(kind)), "")
    words = [name[:-len(check)], check[1:]] if check else [name]
    result = subprocess.run(["sh", "tools/probe.sh", "toolchain"] + words, cwd=root,
                            stdout=subprocess.PIPE)
    said = result.stdout.decode("utf-8", "replace").strip()
    if result.returncode != 0:
        raise WorkshopError(said)
    return said


class Built:
    """The result of make: whether it succeeded, and the beginning of what it said."""

    def __init__(self, succeeded, output):
        self.succeeded, self.output = succeeded, output

    @property
    def problem(self):
        """The first line of the output that says why make did not succeed."""
        lines = self.output.split("\n")
        return next(filter(PROBLEM.search, lines), lines[-1]).strip()


def make(folder, toolchain, jobs=1, boxed=True):
    """Build the tree in a folder, in a box with the LIMITS, or without one; warnings are no errors.
    The result is Built."""
    command = ["make", "--no-print-directory", "-r", "-f", "tools/build.mk", "TC=" + toolchain,
               "WERROR=", "-j%d" % jobs]
    environment = dict(os.environ, MAKEFLAGS="", MFLAGS="", LC_ALL="C",
                       PYTHONDONTWRITEBYTECODE="1")
    if not boxed:
        result = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return Built(result.returncode == 0, result.stdout.decode("utf-8", "replace").rstrip("\n"))
    environment["CCACHE_DISABLE"] = "1"     # an object of a hand-in is kept for nobody
    limits = LIMITS._replace(processes=PROCESSES * (jobs + 1), together=TOGETHER * (jobs + 1))
    ended = sandbox.run(command, os.path.realpath(folder), limits, environment)
    output = ended.output.rstrip("\n")
    if ended.why:
        output += "\nerror: the compiler was stopped: " + ended.why
    return Built(ended.status == 0 and not ended.why, output)


def copy_tree(source, target, toolchain):
    """Copy the sources of a tree and what is built of them; the times of files are kept."""
    objects = os.path.join(source, "obj", toolchain)
    unused = {os.path.join(source, path) for path in UNUSED}

    def uncopied(folder, names):
        return [name for name in names if name == "__pycache__"
                or folder == objects and name in UNCOPIED or os.path.join(folder, name) in unused]

    try:
        os.makedirs(os.path.join(target, "obj", toolchain))
        for name in SOURCES + (os.path.join("obj", toolchain),):
            path = os.path.join(source, name)
            if os.path.isdir(path):
                shutil.copytree(path, os.path.join(target, name), ignore=uncopied,
                                dirs_exist_ok=True)
            elif name in SOURCES:
                shutil.copy2(path, target)
    except OSError as error:            # shutil.Error is one
        raise WorkshopError("%s cannot be copied: %s" % (source, cli.words_of(error)))


def prepare(source, target, toolchain, jobs=1, config=None):
    """Make a copy of a tree in `target`, from which workshops are made, and build it; the result is
    its path. The text of config.mk may be given, if the tree has none, or an old one."""
    copy_tree(source, target, toolchain)
    path = os.path.join(target, "obj", toolchain, "config.mk")
    if config is not None and not (os.path.exists(path) and read_text(path) == config):
        with open(path, "w", encoding="utf-8") as file:
            file.write(config)
    built = make(target, toolchain, jobs)
    if not built.succeeded:
        raise WorkshopError("the tree does not build as it is:\n%s" % built.output)
    return target


def read_text(path):
    """The text of a file, whatever its bytes are."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def below(folder):
    """(path from the folder, os.DirEntry) of all that is below it, each folder before what is in
    it; nothing of what is no folder, or cannot be read, or is too deep: somebody may have made a
    thousand folders, each in the one before. This is done for each variant, with thousands of
    files: os.walk() and os.path.relpath() take twice as long."""
    waiting = [""]
    while waiting:
        start = waiting.pop()
        with contextlib.suppress(OSError), os.scandir(os.path.join(folder, start)) as entries:
            for entry in entries:
                yield start + entry.name, entry
                if entry.is_dir(follow_symlinks=False) and len(start) < LONGEST:
                    waiting.append(start + entry.name + "/")


def files(folder):
    """{path: (time, size)} of all files below a folder; paths are from there."""
    found = {}
    for path, entry in below(folder):
        if not entry.is_dir() and "__pycache__" not in path.split("/"):
            state = entry.stat(follow_symlinks=False)
            found[path] = state.st_mtime_ns, state.st_size
    return found


class Compiled:
    """Objects of variants, for others that have the same texts in the sources of which an object
    was made: these need not be compiled again. One of them is for texts of this tree only, or for
    those of one hand-in: what the compiler makes of a stranger's text must not get into another
    stranger's kernel.

    kept     {object: [({source: its text, None if it is the tree's own}, (object, dependencies))]}
    is_full  nothing more is kept: strangers' texts are built from now on
    """

    COMPILED = re.compile(r"^  CC    (\S+)( \(user\))?$", re.M)

    def __init__(self):
        self.kept, self.is_full = {}, False

    def put(self, objects, texts):
        """Put what is known of these texts where make looks for it. The texts are written before:
        make takes an object that is not older than its sources."""
        for name, variants in self.kept.items():
            for sources, contents in variants:
                if all(texts.get(path) == text for path, text in sources.items()):
                    for ending, content in zip((".o", ".d"), contents):
                        with open(os.path.join(objects, name + ending), "wb") as file:
                            file.write(content)

    def take(self, objects, texts, output, known):
        """Keep what make has compiled, as it has printed, with these texts. A text may make the
        compiler print such a line too, so only the objects in `known` count."""
        for path, user in self.COMPILED.findall(output):
            name = os.path.join("uobj" if user else "kobj", path)
            if name + ".o" not in known:
                continue
            contents = []
            for ending in (".o", ".d"):
                with open(os.path.join(objects, name + ending), "rb") as file:
                    contents.append(file.read())
            rule = contents[1].decode("utf-8", "replace").replace("\\\n", " ").partition("\n")[0]
            sources = {source: texts.get(source) for source in rule.partition(":")[2].split()}
            self.kept.setdefault(name, []).append((sources, contents))


PLAIN = (stat.S_IFREG,)


def inode(state):
    """What tells whether anybody has changed a file since, or has put another one in its place, of
    the result of os.lstat()."""
    kind = stat.S_IFMT(state.st_mode)
    return (kind, state.st_mode) if kind == stat.S_IFDIR else (
        kind, state.st_ctime_ns, state.st_ino)


def inodes(folder):
    """{path: inode()} of all files and folders below a folder."""
    return {path: inode(entry.stat(follow_symlinks=False)) for path, entry in below(folder)}


def unreadable(folder):
    """The path of something below a folder that must not be opened, or cannot be: a link may lead
    anywhere, and who opens a pipe waits for ever. None if all is well."""
    return next((path for path, entry in below(folder) if len(path) > LONGEST or not (
        entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
        and entry.stat(follow_symlinks=False).st_mode & stat.S_IRUSR)), None)


def empty(folder):
    """Remove all that is in a folder, whatever rights somebody has given to it, and however deep it
    is: these commands follow no link, and open each folder from the one in which it is."""
    os.chmod(folder, stat.S_IRWXU)
    for command in (["chmod", "-R", "u+rwx", folder],
                    ["find", folder, "-mindepth", "1", "-delete"]):
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if os.listdir(folder):
        raise OSError("%s cannot be emptied" % folder)


class Workshop:
    """A copy of the tree that prepare() made.

    folder   the root of the copy
    objects  the full path of the folder with its kernel
    inodes   inodes() of the copy, by which restore() finds what has changed
    known    the paths of the files in objects, from there
    boxed    whether compilers and machines run in a box: only this tree's own texts need none
    places   how many machines may run in it at once. Compilers never do: which of two files with
             errors is told first would be chance
    """

    def __init__(self, pristine, folder, toolchain, qemu="qemu-system-riscv64", boxed=True,
                 places=1):
        self.pristine, self.folder, self.toolchain = pristine, folder, toolchain
        self.qemu, self.boxed, self.places = qemu, boxed, places
        self.objects = os.path.join(folder, "obj", toolchain)
        self.logs = folder + ".logs"
        os.makedirs(self.logs, exist_ok=True)
        self.fill()

    def fill(self):
        """Copy the pristine tree, and note what is there."""
        shutil.copytree(self.pristine, self.folder, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("__pycache__"))
        self.inodes = inodes(self.folder)
        start = os.path.relpath(self.objects, self.folder) + "/"
        self.known = {path[len(start):] for path in self.inodes if path.startswith(start)}

    def write(self, texts):
        """Give these texts to the files of a variant."""
        for path, text in texts.items():
            with open(os.path.join(self.folder, path), "w", encoding="utf-8",
                      errors="surrogateescape", newline="\n") as file:
                file.write(text)

    @contextlib.contextmanager
    def variant(self, texts, *compiled):
        """Build with these texts, {path: text}, and give the Built; at the end of the with block
        everything is put back. What is Compiled already is taken from there."""
        try:
            self.write(texts)
            for each in compiled:
                each.put(self.objects, texts)
            built = make(self.folder, self.toolchain, boxed=self.boxed)
            odd = unreadable(self.folder)
            if odd:
                built = Built(False, "error: the compiler has left what is no file that can be "
                              "read: %s" % odd)
            for each in compiled:
                if built.succeeded and not each.is_full:
                    each.take(self.objects, texts, built.output, self.known)
            yield built
        finally:
            self.restore()

    def products(self):
        """What the build of the variant has made, for again(): {path: content} of the plain files
        below obj/ that are not as they were, but for the objects, of which all is linked already;
        None if anything else is there now."""
        now, found = inodes(self.folder), {}
        for path in set(now) | set(self.inodes):
            if now.get(path) != self.inodes.get(path):
                if now.get(path, ("",))[0] != PLAIN[0]:
                    return None
                if path.startswith("obj/") and not path.endswith((".o", ".d")):
                    with open(os.path.join(self.folder, path), "rb") as file:
                        found[path] = file.read()
        return found

    @contextlib.contextmanager
    def again(self, texts, products):
        """A variant that was built before, with the products() of then; without these it is built
        again. They are for that variant only: what the compiler makes of a stranger's text must not
        get into another one."""
        if products is None:
            with self.variant(texts):
                yield
            return
        try:
            for path, content in products.items():
                with open(os.path.join(self.folder, path), "wb") as file:
                    file.write(content)
            self.write(texts)
            yield
        finally:
            self.restore()

    def restore(self):
        """Give every file that changed its old content and time. Whoever writes a file may set its
        time back, but not that of its inode; so that is what tells. What is no plain file, or a new
        folder, is never put right one by one: then all is copied anew."""
        now = inodes(self.folder)
        changed = {path for path in set(now) | set(self.inodes)
                   if now.get(path) != self.inodes.get(path)}
        if any(each.get(path, PLAIN)[0] != PLAIN[0] for path in changed
               for each in (now, self.inodes)):
            empty(self.folder)          # it stays itself: it may be where this process works
            self.fill()
            return
        for path in changed:
            here = os.path.join(self.folder, path)
            if path in now:             # two paths may be one file now: nothing is written through
                os.remove(here)
            if path in self.inodes:
                shutil.copy2(os.path.join(self.pristine, path), here)
                self.inodes[path] = inode(os.lstat(here))

    def judge(self, test, host=None):
        """Run a test in the variant that is built; the result is its Outcome. One Host can serve
        for all tests of one variant."""
        judge = Judge(host or self.host())
        seconds = 0.0
        for number in range(1, test.runs + 1):
            outcome = judge.run(test, number)
            seconds += outcome.seconds
            if not outcome.passed:
                break
        outcome.seconds = seconds
        return outcome

    def host(self):
        """A grader.host.Host for the tests of the variant that is built now."""
        return Host(self.objects, self.qemu, self.logs, boxed=self.boxed)

    def reference_host(self):
        """The same for the tree as it is, whatever variant is built."""
        return Host(os.path.join(self.pristine, "obj", self.toolchain), self.qemu, self.logs,
                    boxed=self.boxed)
