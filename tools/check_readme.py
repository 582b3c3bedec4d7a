#!/usr/bin/env python3
"""Check that README.md has a line for each source file, and no line for one that is gone."""
import os
import re
import sys

FOLDERS = ("libs", "kern", "user", "tools")
# Told of in one line each.
MANY = (os.path.join("tools", "mutants"), os.path.join("tools", "test", "corpus"))


def listed(text):
    """The files that README.md lists: a folder's title, then indented lines with names."""
    folder, files = None, set()
    for line in text.splitlines():
        title = re.match(r"`((?:%s)\S*)/`:" % "|".join(FOLDERS), line)
        entry = re.match(r"    (\S+)\s+\S", line)
        if title:
            folder = title.group(1)
        elif entry and folder:
            files.add(folder + "/" + entry.group(1))
        elif line.strip():
            folder = None
    return files


def present():
    for top in FOLDERS:
        for place, _, names in os.walk(top):
            for name in names:
                if not place.endswith("__pycache__") and not place.startswith(MANY):
                    yield os.path.join(place, name).replace(os.sep, "/")


def main():
    with open("README.md", encoding="utf-8") as file:
        named = listed(file.read())
    real = set(present())
    for path in sorted(real - named):
        print("%s:1: README.md has no line for this file" % path)
    for path in sorted(named - real):
        print("README.md: %s is listed, but is not there" % path)
    return 1 if named != real else 0


if __name__ == "__main__":
    sys.exit(main())
