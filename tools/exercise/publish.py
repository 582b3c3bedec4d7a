"""`tools/lab publish REPO`: the handouts of a course, as commits on a branch that students pull.

Each commit is the handout of one assignment. What a student is ever to write is blank in all of
them, to the byte, until the end of the course: so the history never held a solution, and a pull
merges without a conflict what a student wrote in the regions. A branch with any commit that is no
handout is refused, because nobody can say what it held, and so is one with an object, in whatever
commit, in which there is more than a handout of this course may tell.

The files are put into git's store beside whatever is checked out there; no file of the repository's
folder is touched.
"""
import os
import re
import subprocess

from exercise import deliver, handout, manifest
from exercise.regions import RegionError, parse, parse_tree

WORKFLOW = ".github/workflows/grade.yml"
ADDRESS = re.compile(r"[\w.+-]+://|[^/]+:")      # of a repository elsewhere, as git takes it
WORDS = 12                                      # so long a text is in no other file by chance


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
        if not self.run("check-ref-format", "--branch", name, folder=".", fails=""):
            raise PublishError("--branch %s: git allows no branch of this name" % name)
        if not os.path.exists(repository) or os.path.isdir(repository) \
                and not os.listdir(repository):
            if ADDRESS.match(repository):
                raise PublishError("%s is an address: publish into a folder, and push the branch "
                                   "from there" % repository)
            self.run("init", "-q", "--bare", repository, folder=".")
            self.run("symbolic-ref", "HEAD", self.ref)
        self.git_dir = self.run("rev-parse", "--absolute-git-dir", fails="").strip()
        bare = self.run("rev-parse", "--is-bare-repository", fails="").strip() == "true"
        top = self.git_dir if bare else self.run("rev-parse", "--show-toplevel", fails="").strip()
        if not top or os.path.realpath(top) != os.path.realpath(repository):
            raise PublishError("%s is no repository of git: name one, or a folder that is not there"
                               " yet" % repository)
        head = self.run("symbolic-ref", "-q", "HEAD", fails="")
        if not bare and head.strip() == self.ref:
            raise PublishError("the branch %s is checked out in %s, whose files would be older "
                               "than it: check out another one, or choose one by --branch"
                               % (name, repository))

    def run(self, *words, folder=None, fails=None, **more):
        """The output of git. If it fails that is a PublishError, or the text `fails`."""
        return self.bytes_of(words, folder, fails, b"", more).decode("utf-8", "replace")

    def bytes_of(self, words, folder=None, fails=None, given=b"", more=()):
        """The same as bytes; git reads `given`, and has some variables more."""
        try:
            done = subprocess.run(
                ["git", "-C", folder or self.folder, *words], input=given,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=dict(self.environment, LC_ALL="C", **dict(more)))
        except OSError as error:
            raise PublishError("git cannot be run: %s" % error.strerror) from None
        if done.returncode and fails is not None:
            return fails.encode()
        if done.returncode:
            lines = done.stderr.decode("utf-8", "replace").strip().split("\n")
            raise PublishError("git %s: %s" % (words[0], next(
                (line for line in lines if line.startswith(("fatal:", "error:"))), lines[0])))
        return done.stdout

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

    def files(self):
        """(path, content) of each file of each commit; what is equal in several comes once."""
        paths = dict(line.partition(" ")[::2] for line in self.run(
            "rev-list", "--objects", self.ref).split("\n") if " " in line)
        data, at = self.bytes_of(["cat-file", "--batch"], given="\n".join(paths).encode()), 0
        while at < len(data):
            end = data.index(b"\n", at)
            name, kind, size = data[at:end].decode().split()
            at = end + 1 + int(size)
            if kind == "blob":
                yield paths[name], data[end + 1:at].decode("utf-8", "replace")
            at += 1

    def others(self):
        """The names of all other branches and tags of the repository."""
        names = self.run("for-each-ref", "--format=%(refname)").split()
        return [name.split("/", 2)[-1] for name in names if name != self.ref
                and name.startswith(("refs/heads/", "refs/tags/"))]

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


def is_kept(root, branch):
    """Has the git of the teacher's tree all of which its version is made? If it has no git, that is
    not asked."""
    try:
        return not branch.run("status", "--porcelain", "--", *handout.VERSIONED, folder=root)
    except PublishError:
        return True


def check_blank(root, tree, about):
    """PublishError if a region of an exercise that is to be written at any time has a text which is
    not what a handout has there."""
    solved = {region.key: region.text for region in parse_tree(root)}
    for region in parse_tree(tree):
        if is_told(region, about.blank, solved):
            raise PublishError("%s:%d: the region %s of exercise %s is not blank" % (
                region.path, region.first, region.id, region.exercise))


def is_told(region, blank, solved):
    """Has a region, if its exercise is among those of `blank`, a text that no handout has there?
    `solved` has the reference's, {key: text}."""
    return region.exercise in blank and (
        region.form == "code" and not region.is_blank
        or bool(region.text.strip()) and region.text == solved.get(region.key))


def check_history(root, branch, published, blank):
    """PublishError if what is on the branch tells more than a handout in which the exercises of
    `blank` are to be written: in what its handouts say of themselves, or in any file."""
    for each in published:
        other = sorted(set(each.blank) ^ set(blank))
        if other:
            words = ("solved", "to be written")
            raise PublishError(
                "exercise %s is %s on the branch %s, and %s in this course: it is another course's,"
                " or the file has changed; choose another branch by --branch" % (
                    other[0], words[other[0] in each.blank], branch.name,
                    words[other[0] in blank]))
    solved = {region.key: region.text for region in parse_tree(root)}
    texts = [text for key, text in solved.items() if key[0] in blank and len(text.split()) > WORDS]
    for path, content in branch.files():
        try:
            told = any(is_told(region, blank, solved) for region in parse(content, path)) \
                if path.startswith(handout.CODE) else any(text in content for text in texts)
        except RegionError:
            told = True
        if told:
            raise PublishError("the branch %s has a commit in which %s holds a solution: choose "
                               "another branch by --branch" % (branch.name, path))


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
    published = branch.history()
    wanted = chosen(course.assignments, published, options.assignment)
    if published:
        check_history(root, branch, published, handout.CoursePlan(labs, course, wanted[0]).blank)
    for one in wanted:
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
    if not is_kept(root, branch):
        print("note: this tree has changes that are not committed: commit them, or no `tools/lab "
              "regrade --version` finds it again")
    others = branch.others()
    if others:
        print("note: %s has %s too: let students reach the branch %s only, as by `git push URL %s`"
              % (options.repository, manifest.some(others, ", "), branch.name, branch.name))
    return 0
