"""The hints of the exercises in another language than English: hints.zh.txt, and how it is read.

The file has a part for each exercise, "[5.4]", with the hint as it stands in the blank regions: its
paragraphs are those of Exercise.hint, one by one, and so are the ids of regions in front of ": ".
tools/book/chinese.py holds it to the English hints. A language without such a file has English
ones.
"""
import os
import re

FOLDER = os.path.dirname(os.path.abspath(__file__))
PART = re.compile(r"^\[(\d\.\w)\]\n", re.M)


def load(language):
    """{exercise: its hint} in a language; {} if there are none."""
    path = os.path.join(FOLDER, "hints.%s.txt" % language)
    if not os.path.isfile(path):
        return {}
    with open(path, encoding="utf-8") as file:
        parts = PART.split(file.read())[1:]
    return {number: "\n" + text.strip("\n") for number, text in zip(parts[::2], parts[1::2])}


def paragraphs(hint):
    """The paragraphs of a hint, which blank lines part."""
    return re.split(r"\n\s*\n", hint.strip("\n"))
