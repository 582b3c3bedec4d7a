"""Planted faults: what the commands share that show that a method finds the faults it is for.

    faults = read_all(options.names, FOLDER)
    with pool.shops("crashes", ROOT, options, Planter) as workers:
        for fault, (found, how) in results(workers, faults, jobs):

A folder has a file for each fault: its title, what the command must know of it, and the change, in
the form of a mutant (exercise/mutants.py), which may be anywhere in the tree. A worker builds the
change in a copy of the tree and looks whether the method finds it. What was found is a table at the
end of a page of docs/.
"""
import argparse
import glob
import os

from exercise.mutants import MutantError, parse
from exercise.trials import add_options
from exercise.workshop import WorkshopError
from labs.catalogue import LabError

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADS = ("title", "test")


def planted(fault, root):
    """{path: text} of the files that a fault changes."""
    texts = {}
    for edit in fault.edits:
        if edit.path not in texts:
            try:
                with open(os.path.join(root, edit.path), encoding="utf-8") as file:
                    texts[edit.path] = file.read()
            except OSError as error:
                raise MutantError(fault.source, edit.line, error)
        old, new = ("".join(line + "\n" for line in part) for part in (edit.old, edit.new))
        if ("\n" + texts[edit.path]).count("\n" + old) != 1:
            raise MutantError(fault.source, edit.line,
                              "the old lines are not just once in %s" % edit.path)
        texts[edit.path] = ("\n" + texts[edit.path]).replace("\n" + old, "\n" + new, 1)[1:]
    return texts


def read(path, root=ROOT, heads=HEADS):
    """(the fault of a file, the texts that it makes)."""
    try:
        with open(path, encoding="utf-8") as file:
            fault = parse(file.read(), path, heads)
    except (OSError, UnicodeDecodeError) as error:
        raise MutantError(path, 1, error)
    return fault, planted(fault, root)


def sources(names, folder):
    """The files of these faults of a folder, or all of it."""
    known = {os.path.splitext(os.path.basename(path))[0]: path
             for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.txt")))}
    if not known:
        raise LabError("there are no planted faults here: a handout has none")
    for name in names:
        if name not in known:
            raise LabError("there is no planted fault %s; there are: %s" % (
                name, " ".join(known)))
    return [known[name] for name in names or known]


def read_all(names, folder, heads=HEADS):
    """[(fault, texts)] of these names of a folder, or of all."""
    return [read(path, heads=heads) for path in sources(names, folder)]


def arguments(description, folder, page, *switches):
    """The command line, read: names of faults, --write, and these (switch, its help) beside."""
    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="of a file of tools/%s; without: all"
        % os.path.basename(folder))
    for switch, text in switches:
        add(switch, action="store_true", help=text)
    add("--write", action="store_true", help="write the table into docs/%s"
        % os.path.basename(page))
    add_options(add)
    options = parser.parse_args()
    if options.write and options.names:
        parser.error("--write is for the whole table")
    return options


def results(workers, faults, jobs):
    """(fault, what its worker gives) for each of these (fault, texts), in their order. A worker
    gives first why the fault could not be tried, or ""; the rest is handed on."""
    for (fault, _), result in zip(faults, workers.in_order(jobs)):
        why = result if isinstance(result, str) else result[0]
        if why:
            raise WorkshopError("%s: %s" % (fault.name, why))
        yield fault, result[1:]


def write(table, page, mark):
    """Put the table in place of the old one, which is the end of the page."""
    with open(page, encoding="utf-8") as file:
        text = file.read()
    with open(page, "w", encoding="utf-8") as file:
        file.write(text.partition(mark)[0] + mark + "\n" + table)


def summary(planted_faults, missed):
    """The last line, for so many faults."""
    return "%d faults planted: %d found, %d not found" % (
        planted_faults, planted_faults - missed, missed)
