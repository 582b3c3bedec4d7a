#!/usr/bin/env python3
"""Check that a folder of the kernel uses only itself and the folders below it.

    check_layers.py OBJECTS     OBJECTS is obj/TOOLCHAIN, with a kernel built

ORDER is the order of the folders. The check reads the #include lines of the sources, and the
symbols of the object files: these find what a declaration by hand in a source hides. A new folder
gets its place in ORDER, and in docs/tree.md and README.md, which check_readme.py compares with it.
`make test` runs it.
"""
import os
import re
import subprocess
import sys

# The folders from low to high. test is the highest one, so no other folder may use it.
ORDER = ["libs", "riscv", "debug", "lock", "sched", "sync", "machine", "mm", "driver", "fs",
         "process", "syscall", "trap", "init", "test"]
# Objects of sources that the build writes, and the folder to which each belongs.
GENERATED = {"programs.o": "process", "ksyms.o": "debug"}
# The function that an exercise calls as long as it is blank, in any folder: see kern/debug/panic.h.
UNWRITTEN = "not_written_at"
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


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


def main():
    if len(sys.argv) != 2 or not os.path.exists(os.path.join(sys.argv[1], "kernel")):
        sys.exit("usage: tools/check_layers.py obj/TOOLCHAIN, with a kernel built there")
    paths = list(sources())
    errors = list(check_unknown(paths))
    if not errors:
        for path in paths:
            errors.extend(check_includes(path))
        errors.extend(check_symbols(sys.argv[1], paths))
    for error in errors:
        print(error)
    print("%d files, %d breaches of the order of layers" % (len(paths), len(errors)))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
