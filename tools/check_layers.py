#!/usr/bin/env python3
"""Check that every arrow points down: a folder uses only itself and the folders below it.

    check_layers.py             by #include, in kern/ and libs/, and by import, in tools/
    check_layers.py OBJECTS     by symbol too; OBJECTS is obj/TOOLCHAIN, with a kernel built

`make` runs the first form before it compiles anything, so a back arrow cannot be built; it takes a
tenth of a second. `make test` runs the second one: the object files tell of what a declaration by
hand in a source hides from the first.

ORDER is the order of the kernel's folders, TOOLS that of tools/. A new folder gets its place there,
and in docs/tree.md and README.md, which check_readme.py compares with ORDER. In tools/ there may be
no circle of modules either, not even inside one folder: a module that is in a circle cannot be
read, or tested, without all the others of it.
"""
import os
import re
import subprocess
import sys

# The folders from low to high. test is the highest one, so no other folder may use it. check is
# compiled with CHECK=1 only, and called by what kern/debug/check.h declares.
ORDER = ["libs", "riscv", "debug", "lock", "sched", "sync", "machine", "mm", "driver", "fs",
         "process", "syscall", "trap", "init", "check",
         "test"]
# The same for tools/: `base` are the modules of BASE, which know nothing else of tools/; `commands`
# are the other programs there, of which COMMANDS have no .py in their names. sfs knows images of
# disks, at which the grader looks. A kind of test that a lab needs is in grader, so labs are above
# it; runs draws what a machine did; exercise reads, makes and grades hand-ins by all of these.
TOOLS = ["base", "sfs", "grader", "labs", "tasks", "book", "runs", "exercise", "commands", "test"]
COMMANDS = (os.path.join("tools", "lab"), os.path.join("tools", "disk"))
BASE = ("cli", "gdbstub", "scratch")
# Objects of sources that the build writes, and the folder to which each belongs.
GENERATED = {"programs.o": "fs"}
# The function that an exercise calls as long as it is blank, in any folder: see kern/debug/panic.h.
UNWRITTEN = "not_written_at"
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
# An import of Python as this tree writes it: the module, and the names taken from it.
IMPORT = re.compile(r"^[ \t]*(?:import ([\w.]+)(?: as \w+)?$|"
                    r"from ([\w.]+) import (\w[\w, ]*|\([\w,\s]*\))(?: as \w+)?$)", re.M)


def layer_of(path):
    """The name of the folder that a file of kern/ or libs/ is in."""
    parts = path.replace(os.sep, "/").split("/")
    return parts[0] if parts[0] == "libs" else parts[1]


def allowed(user, used):
    """Whether the folder `user` may use the folder `used`."""
    return ORDER.index(used) <= ORDER.index(user)


def sources():
    """The paths of all sources of the kernel and of libs/."""
    for top in ("libs", "kern"):
        for folder, _, names in sorted(os.walk(top)):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".S")):
                    yield os.path.join(folder, name)


def resolve(path, quote, name):
    """The file of the tree that an #include means, or None."""
    places = [os.path.dirname(path)] if quote == '"' else []
    for place in places + ["kern", "libs"]:
        candidate = os.path.normpath(os.path.join(place, name))
        if os.path.exists(candidate):
            return candidate
    return None


def check_unknown(paths):
    """Complaints about files whose folder has no place in ORDER."""
    for path in paths:
        if path.count(os.sep) < 2 and not path.startswith("libs"):
            yield "%s:1: not in one of the kernel's folders" % path
        elif layer_of(path) not in ORDER:
            yield "%s:1: the folder %s has no place in the order in tools/check_layers.py" % (
                path, layer_of(path))


def check_includes(path):
    """Complaints about #include lines that lead upwards, or out of the kernel."""
    layer = layer_of(path)
    with open(path) as lines:
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quote, name = match.groups()
            target = resolve(path, quote, name)
            where = "%s:%d: " % (path, number)
            if target is None:
                yield where + "%s is not in the tree" % name
            elif not target.startswith(("kern" + os.sep, "libs" + os.sep)):
                yield where + "%s is not a file of the kernel" % target
            elif not allowed(layer, layer_of(target)):
                yield where + "%s includes %s, which is above it" % (layer, target)


def symbols(objects, files):
    """{file: (names that it defines, names that it uses)} as nm tells them."""
    with open(os.path.join(objects, "config.mk")) as config:
        nm = re.search(r"^NM\s*:=\s*(.*)$", config.read(), re.M).group(1).split()
    result = {path: (set(), set()) for path in files}
    text = subprocess.run(nm + ["-A", "-g"] + files, stdout=subprocess.PIPE, check=True,
                          universal_newlines=True).stdout
    for line in text.splitlines():
        path, rest = line.split(":", 1)
        kind, name = rest.split()[-2:]
        result[path][1 if kind in "Uvw" else 0].add(name)
    return result


