"""What is compiled of the tree itself for kernels in which an exercise is blank.

A region in a header is in so many objects that a hand-in without that exercise, like one without a
challenge, would take as long to compile as forty others. So all that is compiled with the blank
header is compiled once by a worker: with the tree's own texts, and nothing else.

    headers = Headers(reference, shop)
    with shop.variant(texts, *headers.compiled({"5.C"})) as built: ...

Only that build fills it. What a student's text becomes is never kept for the next student.
"""
from exercise.workshop import Compiled


class Headers:
    """What a Workshop has compiled of this kind, for one hand-in after the other.

    own   the exercises that have a region in a header
    kept  {exercises of these that are blank: what is Compiled then}
    """

    def __init__(self, reference, shop):
        self.reference, self.shop, self.kept = reference, shop, {}
        self.own = {region.exercise for region in reference.regions if region.path.endswith(".h")}

    def compiled(self, blank):
        """What may be taken for a kernel in which these exercises are blank: nothing if no header
        is another one then."""
        key = frozenset(self.own.intersection(blank))
        if key and key not in self.kept:
            made = Compiled()
            with self.shop.variant(self.reference.variant({}, key), made):
                made.is_full = True
            self.kept[key] = made
        return [self.kept[key]] if key else []
