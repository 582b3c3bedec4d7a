"""`tools/lab publish REPO`: the handouts of a course, as commits on a branch that students pull.

Each commit is the handout of one assignment. What a student is ever to write is blank in all of
them, to the byte, until the end of the course: so the history never held a solution, and a pull
merges without a conflict what a student wrote in the regions. A branch with any commit that is no
handout is refused, because nobody can say what it held.

The files are put into git's store beside whatever is checked out there; no file of the repository's
folder is touched.
"""
import os
import subprocess

from exercise import deliver, handout, manifest
from exercise.regions import parse_tree

WORKFLOW = ".github/workflows/grade.yml"


class PublishError(ValueError):
    """Nothing is published; the text is for the teacher."""


class Branch:
    """A branch of a repository of git; a new repository is made if there is none."""

    def __init__(self, repository, name):
        self.name, self.ref = name, "refs/heads/" + name
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith("GIT_") or key.startswith(("GIT_AUTHOR_",
                                                                             "GIT_COMMITTER_"))}
        self.folder = repository
        if not os.path.exists(repository):
            self.run("init", "-q", "--bare", repository, folder=".")
            self.run("symbolic-ref", "HEAD", self.ref)
        self.git_dir = self.run("rev-parse", "--absolute-git-dir").strip()
        bare = self.run("rev-parse", "--is-bare-repository").strip() == "true"
        head = self.run("symbolic-ref", "-q", "HEAD", fails="")
        if not bare and head.strip() == self.ref:
            raise PublishError("the branch %s is checked out in %s, whose files would be older "
                               "than it: check out another one, or choose one by --branch"
                               % (name, repository))

    def run(self, *words, folder=None, fails=None, **more):
        """The output of git. If it fails that is a PublishError, or the text `fails`."""
        try:
            done = subprocess.run(
                ["git", "-C", folder or self.folder, *words], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=dict(self.environment, LC_ALL="C", **more))
        except OSError as error:
            raise PublishError("git cannot be run: %s" % error.strerror) from None
        if done.returncode and fails is not None:
            return fails
        if done.returncode:
            lines = done.stderr.decode("utf-8", "replace").strip().split("\n")
            raise PublishError("git %s: %s" % (words[0], next(
                (line for line in lines if line.startswith(("fatal:", "error:"))), lines[0])))
        return done.stdout.decode("utf-8", "replace")

    def history(self):
        """The Manifests of the commits, the oldest first; PublishError if one is no handout's."""
        if not self.tip():
            return []
        found = []
        for commit in self.run("rev-list", "--reverse", self.ref).split():
            text = self.run("show", "%s:%s" % (commit, manifest.NAME), fails="")
            try:
                found.append(manifest.decode(text.encode("utf-8", "surrogateescape")))
            except ValueError:
                raise PublishError(
                    "the commit %s of the branch %s is no handout, and may hold a solution: choose "
                    "another branch by --branch" % (commit[:12], self.name)) from None
        return found

    def tip(self):
        """The last commit; "" if there is none."""
        return self.run("rev-parse", "-q", "--verify", self.ref, fails="").strip()

    def add(self, tree, index, message):
        """Add a commit with the files of a folder; False if these are what the tip has. `index` is
        a path for a file of git's own."""
        more = {"GIT_DIR": self.git_dir, "GIT_WORK_TREE": tree, "GIT_INDEX_FILE": index}
        self.run("add", "-A", "-f", ".", folder=tree, **more)
        content, tip = self.run("write-tree", folder=tree, **more).strip(), self.tip()
        if tip and self.run("rev-parse", tip + "^{tree}").strip() == content:
            return False
        parents = ["-p", tip] if tip else []
        commit = self.run("commit-tree", content, *parents, "-m", message).strip()
        self.run("update-ref", self.ref, commit, *([tip] if tip else []))
        return True


def check_blank(root, tree, about):
    """PublishError if a region of an exercise that is to be written at any time has a text which is
    not what a handout has there."""
    solved = {region.key: region.text for region in parse_tree(root)}
    for region in parse_tree(tree):
        if region.exercise in about.blank and region.form == "code" and not region.is_blank \
                or region.exercise in about.blank and region.text.strip() \
                and region.text == solved.get(region.key):
            raise PublishError("%s:%d: the region %s of exercise %s is not blank" % (
                region.path, region.first, region.id, region.exercise))


def check_solved(assignments):
    """PublishError if one of the assignments lets others come solved."""
    for each in assignments:
        if each.solved:
            raise PublishError("[%s] lets %s come solved, and with git a student's own text stands "
                               "there: say \"solved: none\"" % (each.name, ", ".join(each.solved)))


def chosen(assignments, published, name):
    """Those of the assignments that are to be published now: up to that one of this name, or all,
    from the last one that is there on. It may have been mended since."""
    names = [each.name for each in assignments]
    last = published[-1].name if published else names[0]
    if last not in names:
        raise PublishError("the last commit is of the assignment %s, which is not in this course"
                           % (last or "of no course"))
    end = names.index(name) if name else len(names) - 1
    if end < names.index(last):
        raise PublishError("%s is on the branch already, and %s behind it" % (name, last))
    return assignments[names.index(last):end + 1]


def run(root, course, labs, options, uses, pages, folder):
    """Publish, and print a line for each commit. `folder` is an empty one for what is made."""
    if options.assignment:
        course.find(options.assignment)
    check_solved(course.assignments)
    branch = Branch(options.repository, options.branch)
    for one in chosen(course.assignments, branch.history(), options.assignment):
        plan, tree = handout.CoursePlan(labs, course, one), os.path.join(folder, one.name)
        about = handout.make(root, plan, tree, uses, pages)
        check_blank(root, tree, about)
        if options.actions:
            os.makedirs(os.path.join(tree, os.path.dirname(WORKFLOW)))
            deliver.write(root, "actions", deliver.words_of(plan, (), "best", course.path),
                          os.path.join(tree, WORKFLOW))
        is_new = branch.add(tree, os.path.join(folder, "index"), "%s: %s\n\nVersion %s." % (
            one.name, one.title, about.version))
        print("%s: %s" % (one.name, "version " + about.version if is_new else "as it is there"),
              flush=True)
    return 0
