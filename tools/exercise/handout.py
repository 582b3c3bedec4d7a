"""Handouts: a tree that students can build, without what they are to write.

A Plan says what the teacher asks for (plans.py); make() writes it as a folder or an archive.
Files of the tree are copied only if a constant below names them or their folder, so that nothing
which is for teachers slips in: no tests of the tools, no mutants, no labs that come later. Regions
that are not solved are blank, with their hints. labcodes.md, README.md and docs/tree.md lose what
the handout does not have. .handout.json (manifest.py) says what was handed out.

The same tree gives the same archive, byte for byte. No handout is made as long as the register of
regions and the tree do not agree.
"""
import errno
import gzip
import hashlib
import io
import os
import posixpath
import re
import shutil
import tarfile
import tempfile
import zipfile

from exercise import handin, manifest, regions, register, shown
from exercise.plans import CoursePlan, HandoutError, Plan, plan_of    # callers have them from here

TOP = ("Makefile", "LICENSE", "ERRATA", ".gitattributes", ".gitignore", "grade.sh",
       "compile_flags.txt", ".clangd", ".vscode/tasks.json", ".vscode/launch.json",
       ".devcontainer/Dockerfile", ".devcontainer/devcontainer.json")
CODE = ("kern", "libs", "user")
VERSIONED = CODE + ("tools/labs", "tools/grader", "tools/sfs", "tools/given",
                    "tools/tasks")                      # see version_of()
BEYOND = "tools/labs/beyond.py"                         # tests of no lab
TREE = "docs/tree.md"
PAGES = (TREE, "docs/running.md", "docs/grading.md", "docs/install.md", "docs/sfs.md",
         "docs/shell.md")
SESSION = "docs/session.svg"                            # a session with a kernel that is written
KERNEL = "tools/given/kernel"                           # the objects of a kernel that is given
GLOSSARY = "docs/glossary.%s.md"                        # words of a language that is not English
BOOK = "book"                                           # the pages for a browser
# Folders of tools/ that students need.
TOOLS = ("sfs", "grader", "labs", "exercise", "given", "runs", "tasks")
# Files of tools/ that they do not need.
TEACHERS = ("badboot.py", "badinput.py", "badinput_inputs.py", "badinput_teachers.py",
            "checked.py", "classtime.py", "clusters.py", "crashes.py", "dataraces.py",
            "faults_planted.py", "fuzz_faults.py", "gradescope.py", "grafts.py", "hosted.py",
            "litmus.py", "matrix.py", "outside_cost.py", "planting.py", "races.py", "rvwmo.py",
            "taskpatches.py", "trust.py", "ucore.py")
EXERCISE = ("__init__.py", "assignment.py", "carry.py", "coursework.py", "regions.py", "lexer.py",
            "vet.py", "vet_asm.py", "graft.py", "incoming.py", "allowed.py", "manifest.py",
            "handin.py", "build.py", "mend.py", "patches.py")
NO_SOURCE = re.compile(r"^\.|~$|\.(pyc|swp|orig|rej|o)$|^__pycache__$")
SELFTEST = re.compile(r'SELFTEST(?:_AT)?\([^"()]*"([^"]+)"')
# What README.md says of a check that a handout does not have.
LAYERS, LAYERED = "tools/check_layers.py", " `make test` checks that."
LAB_HEAD = re.compile(r"^(#+)\s+(?:lab|chapter|实验)\s+(\d)(?!\w)", re.I)
PICTURE = re.compile(r"!\[[^]]*\]\((docs/pictures/[^)]+)\)")
LINK = re.compile(r"\]\(([^)#\s]+)")
ENDINGS = (".tar.gz", ".tgz", ".tar", ".zip")
NO_ENDING = re.compile(r"\.(tar\.\w+|t[bx]z2?|rar|7z|gz|bz2|xz)$", re.I)   # not made here
EPOCH = 1577836800                                      # 2020-01-01: the time of all files


# -- which files

def self_tests_of(labs):
    """The names of the self tests that these labs' tests use."""
    return {test.selftest.split()[0] for lab in labs for test in lab.tests if test.selftest}


def is_later_test(text, plan):
    """Does a file of kern/test serve only labs after this one?"""
    names = set(SELFTEST.findall(text))
    later = self_tests_of([lab for lab in plan.all if lab.number not in plan.numbers])
    return bool(names) and names <= later - self_tests_of(plan.labs)


