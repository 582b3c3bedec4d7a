#!/usr/bin/env python3
"""Check what the pages for readers say of the tree.

    check_readme.py         run at the top of the tree; `make test` runs it too

docs/tree.md has a line for each source file, and none for one that is gone. README.md has at most
150 lines. Its floors, and the order in docs/tree.md, are those of tools/check_layers.py. Each name
of this kernel in its table "If you know ucore" is in the kernel. In all pages a relative link, and
a path in backquotes, leads to something that is there.

A new file needs a line in docs/tree.md. A page that may name what is not there writes NAME or N.M.
"""
import os
import re
import sys

import check_layers

FOLDERS = ("libs", "kern", "user", "tools", "docs")
# Folders with so many files that docs/tree.md has one line for all of them.
MANY = (os.path.join("tools", "mutants"), os.path.join("tools", "races"),
        os.path.join("tools", "taskpatches"),
        os.path.join("tools", "crashes"), os.path.join("tools", "faults"),
        os.path.join("tools", "checked"), os.path.join("tools", "dataraces"),
        os.path.join("tools", "fuzzed"),
        os.path.join("tools", "hosted", "corpus"), os.path.join("tools", "hosted", "faults"),
        os.path.join("tools", "test", "corpus"), os.path.join("docs", "pictures", "zh"))
MADE = ("compile_commands.json",)               # files that make writes at the top
TREE, README, MAX_README = "docs/tree.md", "README.md", 150
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
PLACEHOLDER = re.compile(r"NAME|\bN\.M\b")
PATH = re.compile(r"`((?:%s)/[\w./-]+)(?::\d+)?`" % "|".join(FOLDERS))


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def listed(text):
    """The files that docs/tree.md lists: a folder's title, then indented lines with names."""
    folder, files = None, set()
    for line in text.splitlines():
        title = re.match(r"`((?:%s)\S*/|\./)`:" % "|".join(FOLDERS), line)
        entry = re.match(r"    (\S+)\s+\S", line)
        if title:
            folder = title.group(1)
        elif entry and folder:
            files.add(os.path.normpath(folder + entry.group(1)).replace(os.sep, "/"))
        elif line.strip():
            folder = None
    return files


def present():
    """All files that must be listed. A file at the top whose name begins with a dot may be."""
    yield from (name for name in os.listdir(".") if os.path.isfile(name)
                and name[0] != "." and name not in MADE)
    for top in FOLDERS:
        for place, _, names in os.walk(top):
            for name in names:
                if not place.endswith("__pycache__") and not place.startswith(MANY):
                    yield os.path.join(place, name).replace(os.sep, "/")


def check_tree(text):
    """Complaints about files that docs/tree.md lacks, or that it lists and are gone."""
    named, real = listed(text), set(present())
    for path in sorted(real - named):
        yield "%s:1: %s has no line for this file" % (path, TREE)
    for path in sorted(path for path in named - real if not os.path.exists(path)):
        yield "%s: %s is listed, but is not there" % (TREE, path)


def floors():
    """The kernel's folders, from low to high."""
    return [name for name in check_layers.ORDER
            if name == "libs" or os.path.isdir(os.path.join("kern", name))]


def section(text, title):
    """The text of the section with this title, or ""."""
    found = re.search(r"^## %s\n(.*?)(?=^## |\Z)" % re.escape(title), text, re.M | re.S)
    return found.group(1) if found else ""


def check_floors(readme, tree):
    """Complaints if one of the pages has another order of the folders than check_layers.py."""
    drawn = re.findall(r"^    (\w+) ", section(readme, "The floors of the kernel"), re.M)
    wanted = [name for name in reversed(floors()) if name != "test"]
    if drawn != wanted:
        yield "%s: the floors of the kernel are, from above: %s" % (README, " ".join(wanted))
    order = " < ".join(floors())
    if order not in " ".join(section(tree, "The order of the folders").split()):
        yield "%s: the order of the folders is: %s" % (TREE, order)


def check_names(text, source):
    """The words in the right column of the table must be somewhere in the kernel's source."""
    for row in re.findall(r"^\| .*\|$", section(text, "If you know ucore"), re.M):
        for quoted in re.findall(r"`([^`]+)`", row.split("|")[2]):
            for word in re.findall(r"[A-Za-z_]\w{2,}", re.sub(r"\([^)]*\)", "", quoted)):
                if not re.search(r"\b%s\b" % word, source):
                    yield "%s: there is no %s in the kernel" % (README, word)


def kernel_source():
    """All of kern/ and libs/ as one text, and the names of the files."""
    found = []
    for top in ("kern", "libs"):
        for place, _, names in os.walk(top):
            found += names
            found += [text_of(os.path.join(place, name)) for name in names]
    return "\n".join(found)


def pages(root="."):
    """The pages for readers, as paths from the root."""
    for folder in ("", "docs"):
        if os.path.isdir(os.path.join(root, folder)):
            for name in sorted(os.listdir(os.path.join(root, folder))):
                if name.endswith(".md"):
                    yield os.path.join(folder, name)


def check_links(root="."):
    """Relative links, and paths in backquotes, that lead nowhere."""
    for page in pages(root):
        for number, line in enumerate(text_of(os.path.join(root, page)).splitlines(), 1):
            if line.startswith("    "):
                continue
            places = [(os.path.dirname(page), target) for target in LINK.findall(line)
                      if "://" not in target]
            places += [("", target) for target in PATH.findall(line)]
            for folder, target in places:
                if not PLACEHOLDER.search(target) and \
                        not os.path.exists(os.path.join(root, folder, target)):
                    yield "%s:%d: %s is not there" % (page, number, target)


def main():
    readme, tree = text_of(README), text_of(TREE)
    problems = list(check_tree(tree)) + list(check_floors(readme, tree))
    problems += list(check_names(readme, kernel_source())) + list(check_links())
    lines = len(readme.splitlines())
    if lines > MAX_README:
        problems.append("%s: %d lines; at most %d: what is long has a page in docs/"
                        % (README, lines, MAX_README))
    print("".join(problem + "\n" for problem in problems), end="")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
