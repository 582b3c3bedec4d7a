"""The reference with the patch of a task in it, for those who grade.

patches.py reads a patch and knows no tree; here it is held against one. A Place is read once for
all hand-ins, as the Reference of marks.py of which it is a part: what of the tree a patch may
change, which names it may not define, and the tests that are laid over it. Students do not have
this file: a handout has no reference.
"""
import os

from exercise import graft, patches
from exercise.patches import PatchError
from exercise.regions import WORD, source_files
from tasks.catalogue import text_of

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "taskpatches")


def solution_of(number):
    """The patch that solves a task; what stands before its first file is for readers."""
    text = text_of(os.path.join(FOLDER, number, "solution.patch"))
    return text[text.index("--- "):]


class Place:
    """Where a task's patch goes: task, present (the paths of all code of the reference), texts (of
    the files that the patch may change), overlay (of those by which it is tested)."""

    def __init__(self, root, task):
        self.root, self.task, self.overlay = root, task, task.overlay(root)
        self.present = set(source_files(root, *patches.CODE))
        self.texts = {path: patches.text_in(root, path) for path in self.present
                      if task.may_change(path)}
        # No macro of a patch may change what the tests say, nor what counts for them. A source of
        # the patch is in no test, but may come before a header that counts.
        words = {path: set(WORD.findall(graft.LITERAL.sub(" ", text)))
                 for path, text in self.overlay.items()}
        self.taken = {".h": graft.KEYWORDS.union(*words.values()),
                      ".c": graft.KEYWORDS.union(*(words[path] for path in task.edits))}

    def apply(self, text):
        """{path: text} of the files that a patch changes; PatchError if it is refused."""
        changes = patches.parse(text)
        result = patches.apply(self.task, changes, self.texts, self.present)
        if not result:
            raise PatchError("the patch", "nothing is changed in it")
        patches.vet_all(self.task, self.texts, result, self.present, self.taken)
        return result

    def kernels(self, applied):
        """{path: text} of the kernel by which the patch of this task is tested; and of another one
        for when that does not build, with the hand-in's other patches. `applied` has them all as
        apply() gives them, {task: {path: text}}.

        Whoever does two tasks in one tree changes files that both of them allow: then each patch
        has parts of the other task there, and calls what only the other patch has."""
        own = applied[self.task.number]
        yield {**own, **self.overlay}
        more = {path: text for texts in applied.values() for path, text in texts.items()
                if path not in own and not self.task.is_test(path)}
        old = {path: patches.text_in(self.root, path) for path in more if path in self.present}
        try:
            patches.vet_all(self.task, old, more, self.present.union(own), self.taken)
        except PatchError:
            return                      # it has what no kernel may have in which this is tested
        if more:
            yield {**more, **own, **self.overlay}

    def take(self, found):
        """(what apply() gives for the patch in a Handin, why there is none, whether that may be
        because the patch is of another version)."""
        if self.task.number not in found.patches:
            return None, "the hand-in has no patch for it", False
        text, line = found.patches[self.task.number]
        try:
            return self.apply(text), "", False
        except PatchError as error:
            return None, "%s (the patch begins in line %d of the hand-in)" % (
                error, line), isinstance(error, patches.Unfit)
