"""What the commands of tools/lab do with a course: they read its file, and do what it says.

A teacher's tree has a course file, or is told one by --course (syllabus.py). A student's tree has
none: its .handout.json tells what it may know (assignment.py). The modules that only teachers have
are imported only where a teacher's command needs them, because a handout has this file too.

tools/lab reads the command line, and calls what is here.
"""
import os

import scratch
from exercise import assignment, carry, handin, manifest, mend
from labs import catalogue
from tasks import catalogue as tasks


class WorkError(ValueError):
    """A command cannot do what was asked; the text is for its user."""


def add_options(add):
    """The options that name an assignment of a course."""
    add("--assignment", default="", metavar="NAME", help="an assignment of the course")
    add("--course", default="", metavar="FILE", help="the course's file, or the name of one in "
        "tools/courses; course.ini at the top of the tree without it")


def add_handout_options(add):
    """Those of `handout`."""
    add_options(add)
    add("--hints", choices=assignment.HINTS, help="what blank regions and pages tell: all, first "
        "sentences, or nothing; full, or what the course's file says, without this")
    add("--language", default="", metavar="LL", help="of the labs' text: zh for labcodes.zh.md")


def add_grade_options(add):
    """Those of `grade`."""
    add_options(add)
    add("--times", default="", metavar="FILE", help="when each was handed in: a table with the "
        "columns file (or email, or id) and time; or mtime, the files' own times")
    add("--overrides", default="", metavar="FILE", help="what staff has decided: a table with the "
        "columns student, exercise (or total), mark, why")
    add("--earlier", nargs="+", default=[], metavar="FILE", help="tables of earlier assignments, "
        "which tell what free days were taken")


def read(root, options):
    """The syllabus.Course that --course names."""
    from exercise import syllabus
    return syllabus.read(root, options.course, catalogue.load())


def has_own(root):
    """Has a teacher put the file of a course at the top of this tree?"""
    if os.path.exists(os.path.join(root, manifest.NAME)):
        return False
    from exercise import syllabus
    return bool(syllabus.path_of(root, ""))


def without_assignment(options):
    """WorkError if a course is named, and none of its assignments: what is done then would be of a
    lab, with the points of the tests."""
    if options.course:
        raise WorkError("--course %s: which of its assignments? Say --assignment NAME; tools/lab "
                        "list --course %s shows them" % (options.course, options.course))


def show(root, options, show_exercise):
    """Print the assignments of a course, or one of them with its exercises and tasks.
    show_exercise() prints one, with the tests among which its own are, and its points. The result
    is the exit status."""
    if options.lab:
        raise WorkError("which one? Give the number of a lab, or --course and --assignment")
    dates, about = {}, manifest.load(root)
    briefs = about.assignments if about else []
    if not about:
        whole = read(root, options)
        briefs = [each.brief() for each in whole.assignments]
        dates = {each.name: each.dates() for each in whole.assignments}
    chosen = [assignment.find(briefs, options.assignment)] if options.assignment else briefs
    for each in chosen:
        words = dates.get(each.name, "due " + each.due if each.due else "")
        print("%s: %s, %d points%s" % (each.name, each.title, each.total, words and ", " + words))
        print("    " + ", ".join("%s: %d" % (number, each.points[number])
                                 for number in each.exercises))
    if options.assignment:
        shown = [(lab.tests, each) for lab in catalogue.load() for each in lab.exercises]
        for tests, each in shown + [(task.tests, task) for task in tasks.load()]:
            if each.number in chosen[0].points:
                show_exercise(tests, each, chosen[0].points[each.number])
    return 0


def grade(root, options):
    """Do what `tools/lab grade` was asked for, and return the exit status."""
    from exercise import gradebook, term
    if options.assignment and options.pseudonyms:
        raise WorkError("--pseudonyms: dates, members and decisions of a course are known by "
                        "names: grade --exercises instead of an --assignment")
    if options.assignment:
        return gradebook.run(term.CourseGrading(root, options, read(root, options)))
    without_assignment(options)
    for name in ("times", "overrides", "earlier"):
        if getattr(options, name):
            raise WorkError("--%s needs --assignment: it is about a course" % name)
    return gradebook.run(gradebook.Grading(root, options))