def is_wanted(path, plan):
    """Does this file of tools/ go to students?"""
    parts = path.split("/")
    if len(parts) == 2:
        return not parts[1].startswith("check_") and parts[1] not in TEACHERS
    if parts[1] not in TOOLS or len(parts) > 3 or path == BEYOND:
        return False
    if parts[1] == "exercise":
        return parts[2] in EXERCISE
    if parts[1] == "labs" and parts[2].startswith("hints"):
        return False
    if parts[1] == "tasks" and parts[2].endswith(".c"):
        return any(os.path.basename(source) == parts[2] for task in plan.tasks
                   for source in task.sources.values())
    number = re.fullmatch({"labs": r"lab(\d+)\.py", "given": r"(\d+)\.\w\.c",
                           "tasks": r"task(\d+)\.py"}.get(parts[1], ""), parts[2])
    return not number or int(number.group(1)) in plan.numbers


def sources(root, plan):
    """The files of a handout that come from the tree, as paths from its root."""
    pictures = PICTURE.findall(labs_text(root, plan)) + [SESSION] * plan.boots_as_shown()
    yield from (name for name in TOP + PAGES + (GLOSSARY % plan.language,) + tuple(pictures)
                if os.path.isfile(os.path.join(root, name)))
    for top in CODE + ("disk", "tools"):
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(name for name in folders if not NO_SOURCE.search(name))
            for name in sorted(names):
                full = os.path.join(folder, name)
                path = os.path.relpath(full, root).replace(os.sep, "/")
                if NO_SOURCE.search(name) or os.path.islink(full):
                    continue
                if top == "tools" and not is_wanted(path, plan):
                    continue
                if path.startswith("kern/test/") and name.endswith(".c") \
                        and is_later_test(regions.read(root, path), plan):
                    continue
                yield path


# -- texts that are made for this handout

def cut_chapters(text, numbers):
    """labcodes.md without the chapters of labs that have none of these numbers."""
    kept, hidden, fenced = [], 0, False             # hidden: the depth of the heading that hides
    for line in text.split("\n"):
        fenced ^= line.startswith("```")
        head = re.match(r"(#+) ", line)
        if head and not fenced:
            chapter = LAB_HEAD.match(line)
            if hidden and len(head.group(1)) <= hidden:
                hidden = 0
            if chapter and int(chapter.group(2)) not in numbers and not hidden:
                hidden = len(head.group(1))
        if not hidden:
            kept.append(line)
    return "\n".join(kept).rstrip("\n") + "\n"


def labs_text(root, plan):
    """labcodes.md of a handout; "" if the tree has none."""
    if os.path.isfile(os.path.join(root, plan.text)):
        return shown.text(cut_chapters(regions.read(root, plan.text), plan.numbers), plan)
    if plan.text != Plan.text:
        raise HandoutError("there is no %s in this tree: choose another language" % plan.text)
    return ""


def places(plan, found):
    """Lines of README.md: each exercise that is to be written, and in which files."""
    points = plan.briefs[-1].points if plan.briefs else {}
    for lab in plan.labs:
        for exercise in lab.exercises:
            if exercise.number not in (points or plan.blank):
                continue
            yield "- **%s %s** (%d points%s): %s" % (
                exercise.number, exercise.title,
                points.get(exercise.number, exercise.points), exercise.kind, exercise.asks)
            paths = dict.fromkeys(region.path for region in found
                                  if region.exercise == exercise.number)
            yield "  in " + ", ".join("`%s`" % path for path in paths)
    for task in plan.due_tasks:
        yield "- **%s %s** (%d points%s): %s" % (
            task.number, task.title, points.get(task.number, task.points), task.kind, task.asks)
        yield "  You find the places; `make grade TASK=%s` tests it" % task.number


