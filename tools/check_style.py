#!/usr/bin/env python3
"""Check the style that a program can check.

    check_style.py                      all rules
    check_style.py --prose [FOLDER...]  the rules for comments only: what breaks them in these
                                        folders, and a table that shows how each folder stands

No function over 60 lines, no file over 500, no line over 100 columns, no tab but in makefiles, no
blank at the end of a line, no note of unfinished work, no word in C that a C library defines too,
and a comment at the head of each file. The rules for comments are in check_prose.py.
"""
import ast
import os
import re
import sys

import cli
import check_prose

MAX_FUNCTION, MAX_FILE, MAX_COLUMNS = 60, 500, 100
FOLDERS = ("kern", "libs", "user", "tools")
FILES = ("Makefile", "grade.sh", ".ci/run")
RULES = ("head", "public", "static")
KINDS = (".c", ".h", ".S", ".ld", ".py", ".sh", ".mk")
# Written in two parts, so that this file passes its own check.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
# libs/defs.h has others for them, and says why it knows these.
LIBRARY_WORDS = re.compile(r"\b__(noreturn|always_inline|noinline|unused)\b(?!__)")
KNOWS_THEM = "libs/defs.h"
C_HEAD = re.compile(r"[A-Za-z_].*\(")
ASM_LABEL = re.compile(r"([A-Za-z_][\w.]*):")


def sources():
    """The paths of all files that are checked."""
    for name in FILES:
        if os.path.exists(name):
            yield name
    for top in FOLDERS:
        for folder, folders, names in os.walk(top):
            folders[:] = sorted(f for f in folders if f != "__pycache__")
            for name in sorted(names):
                if name.endswith(KINDS):
                    yield os.path.join(folder, name)


def c_functions(lines):
    """(name, first line, last line) of each function: closed by a } in column 1."""
    head = start = None
    for number, line in enumerate(lines, 1):
        if C_HEAD.match(line) and not line.endswith(";") and start is None:
            head = number
        if line == "{" or (head == number and line.endswith("{") and "=" not in line):
            start = head
        elif line.startswith("}"):
            if start:
                yield re.sub(r".*?(\w+)\(.*", r"\1", lines[start - 1]), start, number
            head = start = None
        elif not line or line.endswith(";"):
            head = head if start else None


def asm_functions(lines):
    """From one global or plain label to the next; comments before it are not counted."""
    found = [(number, ASM_LABEL.match(line).group(1)) for number, line in enumerate(lines, 1)
             if ASM_LABEL.match(line)]
    for index, (number, name) in enumerate(found):
        last = found[index + 1][0] - 1 if index + 1 < len(found) else len(lines)
        while last > number and re.match(r"\s*($|#|//|/?\*|\.(globl|section|text|balign|align))",
                                         lines[last - 1]):
            last -= 1
        yield name, number, last


def python_functions(lines):
    tree = ast.parse("\n".join(lines))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno


FUNCTIONS = {".c": c_functions, ".h": c_functions, ".S": asm_functions, ".py": python_functions}


def has_head(lines):
    rest = lines[1:] if lines and lines[0].startswith("#!") else lines
    first = next((line for line in rest if line.strip()), "")
    return first.startswith(("/*", "//", "# ", "##", '"""'))


def check_lines(path, lines):
    """A sentence about each breach of a rule that a line alone can break."""
    makefile = path.endswith((".mk", "Makefile"))
    for number, line in enumerate(lines, 1):
        where = "%s:%d: " % (path, number)
        if len(line.expandtabs(8)) > MAX_COLUMNS:
            yield where + "longer than %d columns" % MAX_COLUMNS
        if "\t" in line and not makefile:
            yield where + "a tab; indent with blanks"
        if line != line.rstrip():
            yield where + "blanks at the end of the line"
        if UNFINISHED.search(line):
            yield where + "a note of unfinished work"
        word = LIBRARY_WORDS.search(line)
        if word and path.endswith((".c", ".h", ".S")) and path != KNOWS_THEM:
            yield where + "%s is a C library's too; libs/defs.h has another word" % word.group()


def check(path):
    """A sentence about each breach of style in a file."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        yield "%s:1: cannot be read: %s" % (path, error)
        return
    lines = text.split("\n")
    if lines.pop() != "":
        yield "%s:%d: no end of line at the end of the file" % (path, len(lines) + 1)
        lines = text.split("\n")
    if not has_head(lines):
        yield "%s:1: no comment that says what the file is" % path
    if len(lines) > MAX_FILE:
        yield "%s:%d: the file has %d lines; %d are the limit" % (
            path, MAX_FILE + 1, len(lines), MAX_FILE)
    yield from check_lines(path, lines)
    try:
        functions = list(FUNCTIONS.get(os.path.splitext(path)[1], lambda _: ())(lines))
    except SyntaxError as error:
        yield "%s:%d: not Python: %s" % (path, error.lineno or 1, error.msg)
        return
    for name, first, last in functions:
        if last - first + 1 > MAX_FUNCTION:
            yield "%s:%d: %s has %d lines; %d are the limit" % (
                path, first, name, last - first + 1, MAX_FUNCTION)


def breaches_of_prose(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    functions = FUNCTIONS.get(os.path.splitext(path)[1], lambda _: ())(text.split("\n"))
    return text, list(check_prose.check(path, text, functions))


def check_comments(paths):
    """What breaks the rules for comments. A file that cannot be read was told of before."""
    texts = []
    for path in paths:
        try:
            text, breaches = breaches_of_prose(path)
        except (OSError, UnicodeDecodeError, SyntaxError):
            continue
        texts.append((path, text))
        for _, line, message in breaches:
            yield "%s:%d: %s" % (path, line, message)
    said, enough = check_prose.kernel_share(check_prose.share(texts))
    if not enough:
        yield "kern:1: " + said


def list_prose(folders):
    """Print what is open in these folders, then a table of all of them."""
    open_places, texts = {}, []
    for path in sources():
        if not folders or path.startswith(tuple(folder.rstrip("/") + "/" for folder in folders)):
            text, breaches = breaches_of_prose(path)
            texts.append((path, text))
            for rule, line, message in breaches:
                print("%s:%d: %s" % (path, line, message))
                row = open_places.setdefault(os.path.dirname(path), dict.fromkeys(RULES, 0))
                row[rule] += 1
    shares = check_prose.share(texts)
    print("%-16s" % "open" + "".join("%8s" % rule for rule in RULES) + "  lines with a comment")
    for folder in sorted(set(open_places) | set(shares)):
        row = open_places.get(folder, dict.fromkeys(RULES, 0))
        print("%-16s" % folder + "".join("%8d" % row[rule] for rule in RULES)
              + ("  %3d %%" % (100 * shares[folder][0] // shares[folder][1])
                 if folder in shares else ""))
    print(check_prose.kernel_share(shares)[0])


def main():
    if sys.argv[1:2] == ["--prose"]:
        list_prose(sys.argv[2:])
        return 0
    if sys.argv[1:]:
        sys.exit("usage: tools/check_style.py [--prose [FOLDER...]]")
    paths = list(sources())
    errors = [error for path in paths for error in check(path)] + list(check_comments(paths))
    return cli.tell(errors, "%d files, %d breaches of style" % (len(paths), len(errors)))


if __name__ == "__main__":
    sys.exit(main())
