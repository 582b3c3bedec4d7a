#!/usr/bin/env python3
"""Write the drawings of the labs: docs/pictures/NAME.svg, and docs/pictures/zh in Chinese.

    makepictures.py             write them all
    makepictures.py --check     say which are not as they would be written

They are made of pictures_memory.py and pictures_files.py, and of the kernel's headers: a name or a
number that has changed there changes the drawing, or is told. words.zh.txt has the Chinese words;
what has none there, or does not fit into its box, is told too. `make test` runs the check.
"""
import argparse
import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import cli
from book import pictures_files, pictures_memory
from book.drawing import Facts
from book.words import DrawingError, English, Words

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join("docs", "pictures")
CHINESE = "zh"


def all_drawings(root, words=None):
    """Each Drawing of this tree, in the language of the words. Lines of their table that nothing
    uses are wrong."""
    facts = Facts(root, words or English())
    made = [make(facts) for make in pictures_memory.ALL + pictures_files.ALL]
    if facts.words.unused():
        raise DrawingError("\n".join(facts.words.unused()))
    return made


def wanted(root):
    """{path in FOLDER: text} of all files."""
    made = {each.name + ".svg": each.svg() for each in all_drawings(root)}
    made.update((os.path.join(CHINESE, each.name + ".svg"), each.svg())
                for each in all_drawings(root, Words(CHINESE)))
    return made


def differences(root):
    """Sentences about files that are not what would be written."""
    files = wanted(root)
    there = {os.path.relpath(os.path.join(place, name), os.path.join(root, FOLDER))
             for place, _, names in os.walk(os.path.join(root, FOLDER)) for name in names}
    for name in sorted(there | set(files)):
        path = os.path.join(FOLDER, name)
        if name not in files:
            yield "%s: no drawing has this name" % path
        elif name not in there or open_text(os.path.join(root, path)) != files[name]:
            yield "%s: run python3 tools/book/makepictures.py" % path


def open_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    files = wanted(ROOT)
    if options.check:
        return cli.tell(list(differences(ROOT)), "%d drawings" % len(files))
    os.makedirs(os.path.join(ROOT, FOLDER, CHINESE), exist_ok=True)
    for name, text in files.items():
        with open(os.path.join(ROOT, FOLDER, name), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    print("%d drawings in %s" % (len(files), FOLDER))
    return 0


if __name__ == "__main__":
    sys.exit(cli.run("makepictures", main, (DrawingError,)))