def readme(root, plan, found, paths, has_book=False):
    """README.md of a handout: what is to be done, and then the tree's own text without what the
    handout does not have."""
    solved = ", ".join(map(str, plan.solved))
    lines = ["# rvlab, " + plan.heading, "",
             "This is a working kernel in which some parts are blank: you write them. labcodes.md",
             "beside this file is the text to work from%s. To be written:" % (
                 ", and %s/index.html the same\nfor a browser, with its drawings" % BOOK
                 if has_book else ""), ""]
    lines += places(plan, found)
    before = [each.name for each in plan.briefs[:-1]]
    if before:
        lines += ["", "Of assignments before this one these are blank too: %s. Bring what you have"
                  % ", ".join(before), "written, by `git pull`, or by `tools/lab carry OLD_TREE`."]
    lines += ["", "The kernel comes solved, as objects in %s. Its text in kern/ has blanks: these"
              % KERNEL, "are later labs, and what is written there changes nothing here.", ""] \
        if plan.brings_kernel else [
            "", "Labs that come solved: %s. What belongs to later labs is blank and stays so."
            % (solved or "none"), ""]
    lines += [
              "    make setup          install the tools that are missing",
              "    make grade %s    build, run these tests, show the marks" % plan.commands[0],
              "    make handin         write the file that you hand in", "",
              "`tools/lab check` shows what is written, what is blank, and what you changed",
              "elsewhere. Only what stands between the markers of an exercise is handed in%s" % (
                  ", and\nof a task what you changed in the files that it allows."
                  if plan.tasks else "."),
              "Write your name and e-mail address into student.txt, your answers into answers.md.",
              ""]
    try:
        text = regions.read(root, "README.md")
    except regions.RegionError:
        text = ""
    for section in re.split(r"^(?=## )", text, flags=re.M)[1:]:
        head = section.split("\n")[0].lower()
        shows = [link for link in LINK.findall(section) if link.endswith(".svg")]
        if "what you do next" not in head and set(shows) <= set(paths):
            section = section if LAYERS in paths else section.replace(LAYERED, "")
            lines += linked(section, paths).rstrip("\n").split("\n") + [""]
    return "\n".join(lines)


def linked(text, paths):
    """The text without items of lists that link to a page which the handout does not have."""
    items = re.split(r"(?m)^(?=- |$)", text)
    return "".join(item for item in items if not item.startswith("- ") or
                   all("://" in target or target in paths for target in LINK.findall(item)))


def listed_files(text, paths):
    """docs/tree.md without the lines for files that the handout does not have."""
    folder, kept = None, []
    for line in text.split("\n"):
        title = re.match(r"`((?:libs|kern|user|tools|docs)\S*/|\./)`:", line)
        entry = re.match(r"    (\S+)\s+\S", line)
        if title:
            folder = title.group(1) if title.group(1) != "./" else ""
        elif line.strip() and not entry:
            folder = None
        if title and not any(path.startswith(folder) for path in paths):
            folder = "nowhere/"
            continue
        if not (entry and folder is not None and folder + entry.group(1) not in paths):
            kept.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept))


def walked(path):
    """What sorts paths as a walk meets them: the files of a folder before the folders in it."""
    *folders, name = path.split("/")
    return [(1, folder) for folder in folders] + [(0, name)]


def version_from(paths, digest):
    """The version of a tree that has these files; digest(path) gives the SHA-256 of one."""
    total = hashlib.sha256()
    for top in VERSIONED:
        inside = [path[len(top) + 1:] for path in paths if path.startswith(top + "/")]
        for path in sorted(inside, key=walked):
            if not any(map(NO_SOURCE.search, path.split("/"))):
                full = "%s/%s" % (top, path)
                total.update(full.encode() + b"\0" + digest(full))
    return total.hexdigest()[:12]


def version_of(root):
    """The version of a reference: a digest of its code and its tests. It is the same wherever the
    tree lies."""
    def digest(path):
        with open(os.path.join(root, path), "rb") as file:
            return hashlib.sha256(file.read()).digest()

    return version_from([os.path.join(top, path) for top in VERSIONED for _, path in
                         files_below(os.path.join(root, top))], digest)


# -- writing it

