"""The commands of tools/lab that a teacher has besides `grade`.

They grade again, and make hand-ins to try the graders with; docs/course.md tells how they are used.
add() adds them to the command line of tools/lab, in a tree that is no handout. Each command is done
by a module of its own, which is imported for it alone. What a command cannot do is
a ValueError, whose text is for the teacher.
"""
import os
import sys

REGRADE_EPILOG = """
Some exercises of a whole course, after a test was mended; all other marks are taken from the JSON
of the grading before, and a table says whose mark moved:

  tools/lab regrade collected/*.txt --exercises 5.4 --before marks.json --csv new.csv

One hand-in, after an appeal, by the version that its report names; the same bytes come out again:

  tools/lab regrade ada.txt --version 0123456789ab-89abcdef --lab 5

Without --texts, --json or --csv the report is printed. All options of `grade` can be given.
"""


def do_regrade(root, options):
    """Grade again: some exercises, or by an earlier version."""
    from exercise import appeal, regrade
    from exercise.gradebook import GradeError
    if options.version:
        return appeal.run(root, options, sys.argv[2:])
    if not options.before:
        raise GradeError("say --before FILE, the JSON of the grading whose marks stay, or "
                         "--version")
    return regrade.run(root, options)


def do_generate(root, options):
    """Make hand-ins."""
    from exercise import generate
    return generate.run(root, options)


def do_statistics(root, options):
    """Count what failed."""
    from exercise import statistics
    return statistics.run(options)


def add_statistics(add_command, with_root):
    """The options of `statistics`."""
    option = add_command("statistics", with_root(do_statistics), "count which test fails how often")
    option("files", nargs="+", metavar="JSON", help="what `grade --json` has written")
    option("--like", metavar="JSON", help="the same of wrong solutions: see generate --mutants")
    option("-o", "--output", metavar="FILE", help="write it as HTML")
    option("--csv", metavar="FILE", help="as a table for a spreadsheet")
    option("--markdown", metavar="FILE", help="as Markdown")


def do_similar(root, options):
    """Compare texts."""
    from exercise import similar
    return similar.run(root, options)


def add_similar(add_command, with_root):
    """The options of `similar`."""
    option = add_command("similar", with_root(do_similar), "show which hand-ins have code in "
                         "common")
    option("files", nargs="+", metavar="FILE", help="hand-in, tree, folder or archive")
    option("--years", nargs="+", default=[], metavar="FOLDER", help="hand-ins of former years")
    option("--lab", default="", metavar="N", help="only this lab")
    option("--exercises", default="", metavar="N.M,...", help="only these")
    option("--least", type=number, default=24, metavar="N", help="a piece of code counts from so "
           "many tokens on; %(default)s")
    option("--show", type=number, default=50, metavar="N", help="so many rows of each "
           "table; %(default)s")
    option("-o", "--output", metavar="FILE", help="write HTML with the texts side by side")
    option("--csv", metavar="FILE", help="write all rows of both tables")
    option("--pseudonyms", metavar="FILE", help="show these, as `grade` does")


def do_work(root, options):
    """Grade a batch."""
    from exercise import batch
    return batch.run(root, options.batch, len(os.sched_getaffinity(0)))


def number(text):
    """A number of an option, from 1 on."""
    value = int(text)
    if value < 1:
        raise ValueError()
    return value


def add_generate(add_command, with_root):
    """The options of `generate`."""
    option = add_command("generate", with_root(do_generate), "make hand-ins of a lab, to try what "
                         "grades them")
    option("lab", metavar="LAB", help="its number")
    option("-n", "--count", type=number, default=20, metavar="N", help="so many; %(default)s")
    option("--seed", default="1", help="another one gives other hand-ins; %(default)s")
    option("--mutants", action="store_true", help="one for each wrong solution of tools/mutants")
    option("-o", "--output", metavar="FOLDER", required=True, help="a new folder")


def add(root, add_command, add_files):
    """Add the commands. add_command(name, function, words, epilog) gives the add_argument() of a
    new one; add_files(add) adds what all have that grade."""
    def with_root(function):
        return lambda options: function(root, options)

    option = add_command("regrade", with_root(do_regrade), "grade some exercises again, or one "
                         "hand-in by an earlier version", REGRADE_EPILOG)
    add_files(option)
    option("--before", metavar="JSON", help="the grading whose other marks stay; its policy, too")
    option("--moved", metavar="FILE", help="write the table of marks that moved, as CSV")
    option("--version", metavar="V", help="grade by this version of the tree and its tools")
    option("--tree", metavar="PATH", help="a folder or an archive that has this version; without "
           "it this tree's git is searched")
    option("--policy", choices=("best", "both", "alone", "together"), default="best",
           help="with --version: which mark counts; %(default)s")
    option = add_command("work", with_root(do_work), "grade a batch of `grade --jobs ssh` or slurm")
    option("batch", metavar="FILE", help="what that has written")
    add_generate(add_command, with_root)
    add_statistics(add_command, with_root)
    add_similar(add_command, with_root)