def line_of(path, symbol):
    """The first line of a source that has this word; 1 if none has."""
    with open(path) as lines:
        for number, line in enumerate(lines, 1):
            if re.search(r"\b%s\b" % re.escape(symbol), line):
                return number
    return 1


def check_symbols(objects, paths):
    """Complaints about symbols that an object takes from a folder above its own."""
    origin = {}
    for path in paths:
        name = os.path.join(objects, "kobj", path + ".o")
        if not path.endswith(".h") and os.path.exists(name):
            origin[name] = (layer_of(path), path)
    for name, layer in GENERATED.items():
        if os.path.exists(os.path.join(objects, name)):
            origin[os.path.join(objects, name)] = (layer, "")
    table = symbols(objects, list(origin))
    home = {}
    for file, (defined, _) in table.items():
        for symbol in defined:
            home.setdefault(symbol, origin[file][0])
    for file, (_, undefined) in table.items():
        layer, path = origin[file]
        for symbol in sorted(undefined):
            # A symbol that no object defines comes from the linker script, which anybody may use.
            if path and symbol != UNWRITTEN and not allowed(layer, home.get(symbol, layer)):
                yield "%s:%d: %s uses %s of %s, which is above it" % (
                    path, line_of(path, symbol), layer, symbol, home[symbol])


# -- tools/

def modules():
    """The files of tools/ that are written in Python."""
    for folder, folders, names in sorted(os.walk("tools")):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith(".py") or path in COMMANDS:
                yield path


def tool_layer_of(path):
    """The layer of a module, one of TOOLS; or its folder's name, if that is none of them."""
    parts = path.split(os.sep)
    if len(parts) > 2:
        return parts[1]
    return "base" if os.path.splitext(parts[1])[0] in BASE else "commands"


def imports(path):
    """(line, file of this tree) of each import in a module. `from exercise import vet` means the
    file tools/exercise/vet.py; what is not in the tree is Python's own."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    here = os.path.dirname(path)
    for match in IMPORT.finditer(text):
        module = match.group(1) or match.group(2)
        names = re.findall(r"\w+", match.group(3) or "")
        for name in [module] + ["%s.%s" % (module, name) for name in names]:
            for top in ("tools", here):
                target = os.path.join(top, *name.split(".")) + ".py"
                if os.path.isfile(target):
                    yield text.count("\n", 0, match.start()) + 1, target
                    break


def check_imports(table):
    """`table` is {module: [(line, file that it imports)]}."""
    for path, found in table.items():
        layer = tool_layer_of(path)
        if layer not in TOOLS:
            yield "%s:1: the folder %s has no place in TOOLS in tools/check_layers.py" % (
                path, layer)
            continue
        for line, target in found:
            used = tool_layer_of(target)
            if used in TOOLS and TOOLS.index(used) > TOOLS.index(layer):
                yield "%s:%d: %s imports %s, which is above it" % (path, line, layer, target)


def check_circles(table):
    """A sentence for each circle of modules, at the import that closes it. A walk from a module
    that meets one on its own way has found a circle; `done` are those from which all is walked."""
    done, found = set(), []

    def walk(path, way):
        for line, target in table.get(path, ()):
            if target in way:
                circle = way[way.index(target):] + [target]
                found.append("%s:%d: this import closes a circle: %s" % (
                    path, line, " -> ".join(circle)))
            elif target not in done:
                walk(target, way + [target])
        done.add(path)

    for path in table:
        if path not in done:
            walk(path, [path])
    return found


def main():
    objects = sys.argv[1] if len(sys.argv) == 2 else ""
    if len(sys.argv) > 2 or objects and not os.path.exists(os.path.join(objects, "kernel")):
        sys.exit("usage: tools/check_layers.py [obj/TOOLCHAIN, with a kernel built there]")
    paths, table = list(sources()), {path: list(imports(path)) for path in modules()}
    errors = list(check_unknown(paths))
    if not errors:
        for path in paths:
            errors.extend(check_includes(path))
        if objects:
            errors.extend(check_symbols(objects, paths))
    errors.extend(check_imports(table))
    errors.extend(check_circles(table))
    for error in errors:
        print(error)
    if objects or errors:
        print("%d files, %d breaches of the order of layers" % (
            len(paths) + len(table), len(errors)))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