def write_text(folder, path, text):
    """Write a file of the handout, with the folders around it."""
    full = os.path.join(folder, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def write_kernel(folder, uses):
    """Write the objects of the reference's kernel, as the reference was built for `uses`. Nobody
    reads there how an exercise is solved; tools/build.mk links them in place of what kern/ has."""
    if not uses:
        raise HandoutError("a handout of lab 0 brings a solved kernel, and this tree cannot be "
                           "built here: run make")
    for path, place in uses.objects.items():
        if path.startswith(("kern/", "libs/")) and not path.startswith("kern/test/"):
            target = os.path.join(folder, KERNEL, path + ".o")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(place, target)


def write_tree(root, folder, plan, uses, pages):
    """Write the handout of a plan into a folder; its Manifest is returned. pages(tree, folder,
    hints) makes the book of a tree. It is given the handout itself, so it can tell nothing else."""
    hints = {exercise.number: plan.hint_of(exercise) for lab in plan.all
             for exercise in lab.exercises}
    found = regions.parse_tree(root)
    wrong = register.problems(register.load(root), found)
    if wrong:
        raise HandoutError("\n".join(map(str, wrong)))
    # An exercise that no lab knows is blank too, because its text must not slip out.
    blank = sorted(set(plan.blank) | {region.exercise for region in found} - set(hints))
    marked, given = {region.path for region in found}, regions.load_given(root)
    paths = list(sources(root, plan))
    for path in paths:
        target = os.path.join(folder, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(os.path.join(root, path), target)
        shutil.copymode(os.path.join(root, path), target)
        if path in marked:
            write_text(folder, path, regions.blank(regions.read(root, path), path,
                                                   set(blank), hints, given))
        elif path == GLOSSARY % plan.language:      # here the text is called labcodes.md
            write_text(folder, path, regions.read(root, path).replace(plan.text, "labcodes.md"))
        elif path.startswith("tools/labs/lab"):
            write_text(folder, path, shown.lab_file(regions.read(root, path), plan))
    if plan.brings_kernel:
        write_kernel(folder, uses)
    text = labs_text(root, plan)
    if text:
        write_text(folder, "labcodes.md", text)
    own = set(paths) | {"README.md", "labcodes.md"}
    write_text(folder, "README.md", readme(root, plan, found, own, bool(pages)))
    if TREE in paths:
        write_text(folder, TREE, listed_files(regions.read(root, TREE), own))
    write_text(folder, handin.STUDENT, handin.TEMPLATE)
    about = manifest.describe(folder, plan.lab, version_of(root), blank, found,
                              plan.briefs, plan.tasks)
    about.uses = uses and uses.lists(about.version, about.all_due)
    write_text(folder, manifest.NAME, about.to_json())
    if pages:
        os.mkdir(os.path.join(folder, BOOK))
        pages(folder, os.path.join(folder, BOOK), hints=plan.shown_hints())
    return about


def files_below(folder):
    """(full path, path from the folder) of all files in it, in a fixed order."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            full = os.path.join(place, name)
            yield full, os.path.relpath(full, folder).replace(os.sep, "/")


def write_zip(folder, path, top):
    """Pack a folder as a zip, in which it is called `top`; with "" only what is in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for full, name in files_below(folder):
            info = zipfile.ZipInfo(posixpath.join(top, name), (2020, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3                      # so that the mode below is understood
            info.external_attr = (0o100644 | os.stat(full).st_mode & 0o111) << 16
            with open(full, "rb") as file:
                archive.writestr(info, file.read())


def write_tar(folder, path, top):
    """The same as a tar archive, which is packed by gzip unless its name ends in .tar."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for full, name in files_below(folder):
            info = tarfile.TarInfo(posixpath.join(top, name))
            info.size, info.mtime = os.path.getsize(full), EPOCH
            info.mode = 0o644 | os.stat(full).st_mode & 0o111
            with open(full, "rb") as file:
                archive.addfile(info, file)
    packed = data.getvalue()
    if not path.endswith(".tar"):
        packed = gzip.compress(packed, mtime=EPOCH)
    with open(path, "wb") as file:
        file.write(packed)


def make(root, plan, target, uses=None, pages=None):
    """Write a handout to a new folder or archive, and return its Manifest. With symbols.Uses of the
    reference the handout can tell students what their texts may use of the kernel; with a function
    that makes pages of a tree (book.makebook) it has its texts for a browser too."""
    ending = next((ending for ending in ENDINGS if target.endswith(ending)), None)
    if os.path.isdir(target) and os.listdir(target) or os.path.isfile(target) and not ending:
        raise HandoutError("%s is there already: choose another name, or remove it" % target)
    if not ending and NO_ENDING.search(target):
        raise HandoutError("%s: an archive's name ends in %s" % (target, ", ".join(ENDINGS)))
    parent = os.path.dirname(os.path.abspath(target))
    if not os.path.isdir(parent):
        raise HandoutError("there is no folder %s" % parent)
    try:
        return write(root, plan, target, uses, pages, ending, parent)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HandoutError("%s: there is no room for the handout" % parent)
        raise


def write(root, plan, target, uses, pages, ending, parent):
    """Do what make() has checked. The handout is written beside the target first, so that it is
    there as a whole or not at all."""
    with tempfile.TemporaryDirectory(dir=parent, prefix=".handout-") as folder:
        tree = os.path.join(folder, "tree")
        os.mkdir(tree)
        about = write_tree(root, tree, plan, uses, pages)
        if not ending:
            if os.path.isdir(target):
                os.rmdir(target)
            os.rename(tree, target)
            return about
        packed = os.path.join(folder, "packed" + ending)
        top = os.path.basename(target)[:-len(ending)]
        (write_zip if ending == ".zip" else write_tar)(tree, packed, top)
        os.replace(packed, target)
    return about