def plan_of(root, options):
    """The handout.Plan for a lab, or for an assignment of a course."""
    from exercise import handout, plans
    given = vars(options)               # the packages of course systems have fewer options
    if not options.assignment:
        without_assignment(options)
        if not options.lab:
            raise WorkError("of which lab? Give its number, or --assignment NAME")
        plan = handout.plan_of(options.lab, given.get("solved"), options.exercises)
    elif options.lab or given.get("solved") or options.exercises:
        raise WorkError("--assignment: the course's file says which exercises it has and what comes"
                        " solved: leave the lab, --solved and --exercises out")
    else:
        whole = read(root, options)
        plan = handout.CoursePlan(catalogue.load(), whole, whole.find(options.assignment))
    if given.get("language"):
        plan.speak(options.language)
    if given.get("hints"):
        plan.hints = dict.fromkeys(plan.blank, options.hints)
    return plan


# -- commands of their own

def do_carry(root, options):
    """Carry a student's work into a tree: this one, or from a teacher's tree into another one."""
    is_student = os.path.exists(os.path.join(root, manifest.NAME))
    return carry.run(options.into or root, options.tree, options.solved_from,
                     None if is_student else root)


def do_solution(root, options):
    """Write the solution of an assignment, for students who give it up."""
    from exercise import handout
    one = read(root, options).find(options.assignment)
    if not one.may_give_up:
        raise WorkError("the course's file has no line \"give up: yes\" for %s" % one.name)
    target = options.output or carry.SOLUTION % one.name
    handin.write(target, carry.solution(root, one, int(one.exercises[0][0]),
                                        handout.version_of(root)))
    print("%s: for those who take it by tools/lab carry --solved-from reference:%s"
          % (target, one.name))
    return 0


def do_publish(root, options, reference_uses, pages):
    """Publish the handouts of a course in a repository of git."""
    from exercise import publish
    whole = read(root, options)
    with reference_uses() as uses, scratch.folder("publish") as folder:
        if isinstance(uses, str):
            print("note: students are not told which functions of the kernel an exercise may use: "
                  + uses)
        return publish.run(root, whole, catalogue.load(), options,
                           None if isinstance(uses, str) else uses, pages(), folder)


def do_mend(root, options):
    """Put an erratum into a student's tree."""
    if not os.path.exists(os.path.join(root, manifest.NAME)):
        raise WorkError("`tools/lab mend` is for handouts; this tree is none")
    return mend.run(root, options.file)


def do_erratum(root, options):
    """Make an erratum of two handouts."""
    from exercise import erratum
    return erratum.run(root, options)


def add_erratum(root, add_command):
    """The options of `erratum`."""
    add = add_command("erratum", lambda options: do_erratum(root, options), "make a patch for "
                      "handouts that are out")
    add("old", metavar="OLD", help="the handout that is out, in a folder")
    add("new", metavar="NEW", help="the same, mended")
    add("--why", required=True, metavar="TEXT", help="what was wrong, for students")
    add("--changes", default="", metavar="N.M,...", help="the exercises of which it changes what "
        "a student must write")
    add("-o", "--output", default="erratum.patch", metavar="FILE", help="%(default)s")


def add_commands(root, add_command, reference_uses, pages):
    """Add the commands that only a course has. add_command(name, function, words) gives the
    add_argument() of a new one; reference_uses() and pages are what a handout is made with."""
    def with_root(function, *more):
        return lambda options: function(root, options, *more)

    add = add_command("carry", with_root(do_carry), "put what you wrote in an older tree into this "
                      "one")
    add("tree", nargs="?", default="", metavar="OLD_TREE", help="the older tree")
    add("--into", default="", metavar="TREE", help="another handout than this tree")
    add("--solved-from", action="append", default=[], metavar="reference:NAME",
        help="take the course's solution of this assignment, which you give up")
    add = add_command("mend", with_root(do_mend), "put an erratum of your course into this tree")
    add("file", metavar="FILE", help="the erratum")
    if os.path.exists(os.path.join(root, manifest.NAME)):
        return
    add_erratum(root, add_command)
    add = add_command("publish", with_root(do_publish, reference_uses, pages), "write the handouts "
                      "of a course as commits, for students to pull")
    add("repository", metavar="REPO", help="a repository of git; a new one is made")
    add("--branch", default="handouts", metavar="NAME", help="%(default)s")
    add("--actions", action="store_true", help="each with a workflow for students' repositories on "
        "GitHub, which grades what is due")
    add_options(add)
    add = add_command("solution", with_root(do_solution), "write the solution of an assignment, "
                      "for students who give it up")
    add_options(add)
    add("-o", "--output", metavar="FILE", help="reference-NAME.txt without it")
