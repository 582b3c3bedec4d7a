#!/usr/bin/env python3
"""Write the drawings of the labs: docs/pictures/NAME.svg.

    makepictures.py             write them all
    makepictures.py --check     say which are not as they would be written

They are made of pictures_memory.py and pictures_files.py, and of the kernel's headers: a name or a
number that has changed there changes the drawing, or is told. `make test` runs the check.
"""
import argparse
import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import cli
from book import pictures_files, pictures_memory
from book.drawing import DrawingError, Facts

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join("docs", "pictures")


def all_drawings(root):
    """Each Drawing of this tree."""
    facts = Facts(root)
    return [make(facts) for make in pictures_memory.ALL + pictures_files.ALL]


def differences(root):
    """Sentences about files that are not what would be written."""
    wanted = {drawing.name + ".svg": drawing.svg() for drawing in all_drawings(root)}
    folder = os.path.join(root, FOLDER)
    there = set(os.listdir(folder)) if os.path.isdir(folder) else set()
    for name in sorted(there | set(wanted)):
        path = os.path.join(folder, name)
        if name not in wanted:
            yield "%s: no drawing has this name" % os.path.join(FOLDER, name)
        elif name not in there or open_text(path) != wanted[name]:
            yield "%s: run python3 tools/book/makepictures.py" % os.path.join(FOLDER, name)


def open_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    if options.check:
        return cli.tell(list(differences(ROOT)), "%d drawings" % len(all_drawings(ROOT)))
    os.makedirs(os.path.join(ROOT, FOLDER), exist_ok=True)
    for drawing in all_drawings(ROOT):
        with open(os.path.join(ROOT, FOLDER, drawing.name + ".svg"), "w", encoding="utf-8",
                  newline="\n") as file:
            file.write(drawing.svg())
    print("%d drawings in %s" % (len(all_drawings(ROOT)), FOLDER))
    return 0


if __name__ == "__main__":
    sys.exit(cli.run("makepictures", main, (DrawingError,)))
