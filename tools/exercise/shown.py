"""What a handout shows of hints, beside the blank regions: its text of the labs, and tools/labs.

A Plan says for each blank exercise whether hints are full, short or none (plans.py). The text of
the labs has hints of its own, paragraphs that begin with **Hint or **提示: of short ones the first
sentence is left, or the first item of a list. tools/labs/labN.py has the hints of all regions of a
lab: there they become what the regions show.
"""
import re

from book import sources
from exercise.plans import FIRST

LIST = re.compile(r"(?:- .*\n(?:  .*\n)*)+")
SPAN = re.compile(r"(\*\*[^*]*\*\*[.。]? *)(.*)", re.S)


def text(whole, plan):
    """The text of the labs."""
    kept = []
    for part in re.split(r"^(?=##+ )", whole, flags=re.M):
        head = sources.EXERCISE.match(part)
        shown = plan.hints.get(head.group(1), "full") if head else "full"
        kept.append(part if shown == "full" else cut(part, shown == "short"))
    return "".join(kept)


def cut(part, is_short):
    """An exercise of the text without its hints, or with the first one only."""
    found = sources.HINTED.search(part)
    if not found:
        return part
    end = (part + "\n\n").index("\n\n", found.start()) + 2
    title, words = SPAN.match(part[found.start():end].strip()).groups()
    items = LIST.match(part, end) if not words else None
    first = re.match(r"- .*\n(?:  .*\n)*", items.group()).group() if items else words
    end = items.end() + 1 if items else end
    mark = "%s\n\n%s\n" % (title, first) if items else \
        "%s%s\n\n" % (title, FIRST.match(words).group())
    return part[:found.start()] + (mark if is_short else "") + part[end:]


def lab_file(whole, plan):
    """A file tools/labs/labN.py: each hint in it is what the blank region shows."""
    for lab in plan.all:
        for exercise in lab.exercises:
            if plan.hints.get(exercise.number, "full") != "full" and exercise.hint.strip():
                whole = whole.replace('"""%s"""' % exercise.hint,
                                      '"""%s"""' % plan.hint_of(exercise))
    return whole
