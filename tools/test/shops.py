"""What tests have in place of a workshop: no kernel is built, and no machine is booted.

    shop = Shop(lambda text, exercise: Verdict.HANG if "HANGS" in text else Verdict.OK)
    result = marks.Examiner(reference, shop).marks(work, "best")

So policies, and the numbers of builds and boots, are tested in no time. What is built is the texts:
if another kernel than theirs is put back, again() tells.
"""
from types import SimpleNamespace

from grader.model import Outcome


class Shop:
    """It takes the place of a workshop: verdict() tells what each kernel would do, and the boots
    are counted. A text with the word BROKEN does not compile. `places` is as a Workshop has it."""

    def __init__(self, verdict, places=1):
        self.places = places
        self.verdict, self.folder, self.boots, self.texts = verdict, "/shop", 0, None
        self.pristine, self.objects, self.toolchain = "/pristine", "/shop/obj/x", "x"
        self.given = []             # of each variant: from where its objects may be taken

    def variant(self, texts, *compiled):
        self.texts = texts
        self.given.append(compiled)
        return self

    def products(self):
        return {"kernel": self.texts}

    def again(self, texts, products):
        """What is put back must be what was built of these texts."""
        if products != {"kernel": texts}:
            raise AssertionError("another kernel is put back")
        return self.variant(texts)

    def __enter__(self):
        self.output = "\n".join("%s:%d:1: error: it is broken" % (path, line) for path, text
                                in self.texts.items() for line, words in
                                enumerate(text.split("\n"), 1) if "BROKEN" in words)
        self.succeeded = not self.output
        return self

    def __exit__(self, *ignored):
        pass

    def host(self):
        """Each text is a kernel of its own."""
        return SimpleNamespace(image=SimpleNamespace(digest=str(self.texts)))

    def reference_host(self):
        return "reference"

    def judge(self, test, host):
        if host == "reference":
            return Outcome(test, self.verdict("", test.exercise))
        self.boots += 1
        return Outcome(test, self.verdict("".join(self.texts.values()), test.exercise))
